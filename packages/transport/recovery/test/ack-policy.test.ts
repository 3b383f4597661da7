import { type Ecn, NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import {
  type AckPolicy,
  ackByTime,
  ackEvery,
  ackEverySecond,
  decodeAckDelay,
  encodeAckDelay,
  immediateAcks,
  MAX_GAPS_WATCHED,
} from '../src/index.ts';

const LATER = 25_000;
/** When the ACK is due for an ack-eliciting packet, at time 0. */
const due = (policy: AckPolicy, packetNumber: number, inOrder = true, ecn: Ecn = 0): number =>
  policy.onPacket(0, packetNumber, true, inOrder, ecn);

test('Initial and Handshake packets are acknowledged at once (RFC 9000 §13.2.1)', () => {
  expect(due(immediateAcks, 0)).toBe(0);
  expect(immediateAcks.onPacket(0, 1, false, true, 0)).toBe(NEVER);
});

describe('ackEverySecond (RFC 9000 §13.2)', () => {
  test('acknowledges every second ack-eliciting packet, and one alone after max_ack_delay', () => {
    const policy = ackEverySecond();
    expect(due(policy, 0)).toBe(LATER);
    expect(policy.onPacket(10, 1, false, true, 0)).toBe(NEVER);
    expect(due(policy, 2)).toBe(0);
    expect(due(policy, 3)).toBe(0); // the ACK has not left yet
    policy.onAckSent(0);
    expect(due(policy, 4)).toBe(LATER);
  });

  test('takes what max_ack_delay and threshold it is given', () => {
    const policy = ackEvery(3, { maxAckDelay: 5_000 });
    expect([due(policy, 0), due(policy, 1), due(policy, 2)]).toEqual([5_000, 5_000, 0]);
    const timed = ackByTime(7_000);
    expect([0, 1, 5, 4, 3, 2, 90].map((n) => due(timed, n, false))).toEqual(new Array(7).fill(7_000));
  });

  test('acknowledges at once what leaves a gap, what fills one, and what is marked', () => {
    const gap = ackEverySecond();
    due(gap, 0);
    gap.onAckSent(0);
    expect(due(gap, 2, false)).toBe(0);
    gap.onAckSent(0);
    expect(due(gap, 1, false)).toBe(0);
    gap.onAckSent(0);
    expect(due(gap, 3)).toBe(LATER);
    expect(due(ackEverySecond(), 0, true, 3)).toBe(0);
    expect(due(ackEverySecond(), 0, true, 2)).toBe(LATER);
  });

  test('a gap before a packet that elicits nothing is told of with the next that does', () => {
    const policy = ackEverySecond();
    due(policy, 0);
    policy.onAckSent(0);
    expect(policy.onPacket(0, 2, false, false, 0)).toBe(NEVER);
    expect(due(policy, 3)).toBe(0);
    policy.onAckSent(0);
    expect(due(policy, 4)).toBe(LATER);
  });

  test('follows ACK_FREQUENCY (draft-ietf-quic-ack-frequency §4)', () => {
    const policy = ackEverySecond();
    policy.onFrequency(3, 8_000, 0);
    expect([due(policy, 0), due(policy, 2, false), due(policy, 1, false), due(policy, 3)]).toEqual([8_000, 8_000, 8_000, 0]);
    policy.onAckSent(0);
    policy.onFrequency(100, 8_000, 3);
    expect([due(policy, 5, false), due(policy, 6), due(policy, 7)]).toEqual([8_000, 8_000, 0]);
  });
});

describe('out of order (draft-ietf-quic-ack-frequency §6.2)', () => {
  /** Which of these packets are answered at once, when nothing but reordering is a reason. */
  function answered(threshold: number, packets: readonly number[], policy = ackEverySecond()): number[] {
    policy.onFrequency(1_000, LATER, threshold);
    let largest = -1;
    return packets.filter((packetNumber) => {
      const inOrder = packetNumber === largest + 1;
      largest = Math.max(largest, packetNumber);
      if (due(policy, packetNumber, inOrder) > 0) return false;
      policy.onAckSent(0);
      return true;
    });
  }

  test.each([
    ['threshold 3, the first example (§6.2.1)', 3, [0, 1, 3, 4, 5, 8, 9, 10], [5, 9, 10]],
    ['threshold 5, the second example (§6.2.1)', 5, [0, 1, 3, 5, 6, 7, 8, 9], [7, 9]],
    ['threshold 1: the gap, and what fills it, but not what comes behind', 1, [0, 2, 3, 1, 4], [2, 1]],
    ['threshold 0: never', 0, [0, 9, 5, 4, 20, 1], []],
    ['what comes before the threshold is reached is no event', 3, [0, 2, 3, 1, 4, 5, 6], []],
    ['what comes when the peer has declared it lost is told at once', 3, [0, 2, 3, 4, 1, 5, 6], [4, 1]],
    ['a gap that is filled in part', 4, [0, 4, 2, 1, 5, 6, 7], [7]],
    ['a threshold that no gap reaches', Number.MAX_SAFE_INTEGER, [0, 5, 500, 3, 1_000_000], []],
  ])('%s', (_, threshold, packets, expected) => {
    expect(answered(threshold, packets)).toEqual(expected);
  });

  test('an ACK for another reason tells of the gaps that are wide enough by then, and of no other', () => {
    const policy = ackEverySecond();
    policy.onFrequency(1_000, LATER, 3);
    for (const n of [0, 2, 3]) due(policy, n, n !== 2);
    policy.onAckSent(0); // largest 3: 1 is not lost yet
    expect([due(policy, 4), due(policy, 5)]).toEqual([0, 0]);
    policy.onAckSent(0);
    expect(due(policy, 6)).toBe(LATER);
  });

  test('packets that elicit nothing make no gap wide', () => {
    const policy = ackEverySecond();
    policy.onFrequency(1_000, LATER, 3);
    due(policy, 0);
    for (const n of [2, 3, 4, 5]) expect(policy.onPacket(0, n, false, n !== 2, 0)).toBe(NEVER);
    expect(due(policy, 6)).toBe(0);
  });

  test('gaps without end are not all watched: the newest are', () => {
    const policy = ackEverySecond();
    policy.onFrequency(1e6, LATER, 1_000);
    let atOnce = -1;
    for (let n = 0; n < 4_000 && atOnce < 0; n += 2) if (due(policy, n, n === 0) === 0) atOnce = n;
    expect(atOnce).toBe(-1); // the oldest watched is never 1,000 behind
    for (let n = 4_000; atOnce < 0; n++) if (due(policy, n, n !== 4_000) === 0) atOnce = n;
    expect(atOnce - 1_000).toBe(4_000 - 2 * MAX_GAPS_WATCHED + 1);
  });
});

test('CE marks are told at once: all of them by default, else the first of a row (draft-ietf-quic-ack-frequency §6.3)', () => {
  const marks = [0, 3, 3, 2, 3, 3] as const;
  const told = (policy: AckPolicy) =>
    marks.map((ecn, n) => {
      const by = due(policy, n, true, ecn);
      policy.onAckSent(0);
      return by === 0;
    });
  expect(told(ackEverySecond())).toEqual([false, true, true, false, true, true]);
  expect(told(ackEvery(10))).toEqual([false, true, false, false, true, false]);
});

test('the ACK Delay field is scaled and cut off (RFC 9000 §19.3)', () => {
  expect(encodeAckDelay(25_007, 3)).toBe(3_125);
  expect(decodeAckDelay(3_125, 3)).toBe(25_000);
  expect(encodeAckDelay(-5, 3)).toBe(0);
  expect(decodeAckDelay(Number.MAX_SAFE_INTEGER, 20)).toBe(Number.MAX_SAFE_INTEGER);
});
