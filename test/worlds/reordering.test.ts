import { type CongestionController, cubic, newReno } from '@quiclab/congestion';
import { reorder } from '@quiclab/impair';
import { MILLISECOND, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { Flows } from './flows.ts';

const PATH = { rate: 10_000_000, delay: 15 * MILLISECOND, queue: { packets: 100 } };
const MAKERS = { cubic, newReno } as const;

/** 10 MiB while one packet in two hundred comes so much later than its neighbours: kbit/s, and what of the window was taken back. */
function transfer(name: keyof typeof MAKERS, undo: boolean, late: number) {
  const seen = { reduced: 0, takenBack: 0 };
  const flows = new Flows({
    seed: 3,
    up: PATH,
    down: { ...PATH, reorder: reorder(0.005, late) },
    starts: [0],
    octets: 10 << 20,
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
  const { spuriousLosses } = flow.sender.stats();
  return { ...seen, spuriousLosses, kilobits: (8_000 * flow.octets) / (flow.lastPacketAt - flow.firstPacketAt) };
}

describe.each(Object.keys(MAKERS) as (keyof typeof MAKERS)[])('reordering under %s (RFC 9438 §4.9)', (name) => {
  // 5, 20 and 50 packets; the last is more than a round trip without a queue
  test.each([5, 20, 50])('by %i ms, which three packets take for loss: reductions are taken back, and the link stays full', (late) => {
    const { reduced, takenBack, spuriousLosses, kilobits } = transfer(name, true, late * MILLISECOND);
    expect(spuriousLosses).toBeGreaterThan(40);
    expect(reduced).toBeGreaterThan(40);
    expect(reduced - takenBack).toBeLessThanOrEqual(5); // the rest are overflows of the queue
    expect(kilobits).toBeGreaterThan(9_200);
  });

  test('without undo, half of the link is idle', () => {
    const { takenBack, kilobits } = transfer(name, false, 20 * MILLISECOND);
    expect(takenBack).toBe(0);
    expect(kilobits).toBeLessThan(5_500);
  });
});
