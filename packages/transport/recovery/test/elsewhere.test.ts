import { newReno } from '@quiclab/congestion';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import type { ProbePolicy } from '../src/index.ts';
import { numbers, Scene } from './scene.ts';

const reno = () => newReno({ maxDatagramSize: 1200 });
const ELSEWHERE = { elsewhere: true };

describe('a packet that left on another path (RFC 9000 §9.4)', () => {
  test('is in flight until it is acknowledged, but neither widens the window nor is a sample of the round trip', () => {
    const scene = Scene.confirmed({ controller: reno() });
    const { recovery } = scene;
    for (let i = 0; i < 10; i++) scene.send(0, ELSEWHERE);
    expect(recovery.bytesInFlight).toBe(12_000);
    scene.ack(300_000, [[0, 9]]);
    expect(recovery.bytesInFlight).toBe(0);
    expect(recovery.rtt.hasSample).toBe(false);
    expect(recovery.controller.congestionWindow).toBe(12_000);
  });

  test('beside others does not count with them', () => {
    const scene = Scene.confirmed({ controller: reno() });
    for (let i = 0; i < 8; i++) scene.send(0, i < 4 ? ELSEWHERE : {});
    scene.ack(40_000, [[0, 7]]);
    expect(scene.recovery.bytesInFlight).toBe(0);
    expect(scene.recovery.rtt.latest).toBe(40_000);
    expect(scene.recovery.controller.congestionWindow).toBe(12_000 + 4 * 1200);
  });

  test('that is lost is no sign of congestion, nor is it when it arrives after all', () => {
    const scene = Scene.confirmed({ controller: reno() });
    scene.send(0, ELSEWHERE);
    for (let i = 0; i < 3; i++) scene.send(0);
    scene.ack(40_000, [[1, 3]]);
    expect(numbers(scene.recovery.lost)).toEqual([0]);
    expect(scene.recovery.bytesInFlight).toBe(0);
    expect(scene.recovery.controller.phase).toBe('slow-start');
    scene.ack(41_000, [[0, 3]]);
    expect(numbers(scene.recovery.lateAcked)).toEqual([0]);
    expect(scene.recovery.controller.phase).toBe('slow-start');
  });

  test('is no end of a stretch of persistent congestion (RFC 9002 §7.6.2)', () => {
    const held: ProbePolicy = { timeout: () => 2 * SECOND, datagrams: () => 1 };
    const stretch = (first: object): number => {
      const scene = Scene.confirmed({ controller: reno(), probes: held }, 0);
      scene.send(-1);
      scene.ack(0, [[0, 0]]);
      scene.send(SECOND, first);
      for (const at of [2, 3, 4, 5, 6, 7, 8]) scene.send(at * SECOND);
      scene.send(20 * SECOND);
      scene.ack(20 * SECOND + 100_000, [[9, 9]]);
      return scene.recovery.persistentCongestions;
    };
    expect([stretch({}), stretch(ELSEWHERE)]).toEqual([1, 0]);
  });

  test('has its probe timeout like any other: it must be acknowledged, whatever way', () => {
    const scene = Scene.confirmed({ controller: reno() });
    scene.send(0, ELSEWHERE);
    scene.recovery.onDeadline(scene.recovery.deadline);
    expect(scene.recovery.ptoCount).toBe(1);
  });
});
