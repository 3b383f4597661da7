import { describe, expect, test } from 'vitest';
import { ackSummary, lossSummary } from '../src/contract.ts';
import { type CongestionController, cubic, type LossBasedOptions, newReno } from '../src/index.ts';

const DATAGRAM = 1_200;
const rtt = { latest: 40_000, smoothed: 40_000, variation: 5_000, min: 40_000 };

const ack = (controller: CongestionController, now: number, sentAt: number): void =>
  controller.onAck(now, ackSummary({ ackedBytes: 2_400, largestSentAt: sentAt }), rtt);
const lose = (controller: CongestionController, now: number, sentAt: number, packets = 1): void =>
  controller.onLoss(now, lossSummary({ largestSentAt: sentAt, lostBytes: packets * DATAGRAM }), rtt);

const makers = {
  newReno: (options: Partial<LossBasedOptions> = {}) => newReno({ maxDatagramSize: DATAGRAM, ...options }),
  cubic: (options: Partial<LossBasedOptions> = {}) => cubic({ maxDatagramSize: DATAGRAM, ...options }),
};

describe.each(Object.entries(makers))('a reduction of %s that was a mistake (RFC 9438 §4.9.2)', (_name, make) => {
  test('is taken back when all that seemed lost has arrived, and slow start goes on', () => {
    const controller = make();
    ack(controller, 40_000, 0);
    const before = controller.congestionWindow;
    lose(controller, 50_000, 10_000, 2);
    lose(controller, 51_000, 11_000);
    for (let i = 0; i < 2; i++) {
      controller.onSpuriousLoss(55_000, DATAGRAM, 10_000);
      expect(controller.phase).toBe('recovery');
    }
    controller.onSpuriousLoss(56_000, DATAGRAM, 11_000);
    expect(controller.congestionWindow).toBe(before);
    expect(controller.phase).toBe('slow-start');
    ack(controller, 57_000, 20_000);
    expect(controller.congestionWindow).toBe(before + 2_400);
  });

  test('stays when one of the packets was lost indeed', () => {
    const controller = make();
    lose(controller, 50_000, 10_000, 3);
    for (let i = 0; i < 2; i++) controller.onSpuriousLoss(55_000, DATAGRAM, 10_000);
    ack(controller, 91_000, 50_001);
    expect(controller.phase).toBe('congestion-avoidance');
    expect(controller.congestionWindow).toBeLessThan(10_000);
  });

  test('stays when there was a mark in the same round trip, or persistent congestion', () => {
    const marked = make();
    lose(marked, 50_000, 10_000);
    marked.onEcnMarks(50_500, 1, 11_000);
    marked.onSpuriousLoss(55_000, DATAGRAM, 10_000);
    expect(marked.phase).toBe('recovery');
    const collapsed = make();
    collapsed.onLoss(50_000, lossSummary({ largestSentAt: 10_000, persistent: true }), rtt);
    collapsed.onSpuriousLoss(55_000, DATAGRAM, 10_000);
    expect(collapsed.congestionWindow).toBe(2 * DATAGRAM);
  });

  test('stays when told to', () => {
    const controller = make({ undo: false });
    lose(controller, 50_000, 10_000);
    controller.onSpuriousLoss(55_000, DATAGRAM, 10_000);
    expect(controller.phase).toBe('recovery');
  });

  test('that was taken back leaves the next loss to be answered, however early that packet left', () => {
    const controller = make();
    lose(controller, 50_000, 10_000);
    controller.onSpuriousLoss(55_000, DATAGRAM, 10_000);
    expect(controller.congestionWindow).toBe(12_000);
    lose(controller, 56_000, 10_500);
    expect(controller.phase).toBe('recovery');
  });

  test('after another one: both are taken back when the packets of both have arrived, in whichever order', () => {
    for (const order of [
      [10_000, 60_000],
      [60_000, 10_000],
    ]) {
      const controller = make({ prr: false });
      lose(controller, 50_000, 10_000);
      const once = controller.congestionWindow;
      lose(controller, 100_000, 60_000);
      expect(controller.congestionWindow).toBeLessThan(once);
      controller.onSpuriousLoss(110_000, DATAGRAM, order[0]!);
      expect(controller.congestionWindow).toBeLessThan(12_000);
      controller.onSpuriousLoss(110_000, DATAGRAM, order[1]!);
      expect(controller.congestionWindow).toBe(12_000);
    }
  });

  test('stays when the window has grown beyond what it was', () => {
    const controller = make({ prr: false });
    lose(controller, 50_000, 10_000);
    let now = 100_000;
    while (controller.congestionWindow <= 12_000) ack(controller, (now += 10_000), now - 10);
    const window = controller.congestionWindow;
    controller.onSpuriousLoss(now, DATAGRAM, 10_000);
    expect(controller.congestionWindow).toBe(window);
  });

  test('is forgotten when many more have been made since: nothing grows without limit', () => {
    const controller = make({ prr: false, initialWindow: { packets: 1_000 } });
    for (let i = 0; i < 8; i++) lose(controller, 50_000 * (i + 1), 50_000 * i + 10_000);
    const window = controller.congestionWindow;
    controller.onSpuriousLoss(500_000, DATAGRAM, 10_000);
    expect(controller.congestionWindow).toBe(window);
    for (let i = 7; i > 3; i--) controller.onSpuriousLoss(500_000, DATAGRAM, 50_000 * i + 10_000);
    expect(controller.congestionWindow).toBeGreaterThan(window);
    expect(controller.congestionWindow).toBeLessThan(1_000 * DATAGRAM);
  });
});

test('CUBIC goes on along the same curve, as if nothing had been', () => {
  const [untouched, undone] = [1, 2].map(() => {
    const controller = cubic({ maxDatagramSize: DATAGRAM, initialWindow: { packets: 200 }, prr: false });
    lose(controller, 1_000, 500);
    for (let i = 0; i < 50; i++) ack(controller, 50_000 + 1_000 * i, 2_000);
    return controller;
  }) as [CongestionController, CongestionController];
  lose(undone, 200_000, 160_000);
  undone.onSpuriousLoss(201_000, DATAGRAM, 160_000);
  for (let i = 0; i < 500; i++) {
    ack(untouched, 210_000 + 10_000 * i, 205_000);
    ack(undone, 210_000 + 10_000 * i, 205_000);
    expect(undone.congestionWindow).toBe(untouched.congestionWindow);
  }
});
