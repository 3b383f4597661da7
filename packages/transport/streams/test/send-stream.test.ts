import { SEND_TRANSITIONS, SendStream } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { octets } from './slow-reassembly.ts';

const PLENTY = Number.MAX_SAFE_INTEGER;

function sends(stream: SendStream, maxLength: number, credit = PLENTY): [number, number, boolean] | undefined {
  if (!stream.prepare(maxLength, credit)) return undefined;
  const sent: [number, number, boolean] = [stream.nextOffset, stream.nextLength, stream.nextFin];
  stream.onSent(...sent);
  return sent;
}

describe('states of the sending part (RFC 9000 §3.1, Figure 2)', () => {
  test('ready, send, data-sent, data-recvd', () => {
    const stream = new SendStream(0, 10_000, 10_000);
    expect(stream.state).toBe('ready');
    stream.write(octets(0, 100));
    expect(sends(stream, 60)).toEqual([0, 60, false]);
    expect(stream.state).toBe('send');
    stream.finish();
    expect(sends(stream, 60)).toEqual([60, 40, true]);
    expect(stream.state).toBe('data-sent');
    stream.onAcked(60, 40, true);
    expect(stream.state).toBe('data-sent');
    stream.onAcked(0, 60, false);
    expect(stream.state).toBe('data-recvd');
    expect(stream.done).toBe(true);
  });
  test('a stream said whole in one frame, and one with no octets at all', () => {
    const stream = new SendStream(0, 10_000, 10_000);
    stream.finish();
    expect(stream.hasToSend).toBe(true);
    expect(sends(stream, 0)).toEqual([0, 0, true]);
    expect(stream.state).toBe('data-sent');
    expect(sends(stream, 100)).toBeUndefined();
    stream.onAcked(0, 0, true);
    expect(stream.state).toBe('data-recvd');
  });
  test('reset from every state in which something is outstanding; its final size counts what was sent (§4.5)', () => {
    for (const sent of [0, 50, 100]) {
      const stream = new SendStream(0, 10_000, 10_000);
      stream.write(octets(0, 100));
      if (sent === 100) stream.finish();
      if (sent > 0) sends(stream, sent);
      expect(stream.reset(7)).toBe(true);
      expect([stream.state, stream.resetCode, stream.finalSize]).toEqual(['reset-sent', 7, sent]);
      expect(stream.reset(8)).toBe(false);
      expect(stream.hasToSend).toBe(false);
      expect(stream.write(octets(0, 1))).toBe(0);
      stream.onLost(0, sent, false);
      expect(sends(stream, 100)).toBeUndefined();
      stream.onAcked(0, sent, sent === 100);
      expect(stream.state).toBe('reset-sent');
      stream.onResetAcked();
      expect(stream.state).toBe('reset-recvd');
    }
  });
  test('no reset once the peer has everything', () => {
    const stream = new SendStream(0, 10_000, 10_000);
    stream.finish();
    sends(stream, 10);
    stream.onAcked(0, 0, true);
    expect(stream.reset(7)).toBe(false);
    expect(stream.state).toBe('data-recvd');
  });
  test('the table names every state, and terminal ones lead nowhere', () => {
    const from = new Set(SEND_TRANSITIONS.map((t) => t.from));
    const to = new Set(SEND_TRANSITIONS.map((t) => t.to));
    expect([...to].filter((state) => !from.has(state)).sort()).toEqual(['data-recvd', 'reset-recvd']);
  });
});

describe('what is sent next', () => {
  test('lost ranges first, the lowest first, and they use no connection credit', () => {
    const stream = new SendStream(0, 10_000, 10_000);
    stream.write(octets(0, 1_000));
    for (let i = 0; i < 5; i++) sends(stream, 100);
    stream.onLost(300, 100, false);
    stream.onLost(100, 100, false);
    expect(stream.hasToSendWithoutCredit).toBe(true);
    expect(stream.prepare(60, 0)).toBe(true);
    expect([stream.nextOffset, stream.nextLength, stream.nextNewOctets]).toEqual([100, 60, 0]);
    expect(sends(stream, 60, 0)).toEqual([100, 60, false]);
    expect(sends(stream, 60, 0)).toEqual([160, 40, false]);
    expect(sends(stream, 600, 0)).toEqual([300, 100, false]);
    expect(sends(stream, 600, 0)).toBeUndefined();
    expect(stream.prepare(600, 200)).toBe(true);
    expect([stream.nextOffset, stream.nextLength, stream.nextNewOctets]).toEqual([500, 200, 200]);
  });
  test('what was acknowledged meanwhile is not sent again', () => {
    const stream = new SendStream(0, 10_000, 10_000);
    stream.write(octets(0, 500));
    for (let i = 0; i < 5; i++) sends(stream, 100);
    stream.onAcked(200, 100, false);
    stream.onLost(100, 300, false);
    expect(sends(stream, 500)).toEqual([100, 100, false]);
    stream.onAcked(300, 100, false); // it had not been lost after all
    expect(sends(stream, 500)).toBeUndefined();
    stream.onAcked(0, 200, false);
    expect(stream.acked).toBe(400);
    stream.onLost(0, 400, false);
    expect(stream.hasToSend).toBe(false);
  });
  test('a lost end is said again, alone when its octets were acknowledged', () => {
    const stream = new SendStream(0, 10_000, 10_000);
    stream.write(octets(0, 100));
    stream.finish();
    sends(stream, 100);
    stream.onAcked(0, 100, false); // an earlier copy without the end
    stream.onLost(0, 100, true);
    expect(sends(stream, 100)).toEqual([100, 0, true]);
    expect(sends(stream, 100)).toBeUndefined();
    stream.onAcked(0, 100, true); // the first copy of the end after all
    expect(stream.state).toBe('data-recvd');
    stream.onLost(100, 0, true);
    expect(stream.hasToSend).toBe(false);
  });
  test('a lost tail is sent again together with the end', () => {
    const stream = new SendStream(0, 10_000, 10_000);
    stream.write(octets(0, 100));
    stream.finish();
    sends(stream, 100);
    stream.onLost(0, 100, true);
    expect(sends(stream, 60)).toEqual([0, 60, false]);
    expect(sends(stream, 60)).toEqual([60, 40, true]);
    expect(sends(stream, 60)).toBeUndefined();
  });
  test("new data stays within the peer's limit, the end does not (RFC 9000 §4.1)", () => {
    const stream = new SendStream(0, 150, 10_000);
    stream.write(octets(0, 200));
    expect(sends(stream, 1_000)).toEqual([0, 150, false]);
    expect(stream.blockedByStream).toBe(true);
    expect(stream.hasToSend).toBe(false);
    expect(stream.setMaxData(150)).toBe(false);
    expect(stream.setMaxData(200)).toBe(true);
    expect(stream.setMaxData(100)).toBe(false);
    expect(stream.blockedByStream).toBe(false);
    expect(sends(stream, 1_000)).toEqual([150, 50, false]);
    expect(stream.blockedByStream).toBe(false);
    stream.finish();
    expect(sends(stream, 0, 0)).toEqual([200, 0, true]);
  });
});

describe('the send buffer', () => {
  test('takes what fits, and says once when there is room again', () => {
    const stream = new SendStream(0, 100_000, 1_000);
    expect(stream.write(octets(0, 600))).toBe(600);
    expect(stream.write(octets(600, 1_200))).toBe(400);
    expect(stream.write(octets(1_000, 1_200))).toBe(0);
    sends(stream, 500);
    stream.onAcked(0, 100, false);
    expect(stream.writableOwed).toBe(false); // 500 octets wait to be sent: no hurry
    stream.onAcked(100, 200, false);
    expect(stream.writableOwed).toBe(true);
    expect(stream.write(octets(1_000, 1_100))).toBe(100);
    expect(stream.writableOwed).toBe(false);
    stream.onAcked(300, 200, false);
    expect(stream.writableOwed).toBe(false); // that write was taken whole
  });
  test('says so at once when nothing is left to send', () => {
    const stream = new SendStream(0, 100_000, 1_000);
    stream.write(octets(0, 2_000));
    sends(stream, 1_000);
    stream.onAcked(0, 1, false);
    expect(stream.writableOwed).toBe(true);
    stream.finish();
    expect(stream.writableOwed).toBe(false);
  });
  test('what was sent comes back as it was written', () => {
    const stream = new SendStream(0, 100_000, 100_000);
    const data = octets(0, 10_000);
    stream.write(data);
    data.fill(0); // it was copied
    const target = new Uint8Array(3_002);
    stream.copy(4_000, 3_000, target, 1);
    expect(target.subarray(1, 3_001)).toEqual(octets(4_000, 7_000));
  });
});

test('with little sendAhead, room comes up with sending, not only with acknowledgements', () => {
  const stream = new SendStream(0, 1_000_000, 100_000, 2_000);
  expect(stream.write(new Uint8Array(5_000))).toBe(2_000);
  expect(stream.write(new Uint8Array(3_000))).toBe(0);
  expect(stream.prepare(1_200, 1_000_000)).toBe(true);
  stream.onSent(stream.nextOffset, stream.nextLength, stream.nextFin);
  expect(stream.writableOwed).toBe(true);
  expect(stream.write(new Uint8Array(3_000))).toBe(1_200);
});
