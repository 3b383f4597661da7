import { describe, expect, test } from 'vitest';
import { ackSummary, lossSummary } from '../src/contract.ts';
import { type CongestionController, initialWindow, newReno, type RttView } from '../src/index.ts';

const rtt: RttView = { latest: 40_000, smoothed: 40_000, variation: 20_000, min: 40_000 };
/** As RFC 9002 Appendix B has it: the window falls at once. See proportional-rate-reduction.test.ts for the other way. */
const reno = (): CongestionController => newReno({ maxDatagramSize: 1200, prr: false });

const acked = (controller: CongestionController, bytes: number, sentAt: number, now = sentAt + 40_000): void =>
  controller.onAck(now, ackSummary({ ackedBytes: bytes, largestSentAt: sentAt }), rtt);
const lost = (controller: CongestionController, sentAt: number, now: number, persistent = false): void =>
  controller.onLoss(now, lossSummary({ largestSentAt: sentAt, persistent }), rtt);

describe('the initial window (RFC 9002 §7.2)', () => {
  test.each([
    [1200, 12_000],
    [1452, 14_520],
    [1472, 14_720],
    [1500, 14_720],
    [7_360, 14_720],
    [9_000, 18_000],
  ])('is, for datagrams of %i, %i octets', (maxDatagramSize, window) => {
    expect(initialWindow(maxDatagramSize)).toBe(window);
    expect(newReno({ maxDatagramSize }).congestionWindow).toBe(window);
  });

  test('can be given in packets or in octets', () => {
    expect(newReno({ maxDatagramSize: 1200, initialWindow: { packets: 32 } }).congestionWindow).toBe(38_400);
    expect(newReno({ maxDatagramSize: 1200, initialWindow: { bytes: 14_600 } }).congestionWindow).toBe(14_600);
  });

  test('and where slow start ends can be given, too', () => {
    const controller = newReno({ maxDatagramSize: 1200, initialSlowStartThreshold: { packets: 11 } });
    expect(controller.slowStartThreshold).toBe(13_200);
    expect(controller.phase).toBe('slow-start');
    acked(controller, 1200, 0);
    expect(controller.phase).toBe('congestion-avoidance');
    expect(controller.congestionWindow).toBe(13_200);
    acked(controller, 1200, 0);
    expect(controller.congestionWindow).toBe(Math.floor(13_200 + (1200 * 1200) / 13_200));
  });

  test('follows the datagram size until the window has moved', () => {
    const controller = reno();
    controller.onMaxDatagramSize(1452);
    expect(controller.congestionWindow).toBe(14_520);
    acked(controller, 1452, 0);
    controller.onMaxDatagramSize(1200);
    expect(controller.congestionWindow).toBe(14_520 + 1452);
  });
});

describe('slow start (RFC 9002 §7.3.1)', () => {
  test('an ACK for every second packet sends 12,000, 36,000, 84,000, 180,000 octets by round', () => {
    const controller = reno();
    let inFlight = 0;
    let total = 0;
    const cumulative: number[] = [];
    for (let round = 0; round < 4; round++) {
      const sentAt = round * 40_000;
      for (let acknowledged = inFlight; acknowledged > 0; acknowledged -= 2400) acked(controller, 2400, sentAt - 40_000, sentAt);
      inFlight = 0;
      while (inFlight + 1200 <= controller.congestionWindow) inFlight += 1200;
      total += inFlight;
      cumulative.push(total);
    }
    expect(cumulative).toEqual([12_000, 36_000, 84_000, 180_000]);
    expect(controller.phase).toBe('slow-start');
  });

  test('does not grow while the application is the limit (§7.8)', () => {
    const controller = reno();
    controller.onAck(40_000, ackSummary({ ackedBytes: 2400, appLimited: true }), rtt);
    expect(controller.congestionWindow).toBe(12_000);
  });

  test('ends at the threshold within one ACK', () => {
    const controller = reno();
    lost(controller, 10, 20, true); // threshold 6,000, window 2,400
    expect(controller.phase).toBe('slow-start');
    acked(controller, 4_800, 30);
    expect(controller.phase).toBe('congestion-avoidance');
    expect(controller.congestionWindow).toBe(6_000 + (1200 * 1200) / 6_000);
  });
});

describe('recovery (RFC 9002 §7.3.2)', () => {
  test('halves the window once for all losses of a round trip', () => {
    const controller = reno();
    lost(controller, 100, 1_000);
    expect(controller.congestionWindow).toBe(6_000);
    expect(controller.phase).toBe('recovery');
    lost(controller, 900, 1_100);
    lost(controller, 1_000, 1_200); // sent at the very instant at which recovery began
    expect(controller.congestionWindow).toBe(6_000);
    lost(controller, 1_001, 1_300);
    expect(controller.congestionWindow).toBe(3_000);
  });

  test('works for a packet sent, and lost, at the first instant of virtual time', () => {
    const controller = reno();
    lost(controller, 0, 0);
    expect(controller.congestionWindow).toBe(6_000);
  });

  test('does not grow for packets sent before, and ends with the first that was sent within', () => {
    const controller = reno();
    lost(controller, 100, 1_000);
    acked(controller, 2400, 1_000);
    expect(controller.congestionWindow).toBe(6_000);
    expect(controller.phase).toBe('recovery');
    acked(controller, 1200, 1_001);
    expect(controller.phase).toBe('congestion-avoidance');
    expect(controller.congestionWindow).toBe(6_240);
  });

  test('ends even when the application is the limit', () => {
    const controller = reno();
    lost(controller, 100, 1_000);
    controller.onAck(2_000, ackSummary({ largestSentAt: 1_001, appLimited: true }), rtt);
    expect(controller.phase).toBe('congestion-avoidance');
    expect(controller.congestionWindow).toBe(6_000);
  });

  test('never falls below two datagrams, or what is given', () => {
    const controller = reno();
    const stubborn = newReno({ maxDatagramSize: 1200, prr: false, minimumWindow: 9_000 });
    for (let i = 1; i <= 10; i++) {
      lost(controller, 100 * i, 100 * i + 50);
      lost(stubborn, 100 * i, 100 * i + 50);
    }
    expect(controller.congestionWindow).toBe(2_400);
    expect(stubborn.congestionWindow).toBe(9_000);
  });

  test('takes an ECN mark for a loss (§7.1)', () => {
    const controller = reno();
    controller.onEcnMarks(1_000, 3, 100);
    expect(controller.congestionWindow).toBe(6_000);
    controller.onEcnMarks(1_010, 1, 200);
    expect(controller.congestionWindow).toBe(6_000);
  });

  test('reduces by the factor that it is given', () => {
    const controller = newReno({ maxDatagramSize: 1200, prr: false, lossReductionFactor: 0.75 });
    lost(controller, 100, 1_000);
    expect(controller.congestionWindow).toBe(9_000);
  });
});

test('congestion avoidance adds at most one datagram for a window (RFC 9002 §7.3.3)', () => {
  const controller = reno();
  lost(controller, 100, 1_000);
  for (let i = 0; i < 5; i++) acked(controller, 1200, 1_001 + i);
  const window = controller.congestionWindow;
  expect(window).toBeGreaterThan(7_000);
  expect(window).toBeLessThanOrEqual(7_200);
});

test('congestion avoidance keeps the fractions of an octet that small ACKs add', () => {
  const controller = newReno({ maxDatagramSize: 1200, initialWindow: { bytes: 12_000_000 } });
  lost(controller, 100, 1_000);
  for (let i = 0; i < 100; i++) acked(controller, 1200, 1_001); // 0.24 octets each
  expect(controller.congestionWindow).toBe(6_000_023);
});

test('persistent congestion: the minimum window, and slow start from there (RFC 9002 §7.6.2)', () => {
  const controller = reno();
  lost(controller, 100, 1_000);
  lost(controller, 900, 9_000, true);
  expect(controller.congestionWindow).toBe(2_400);
  expect(controller.phase).toBe('slow-start');
  acked(controller, 1200, 8_000, 9_000); // the very ACK that established it
  expect(controller.congestionWindow).toBe(2_400);
  acked(controller, 1200, 500); // sent before: there is no recovery period any more that would hold it back
  expect(controller.congestionWindow).toBe(3_600);
});

describe('after a time without anything to say', () => {
  /** 48,000 octets of window, then so long a silence after the last packet. The timeout is 40 + 4 × 20 ms. */
  const afterSilence = (silence: number, idleRestart: boolean): CongestionController => {
    const controller = newReno({ maxDatagramSize: 1200, idleRestart });
    acked(controller, 36_000, 0);
    controller.onPacketSent(41_000, 1200, 1200);
    acked(controller, 1200, 41_000);
    controller.onPacketSent(41_000 + silence, 1200, 1200);
    return controller;
  };

  test('the window stays: a pacer bounds the burst, which is what RFC 9002 §7.7 asks', () => {
    expect(afterSilence(3_600_000_000, false).congestionWindow).toBe(49_200);
  });

  test.each([
    [120_000, 49_200],
    [120_001, 24_600],
    [240_001, 12_300],
    [600_000, 12_000], // never below the initial window
  ])('of %i µs, with idle restart, it is %i octets: half of it for each timeout', (silence, window) => {
    const controller = afterSilence(silence, true);
    expect(controller.congestionWindow).toBe(window);
    expect(controller.phase).toBe('slow-start');
  });
});
