import { newReno } from '@quiclab/congestion';
import { type Micros, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type ProbePolicy, Space } from '../src/index.ts';
import { numbers, Scene } from './scene.ts';

/** "smoothed_rtt + max(4*rttvar, kGranularity) + max_ack_delay = 2" (RFC 9002 §7.6.3), whatever the RTT is. */
const heldAtTwoSeconds: ProbePolicy = {
  timeout: (_rtt, _maxAckDelay, ptoCount) => 2 * SECOND * (1 << ptoCount),
  datagrams: () => 1,
};
const reno = () => newReno({ maxDatagramSize: 1200 });

/** A connection that has had its first RTT sample at `at`, with packet 0. */
function sampled(at: Micros = 0): Scene {
  const scene = Scene.confirmed({ controller: reno(), probes: heldAtTwoSeconds }, 0);
  scene.send(at - 1);
  scene.ack(at, [[0, 0]]);
  return scene;
}

describe('persistent congestion (RFC 9002 §7.6)', () => {
  test('the example of §7.6.3 ends at the minimum window', () => {
    const scene = sampled(0);
    const { recovery } = scene;
    const at = (seconds: number): Micros => 10 * SECOND + Math.round(seconds * SECOND);
    scene.send(at(0)); // #1
    scene.send(at(1)); // #2
    scene.ack(at(1.2), [[1, 1]]);
    for (let i = 0; i < 5; i++) scene.send(at(2 + i)); // #3 to #7
    expect(recovery.deadline).toBe(at(8));
    expect(recovery.onDeadline(at(8))).toBe('probe');
    scene.send(at(8)); // #8
    expect(recovery.deadline).toBe(at(12));
    expect(recovery.onDeadline(at(12))).toBe('probe');
    scene.send(at(12)); // #9
    expect(recovery.controller.congestionWindow).toBe(12_000);

    // what two RTT samples of 0.2 s leave of the packets: 2 to 6 by number, 7 and 8 by time, all at once
    scene.ack(at(12.2), [[9, 9]]);
    expect(numbers(recovery.lost)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(recovery.persistentCongestions).toBe(1);
    expect(recovery.controller.congestionWindow).toBe(2_400);
    expect(recovery.rtt.min).toBe(200_000); // §5.2: the newest sample
  });

  const stretch = (times: readonly number[], acknowledged: readonly number[] = [], elicit: (i: number) => boolean = () => true): Scene => {
    const scene = sampled(0);
    for (const [i, time] of times.entries()) scene.send(time * SECOND, { ackEliciting: elicit(i) });
    const last = times.length;
    const ranges = [...acknowledged, last].sort((a, b) => b - a).map((n) => [n, n] as const);
    scene.ack(times[last - 1]! * SECOND + 100_000, ranges);
    return scene;
  };

  test('needs more than three probe timeouts from the first lost packet to the last', () => {
    expect(stretch([1, 2, 3, 4, 5, 6, 7, 20]).recovery.persistentCongestions).toBe(0); // 6 s are not more than 6 s
    expect(stretch([1, 2, 3, 4, 5, 6, 7.000_001, 20]).recovery.persistentCongestions).toBe(1);
  });

  test('needs no packet acknowledged in between', () => {
    expect(stretch([1, 2, 3, 4, 5, 6, 9, 20]).recovery.persistentCongestions).toBe(1);
    expect(stretch([1, 2, 3, 4, 5, 6, 9, 20], [4]).recovery.persistentCongestions).toBe(0);
  });

  test('looks at each stretch between acknowledged packets', () => {
    expect(stretch([1, 3, 5, 9, 10, 11, 12, 20], [5]).recovery.persistentCongestions).toBe(1); // the first
    expect(stretch([1, 3, 5, 9, 10, 14, 18, 30], [3]).recovery.persistentCongestions).toBe(1); // the second
    expect(stretch([1, 3, 5, 9, 10, 11, 13, 20], [3]).recovery.persistentCongestions).toBe(0); // neither: 2 s, 4 s
  });

  test('counts from ack-eliciting packets to ack-eliciting packets', () => {
    expect(stretch([1, 3, 5, 7, 9, 20], [], (i) => i !== 0).recovery.persistentCongestions).toBe(0); // from 3 to 9
    expect(stretch([1, 3, 5, 7, 9, 20], [], (i) => i !== 4).recovery.persistentCongestions).toBe(0); // from 1 to 7
  });

  test('does not count packets sent before the first RTT sample', () => {
    const scene = Scene.confirmed({ controller: reno(), probes: heldAtTwoSeconds }, 0);
    for (const time of [1, 3, 5, 7, 9, 20]) scene.send(time * SECOND);
    scene.ack(20.1 * SECOND, [[5, 5]]);
    expect(scene.recovery.lost.length).toBe(5);
    expect(scene.recovery.persistentCongestions).toBe(0);
  });

  test('a packet of another space, acknowledged in between, ends the stretch', () => {
    for (const [time, expected] of [
      [4, 0],
      [21, 1],
    ] as const) {
      const scene = sampled(0);
      for (const t of [1, 2, 3]) scene.send(t * SECOND);
      if (time === 4) scene.send(time * SECOND, { space: Space.HANDSHAKE });
      for (const t of [5, 6, 9, 20]) scene.send(t * SECOND);
      if (time === 21) scene.send(time * SECOND, { space: Space.HANDSHAKE });
      scene.ack(21.1 * SECOND, [[0, 0]], { space: Space.HANDSHAKE });
      scene.ack(21.2 * SECOND, [[7, 7]]);
      expect(scene.recovery.persistentCongestions).toBe(expected);
    }
  });

  test('a packet lost in another space can be where the stretch begins', () => {
    const scene = sampled(0);
    for (let i = 0; i < 4; i++) scene.send(1 * SECOND, { space: Space.HANDSHAKE });
    for (const t of [6, 7, 8, 9]) scene.send(t * SECOND);
    scene.ack(9.1 * SECOND, [[4, 4]]);
    expect(scene.recovery.persistentCongestions).toBe(0); // 6 to 8
    const both = sampled(0);
    both.send(1 * SECOND, { space: Space.HANDSHAKE });
    for (const t of [6, 7, 8]) both.send(t * SECOND);
    both.send(20 * SECOND, { space: Space.HANDSHAKE });
    both.send(20 * SECOND);
    both.ack(20.1 * SECOND, [[1, 1]], { space: Space.HANDSHAKE });
    both.ack(20.2 * SECOND, [[4, 4]]);
    expect(both.recovery.persistentCongestions).toBe(1); // 1 in Handshake to 8 in Application
  });

  test('is noticed once for one stretch, however the losses are found', () => {
    const scene = sampled(0);
    for (const t of [1, 2, 3, 4, 5, 9]) scene.send(t * SECOND);
    scene.send(20 * SECOND);
    scene.send(20 * SECOND + 1);
    scene.ack(20 * SECOND + 50_000, [[7, 7]]);
    expect(scene.recovery.persistentCongestions).toBe(1);
    const window = scene.recovery.controller.congestionWindow;
    scene.ack(20 * SECOND + 60_000, [[7, 8]]);
    expect(scene.recovery.persistentCongestions).toBe(1);
    expect(scene.recovery.controller.congestionWindow).toBeGreaterThanOrEqual(window);
  });
});
