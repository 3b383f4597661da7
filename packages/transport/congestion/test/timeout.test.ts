import { describe, expect, test } from 'vitest';
import { ackSummary, lossSummary } from '../src/contract.ts';
import { type CongestionController, cubic, newReno, type RttView } from '../src/index.ts';

const MSS = 1_000;
const rtt: RttView = { latest: 40_000, smoothed: 40_000, variation: 10_000, min: 40_000 };
const make = (change: { readonly lossWindow?: number; readonly timeoutMargin?: number } = { lossWindow: MSS }): CongestionController =>
  newReno({ maxDatagramSize: MSS, initialWindow: { bytes: 20 * MSS }, idleRestart: true, ...change });
const acked = (controller: CongestionController, now: number, sentAt: number, ackedBytes = MSS): void =>
  controller.onAck(now, ackSummary({ ackedBytes, largestSentAt: sentAt }), rtt);
const expired = (controller: CongestionController, now: number, sentAt: number, lostBytes = 20 * MSS): void =>
  controller.onLoss(now, { ...lossSummary({ lostBytes, largestSentAt: sentAt, bytesInFlight: 0 }), timeout: true }, rtt);

describe("TCP's retransmission timeout (RFC 5681 §3.1, RFC 9438 §4.8)", () => {
  test('leaves one segment, and slow start up to half of what was', () => {
    const controller = make();
    acked(controller, 40_000, 0);
    expired(controller, 400_000, 40_000);
    expect(controller.congestionWindow).toBe(MSS);
    expect(controller.slowStartThreshold).toBe(10_500);
    expect(controller.phase).toBe('slow-start');
    acked(controller, 440_000, 400_000); // what leaves in that instant leaves after it
    expect(controller.congestionWindow).toBe(2 * MSS);
  });

  test('without `lossWindow` the minimum', () => {
    const controller = make({});
    expired(controller, 400_000, 0);
    expect(controller.congestionWindow).toBe(2 * MSS);
  });

  test('what was sent before raises nothing, and its loss is answered already', () => {
    const controller = make();
    expired(controller, 400_000, 0);
    acked(controller, 410_000, 390_000);
    expect(controller.congestionWindow).toBe(MSS);
    const threshold = controller.slowStartThreshold;
    controller.onLoss(420_000, lossSummary({ largestSentAt: 390_000, bytesInFlight: 0 }), rtt);
    expect(controller.slowStartThreshold).toBe(threshold);
  });

  test('a second one in a row holds the threshold; one after an acknowledgement sets it', () => {
    const controller = make();
    acked(controller, 40_000, 0);
    expired(controller, 400_000, 40_000);
    expired(controller, 1_000_000, 400_000, MSS);
    expect(controller.slowStartThreshold).toBe(10_500);
    expect(controller.congestionWindow).toBe(MSS);
    acked(controller, 1_040_000, 1_000_000);
    expired(controller, 2_000_000, 1_040_000, MSS);
    expect(controller.slowStartThreshold).toBe(2 * MSS);
  });

  test.each([
    ['newReno', (options: Parameters<typeof newReno>[0]) => newReno(options)],
    ['cubic', (options: Parameters<typeof cubic>[0]) => cubic(options)],
  ])(
    '%s: all of it arrives after all, and the window is what it was (RFC 5682); of persistent congestion nothing is taken back',
    (_name, of) => {
      const options = { maxDatagramSize: MSS, lossWindow: MSS };
      const wrong = of(options);
      acked(wrong, 40_000, 0);
      const before = wrong.congestionWindow;
      expired(wrong, 400_000, 40_000, 3 * MSS);
      for (let i = 0; i < 3; i++) wrong.onSpuriousLoss(410_000, MSS, 40_000);
      expect(wrong.congestionWindow).toBe(before);

      const right = of(options);
      acked(right, 40_000, 0);
      right.onLoss(400_000, lossSummary({ lostBytes: MSS, largestSentAt: 40_000, persistent: true, bytesInFlight: 0 }), rtt);
      right.onSpuriousLoss(410_000, MSS, 40_000);
      expect(right.congestionWindow).toBe(MSS);
    },
  );
});

test('`timeoutMargin`: the timeouts that idleRestart counts are no shorter than TCP has them (RFC 2861)', () => {
  const after = (pause: number, timeoutMargin: number): number => {
    const controller = make({ timeoutMargin });
    controller.onPacketSent(0, MSS, MSS);
    for (let i = 0; i < 20; i++) acked(controller, 40_000, 0);
    controller.onPacketSent(pause, MSS, MSS);
    return controller.congestionWindow;
  };
  expect(after(100_000, 1_000)).toBe(20 * MSS); // 40 + 4 × 10 ms: halved, but never below the initial window
  expect(after(100_000, 200_000)).toBe(40 * MSS);
  expect(after(300_000, 200_000)).toBe(20 * MSS);
});
