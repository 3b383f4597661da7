import { ReceiveStream, SendStream } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { drawing, octets } from './slow-reassembly.ts';

// draft-ietf-quic-reliable-stream-reset

const PLENTY = Number.MAX_SAFE_INTEGER;

function sends(stream: SendStream, maxLength: number, credit = PLENTY): [number, number, boolean] | undefined {
  if (!stream.prepare(maxLength, credit)) return undefined;
  const sent: [number, number, boolean] = [stream.nextOffset, stream.nextLength, stream.nextFin];
  stream.onSent(...sent);
  return sent;
}

function receive(stream: ReceiveStream, from: number, to: number, fin = false) {
  return stream.receive(from, octets(from, to), 0, to - from, fin);
}

/** 100 octets written, so many of them sent. */
function sending(sent: number): SendStream {
  const stream = new SendStream(0, 10_000, 10_000);
  stream.write(octets(0, 100));
  if (sent > 0) sends(stream, sent);
  return stream;
}

describe('a reset that leaves something, at the sender', () => {
  test('what lies below the reliable size is still sent, nothing above, and no end; then the frame may leave', () => {
    const stream = sending(20);
    expect(stream.reset(7, 50)).toBe(true);
    expect([stream.resetCode, stream.reliableSize, stream.finalSize, stream.mayResetAt]).toEqual([7, 50, 50, false]);
    expect(stream.write(octets(0, 5))).toBe(0);
    stream.finish();
    expect(sends(stream, 100)).toEqual([20, 30, false]);
    expect([stream.hasToSend, stream.mayResetAt, stream.state]).toEqual([false, true, 'send']);
    stream.onResetAtSent();
    expect(stream.state).toBe('data-sent');
    stream.onAcked(0, 20, false);
    stream.onResetAtAcked(50);
    expect(stream.state).toBe('data-sent');
    stream.onAcked(20, 30, false);
    expect([stream.state, stream.done]).toEqual(['data-recvd', true]);
  });
  test('its final size is what was sent when that is more', () => {
    const stream = sending(80);
    stream.reset(7, 50);
    expect([stream.finalSize, stream.mayResetAt]).toEqual([80, true]);
  });
  test('lost octets are sent again up to the reliable size and no further', () => {
    const stream = sending(80);
    stream.onLost(60, 20, false);
    stream.onLost(10, 5, false);
    stream.reset(7, 50);
    expect(sends(stream, 100)).toEqual([10, 5, false]);
    expect(stream.hasToSend).toBe(false);
    stream.onLost(40, 40, false);
    expect(sends(stream, 100)).toEqual([40, 10, false]);
    stream.onLost(50, 30, false);
    expect(stream.hasToSend).toBe(false);
  });
  test('the frame waits for the credit that its data needs', () => {
    const stream = new SendStream(0, 30, 10_000);
    stream.write(octets(0, 100));
    stream.reset(7, 50);
    expect(sends(stream, 100)).toEqual([0, 30, false]);
    expect([stream.blockedByStream, stream.mayResetAt]).toEqual([true, false]);
    stream.setMaxData(60);
    expect(sends(stream, 100)).toEqual([30, 20, false]);
    expect([stream.blockedByStream, stream.mayResetAt]).toEqual([false, true]);
  });
  test('the reliable size can fall and never rises; code and final size stay', () => {
    const stream = sending(80);
    stream.reset(7, 50);
    stream.onResetAtSent();
    expect(stream.reset(8, 60)).toBe(false);
    expect(stream.reset(8, 50)).toBe(false);
    expect(stream.reset(8, 40)).toBe(true);
    expect([stream.resetCode, stream.reliableSize, stream.finalSize]).toEqual([7, 40, 80]);
    stream.onAcked(0, 80, false);
    stream.onResetAtAcked(50); // that of before
    expect([stream.state, stream.isResetAtOwed(50), stream.isResetAtOwed(40)]).toEqual(['data-sent', false, true]);
    stream.onResetAtAcked(40);
    expect([stream.state, stream.isResetAtOwed(40)]).toEqual(['data-recvd', false]);
    expect(stream.reset(7, 0)).toBe(false);
  });
  test('fallen to nothing it is RESET_STREAM', () => {
    const stream = sending(80);
    stream.reset(7, 50);
    stream.onResetAtSent();
    stream.onLost(0, 80, false);
    expect(stream.reset(8)).toBe(true);
    expect([stream.state, stream.resetCode, stream.finalSize, stream.hasToSend, stream.mayResetAt]).toEqual([
      'reset-sent',
      7,
      80,
      false,
      false,
    ]);
    stream.onResetAtAcked(50);
    expect(stream.state).toBe('reset-sent');
    stream.onResetAcked();
    expect(stream.state).toBe('reset-recvd');
  });
  test('fallen before the frame has left, the final size falls too', () => {
    const stream = sending(20);
    stream.reset(7, 50);
    stream.reset(7, 30);
    expect(stream.finalSize).toBe(30);
    expect(sends(stream, 100)).toEqual([20, 10, false]);
  });
  test('after FIN: done when either all of it is acknowledged or what the reset left', () => {
    for (const byFin of [true, false]) {
      const stream = sending(0);
      stream.finish();
      expect(sends(stream, 100)).toEqual([0, 100, true]);
      stream.reset(7, 50);
      expect(stream.finalSize).toBe(100);
      stream.onResetAtSent();
      if (byFin) stream.onAcked(0, 100, true);
      else {
        stream.onAcked(0, 50, false);
        expect(stream.state).toBe('data-sent');
        stream.onResetAtAcked(50);
      }
      expect(stream.state).toBe('data-recvd');
    }
  });
  test('more than was written cannot be promised, and of nothing there is nothing to deliver', () => {
    const stream = sending(0);
    stream.reset(7, 500);
    expect([stream.reliableSize, stream.finalSize]).toEqual([100, 100]);
    const empty = new SendStream(0, 10_000, 10_000);
    empty.reset(7, 5);
    expect([empty.reliableSize, empty.state]).toEqual([0, 'reset-sent']);
  });
  test('early data that was rejected is said again up to the reliable size, then the reset (RFC 9001 §4.6.2)', () => {
    const stream = sending(80);
    stream.reset(7, 50);
    stream.onResetAtSent();
    stream.rewind(1_000);
    expect([stream.finalSize, stream.mayResetAt, stream.isResetAtOwed(50)]).toEqual([50, false, true]);
    expect(sends(stream, 100)).toEqual([0, 50, false]);
    expect(stream.mayResetAt).toBe(true);
  });
});

describe('a reset that leaves something, at the receiver', () => {
  test('what lies below the reliable size is read; the reset comes after it, not the end', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 30);
    expect(stream.receiveResetAt(100, 7, 50)).toBe('');
    expect([stream.state, stream.newOctets, stream.freedOctets, stream.resetReached]).toEqual(['size-known', 70, 50, false]);
    expect(stream.read()).toEqual({ data: octets(0, 30), fin: false });
    receive(stream, 30, 80);
    expect(stream.state).toBe('data-recvd');
    expect(stream.read()).toEqual({ data: octets(30, 50), fin: false });
    expect([stream.state, stream.resetReached, stream.done, stream.resetCode]).toEqual(['data-read', true, true, 7]);
    expect(stream.read()).toBeUndefined();
  });
  test('everything is counted once: what was read, and what was dropped', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const draw = drawing(seed);
      const stream = new ReceiveStream(0, 10_000);
      let received = 0;
      let freed = 0;
      const count = () => {
        received += stream.newOctets;
        freed += stream.freedOctets;
      };
      const finalSize = 100 + draw(100);
      let read = '';
      let least = finalSize + 1;
      for (let step = 0; step < 60; step++) {
        const kind = draw(5);
        if (kind <= 2) {
          const from = draw(finalSize);
          const to = Math.min(finalSize, from + 1 + draw(40));
          expect(receive(stream, from, to, to === finalSize && draw(2) === 0), `seed ${seed}`).toBe('');
        } else if (kind === 3) {
          const reliable = draw(finalSize + 1);
          if (!stream.done && stream.state !== 'data-recvd') least = Math.min(least, reliable);
          expect(stream.receiveResetAt(finalSize, 7, reliable), `seed ${seed}`).toBe('');
          if (stream.state === 'reset-recvd') stream.onResetRead();
        } else {
          const piece = stream.read();
          if (piece === undefined) continue;
          read += piece.data.join(' ') + (piece.data.length > 0 ? ' ' : '');
        }
        count();
      }
      expect(read, `seed ${seed}`).toBe([...octets(0, stream.readOffset)].map((octet) => `${octet} `).join(''));
      if (stream.resetReached && least <= finalSize) expect(stream.readOffset, `seed ${seed}`).toBeGreaterThanOrEqual(least);
      if (stream.done) expect([received, freed], `seed ${seed}`).toEqual([finalSize, finalSize]);
      expect(freed).toBeLessThanOrEqual(received);
    }
  });
  test('a larger reliable size is an old one, a smaller one holds from now on', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 30);
    stream.receiveResetAt(100, 7, 50);
    stream.receiveResetAt(100, 7, 70);
    expect([stream.reliableSize, stream.newOctets, stream.freedOctets]).toEqual([50, 0, 0]);
    stream.receiveResetAt(100, 7, 30);
    expect([stream.reliableSize, stream.freedOctets, stream.state]).toEqual([30, 20, 'data-recvd']);
    expect(stream.read()).toEqual({ data: octets(0, 30), fin: false });
    expect(stream.resetReached).toBe(true);
  });
  test('when more was read already the reset is there at once', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 60);
    stream.read();
    stream.receiveResetAt(100, 7, 50);
    expect([stream.state, stream.resetReached, stream.freedOctets]).toEqual(['data-read', true, 40]);
  });
  test('a reliable size of 0, or RESET_STREAM behind it, is RESET_STREAM', () => {
    for (const plain of [true, false]) {
      const stream = new ReceiveStream(0, 10_000);
      receive(stream, 0, 30);
      stream.receiveResetAt(100, 7, 50);
      expect(plain ? stream.receiveReset(100, 7) : stream.receiveResetAt(100, 7, 0)).toBe('');
      expect([stream.state, stream.freedOctets, stream.readable]).toEqual(['reset-recvd', 50, false]);
      stream.onResetRead();
      expect([stream.state, stream.readable, stream.read()]).toEqual(['reset-read', false, undefined]);
    }
  });
  test('it may come before FIN, and FIN changes nothing then', () => {
    const stream = new ReceiveStream(0, 10_000);
    stream.receiveResetAt(100, 7, 50);
    expect(receive(stream, 0, 100, true)).toBe('');
    expect(stream.read()).toEqual({ data: octets(0, 50), fin: false });
    expect(stream.resetReached).toBe(true);
  });
  test('when all data has arrived it changes nothing', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 100, true);
    expect(stream.receiveResetAt(100, 7, 50)).toBe('');
    expect(stream.read()).toEqual({ data: octets(0, 100), fin: true });
    expect(stream.resetReached).toBe(false);
  });
  test('after STOP_SENDING nobody wants what it leaves', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 30);
    stream.stop();
    stream.receiveResetAt(100, 7, 50);
    expect([stream.state, stream.newOctets, stream.freedOctets]).toEqual(['reset-recvd', 70, 70]);
    const later = new ReceiveStream(0, 10_000);
    later.receiveResetAt(100, 7, 50);
    later.stop();
    expect([later.state, later.freedOctets, later.resetReached]).toEqual(['data-read', 50, false]);
  });
  test('another final size is a fault, so is another code, and what is beyond the credit', () => {
    const stream = new ReceiveStream(0, 1_000);
    expect(stream.receiveResetAt(1_001, 7, 50)).toBe('flow-control');
    receive(stream, 0, 60);
    expect(stream.receiveResetAt(59, 7, 50)).toBe('final-size');
    stream.receiveResetAt(100, 7, 80);
    expect(stream.receiveResetAt(101, 7, 50)).toBe('final-size');
    expect(stream.receiveResetAt(100, 8, 50)).toBe('reset-code');
    expect(stream.receiveReset(100, 8)).toBe('reset-code');
    expect(stream.receiveReset(99, 7)).toBe('final-size');
    expect(receive(stream, 60, 101)).toBe('final-size');
    expect(receive(stream, 60, 99, true)).toBe('final-size');
    expect([stream.reliableSize, stream.state]).toEqual([80, 'size-known']);
  });
});
