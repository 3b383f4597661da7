import { type Ecn, NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type AckPolicy, ackEverySecond, decodeAckDelay, encodeAckDelay, immediateAcks } from '../src/index.ts';

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
    const policy = ackEverySecond({ maxAckDelay: 5_000, every: 3 });
    expect([due(policy, 0), due(policy, 1), due(policy, 2)]).toEqual([5_000, 5_000, 0]);
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

test('the ACK Delay field is scaled and cut off (RFC 9000 §19.3)', () => {
  expect(encodeAckDelay(25_007, 3)).toBe(3_125);
  expect(decodeAckDelay(3_125, 3)).toBe(25_000);
  expect(encodeAckDelay(-5, 3)).toBe(0);
  expect(decodeAckDelay(Number.MAX_SAFE_INTEGER, 20)).toBe(Number.MAX_SAFE_INTEGER);
});
