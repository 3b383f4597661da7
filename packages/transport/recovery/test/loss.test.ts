import { fixedWindow } from '@quiclab/congestion';
import { type Micros, NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type LossDetector, lossDelay, packetAndTimeThreshold, Space } from '../src/index.ts';
import { numbers, Scene } from './scene.ts';

describe('the packet threshold (RFC 9002 §6.1.1)', () => {
  test('three packets behind the largest acknowledged is lost, two are not', () => {
    const scene = Scene.confirmed();
    for (let i = 0; i < 5; i++) scene.send(0);
    scene.ack(40_000, [[4, 4]]);
    expect(numbers(scene.recovery.lost)).toEqual([0, 1]);
    expect(scene.recovery.lost.map((record) => record.lostBy)).toEqual(['packets', 'packets']);
    expect(scene.recovery.bytesInFlight).toBe(2 * 1200);
  });

  test('nothing is lost by an ACK of what was sent before it', () => {
    const scene = Scene.confirmed();
    for (let i = 0; i < 5; i++) scene.send(0);
    scene.ack(40_000, [[0, 0]]);
    expect(scene.recovery.lost).toEqual([]);
  });

  test("spaces do not lose each other's packets", () => {
    const scene = new Scene({ side: 'server' });
    scene.send(0, { space: Space.INITIAL });
    for (let i = 0; i < 8; i++) scene.send(0, { space: Space.HANDSHAKE });
    scene.ack(40_000, [[5, 7]], { space: Space.HANDSHAKE });
    expect(scene.recovery.lost.every((record) => record.space === Space.HANDSHAKE)).toBe(true);
    expect(scene.recovery.ackElicitingInFlight(Space.INITIAL)).toBe(1);
  });
});

describe('the time threshold (RFC 9002 §6.1.2)', () => {
  test('is 9/8 of the larger of smoothed and latest RTT, rounded up, and at least 1 ms', () => {
    const delay = (smoothed: Micros, latest: Micros): Micros => lossDelay({ smoothed, latest, variation: 0, min: 0 });
    expect(delay(40_000, 8_000)).toBe(45_000);
    expect(delay(8_000, 40_000)).toBe(45_000);
    expect(delay(1_001, 0)).toBe(1_127);
    expect(delay(10, 10)).toBe(1_000);
  });

  test('arms a timer, before which nothing is lost and at which the packet is', () => {
    const scene = Scene.confirmed();
    const { recovery } = scene;
    scene.send(0);
    scene.send(0);
    scene.ack(40_000, [[1, 1]]);
    expect(recovery.lost).toEqual([]);
    expect(recovery.deadline).toBe(45_000);
    expect(recovery.onDeadline(44_999)).toBe('none');
    expect(recovery.onDeadline(45_000)).toBe('loss');
    expect(numbers(recovery.lost)).toEqual([0]);
    expect(recovery.lost[0]!.lostBy).toBe('time');
    expect(recovery.bytesInFlight).toBe(0);
    expect(recovery.deadline).toBe(NEVER);
  });

  test('goes before the probe timeout (§6.2.1)', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    scene.send(0);
    scene.send(39_999);
    scene.ack(40_000, [[1, 1]]);
    expect(scene.recovery.deadline).toBe(45_000);
    scene.recovery.onDeadline(45_000);
    expect(scene.recovery.deadline).toBe(39_999 + 3 * 40_000 + 25_000);
  });

  test('a timer that fires makes progress, whatever the RTT', () => {
    for (let rtt = 1; rtt < 5_000; rtt += 3) {
      const scene = Scene.confirmed();
      const start = 1_700_000_000_000_000 + rtt; // microseconds since 1970 leave three bits to spare
      scene.send(start);
      scene.send(start + 1);
      scene.send(start + 1);
      scene.ack(start + 1 + rtt, [[2, 2]]);
      let steps = 0;
      for (; scene.recovery.deadline < NEVER && steps < 5; steps++) {
        const now = scene.recovery.deadline;
        expect(scene.recovery.onDeadline(now)).toBe('loss');
        expect(scene.recovery.lost.length).toBeGreaterThan(0);
        expect(scene.recovery.deadline).toBeGreaterThan(now);
      }
      expect(steps).toBeLessThanOrEqual(2);
      expect(scene.recovery.bytesInFlight).toBe(0);
    }
  });

  test('a probe timeout that comes due with it is owed in the same step', () => {
    const scene = Scene.confirmed({}, 0);
    const { recovery } = scene;
    for (let i = 0; i < 3; i++) scene.send(0);
    scene.ack(10_000, [[1, 1]]);
    expect(recovery.deadline).toBe(11_250);
    expect(recovery.onDeadline(60_000)).toBe('loss'); // woken late: the probe timeout was at 30,000
    expect(numbers(recovery.lost)).toEqual([0]);
    expect(recovery.probesOwed(Space.APPLICATION)).toBe(2);
    expect(recovery.deadline).toBeGreaterThan(60_000);
  });

  test('an ACK in another space may raise the RTT: the timer fires, and moves on', () => {
    const scene = new Scene({ side: 'server' });
    const { recovery } = scene;
    scene.send(0, { space: Space.HANDSHAKE });
    scene.send(0, { space: Space.HANDSHAKE });
    scene.send(0, { space: Space.INITIAL });
    scene.ack(10_000, [[1, 1]], { space: Space.HANDSHAKE });
    scene.ack(11_240, [[0, 0]], { space: Space.INITIAL });
    expect(recovery.deadline).toBe(11_250);
    expect(recovery.onDeadline(11_250)).toBe('loss');
    expect(recovery.lost).toEqual([]);
    expect(recovery.deadline).toBe(Math.ceil((9 / 8) * 11_240));
  });

  test('a detector that asks to be asked at once, for ever, does not stop time', () => {
    const restless: LossDetector = { packetThreshold: 3, detect: (now) => now, onSpuriousLoss() {} };
    const scene = Scene.confirmed({ lossDetector: () => restless });
    scene.send(0);
    scene.send(0);
    scene.ack(40_000, [[1, 1]]);
    expect(scene.recovery.deadline).toBe(40_001);
    scene.recovery.onDeadline(40_001);
    expect(scene.recovery.deadline).toBe(40_002);
  });
});

describe('a loss that was none', () => {
  const spurious = (): { scene: Scene; told: string[] } => {
    const told: string[] = [];
    const detector: LossDetector = {
      ...packetAndTimeThreshold(),
      onSpuriousLoss: (packet, largestAcked, now) => void told.push(`detector ${packet.packetNumber} ${largestAcked} ${now}`),
    };
    const controller = {
      ...fixedWindow(100_000),
      onSpuriousLoss: (now: Micros, bytes: number, sentAt: Micros) => void told.push(`controller ${bytes} ${sentAt} ${now}`),
    };
    const scene = Scene.confirmed({ lossDetector: () => detector, controller });
    for (let i = 0; i < 5; i++) scene.send(100 + i);
    scene.ack(40_000, [[2, 4]]);
    return { scene, told };
  };

  test('is noticed when the ACK comes late, once, and told to detector and controller', () => {
    const { scene, told } = spurious();
    const { recovery } = scene;
    expect(numbers(recovery.lost)).toEqual([0, 1]);
    scene.ack(41_000, [[1, 4]]);
    expect(numbers(recovery.acked)).toEqual([]);
    expect(numbers(recovery.lateAcked)).toEqual([1]);
    expect(recovery.lateAcked[0]!.frames).toEqual([1]); // what it carried did arrive
    expect(recovery.spuriousLosses).toBe(1);
    expect(told).toEqual(['detector 1 4 41000', 'controller 1200 101 41000']);
    scene.ack(42_000, [[1, 4]]);
    expect(recovery.lateAcked).toEqual([]);
    expect(recovery.spuriousLosses).toBe(1);
    expect(recovery.bytesInFlight).toBe(0);
  });

  test('is forgotten after three probe timeouts', () => {
    const { scene } = spurious();
    scene.ack(40_000 + 3 * 3 * 40_000 + 1_000, [[0, 4]]);
    expect(scene.recovery.lateAcked).toEqual([]);
  });

  test('is noticed however many packets have left since', () => {
    const { scene } = spurious();
    for (let i = 0; i < 200; i++) {
      const n = scene.send(40_000);
      scene.ack(40_001, [[n, n]]);
    }
    scene.ack(40_002, [[0, 204]]);
    expect(numbers(scene.recovery.lateAcked)).toEqual([0, 1]);
    expect(scene.recovery.lateAcked[1]!.frames).toEqual([1]);
    expect(scene.recovery.acked).toEqual([]);
  });

  test('is forgotten when 128 more have been lost', () => {
    const { scene } = spurious();
    for (let i = 0; i < 140; i++) scene.send(40_000);
    const last = scene.send(40_000);
    scene.ack(40_001, [[last, last]]);
    expect(scene.recovery.lost.length).toBe(138);
    scene.ack(40_002, [[0, last]]);
    expect(scene.recovery.lateAcked.length).toBe(128);
    expect(numbers(scene.recovery.lateAcked)).not.toContain(0);
  });
});
