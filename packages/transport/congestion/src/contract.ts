/**
 * What every controller and every pacer must do, as plain data: `run` throws where it does not. Free of any test runner:
 * `for (const { name, run } of controllerCases) test(name, () => run(() => myController()))`.
 */
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import type { AckSummary, CongestionController, LossSummary, Pacer, RttView } from './port.ts';

export interface ContractCase<Subject> {
  readonly name: string;
  run(make: () => Subject): void;
}

const DATAGRAM = 1200;
const RTT: Micros = 40 * MILLISECOND;
const rtt: RttView = { latest: RTT, smoothed: RTT, variation: RTT / 2, min: RTT };

/** An ACK of one datagram in a full window, changed as given. */
export function ackSummary(change: Partial<AckSummary> = {}): AckSummary {
  return {
    ackedBytes: DATAGRAM,
    lostBytes: 0,
    largestSentAt: 0,
    priorInFlight: 10 * DATAGRAM,
    bytesInFlight: 9 * DATAGRAM,
    delivered: DATAGRAM,
    priorDelivered: 0,
    inFlightAtSend: 10 * DATAGRAM,
    interval: RTT,
    appLimited: false,
    sampleAppLimited: false,
    ...change,
  };
}

/** The loss of one datagram, changed as given. */
export function lossSummary(change: Partial<LossSummary> = {}): LossSummary {
  return { lostBytes: DATAGRAM, largestSentAt: 0, bytesInFlight: 9 * DATAGRAM, persistent: false, ...change };
}

function must(claim: boolean, otherwise: string): void {
  if (!claim) throw new Error(otherwise);
}

function mustBeSane(controller: CongestionController): void {
  const window = controller.congestionWindow;
  must(Number.isSafeInteger(window) && window >= DATAGRAM, `a window of ${window} octets does not hold one datagram, or is not whole`);
  must(controller.pacingRate >= 0 && Number.isFinite(controller.pacingRate), `a pacing rate of ${controller.pacingRate}`);
}

/** Sends and acknowledges a whole window, one round trip later. Returns the time then. */
function round(controller: CongestionController, sentAt: Micros, change: Partial<AckSummary> = {}): Micros {
  const window = controller.congestionWindow;
  const count = Math.floor(window / DATAGRAM);
  for (let i = 1; i <= count; i++) controller.onPacketSent(sentAt, DATAGRAM, i * DATAGRAM);
  for (let i = 1; i <= count; i++) {
    const priorInFlight = (count - i + 1) * DATAGRAM;
    controller.onAck(
      sentAt + RTT,
      ackSummary({ largestSentAt: sentAt, priorInFlight, bytesInFlight: priorInFlight - DATAGRAM, ...change }),
      rtt,
    );
  }
  return sentAt + RTT;
}

export const controllerCases: readonly ContractCase<CongestionController>[] = [
  {
    name: 'a new connection may send something (RFC 9002 §7.2)',
    run: (make) => mustBeSane(make()),
  },
  {
    name: 'an acknowledged window never shrinks the window',
    run(make) {
      const controller = make();
      let now = 0;
      for (let i = 0; i < 5; i++) {
        const before = controller.congestionWindow;
        now = round(controller, now);
        must(controller.congestionWindow >= before, `from ${before} to ${controller.congestionWindow} octets for nothing but ACKs`);
        mustBeSane(controller);
      }
    },
  },
  {
    name: 'the window does not grow while the sender has nothing to say (RFC 9002 §7.8)',
    run(make) {
      const controller = make();
      const before = controller.congestionWindow;
      let now = 0;
      for (let i = 0; i < 5; i++) now = round(controller, now, { appLimited: true, sampleAppLimited: true });
      must(controller.congestionWindow <= before, `from ${before} to ${controller.congestionWindow} octets, of which it had used little`);
    },
  },
  {
    name: 'losses, round after round, leave room for one datagram at least (RFC 9002 §7.2)',
    run(make) {
      const controller = make();
      let now = 0;
      for (let i = 0; i < 50; i++) {
        const before = controller.congestionWindow;
        controller.onPacketSent(now, DATAGRAM, DATAGRAM);
        controller.onLoss(now + RTT, lossSummary({ largestSentAt: now, bytesInFlight: 0 }), rtt);
        must(controller.congestionWindow <= before, `a loss raised the window from ${before} to ${controller.congestionWindow}`);
        mustBeSane(controller);
        now += RTT + 1;
      }
    },
  },
  {
    name: 'persistent congestion leaves a window that still sends, and that can grow again (RFC 9002 §7.6)',
    run(make) {
      const controller = make();
      let now = round(controller, 0);
      const before = controller.congestionWindow;
      controller.onLoss(now, lossSummary({ largestSentAt: now - 1, persistent: true, bytesInFlight: 0 }), rtt);
      must(controller.congestionWindow <= before, `it raised the window from ${before} to ${controller.congestionWindow}`);
      const least = controller.congestionWindow;
      for (let i = 0; i < 5; i++) now = round(controller, now + 1);
      must(controller.congestionWindow >= least, 'the window fell when everything was acknowledged');
      mustBeSane(controller);
    },
  },
  {
    name: 'ECN marks, spurious losses and new datagram sizes leave a sane window',
    run(make) {
      const controller = make();
      const now = round(controller, 0);
      controller.onEcnMarks(now, 1, now - 1);
      mustBeSane(controller);
      controller.onSpuriousLoss(now + 1, DATAGRAM, now - 1);
      mustBeSane(controller);
      controller.onMaxDatagramSize(1452);
      mustBeSane(controller);
      must(controller.congestionWindow >= 1452, 'the window does not hold one of the larger datagrams');
    },
  },
  {
    name: 'in the round trip after a loss something may leave, but no more than slow start would let: two for each that arrives (RFC 9937)',
    run(make) {
      const controller = make();
      let now = round(controller, 0);
      const before = controller.congestionWindow;
      const count = Math.floor(before / DATAGRAM);
      for (let i = 1; i <= count; i++) controller.onPacketSent(now, DATAGRAM, i * DATAGRAM);
      const sentAt = now;
      now += RTT;
      let inFlight = (count - 1) * DATAGRAM;
      let sent = 0;
      controller.onLoss(now, lossSummary({ largestSentAt: sentAt, bytesInFlight: inFlight }), rtt);
      for (let i = 1; i < count; i++) {
        const priorInFlight = inFlight;
        inFlight -= DATAGRAM;
        controller.onAck(now + i, ackSummary({ largestSentAt: sentAt, priorInFlight, bytesInFlight: inFlight }), rtt);
        for (; inFlight + DATAGRAM <= controller.congestionWindow; sent++) {
          inFlight += DATAGRAM;
          controller.onPacketSent(now + i, DATAGRAM, inFlight);
        }
        mustBeSane(controller);
      }
      must(sent > 0, `nothing left in the whole round trip, in which ${count - 1} datagrams arrived`);
      must(sent <= 2 * count, `${sent} datagrams left, ${count - 1} arrived`);
    },
  },
  {
    name: 'what arrives after all raises the window to what it was before the loss, at most (RFC 9438 §4.9.2)',
    run(make) {
      for (const late of [1, 2, 3, 100]) {
        const controller = make();
        const now = round(controller, 0);
        const before = controller.congestionWindow;
        controller.onLoss(now, lossSummary({ lostBytes: 2 * DATAGRAM, largestSentAt: now - 1 }), rtt);
        const reduced = controller.congestionWindow;
        for (let i = 0; i < late; i++) controller.onSpuriousLoss(now + 1, DATAGRAM, now - 1);
        must(
          controller.congestionWindow >= reduced,
          `good news lowered the window from ${reduced} to ${controller.congestionWindow} octets`,
        );
        must(controller.congestionWindow <= before, `${late} packets too late made ${controller.congestionWindow} octets of ${before}`);
        mustBeSane(controller);
      }
    },
  },
  {
    name: 'a late packet that it never heard was lost changes nothing',
    run(make) {
      const controller = make();
      const now = round(controller, 0);
      const before = controller.congestionWindow;
      controller.onSpuriousLoss(now, DATAGRAM, now - 1);
      must(controller.congestionWindow === before, `from ${before} to ${controller.congestionWindow} octets`);
    },
  },
  {
    name: 'silence earns nothing: after it the window is not larger than without it (RFC 9002 §7.8, RFC 9438 §5.8)',
    run(make) {
      const after = (silence: Micros): number => {
        const controller = make();
        let now = round(controller, 0);
        controller.onLoss(now, lossSummary({ largestSentAt: now - 1, bytesInFlight: 0 }), rtt);
        now++;
        for (let i = 0; i < 6; i++) now = round(controller, now);
        const before = controller.congestionWindow;
        now += silence;
        controller.onPacketSent(now, DATAGRAM, DATAGRAM);
        must(controller.congestionWindow <= before, `it grew from ${before} to ${controller.congestionWindow} octets in silence`);
        for (let i = 0; i < 3; i++) now = round(controller, now);
        mustBeSane(controller);
        return controller.congestionWindow;
      };
      const none = after(0);
      for (const silence of [RTT, SECOND, 3_600 * SECOND]) {
        const window = after(silence);
        must(window <= none + DATAGRAM, `${window} octets after a silence of ${silence} µs, ${none} without`);
      }
    },
  },
  {
    name: 'summaries are read during the call only: their owner fills them anew',
    run(make) {
      const controller = make();
      const ack = { ...ackSummary({ largestSentAt: 1 }) };
      controller.onPacketSent(1, DATAGRAM, DATAGRAM);
      controller.onAck(RTT, ack, rtt);
      const window = controller.congestionWindow;
      ack.ackedBytes = 1_000_000;
      must(controller.congestionWindow === window, 'the window followed a summary that was already over');
    },
  },
  {
    name: 'the same history gives the same window',
    run(make) {
      const play = (controller: CongestionController): string => {
        const windows: number[] = [];
        let now = 0;
        for (let i = 0; i < 10; i++) {
          now = round(controller, now + 1);
          if (i % 3 === 2) controller.onLoss(now, lossSummary({ largestSentAt: now - 1 }), rtt);
          windows.push(controller.congestionWindow, controller.pacingRate);
        }
        return windows.join(' ');
      };
      const first = play(make());
      const second = play(make());
      must(first === second, `${first}, then ${second}`);
    },
  },
];

const RATES = [1, 999, 125_000, 2_500_000, 1_250_000_000];

/** For pacers and for `unpaced`. */
export const pacerCases: readonly ContractCase<Pacer>[] = [
  {
    name: 'at the instant that it names, the datagram may leave: a timer that fires makes progress',
    run(make) {
      for (const rate of RATES) {
        const pacer = make();
        let now = 1_000;
        for (let i = 0; i < 1_000; i++) {
          const at = Math.max(now, pacer.earliest(now, DATAGRAM, rate));
          must(Number.isSafeInteger(at), `at ${at}: not a whole microsecond`);
          must(pacer.earliest(at, DATAGRAM, rate) <= at, `promised ${at}, then said ${pacer.earliest(at, DATAGRAM, rate)}`);
          pacer.onSent(at, DATAGRAM, rate);
          now = at;
        }
      }
    },
  },
  {
    name: 'asking changes nothing',
    run(make) {
      const pacer = make();
      for (let i = 0; i < 30; i++) pacer.onSent(1_000, DATAGRAM, 125_000);
      const first = pacer.earliest(2_000, DATAGRAM, 125_000);
      for (let i = 0; i < 10; i++) pacer.earliest(2_000 + i, DATAGRAM, 125_000);
      must(pacer.earliest(2_000, DATAGRAM, 125_000) === first, 'the answer moved');
    },
  },
  {
    name: 'a sender that is always ready is not held below its rate',
    run(make) {
      for (const rate of [125_000, 2_500_000, 123_457]) {
        const pacer = make();
        let now = 0;
        let sent = 0;
        while (now < SECOND) {
          now = Math.max(now, pacer.earliest(now, DATAGRAM, rate));
          pacer.onSent(now, DATAGRAM, rate);
          sent += DATAGRAM;
          if (sent > 10 * rate) return; // not held at all
        }
        must(sent >= rate, `${sent} octets in a second at ${rate}`);
      }
    },
  },
  {
    name: 'a driver that wakes every 2 ms can use the whole rate',
    run(make) {
      const rate = 12_500_000;
      const pacer = make();
      let sent = 0;
      for (let now = 0; now < SECOND; now += 2 * MILLISECOND) {
        for (let i = 0; i < 1_000 && pacer.earliest(now, DATAGRAM, rate) <= now; i++) {
          pacer.onSent(now, DATAGRAM, rate);
          sent += DATAGRAM;
        }
      }
      must(sent >= 0.99 * rate, `${sent} octets in a second at ${rate}`);
    },
  },
];

/** For pacers that do pace. */
export const ratePacerCases: readonly ContractCase<Pacer>[] = [
  {
    name: 'over any time, no more leaves than the rate and one initial window (RFC 9002 §7.7)',
    run(make) {
      for (const rate of [1_000, 125_000, 2_500_000, 123_457]) {
        const pacer = make();
        let now = 0;
        let sent = 0;
        for (let i = 0; i < 2_000; i++) {
          now = Math.max(now, pacer.earliest(now, DATAGRAM, rate));
          pacer.onSent(now, DATAGRAM, rate);
          sent += DATAGRAM;
          const allowed = (rate * now) / SECOND + Math.max(10 * DATAGRAM, (rate * 2) / 1_000);
          must(sent <= allowed, `${sent} octets by ${now} µs at ${rate} octets per second`);
        }
      }
    },
  },
  {
    name: 'datagrams that have become larger leave no faster (RFC 9000 §14.2)',
    run(make) {
      const rate = 125_000;
      const large = 7 * DATAGRAM;
      const pacer = make();
      for (let i = 0; i < 10; i++) pacer.onSent(0, DATAGRAM, rate);
      pacer.onMaxDatagramSize(large);
      let now = 0;
      let sent = 0;
      for (let i = 0; i < 1_000; i++) {
        const at = Math.max(now, pacer.earliest(now, large, rate));
        must(pacer.earliest(at, large, rate) <= at, `promised ${at}, then said ${pacer.earliest(at, large, rate)}`);
        now = at;
        pacer.onSent(now, large, rate);
        sent += large;
        const allowed = (rate * now) / SECOND + 2 * large;
        must(sent <= allowed, `${sent} octets by ${now} µs at ${rate} octets per second`);
      }
    },
  },
  {
    name: 'a pause does not earn more than a burst',
    run(make) {
      const rate = 125_000;
      const pacer = make();
      for (let i = 0; i < 10; i++) pacer.onSent(0, DATAGRAM, rate);
      const now = 3_600 * SECOND;
      let burst = 0;
      while (pacer.earliest(now, DATAGRAM, rate) <= now && burst < 1_000) {
        pacer.onSent(now, DATAGRAM, rate);
        burst++;
      }
      must(burst >= 2 && burst <= 10, `${burst} datagrams at once after an hour`);
    },
  },
];
