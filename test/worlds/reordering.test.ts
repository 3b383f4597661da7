import { type CongestionController, cubic, newReno } from '@quiclab/congestion';
import { type Judge, LinkObserver, type LinkPacket, reorder, reorderEvery } from '@quiclab/impair';
import { adaptiveThreshold, type LossDetector, packetAndTimeThreshold } from '@quiclab/recovery';
import { MILLISECOND, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { Flows } from './flows.ts';

const PATH = { rate: 10_000_000, delay: 15 * MILLISECOND };
/** Of 1,200 octets and their headers, on the link. */
const PACKET_TIME = Math.ceil((8 * 1_228) / 10);
const MAKERS = { cubic, newReno } as const;

interface Plan {
  readonly undo?: boolean;
  readonly reorder: Judge;
  /** Packets. Default 100: less than what the window grows to. */
  readonly queue?: number;
  readonly lossDetector: () => LossDetector;
}

/** How far behind the largest number before it a packet came, at most. */
class Overtaken extends LinkObserver {
  most = 0;
  #largest = 0;
  override delivered(_now: number, { index }: LinkPacket): void {
    this.most = Math.max(this.most, this.#largest - index);
    this.#largest = Math.max(this.#largest, index);
  }
}

/** 10 MiB while one packet in two hundred comes later than its neighbours: kbit/s, and what of the window was taken back. */
function transfer(name: keyof typeof MAKERS, { undo = true, reorder: late, queue = 100, lossDetector }: Plan) {
  const seen = { reduced: 0, takenBack: 0 };
  const down = new Overtaken();
  const path = { ...PATH, queue: { packets: queue } };
  const flows = new Flows({
    seed: 3,
    up: path,
    down: { ...path, reorder: late },
    starts: [0],
    octets: 10 << 20,
    policies: { lossDetector },
    observer: (link) => (link === 'down' ? down : undefined),
    controller({ maxDatagramSize }): CongestionController {
      const controller = MAKERS[name]({ maxDatagramSize, undo });
      const { onLoss, onSpuriousLoss } = controller;
      controller.onLoss = (...loss) => {
        const before = controller.phase;
        onLoss.apply(controller, loss);
        if (before !== 'recovery' && controller.phase === 'recovery') seen.reduced++;
      };
      controller.onSpuriousLoss = (...packet) => {
        const before = controller.congestionWindow;
        onSpuriousLoss.apply(controller, packet);
        if (controller.congestionWindow > before) seen.takenBack++;
      };
      return controller;
    },
  });
  flows.run(120 * SECOND);
  const flow = flows.flows[0]!;
  expect(flow.octets).toBe(10 << 20);
  const { spuriousLosses, packetsLost } = flow.sender.stats();
  return {
    ...seen,
    spuriousLosses,
    packetsLost,
    overtaken: down.most,
    kilobits: (8_000 * flow.octets) / (flow.lastPacketAt - flow.firstPacketAt),
  };
}

describe.each(Object.keys(MAKERS) as (keyof typeof MAKERS)[])('reordering under %s (RFC 9438 §4.9)', (name) => {
  // 5, 20 and 50 packets; the last is more than a round trip without a queue
  test.each([5, 20, 50])('by %i ms, which three packets take for loss: reductions are taken back, and the link stays full', (late) => {
    const { reduced, takenBack, spuriousLosses, kilobits } = transfer(name, {
      reorder: reorder(0.005, late * MILLISECOND),
      lossDetector: packetAndTimeThreshold,
    });
    expect(spuriousLosses).toBeGreaterThan(40);
    expect(reduced).toBeGreaterThan(40);
    expect(reduced - takenBack).toBeLessThanOrEqual(5); // the rest are overflows of the queue
    expect(kilobits).toBeGreaterThan(9_200);
  });

  test('without undo, half of the link is idle', () => {
    const { takenBack, kilobits } = transfer(name, {
      undo: false,
      reorder: reorder(0.005, 20 * MILLISECOND),
      lossDetector: packetAndTimeThreshold,
    });
    expect(takenBack).toBe(0);
    expect(kilobits).toBeLessThan(5_500);
  });

  // a queue that never overflows: nothing is lost at all
  test.each([5, 20, 50])('by %i packets, without loss: thresholds that adapt cost one reduction, and that is taken back', (late) => {
    const plan = { reorder: reorderEvery(200, late * PACKET_TIME), queue: 10_000 };
    const adaptive = transfer(name, { ...plan, lossDetector: adaptiveThreshold });
    expect(adaptive).toMatchObject({ reduced: 1, takenBack: 1, spuriousLosses: 1, packetsLost: 1, overtaken: late });
    const fixed = transfer(name, { ...plan, lossDetector: packetAndTimeThreshold });
    expect(fixed.spuriousLosses).toBeGreaterThan(40);
    expect(adaptive.kilobits).toBeGreaterThan(fixed.kilobits);
  });
});
