import { cubic } from '@quiclab/congestion';
import { LinkObserver, type LinkPacket, listed } from '@quiclab/impair';
import { Observer, type PacketView } from '@quiclab/quic';
import { type AckRequests, acksPerRoundTrip } from '@quiclab/recovery';
import { MILLISECOND, type Micros, SECOND } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { Flows } from './flows.ts';

const PATH = { rate: 20_000_000, delay: 20 * MILLISECOND, queue: { packets: 2_000 } };
const OCTETS = 10 << 20;

/** When packets were dropped on the way, and when the sender knew. */
class Losses extends LinkObserver {
  readonly droppedAt: Micros[] = [];
  readonly foundAt: Micros[] = [];
  override dropped(now: Micros, _packet: LinkPacket): void {
    this.droppedAt.push(now);
  }
}

/** 10 MiB over 20 Mbit/s and 40 ms, which is 81 packets; three are lost. @param window  in packets, where slow start ends */
function transfer(ackFrequency: boolean, window: number, requests: AckRequests = acksPerRoundTrip()) {
  const losses = new Losses();
  const flows = new Flows({
    seed: 1,
    up: PATH,
    down: { ...PATH, loss: listed(3_000, 5_000, 7_000) },
    starts: [0],
    octets: OCTETS,
    config: { ackFrequency },
    clientConfig: { ackFrequency },
    controller: ({ maxDatagramSize }) => cubic({ maxDatagramSize, initialSlowStartThreshold: { packets: window } }),
    observer: (link) => (link === 'down' ? losses : undefined),
    policies: {
      ackRequests: () => requests,
      observer: () =>
        new (class extends Observer {
          override packetLost(now: Micros, _packet: PacketView): void {
            losses.foundAt.push(now);
          }
        })(),
    },
  });
  flows.run(60 * SECOND);
  const flow = flows.flows[0]!;
  expect(flow.octets).toBe(OCTETS);
  const { packetsSent, packetsReceived, packetsLost, spuriousLosses, probes } = flow.sender.stats();
  return {
    kilobits: (8_000 * flow.octets) / (flow.lastPacketAt - flow.firstPacketAt),
    packetsSent,
    acks: packetsReceived,
    packetsLost,
    spuriousLosses,
    probes,
    found: losses.foundAt.map((at, i) => at - losses.droppedAt[i]!),
  };
}

test('a sixth of the ACKs, at the same goodput; what is lost is found as soon (draft-ietf-quic-ack-frequency §8)', () => {
  const plain = transfer(false, 200);
  const asked = transfer(true, 200);
  expect(plain.packetsLost).toBe(3);
  expect(asked).toMatchObject({ packetsLost: 3, spuriousLosses: 0, probes: 0 });
  expect(asked.acks).toBeLessThan(plain.acks / 6);
  expect(asked.kilobits).toBeGreaterThan(0.999 * plain.kilobits);
  for (const [i, time] of asked.found.entries()) expect(Math.abs(time - plain.found[i]!)).toBeLessThan(MILLISECOND);

  // that is what the reordering threshold is for (§8.3, §9)
  const { request } = acksPerRoundTrip();
  const deaf = transfer(true, 200, {
    immediateForProbes: true,
    request: (...seen) => {
      const wanted = request(...seen);
      return wanted && { ...wanted, reorderingThreshold: 0 };
    },
  });
  expect(deaf.packetsLost).toBe(3);
  expect(Math.max(...deaf.found.map((time, i) => time - plain.found[i]!))).toBeGreaterThan(4 * MILLISECOND);
});

test('a window that just fills the path waits for ACKs that are few: goodput falls, by the less the more there are (§8.1)', () => {
  const plain = transfer(false, 80).kilobits;
  const shares = [2, 4, 8, 16].map((acks) => transfer(true, 80, acksPerRoundTrip({ acks })).kilobits / plain);
  for (const [i, least] of [0.7, 0.85, 0.93, 0.97].entries()) {
    expect(shares[i]).toBeGreaterThan(least);
    expect(shares[i]).toBeLessThan(shares[i + 1] ?? 1);
  }
});
