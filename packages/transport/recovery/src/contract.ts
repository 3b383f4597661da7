/**
 * What every loss detector, probe policy and ACK policy must do, as plain data: `run` throws where it does not. Free of any
 * test runner: `for (const { name, run } of lossDetectorCases) test(name, () => run(() => myDetector()))`.
 */
import type { RttView } from '@quiclab/congestion';
import { MILLISECOND, type Micros, NEVER, SECOND } from '@quiclab/sansio';
import type { AckPolicy, LossDetector, ProbePolicy, SentPacket, SentPackets } from './ports.ts';

export interface ContractCase<Subject> {
  readonly name: string;
  run(make: () => Subject): void;
}

/** The plainest `SentPackets`: an array. */
export class PlainSentPackets implements SentPackets {
  largestAcked = -1;
  outstanding: SentPacket[] = [];
  readonly lost: number[] = [];

  send(packetNumber: number, sentAt: Micros): void {
    this.outstanding.push({ packetNumber, sentAt, bytes: 1200, ackEliciting: true, inFlight: true });
  }

  acknowledge(packetNumber: number): void {
    this.largestAcked = Math.max(this.largestAcked, packetNumber);
    this.outstanding = this.outstanding.filter((packet) => packet.packetNumber !== packetNumber);
  }

  oldest(): SentPacket | undefined {
    return this.outstanding[0];
  }

  after(packetNumber: number): SentPacket | undefined {
    return this.outstanding.find((packet) => packet.packetNumber > packetNumber);
  }

  declareLost(packetNumber: number): void {
    this.outstanding = this.outstanding.filter((packet) => packet.packetNumber !== packetNumber);
    this.lost.push(packetNumber);
  }
}

const RTT: Micros = 40 * MILLISECOND;
const rtt: RttView = { latest: RTT, smoothed: RTT, variation: RTT / 2, min: RTT };

function must(claim: boolean, otherwise: string): void {
  if (!claim) throw new Error(otherwise);
}

export const lossDetectorCases: readonly ContractCase<LossDetector>[] = [
  {
    name: 'without an acknowledgement nothing is lost, however long it takes (RFC 9002 §6.1)',
    run(make) {
      const sent = new PlainSentPackets();
      for (let n = 0; n < 10; n++) sent.send(n, n);
      must(make().detect(3_600 * SECOND, sent, rtt) === NEVER, 'a timer was wanted');
      must(sent.lost.length === 0, `lost: ${sent.lost}`);
    },
  },
  {
    name: 'a packet sent after everything acknowledged is never lost',
    run(make) {
      const sent = new PlainSentPackets();
      for (let n = 0; n < 10; n++) sent.send(n, n);
      sent.acknowledge(5);
      const detector = make();
      detector.detect(RTT, sent, rtt);
      detector.detect(3_600 * SECOND, sent, rtt);
      must(!sent.lost.some((n) => n > 5), `lost: ${sent.lost}`);
    },
  },
  {
    name: 'a packet that a later one has overtaken is lost in the end',
    run(make) {
      const sent = new PlainSentPackets();
      sent.send(0, 0);
      sent.send(1, 0);
      sent.acknowledge(1);
      const detector = make();
      let now = RTT;
      for (let i = 0; i < 100 && sent.lost.length === 0; i++) {
        const again = detector.detect(now, sent, rtt);
        if (sent.lost.length > 0) break;
        must(again < NEVER, 'it is neither lost nor looked at again');
        now = again;
      }
      must(sent.lost.join() === '0', `lost: ${sent.lost}`);
    },
  },
  {
    name: 'a timer lies ahead, and when it fires something is lost: it makes progress',
    run(make) {
      for (let smoothed = 1; smoothed < 3_000; smoothed += 7) {
        const sent = new PlainSentPackets();
        const view: RttView = { latest: smoothed, smoothed, variation: 0, min: smoothed };
        for (let n = 0; n < 4; n++) sent.send(n, 1_000_003 + n);
        sent.acknowledge(3);
        const detector = make();
        let now = 1_000_007;
        for (let i = 0; i < 10; i++) {
          const again = detector.detect(now, sent, view);
          if (again === NEVER) break;
          must(Number.isSafeInteger(again) && again > now, `asked at ${now} to be asked again at ${again}`);
          const before = sent.lost.length;
          detector.detect((now = again), sent, view);
          must(sent.lost.length > before, `the timer fired at ${now} for nothing`);
        }
        must(sent.outstanding.length === 0, `still outstanding: ${sent.outstanding.map((packet) => packet.packetNumber)}`);
      }
    },
  },
  {
    name: 'so many packets behind is lost at once as the packet threshold says, and one less is not',
    run(make) {
      const { packetThreshold } = make();
      must(packetThreshold >= 1, `a threshold of ${packetThreshold}`);
      const behind = Math.min(packetThreshold, 1_000_000);
      const sent = new PlainSentPackets();
      for (const n of [0, 1, behind]) if (n === 0 || n !== sent.outstanding.at(-1)!.packetNumber) sent.send(n, 0);
      sent.acknowledge(behind);
      make().detect(1, sent, rtt);
      must(sent.lost.join() === (packetThreshold === NEVER ? '' : '0'), `lost, with ${behind} acknowledged: ${sent.lost}`);
    },
  },
  {
    name: 'being told of a loss that was none does no harm',
    run(make) {
      const sent = new PlainSentPackets();
      sent.send(0, 0);
      const detector = make();
      detector.onSpuriousLoss(sent.oldest()!, 7, RTT);
      must(detector.detect(RTT, sent, rtt) === NEVER, 'a timer was wanted');
    },
  },
  {
    name: 'however many losses were none, and however late it was seen, the next is found within a few round trips',
    run(make) {
      const sent = new PlainSentPackets();
      const detector = make();
      /** Sends two packets, of which the second arrives. Returns when the first is given up, or NEVER. */
      const lose = (packetNumber: number, now: Micros): Micros => {
        sent.send(packetNumber, now);
        sent.send(packetNumber + 1, now);
        sent.acknowledge(packetNumber + 1);
        for (let at = now + RTT, i = 0; i < 10 && at < NEVER; i++) {
          const again = detector.detect(at, sent, rtt);
          if (sent.lost.at(-1) === packetNumber) return at;
          at = again;
        }
        return NEVER;
      };
      let now = 0;
      for (let n = 0; n < 100; n++) {
        const packet: SentPacket = { packetNumber: 1_000_000 * n, sentAt: now, bytes: 1200, ackEliciting: true, inFlight: true };
        const lostAt = lose(packet.packetNumber, now);
        must(lostAt <= now + 8 * RTT, `after ${n} losses that were none, the next one is only seen after ${lostAt - now} µs`);
        now += 100 * SECOND;
        detector.onSpuriousLoss(packet, packet.packetNumber + 999_999, now);
      }
    },
  },
];

export const probePolicyCases: readonly ContractCase<ProbePolicy>[] = [
  {
    name: 'a timeout is whole, no less than the RTT and 1 ms, and finite after any number of them (RFC 9002 §6.2.1)',
    run(make) {
      for (const count of [0, 1, 2, 10, 50, 1_000, 1_000_000]) {
        const timeout = make().timeout(rtt, 0, count);
        must(Number.isSafeInteger(timeout), `${timeout} µs`);
        must(timeout >= RTT + MILLISECOND, `${timeout} µs at an RTT of ${RTT}`);
      }
      const none: RttView = { latest: 0, smoothed: 0, variation: 0, min: 0 };
      must(make().timeout(none, 0, 0) >= MILLISECOND, 'below the granularity of a timer');
    },
  },
  {
    name: 'timeouts never get shorter, and grow with what the peer may hold back',
    run(make) {
      const policy = make();
      for (let count = 0; count < 20; count++) {
        must(policy.timeout(rtt, 0, count + 1) >= policy.timeout(rtt, 0, count), `shorter after ${count + 1}`);
        must(policy.timeout(rtt, 25 * MILLISECOND, count) >= policy.timeout(rtt, 0, count) + 25 * MILLISECOND, 'max_ack_delay is left out');
      }
    },
  },
  {
    name: 'a probe is one datagram or two (RFC 9002 §6.2.4)',
    run(make) {
      for (let count = 0; count < 20; count++) {
        const datagrams = make().datagrams(count);
        must(datagrams === 1 || datagrams === 2, `${datagrams} datagrams`);
      }
    },
  },
];

/** How many ACKs leave for so many packets in order, one each ms from `first` on. */
function acksIn(policy: AckPolicy, first: number, packets: number): number {
  let acks = 0;
  let due = NEVER;
  for (let n = first; n < first + packets; n++) {
    const now = MILLISECOND * n;
    if (due <= now) {
      acks++;
      policy.onAckSent(due);
      due = NEVER;
    }
    due = Math.min(due, policy.onPacket(now, n, true, true, 0));
    if (due > now) continue;
    acks++;
    policy.onAckSent(now);
    due = NEVER;
  }
  return acks;
}

export const ackPolicyCases: readonly ContractCase<AckPolicy>[] = [
  {
    name: 'what elicits no ACK gets none, or two ends would never fall silent (RFC 9000 §13.2.1)',
    run(make) {
      const policy = make();
      for (let n = 0; n < 20; n++) {
        must(policy.onPacket(n, 2 * n, false, n % 2 === 0, 3) === NEVER, `packet ${2 * n} was to be answered`);
      }
    },
  },
  {
    name: 'what elicits one gets one, now or at a time to come',
    run(make) {
      const policy = make();
      for (let n = 0; n < 50; n++) {
        const now = 1_000 * n;
        const by = policy.onPacket(now, n, true, true, 0);
        must(by >= now && by < NEVER && Number.isSafeInteger(by), `at ${now}: by ${by}`);
        if (n % 5 === 4) policy.onAckSent(now);
      }
    },
  },
  {
    name: 'in a long transfer the sender hears again and again',
    run(make) {
      const policy = make();
      const acks = acksIn(policy, 0, 1_000);
      must(acks >= 4, `${acks} ACKs for 1,000 packets in a second`);
    },
  },
  {
    name: 'gaps, and what fills them, are answered like all else',
    run(make) {
      const policy = make();
      let largest = -1;
      for (let i = 0; i < 500; i++) {
        const n = (i & ~7) | ((i * 3) & 7); // each number once, out of order
        const by = policy.onPacket(i, n, true, n === largest + 1, 0);
        largest = Math.max(largest, n);
        must(by >= i && by < NEVER && Number.isSafeInteger(by), `at ${i}: by ${by}`);
        if (by <= i) policy.onAckSent(i);
      }
    },
  },
  {
    name: 'a sender that wants every packet answered at once gets that (draft-ietf-quic-ack-frequency §4)',
    run(make) {
      const policy = make();
      policy.onFrequency(0, 5_000, 1);
      for (let n = 0; n < 50; n++) {
        must(policy.onPacket(n, n, true, true, 0) <= n, `packet ${n} was to wait`);
        policy.onAckSent(n);
      }
    },
  },
  {
    name: 'one that wants few gets as many as it wants at least, and none later than it wants',
    run(make) {
      const policy = make();
      policy.onFrequency(9, 5_000, 0);
      let waiting = 0;
      for (let n = 0; n < 200; n++) {
        const by = policy.onPacket(10 * n, n, true, true, 0);
        must(by <= 10 * n + 5_000, `packet ${n} was to wait ${by - 10 * n} µs`);
        waiting = by <= 10 * n ? 0 : waiting + 1;
        must(waiting < 10, `${waiting} packets wait`);
        if (waiting === 0) policy.onAckSent(10 * n);
      }
    },
  },
];
