import { isBidi, isClientInitiated, ReceiveWindow, SendCredit, streamId, streamIndex } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';

describe('connection flow control (RFC 9000 §4.1)', () => {
  test('the receiver counts what came and refuses what is too much', () => {
    const window = new ReceiveWindow(100, 400);
    expect(window.onReceived(100)).toBe(true);
    expect(window.onReceived(1)).toBe(false);
    expect(window.received).toBe(100);
    window.onConsumed(51);
    expect(window.update(1_000_000, 10_000)).toBe(251); // doubled: half was gone by the first look
    expect(window.update(1_000_000, 10_000)).toBe(0);
    expect(window.onReceived(151)).toBe(true);
  });
  test('the sender uses credit, and says once for each limit that it is blocked', () => {
    const credit = new SendCredit(100);
    credit.use(100);
    expect(credit.available).toBe(0);
    expect([credit.noteBlocked(), credit.noteBlocked()]).toEqual([true, false]);
    expect(credit.blockedAt).toBe(100);
    expect(credit.raise(100)).toBe(false);
    expect(credit.raise(150)).toBe(true);
    expect(credit.raise(120)).toBe(false);
    expect(credit.available).toBe(50);
    expect(credit.noteBlocked()).toBe(true);
  });
});

describe('stream IDs (RFC 9000 §2.1, Table 1)', () => {
  test.each([
    [0, 'bidi', 'client', 0],
    [0, 'bidi', 'server', 1],
    [0, 'uni', 'client', 2],
    [0, 'uni', 'server', 3],
    [5, 'uni', 'server', 23],
    [2 ** 50, 'uni', 'client', 2 ** 52 + 2],
  ] as const)('the %dth %s stream of a %s is %d', (index, kind, side, id) => {
    expect(streamId(index, kind, side)).toBe(id);
    expect(streamIndex(id)).toBe(index);
    expect(isBidi(id)).toBe(kind === 'bidi');
    expect(isClientInitiated(id)).toBe(side === 'client');
  });
});
