import { describe, expect, test } from 'vitest';
import { RttEstimator, Space } from '../src/index.ts';
import { Scene } from './scene.ts';

describe('the estimator (RFC 9002 §5)', () => {
  test('begins with 333 ms and half of it (§6.2.2)', () => {
    const rtt = new RttEstimator();
    expect([rtt.smoothed, rtt.variation, rtt.hasSample]).toEqual([333_000, 166_500, false]);
  });

  test('starts over with the first sample, whose ACK delay does not count', () => {
    const rtt = new RttEstimator();
    rtt.sample(5, 40_000, 10_000);
    expect([rtt.latest, rtt.smoothed, rtt.variation, rtt.min, rtt.firstSampleAt]).toEqual([40_000, 40_000, 20_000, 40_000, 5]);
  });

  test('moves by an eighth and a quarter, against the smoothed value before (Appendix A.7)', () => {
    const rtt = new RttEstimator();
    rtt.sample(0, 40_000, 0);
    rtt.sample(0, 80_000, 0);
    expect([rtt.latest, rtt.smoothed, rtt.variation, rtt.min]).toEqual([80_000, 45_000, 25_000, 40_000]);
  });

  test('takes the ACK delay off, unless that leads below the minimum (§5.3)', () => {
    const rtt = new RttEstimator();
    rtt.sample(0, 40_000, 0);
    rtt.sample(0, 48_000, 8_000);
    expect([rtt.latest, rtt.smoothed]).toEqual([48_000, 40_000]);
    rtt.sample(0, 48_000, 8_001);
    expect(rtt.smoothed).toBe(41_000);
  });

  test('the minimum knows no ACK delay (§5.2)', () => {
    const rtt = new RttEstimator();
    rtt.sample(0, 40_000, 0);
    rtt.sample(0, 39_000, 20_000);
    expect(rtt.min).toBe(39_000);
  });

  test('rounds up to whole microseconds', () => {
    const rtt = new RttEstimator();
    rtt.sample(0, 1_001, 0);
    expect(rtt.variation).toBe(501);
    rtt.sample(0, 1_002, 0);
    expect([rtt.smoothed, rtt.variation]).toEqual([1_002, 376]);
  });

  test('a minimum from before persistent congestion is forgotten (§5.2)', () => {
    const rtt = new RttEstimator();
    rtt.sample(0, 40_000, 0);
    rtt.sample(0, 400_000, 0);
    rtt.onPersistentCongestion();
    expect(rtt.min).toBe(400_000);
  });

  test('stays close to the exact average over 10,000 samples', () => {
    const rtt = new RttEstimator();
    let smoothed = 0;
    let variation = 0;
    for (let i = 0; i < 10_000; i++) {
      const sample = 30_000 + ((i * 7_919) % 20_011);
      rtt.sample(0, sample, 0);
      variation = i === 0 ? sample / 2 : (3 * variation) / 4 + Math.abs(smoothed - sample) / 4;
      smoothed = i === 0 ? sample : (7 * smoothed) / 8 + sample / 8;
    }
    expect(Math.abs(rtt.smoothed - smoothed)).toBeLessThan(8);
    expect(Math.abs(rtt.variation - variation)).toBeLessThan(8);
  });
});

describe('a sample is taken (RFC 9002 §5.1)', () => {
  test('from the largest acknowledged packet', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    scene.send(10_000);
    scene.ack(50_000, [[0, 1]]);
    expect(scene.recovery.rtt.latest).toBe(40_000);
  });

  test('not when the largest was acknowledged before', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    scene.send(10_000);
    scene.ack(50_000, [[1, 1]]);
    scene.ack(90_000, [[0, 1]]);
    expect(scene.recovery.rtt.latest).toBe(40_000);
  });

  test('not when nothing ack-eliciting is newly acknowledged', () => {
    const scene = Scene.confirmed();
    scene.send(0, { ackEliciting: false, inFlight: false });
    scene.ack(50_000, [[0, 0]]);
    expect(scene.recovery.rtt.hasSample).toBe(false);
  });

  test('even from a packet with nothing but an ACK, if the frame also acknowledges an ack-eliciting one', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    scene.send(10_000, { ackEliciting: false, inFlight: false });
    scene.ack(50_000, [[0, 1]]);
    expect(scene.recovery.rtt.latest).toBe(40_000);
  });
});

describe('the reported ACK delay (RFC 9002 §5.3)', () => {
  const smoothedAfter = (space: Space, confirmed: boolean, delay: number): number => {
    const scene = new Scene();
    scene.recovery.handshakeConfirmed = confirmed;
    scene.recovery.maxAckDelay = 8_000;
    scene.send(0, { space });
    scene.ack(40_000, [[0, 0]], { space });
    scene.send(40_000, { space });
    scene.ack(160_000, [[1, 1]], { space, delay });
    return scene.recovery.rtt.smoothed;
  };

  test('is believed until the handshake is confirmed', () => {
    expect(smoothedAfter(Space.APPLICATION, false, 80_000)).toBe(40_000);
  });

  test('is limited to max_ack_delay after that', () => {
    expect(smoothedAfter(Space.APPLICATION, true, 80_000)).toBe(49_000);
  });

  test('is ignored in Initial packets', () => {
    expect(smoothedAfter(Space.INITIAL, false, 80_000)).toBe(50_000);
  });
});
