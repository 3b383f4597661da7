import { LEAST_PIECES, MAX_PINNED, OCTETS_PER_PIECE, PieceBudget, piecesFor, RECEIVE_TRANSITIONS, ReceiveStream } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { drawing, octets, SlowReassembly } from './slow-reassembly.ts';

function receive(stream: ReceiveStream, from: number, to: number, fin = false) {
  const datagram = new Uint8Array(to - from + 7); // octets lie somewhere in a datagram
  datagram.set(octets(from, to), 5);
  const fault = stream.receive(from, datagram, 5, 5 + to - from, fin);
  datagram.fill(0xee); // and the datagram is overwritten afterwards
  return fault;
}

describe('states of the receiving part (RFC 9000 §3.2, Figure 3)', () => {
  test('recv, size-known, data-recvd, data-read', () => {
    const stream = new ReceiveStream(0, 10_000);
    expect(receive(stream, 50, 100, true)).toBe('');
    expect(stream.state).toBe('size-known');
    expect(stream.readable).toBe(false);
    receive(stream, 0, 50);
    expect(stream.state).toBe('data-recvd');
    expect(stream.read()).toEqual({ data: octets(0, 100), fin: true });
    expect(stream.state).toBe('data-read');
    expect(stream.read()).toBeUndefined();
    expect(stream.done).toBe(true);
  });
  test('the end may come alone', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 10);
    expect(stream.read()).toEqual({ data: octets(0, 10), fin: false });
    receive(stream, 10, 10, true);
    expect(stream.readable).toBe(true);
    expect(stream.read()).toEqual({ data: new Uint8Array(0), fin: true });
  });
  test('a reset drops what was not read and gives its credit back (§3.2)', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 10);
    stream.read();
    receive(stream, 10, 40);
    expect(stream.receiveReset(100, 9)).toBe('');
    expect([stream.state, stream.resetCode, stream.newOctets, stream.freedOctets]).toEqual(['reset-recvd', 9, 60, 90]);
    expect(stream.readable).toBe(false);
    expect(stream.read()).toBeUndefined();
    expect(stream.receiveReset(100, 9)).toBe('');
    expect([stream.newOctets, stream.freedOctets]).toEqual([0, 0]);
    stream.onResetRead();
    expect(stream.state).toBe('reset-read');
  });
  test('a reset after all data has arrived changes nothing', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 10, true);
    expect(stream.receiveReset(10, 9)).toBe('');
    expect(stream.read()).toEqual({ data: octets(0, 10), fin: true });
  });
  test('the table names every state, and terminal ones lead nowhere', () => {
    const from = new Set(RECEIVE_TRANSITIONS.map((t) => t.from));
    const to = new Set(RECEIVE_TRANSITIONS.map((t) => t.to));
    expect([...to].filter((state) => !from.has(state)).sort()).toEqual(['data-read', 'reset-read']);
  });
});

describe('what a peer can do wrong', () => {
  test('going past the limit, with data, with an empty frame or with a reset (§4.1)', () => {
    const stream = new ReceiveStream(0, 100);
    expect(receive(stream, 0, 100)).toBe('');
    expect(receive(stream, 100, 101)).toBe('flow-control');
    expect(receive(stream, 101, 101)).toBe('flow-control');
    expect(stream.receiveReset(101, 0)).toBe('flow-control');
    expect([stream.highest, stream.state]).toEqual([100, 'recv']);
  });
  test('changing the final size, by data, by an end, by a reset (§4.5)', () => {
    const known = () => {
      const stream = new ReceiveStream(0, 1_000);
      receive(stream, 40, 50, true);
      return stream;
    };
    expect(receive(known(), 50, 51)).toBe('final-size');
    expect(receive(known(), 0, 60, true)).toBe('final-size');
    expect(receive(known(), 0, 49, true)).toBe('final-size');
    expect(known().receiveReset(49, 0)).toBe('final-size');
    expect(known().receiveReset(51, 0)).toBe('final-size');
    expect(receive(known(), 40, 50, true)).toBe('');
    const open = new ReceiveStream(0, 1_000);
    receive(open, 0, 50);
    expect(receive(open, 0, 40, true)).toBe('final-size');
    expect(open.receiveReset(49, 0)).toBe('final-size');
    expect(open.receiveReset(60, 0)).toBe('');
    expect(receive(open, 0, 61)).toBe('final-size');
    expect(receive(open, 0, 60, true)).toBe('');
  });
  test('the final size stays checked when all was read', () => {
    const stream = new ReceiveStream(0, 1_000);
    receive(stream, 0, 10, true);
    stream.read();
    expect(receive(stream, 0, 11)).toBe('final-size');
    expect(receive(stream, 0, 10, true)).toBe('');
  });
  test('making holes without end: what would be one piece more must come again', () => {
    const stream = new ReceiveStream(0, 1_000_000);
    for (let i = 1; i <= LEAST_PIECES; i++) expect(receive(stream, i * 10, i * 10 + 1)).toBe('');
    expect(receive(stream, 5, 6)).toBe('pieces');
    expect(receive(stream, 900_000, 900_001, true)).toBe('pieces');
    expect({ highest: stream.highest, finalSize: stream.finalSize }).toEqual({ highest: LEAST_PIECES * 10 + 1, finalSize: -1 });
    expect(receive(stream, 11, 12)).toBe(''); // makes one wider
    expect(receive(stream, 0, 10)).toBe(''); // fills one
    expect(receive(stream, 900_000, 900_001, true)).toBe('');
  });
  test('… of all streams together: what one holds, another may not', () => {
    const pieces = new PieceBudget(10);
    const [a, b] = [new ReceiveStream(0, 1_000, 1_000, pieces), new ReceiveStream(4, 1_000, 1_000, pieces)];
    for (let i = 1; i <= 10; i++) expect(receive(a, i * 10, i * 10 + 1)).toBe('');
    expect(receive(b, 10, 11)).toBe('pieces');
    expect(receive(b, 0, 11)).toBe(''); // in order
    receive(a, 0, 25); // two holes closed
    expect(pieces.held).toBe(8);
    expect([receive(b, 20, 21), receive(b, 30, 31), receive(b, 40, 41)]).toEqual(['', '', 'pieces']);
    a.receiveReset(500, 7);
    expect(pieces.held).toBe(2);
    b.stop();
    expect(pieces.held).toBe(0);
  });
  test('saying other octets at an offset: the first ones stay (§2.2)', () => {
    const stream = new ReceiveStream(0, 1_000);
    stream.receive(2, Uint8Array.of(2, 3), 0, 2, false);
    stream.receive(0, Uint8Array.of(9, 9, 9, 9, 9), 0, 5, false);
    expect(stream.read()?.data).toEqual(Uint8Array.of(9, 9, 2, 3, 9));
  });
});

describe('reassembly', () => {
  test('every other packet of a window of 16 MiB may be missing: that is no fault of the peer (§2.2)', () => {
    const window = 16 << 20;
    const pieces = new PieceBudget(piecesFor(window));
    const stream = new ReceiveStream(0, window, window, pieces);
    const packet = new Uint8Array(1_150);
    for (let at = packet.length; at + packet.length <= window; at += 2 * packet.length)
      expect(stream.receive(at, packet, 0, packet.length, false)).toBe('');
    expect(pieces.held).toBe(Math.floor(window / (2 * packet.length)));
    expect(pieces.held).toBeLessThan(window / OCTETS_PER_PIECE);
  });
  test('a stream that ends keeps no more alive than four times what was read of it at last', () => {
    for (const size of [1, 100, 511, 512, 2_048, 2_049, 30_000, 63_488, 63_489, 100_000]) {
      const stream = new ReceiveStream(0, 1 << 20);
      stream.receive(0, new Uint8Array(size), 0, size, true);
      let last = stream.read()!;
      while (!last.fin) last = stream.read()!;
      expect(last.data.buffer.byteLength).toBeLessThanOrEqual(last.data.length * MAX_PINNED);
    }
  });
  test('what was new in a frame is told range by range', () => {
    const stream = new ReceiveStream(0, 1_000);
    receive(stream, 10, 20);
    expect(stream.arrived).toEqual([10, 20]);
    receive(stream, 30, 40);
    receive(stream, 5, 45);
    expect(stream.arrived).toEqual([5, 10, 20, 30, 40, 45]);
    expect(stream.newOctets).toBe(5);
    receive(stream, 5, 45);
    expect(stream.arrived).toEqual([]);
    receive(stream, 0, 6);
    expect(stream.arrived).toEqual([0, 5]);
    expect(stream.contiguous).toBe(45);
  });
  test.each(Array.from({ length: 60 }, (_, seed) => seed))('agrees with the slow twin, frame by frame (seed %d)', (seed) => {
    const draw = drawing(seed);
    const size = 1 + draw(6_000);
    const stream = new ReceiveStream(0, size);
    const twin = new SlowReassembly();
    let newOctets = 0;
    let freed = 0;
    for (let frame = 0; frame < 400 && stream.state !== 'data-read'; frame++) {
      const from = draw(size + 1);
      const to = frame > 350 ? size : Math.min(size, from + draw(400));
      const start = frame > 350 ? stream.contiguous : from;
      const before = twin.count;
      twin.receive(start, octets(start, to));
      expect(receive(stream, start, to, to === size)).toBe('');
      newOctets += stream.newOctets;
      let told = 0;
      for (let i = 0; i < stream.arrived.length; i += 2) told += stream.arrived[i + 1]! - stream.arrived[i]!;
      expect(told).toBe(twin.count - before);
      expect([stream.contiguous, stream.highest]).toEqual([twin.contiguous, twin.highest]);
      while (draw(3) > 0 && stream.readable) {
        const expected = twin.deliverable(stream.readOffset);
        const read = stream.read()!;
        freed += stream.freedOctets;
        expect([...read.data]).toEqual(expected.slice(0, read.data.length));
        expect(read.fin).toBe(stream.readOffset === size);
      }
    }
    while (stream.readable) {
      stream.read();
      freed += stream.freedOctets;
    }
    expect([stream.state, newOctets, freed]).toEqual(['data-read', size, size]);
  });
});

describe('STOP_SENDING (RFC 9000 §3.5)', () => {
  test('what is there and what comes is discarded, and still counted', () => {
    const stream = new ReceiveStream(0, 10_000);
    receive(stream, 0, 100);
    stream.read();
    receive(stream, 100, 300);
    stream.stop();
    expect(stream.freedOctets).toBe(200);
    expect(stream.readable).toBe(false);
    receive(stream, 400, 500);
    expect([stream.newOctets, stream.freedOctets, stream.arrived.length]).toEqual([200, 200, 0]);
    receive(stream, 300, 400);
    expect([stream.newOctets, stream.freedOctets]).toEqual([0, 0]);
    expect(receive(stream, 0, 10_001)).toBe('flow-control');
    receive(stream, 600, 600, true);
    expect([stream.newOctets, stream.freedOctets]).toEqual([100, 100]);
    expect(stream.state).toBe('data-read');
  });
  test('a reset in answer to it', () => {
    const stream = new ReceiveStream(0, 10_000);
    stream.stop();
    receive(stream, 0, 100);
    expect(stream.receiveReset(150, 3)).toBe('');
    expect([stream.state, stream.newOctets, stream.freedOctets]).toEqual(['reset-recvd', 50, 50]);
  });
});

describe('credit (RFC 9000 §4.2)', () => {
  test('a new limit is due when more than half of the window was read, and none once the size is known', () => {
    const stream = new ReceiveStream(0, 1_000, 1_000);
    receive(stream, 0, 500);
    stream.read();
    expect(stream.creditUpdate(0, 50)).toBe(0);
    receive(stream, 500, 501);
    stream.read();
    expect(stream.creditUpdate(1_000, 50)).toBe(1_501);
    expect(stream.limit).toBe(1_501);
    receive(stream, 501, 1_501, true);
    stream.read();
    expect(stream.creditUpdate(2_000, 50)).toBe(0);
  });
  test('the window doubles while half of it goes within two round trips, up to its bound', () => {
    const stream = new ReceiveStream(0, 1_000, 3_000);
    const limits: number[] = [];
    for (let n = 0; n < 6; n++) {
      stream.creditUpdate(n * 60_000, 50_000);
      receive(stream, stream.readOffset, stream.limit);
      while (stream.readable) stream.read();
      const consumed = stream.readOffset;
      limits.push(stream.creditUpdate(n * 60_000, 50_000) - consumed);
    }
    expect(limits).toEqual([2_000, 3_000, 3_000, 3_000, 3_000, 3_000]);
  });
  test('a slow reader keeps its window', () => {
    const stream = new ReceiveStream(0, 1_000, 8_000);
    stream.creditUpdate(0, 50_000);
    for (let n = 1; n < 5; n++) {
      receive(stream, stream.readOffset, stream.limit);
      while (stream.readable) stream.read();
      expect(stream.creditUpdate(n * 100_000, 50_000) - stream.readOffset).toBe(1_000);
    }
  });
});
