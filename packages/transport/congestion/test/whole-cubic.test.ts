import { cbrt } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ackSummary, lossSummary } from '../src/contract.ts';
import { type CongestionController, cubic, wholeCubic } from '../src/index.ts';

const DATAGRAM = 1_000;
const RTT = 100_000;
const rtt = { latest: RTT, smoothed: RTT, variation: 1_000, min: RTT };

/** After a loss at a window of so many datagrams. */
function reduced(make: typeof cubic, packets: number): CongestionController {
  const controller = make({ maxDatagramSize: DATAGRAM, prr: false, initialWindow: { packets } });
  controller.onLoss(1_000, lossSummary({ largestSentAt: 999, persistent: false }), rtt);
  return controller;
}

/** Windows in datagrams after each of so many round trips in which all of it was acknowledged, datagram by datagram. */
function rounds(controller: CongestionController, count: number): number[] {
  const windows: number[] = [];
  for (let i = 0; i < count; i++) {
    const acks = Math.floor(controller.congestionWindow / DATAGRAM);
    for (let k = 0; k < acks; k++) {
      const now = 2_000 + i * RTT + Math.floor((k * RTT) / acks);
      controller.onAck(now, ackSummary({ ackedBytes: DATAGRAM, largestSentAt: now - 1 }), rtt);
    }
    windows.push(controller.congestionWindow / DATAGRAM);
  }
  return windows;
}

describe('CUBIC as Linux computes it (tcp_cubic.c)', () => {
  test.each([
    [1_000, 700],
    [14, 9],
    [10, 7],
    [8, 5],
    [2, 2],
  ])('of %i datagrams, congestion leaves %i: whole ones, and two at least', (before, after) => {
    expect(reduced(wholeCubic, before).congestionWindow).toBe(after * DATAGRAM);
  });

  test('small windows follow a Reno that adds 8/15 of a datagram per round trip, before the old window and beyond it; RFC 9438 goes on faster', () => {
    const windows = rounds(reduced(wholeCubic, 14), 40);
    for (const [i, window] of windows.entries()) {
      const reno = 9 + (8 / 15) * (i + 1);
      expect(Number.isInteger(window)).toBe(true);
      expect(window, `after ${i + 1} rounds`).toBeLessThanOrEqual(Math.max(14, reno + 1)); // at first the curve is above it
      expect(window, `after ${i + 1} rounds`).toBeGreaterThanOrEqual(reno - 3);
    }
    expect(windows.at(-1)!).toBeLessThan(0.75 * rounds(reduced(cubic, 14), 40).at(-1)!);
  });

  test('large ones follow the curve of RFC 9438 §4.2, a round trip ahead', () => {
    const k = cbrt((1_000 - 700) / 0.4);
    for (const [i, window] of rounds(reduced(wholeCubic, 1_000), 160).entries()) {
      const at = (seconds: number): number => 0.4 * (seconds - k) * (seconds - k) * (seconds - k) + 1_000;
      expect(window, `after ${i + 1} rounds`).toBeGreaterThan(at((i + 1) / 10 - 0.1) - 12);
      expect(window, `after ${i + 1} rounds`).toBeLessThan(at((i + 1) / 10 + 0.2) + 3);
    }
  });

  test('a window that met congestion earlier than the last time gives up more: fast convergence', () => {
    const controller = reduced(wholeCubic, 100);
    const early = rounds(controller, 1).at(-1)!;
    controller.onLoss(300_000, lossSummary({ largestSentAt: 299_999, persistent: false }), rtt);
    const plateau = Math.floor((early * (1_024 + 717)) / 2_048);
    const settled = rounds(controller, 30);
    // around its plateau a curve is flat: it is there that the window stays longest
    expect(settled.filter((window) => Math.abs(window - plateau) <= 1).length).toBeGreaterThan(5);
  });
});
