import { newReno } from '@quiclab/congestion';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import type { ProbePolicy } from '../src/index.ts';
import { numbers, Scene } from './scene.ts';

const reno = () => newReno({ maxDatagramSize: 1200 });

const PROBE = { bytes: 1452, mtuProbe: true };

describe('a probe of the path MTU (RFC 9000 §14.4, RFC 8899 §3)', () => {
  test('counts as in flight, is found lost like any packet, and its loss leaves the window as it is', () => {
    const scene = Scene.confirmed({ controller: reno() });
    const { recovery } = scene;
    scene.send(0, PROBE);
    for (let i = 0; i < 3; i++) scene.send(0);
    expect(recovery.bytesInFlight).toBe(1452 + 3 * 1200);
    scene.ack(40_000, [[1, 3]]);
    expect(numbers(recovery.lost)).toEqual([0]);
    expect(recovery.lost[0]!.mtuProbe).toBe(true);
    expect(recovery.bytesInFlight).toBe(0);
    expect(recovery.controller.phase).toBe('slow-start');
    expect(recovery.controller.congestionWindow).toBe(12_000);
  });

  test('leaves the one packet that may leave beyond the window on entering recovery to the repair (RFC 9002 §7.3.2)', () => {
    const scene = Scene.confirmed({ controller: newReno({ maxDatagramSize: 1200, prr: false }) });
    const { recovery } = scene;
    for (let i = 0; i < 10; i++) scene.send(0);
    scene.ack(40_000, [[3, 3]]);
    expect([recovery.bytesInFlight > recovery.controller.congestionWindow, recovery.repairAllowed]).toEqual([true, true]);
    scene.send(40_000, { elsewhere: true }); // a challenge on another path waits for no window
    expect([recovery.repairAllowed, recovery.windowAllows(1200)]).toEqual([true, true]);
    scene.send(40_000);
    expect([recovery.repairAllowed, recovery.windowAllows(1200)]).toEqual([false, false]);
  });

  test('does not hide the loss of what was sent beside it', () => {
    const scene = Scene.confirmed({ controller: reno() });
    scene.send(0, PROBE);
    for (let i = 0; i < 6; i++) scene.send(0);
    scene.ack(40_000, [[5, 6]]);
    expect(numbers(scene.recovery.lost)).toEqual([0, 1, 2, 3]);
    expect(scene.recovery.bytesInFlight).toBe(1200);
    expect(scene.recovery.controller.phase).toBe('recovery');
  });

  test('that arrives late after all takes back no reduction that it had no part in', () => {
    const told: number[] = [];
    const controller = { ...plain(), onSpuriousLoss: (_now: number, bytes: number) => void told.push(bytes) };
    const scene = Scene.confirmed({ controller });
    scene.send(0, PROBE);
    for (let i = 0; i < 6; i++) scene.send(0);
    scene.ack(40_000, [[5, 6]]);
    scene.ack(41_000, [[0, 6]]);
    expect(numbers(scene.recovery.lateAcked)).toEqual([0, 1, 2, 3]);
    expect(told).toEqual([1200, 1200, 1200]);
  });

  test('is neither end of a stretch of persistent congestion (RFC 9002 §7.6.2)', () => {
    const held: ProbePolicy = { timeout: () => 2 * SECOND, datagrams: () => 1 };
    const stretch = (probe: 'first' | 'last' | 'none'): number => {
      const scene = Scene.confirmed({ controller: reno(), probes: held }, 0);
      scene.send(-1);
      scene.ack(0, [[0, 0]]);
      if (probe === 'first') scene.send(SECOND, PROBE);
      else scene.send(SECOND);
      for (const at of [2, 3, 4, 5, 6, 7]) scene.send(at * SECOND);
      if (probe === 'last') scene.send(8 * SECOND, PROBE);
      else scene.send(8 * SECOND);
      scene.send(20 * SECOND);
      scene.ack(20 * SECOND + 100_000, [[9, 9]]);
      expect(scene.recovery.lost.length).toBe(8);
      return scene.recovery.persistentCongestions;
    };
    expect(stretch('none')).toBe(1); // 7 s, more than three timeouts
    expect(stretch('first')).toBe(0); // 6 s are left: not more
    expect(stretch('last')).toBe(0);
  });
});

function plain() {
  return {
    congestionWindow: 100_000,
    pacingRate: 0,
    phase: 'slow-start' as const,
    onPacketSent() {},
    onAck() {},
    onLoss() {},
    onEcnMarks() {},
    onMaxDatagramSize() {},
  };
}
