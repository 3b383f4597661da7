import { cbrt } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ackSummary, lossSummary } from '../src/contract.ts';
import { type CongestionController, type CubicOptions, cubic } from '../src/index.ts';

const DATAGRAM = 1_200;
const RTT = 100_000;
const rtt = { latest: RTT, smoothed: RTT, variation: 1_000, min: RTT };

const make = (options: Partial<CubicOptions> = {}): CongestionController =>
  cubic({ maxDatagramSize: DATAGRAM, prr: false, hyStart: false, ...options });

/** In congestion avoidance, with a plateau at so many datagrams that a loss at `now` has met. */
function reduced(packets: number, options: Partial<CubicOptions> = {}, now = 1_000): CongestionController {
  const controller = make({ initialWindow: { packets }, ...options });
  lose(controller, now);
  return controller;
}

const lose = (controller: CongestionController, now: number, persistent = false): void =>
  controller.onLoss(now, lossSummary({ largestSentAt: now - 1, persistent }), rtt);

/** One ACK for a whole window that left just before; the first one ends recovery. */
const ack = (controller: CongestionController, now: number, bytes = controller.congestionWindow, appLimited = false): void =>
  controller.onAck(now, ackSummary({ ackedBytes: bytes, largestSentAt: now - 1, appLimited }), rtt);

/** Windows in datagrams after each of so many round trips in which everything was acknowledged, datagram by datagram. */
function rounds(controller: CongestionController, from: number, count: number): number[] {
  const windows: number[] = [];
  for (let i = 0; i < count; i++) {
    const acks = Math.floor(controller.congestionWindow / DATAGRAM);
    for (let k = 0; k < acks; k++) ack(controller, from + i * RTT + Math.floor((k * RTT) / acks), DATAGRAM);
    windows.push(controller.congestionWindow / DATAGRAM);
  }
  return windows;
}

/** §4.2: the curve as printed, in datagrams and seconds. */
const curve = (seconds: number, plateau: number, epochWindow: number): number => {
  const k = cbrt((plateau - epochWindow) / 0.4);
  return 0.4 * (seconds - k) * (seconds - k) * (seconds - k) + plateau;
};

describe('the window (RFC 9438 §4.2)', () => {
  test('falls to 0.7 of what it was (§4.6)', () => {
    expect(reduced(1_000).congestionWindow).toBe(700 * DATAGRAM);
  });

  test('follows the curve to the plateau and beyond it: concave, then convex (§4.4, §4.5)', () => {
    const controller = reduced(1_000);
    const windows = rounds(controller, 2_000, 160); // K is 9.09 s
    for (const [i, window] of windows.entries()) {
      const elapsed = (i + 1) / 10;
      // the window is where the curve will be one round trip later, and gets there in about two
      expect(window, `after ${elapsed} s`).toBeGreaterThan(curve(elapsed - 0.1, 1_000, 700) - 1);
      expect(window, `after ${elapsed} s`).toBeLessThan(curve(elapsed + 0.1, 1_000, 700) + 1);
    }
    const steps = windows.map((window, i) => window - (windows[i - 1] ?? 700));
    const least = steps.indexOf(Math.min(...steps));
    expect(least / 10).toBeGreaterThan(8);
    expect(least / 10).toBeLessThan(10);
    expect(steps[5]!).toBeGreaterThan(steps[50]!); // ever slower up to the plateau
    expect(steps[158]!).toBeGreaterThan(steps[120]!); // ever faster beyond it
  });

  test('a round trip adds half of it at most', () => {
    const controller = reduced(100);
    ack(controller, 2_000, 0); // the epoch begins
    ack(controller, 2_000 + 3_600_000_000); // an hour with a window in use, and only one ACK
    expect(controller.congestionWindow).toBe(1.5 * 70 * DATAGRAM);
  });

  test('an ACK of more than a window adds no more than one of a window', () => {
    const one = reduced(1_000);
    const two = reduced(1_000);
    for (const controller of [one, two]) ack(controller, 2_000, 0);
    ack(one, 102_000, one.congestionWindow);
    ack(two, 102_000, 2 * two.congestionWindow);
    expect(Math.abs(two.congestionWindow - one.congestionWindow)).toBeLessThanOrEqual(DATAGRAM); // W_est alone counts them
  });
});

describe('the Reno-friendly region (RFC 9438 §4.3)', () => {
  test('adds 0.53 datagrams per round trip below the window before the reduction, 1 beyond it', () => {
    const windows = rounds(reduced(10, { initialWindow: { packets: 10 } }), 2_000, 14);
    const steps = windows.map((window, i) => window - (windows[i - 1] ?? 7));
    const alpha = (3 * 0.3) / 1.7;
    expect(steps[1]).toBeCloseTo(alpha * (Math.floor(windows[0]!) / windows[0]!), 1);
    expect(windows[5]!).toBeLessThan(10.5);
    expect(windows[13]! - windows[10]!).toBeGreaterThan(2.5); // and yet the curve would stand still here
    expect(windows[13]! - windows[10]!).toBeLessThan(3.2);
  });

  test('does at least as well as a window that cubes alone would give', () => {
    const controller = reduced(10);
    for (const [i, window] of rounds(controller, 2_000, 60).entries()) expect(window).toBeGreaterThan(curve((i + 1) / 10 - 0.1, 10, 7) - 1);
  });
});

describe('the plateau', () => {
  /** Congestion at 1,000 datagrams, then again at 700: where does the window slow down? */
  const twice = (fastConvergence: boolean): CongestionController => {
    const controller = reduced(1_000, { fastConvergence });
    ack(controller, 2_000, 0);
    lose(controller, 3_000); // at 700, which is below 1,000
    return controller;
  };

  test.each([
    [true, 595, 'at 0.85 of it with fast convergence: it gives up more (RFC 9438 §4.7)'],
    [false, 700, 'where congestion was met, without it'],
  ])('fast convergence %s: at %i datagrams', (fastConvergence, plateau) => {
    const controller = twice(fastConvergence);
    expect(controller.congestionWindow).toBe(490 * DATAGRAM);
    const windows = rounds(controller, 4_000, 100);
    const k = cbrt((plateau - 490) / 0.4);
    const atPlateau = windows[Math.round(10 * k)]!;
    expect(Math.abs(atPlateau - plateau)).toBeLessThan(2);
  });

  test('is where HyStart++, or a threshold, ends slow start without loss: K is 0 (§4.10)', () => {
    const controller = make({ initialWindow: { packets: 500 }, initialSlowStartThreshold: { packets: 500 } });
    controller.onMaxDatagramSize(DATAGRAM);
    expect(controller.phase).toBe('congestion-avoidance');
    const short = make({ initialWindow: { packets: 499 }, initialSlowStartThreshold: { packets: 500 } });
    ack(short, 1_000, DATAGRAM);
    expect(short.phase).toBe('congestion-avoidance');
    const windows = rounds(short, 2_000, 60);
    for (const [i, window] of windows.entries()) {
      const elapsed = (i + 1) / 10;
      expect(window).toBeLessThan(Math.max(curve(elapsed + 0.1, 500, 500), 500 + i + 1) + 1);
      expect(window).toBeGreaterThan(Math.max(curve(elapsed - 0.1, 500, 500), 500 + 0.9 * i) - 1);
    }
  });

  test('after persistent congestion it is where slow start ends (§4.8)', () => {
    const controller = reduced(1_000);
    lose(controller, 5_000_000, true);
    expect(controller.congestionWindow).toBe(2 * DATAGRAM);
    expect(controller.phase).toBe('slow-start');
    let now = 6_000_000;
    for (; controller.phase === 'slow-start'; now += RTT) ack(controller, now);
    expect(controller.congestionWindow).toBeGreaterThanOrEqual(490 * DATAGRAM); // the threshold: 0.7 of 700
    expect(controller.congestionWindow).toBeLessThan(492 * DATAGRAM);
    const [first] = rounds(controller, now, 1);
    expect(first!).toBeLessThan(492.5); // the old plateau of 1,000 would have it rise by tens
  });

  test('never lies below a window that its minimum holds up', () => {
    const controller = make({ minimumWindow: 20 * DATAGRAM, initialWindow: { packets: 21 } });
    lose(controller, 1_000);
    expect(controller.congestionWindow).toBe(20 * DATAGRAM);
    const windows = rounds(controller, 2_000, 10);
    expect(windows.at(-1)!).toBeGreaterThan(22);
    expect(windows.at(-1)!).toBeLessThan(31);
  });
});

describe('time in which the window is not used does not count (RFC 9438 §4.2, §5.8)', () => {
  /** The window in octets one round trip after so long a pause of this kind. */
  function after(pause: number, how: 'nothing in flight' | 'application-limited ACKs'): number {
    const controller = reduced(1_000);
    const before = rounds(controller, 2_000, 10).at(-1)!;
    const now = 2_000 + 10 * RTT;
    if (how === 'application-limited ACKs') for (let t = 0; t < pause; t += 50_000) ack(controller, now + t, DATAGRAM, true);
    controller.onPacketSent(now + pause, DATAGRAM, DATAGRAM);
    expect(controller.congestionWindow).toBe(Math.floor(before * DATAGRAM));
    ack(controller, now + pause + RTT);
    return controller.congestionWindow;
  }

  test.each(['nothing in flight', 'application-limited ACKs'] as const)('%s, for a minute', (how) => {
    const short = after(0, how);
    const long = after(60_000_000, how);
    expect(long).toBeLessThanOrEqual(short + DATAGRAM);
    expect(short - long).toBeLessThan(60 * DATAGRAM); // one round trip's growth at most
  });
});

test('ECN marks reduce like losses, once for each round trip (RFC 9438 §4.6)', () => {
  const controller = make({ initialWindow: { packets: 100 } });
  controller.onEcnMarks(1_000, 1, 900);
  expect(controller.congestionWindow).toBe(70 * DATAGRAM);
  controller.onEcnMarks(1_100, 1, 950);
  expect(controller.congestionWindow).toBe(70 * DATAGRAM);
});

test('the window never falls below two datagrams (RFC 9002 §7.2)', () => {
  const controller = make();
  for (let i = 1; i < 30; i++) lose(controller, 1_000 * i);
  expect(controller.congestionWindow).toBe(2 * DATAGRAM);
});
