import { FrameType, writeMaxData, writeMaxStreamData, writeNewConnectionId } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { type Direction, Pair, type PairOptions, text } from './pair.ts';
import { findAll, ScriptedPeer } from './scripted-peer.ts';

/** A pair in which the first datagram that carries a frame of this type is lost. */
function losing(direction: Direction, type: number, options: PairOptions = {}): Pair {
  let lost = false;
  const pair: Pair = new Pair({
    ...options,
    drop(way, n) {
      if (lost || way !== direction) return false;
      const { sent } = way === 'up' ? pair.clientObserver : pair.serverObserver;
      lost = sent.some((packet) => packet.datagram === n - 1 && packet.frames.some((frame) => frame[0] === type));
      return lost;
    },
  });
  return pair;
}

/** The values (limit, sequence number, final size …) that frames of a type said, in the order of their packets. */
const said = (pair: Pair, direction: Direction, type: number): number[] =>
  (direction === 'up' ? pair.clientObserver : pair.serverObserver).sent.flatMap((packet) =>
    packet.frames.filter((frame) => frame[0] === type).map((frame) => frame[2]!),
  );

const pass = (pair: Pair, time = 3_000_000): void => pair.run(pair.now + time);
const drain = (pair: Pair, connection: Pair['connection'], id: number): number => {
  let octets = 0;
  for (let piece = connection.read(pair.now, id); piece !== undefined; piece = connection.read(pair.now, id)) octets += piece.data.length;
  return octets;
};

describe('a lost frame is said again, and what it was for comes about (RFC 9000 §13.3):', () => {
  test('HANDSHAKE_DONE', () => {
    const pair = losing('down', FrameType.HANDSHAKE_DONE).handshake();
    expect(pair.clientEvents.map((event) => event.type)).toContain('handshake-confirmed');
    expect(said(pair, 'down', FrameType.HANDSHAKE_DONE).length).toBeGreaterThan(1);
  });

  test.each(['up', 'down'] as const)('NEW_CONNECTION_ID, %s', (direction) => {
    const pair = losing(direction, FrameType.NEW_CONNECTION_ID).handshake();
    pass(pair);
    const sequences = said(pair, direction, FrameType.NEW_CONNECTION_ID);
    expect([...new Set(sequences)].sort()).toEqual([1, 2, 3]);
    expect(sequences.length).toBeGreaterThan(3);
    const received = (direction === 'up' ? pair.serverObserver : pair.clientObserver).received.flatMap((packet) => packet.frames);
    expect(new Set(received.filter((frame) => frame[0] === FrameType.NEW_CONNECTION_ID).map((frame) => frame[2]))).toEqual(
      new Set([1, 2, 3]),
    );
  });

  test('STREAM with data, and FIN alone', () => {
    for (const finLater of [false, true]) {
      const pair = losing('up', finLater ? FrameType.STREAM | 1 : FrameType.STREAM).handshake();
      const id = pair.connection.openStream('uni')!;
      pair.connection.write(pair.now, id, text('data'));
      pass(pair, 500_000);
      pair.connection.finish(id);
      pass(pair);
      expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'data', fin: true });
      expect(pair.clientEvents.at(-1)).toEqual({ type: 'stream-finished', id });
    }
  });

  test('RESET_STREAM', () => {
    const pair = losing('up', FrameType.RESET_STREAM).handshake();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('data'));
    pass(pair);
    pair.connection.reset(id, 8);
    pass(pair);
    expect(pair.serverEvents.at(-1)).toEqual({ type: 'stream-reset', id, code: 8 });
    expect(said(pair, 'up', FrameType.RESET_STREAM).length).toBeGreaterThan(1);
    expect(pair.connection.stats().openStreams).toBe(0);
  });

  test('STOP_SENDING', () => {
    const pair = losing('down', FrameType.STOP_SENDING).handshake();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('data'));
    pass(pair);
    pair.accepted!.stopSending(id, 8);
    pass(pair);
    expect(pair.clientEvents.at(-1)).toEqual({ type: 'stream-stopped', id, code: 8 });
    expect(said(pair, 'down', FrameType.STOP_SENDING).length).toBeGreaterThan(1);
    expect(pair.accepted!.stats().openStreams).toBe(0);
  });

  test.each([
    ['MAX_DATA', FrameType.MAX_DATA, { initialMaxData: 4_000, maxDataWindow: 4_000 }],
    ['MAX_STREAM_DATA', FrameType.MAX_STREAM_DATA, { initialMaxStreamData: 4_000, maxStreamDataWindow: 4_000 }],
  ])('%s', (_name, type, serverConfig) => {
    const pair = losing('down', type, { serverConfig }).handshake();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, new Uint8Array(20_000));
    pass(pair, 20_000);
    let octets = 0;
    pair.run(pair.now + 10_000_000, () => {
      octets += drain(pair, pair.accepted!, id);
      pair.settle();
      return octets < 20_000;
    });
    expect(octets).toBe(20_000);
    const limits = said(pair, 'down', type);
    expect(limits.every((limit, i) => i === 0 || limit >= limits[i - 1]!)).toBe(true); // never an older one
  });

  test('MAX_STREAMS, of both kinds', () => {
    for (const kind of ['bidi', 'uni'] as const) {
      const type = kind === 'bidi' ? FrameType.MAX_STREAMS_BIDI : FrameType.MAX_STREAMS_UNI;
      const pair = losing('down', type, { serverConfig: { maxStreamsBidi: 2, maxStreamsUni: 2 } }).handshake();
      let finished = 0;
      for (let round = 0; round < 10; round++) {
        for (let id = pair.connection.openStream(kind); id !== undefined; id = pair.connection.openStream(kind)) pair.connection.finish(id);
        pass(pair, 500_000);
        for (const event of pair.serverEvents.splice(0)) {
          if (event.type === 'stream-opened' && kind === 'bidi') pair.accepted!.finish(event.id);
          if (event.type === 'stream-readable') finished += pair.readAll(pair.accepted!, event.id).fin ? 1 : 0;
        }
        for (const event of pair.clientEvents.splice(0)) if (event.type === 'stream-readable') pair.readAll(pair.connection, event.id);
      }
      expect(finished).toBeGreaterThanOrEqual(8);
    }
  });

  test('DATA_BLOCKED, STREAM_DATA_BLOCKED and STREAMS_BLOCKED, while they are still true', () => {
    const cases = [
      [FrameType.DATA_BLOCKED, { initialMaxData: 1_000 }],
      [FrameType.STREAM_DATA_BLOCKED, { initialMaxStreamData: 1_000 }],
      [FrameType.STREAMS_BLOCKED_UNI, { maxStreamsUni: 1 }],
      [FrameType.STREAMS_BLOCKED_BIDI, { maxStreamsBidi: 0 }],
    ] as const;
    for (const [type, serverConfig] of cases) {
      const pair = losing('up', type, { serverConfig }).handshake();
      const id = pair.connection.openStream('uni')!;
      pair.connection.openStream('uni');
      pair.connection.openStream('bidi');
      pair.connection.write(pair.now, id, new Uint8Array(2_000));
      pass(pair);
      const received = pair.serverObserver.received.flatMap((packet) => packet.frames).filter((frame) => frame[0] === type);
      expect([type, said(pair, 'up', type).length > 1, received.length > 0]).toEqual([type, true, true]);
    }
  });

  test('RETIRE_CONNECTION_ID', () => {
    const pair = new Pair().handshake();
    pass(pair);
    const server = new ScriptedPeer(pair, 'server');
    const first = server.send('application', (w) =>
      writeNewConnectionId(w, 4, 1, Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1), new Uint8Array(16)),
    );
    expect(findAll(first, 'RETIRE_CONNECTION_ID').map((frame) => frame.sequence)).toEqual([0]);
    const again = server.wait(pair.client.nextTimeout());
    expect(findAll(again, 'RETIRE_CONNECTION_ID').map((frame) => frame.sequence)).toContain(0);
    server.ackAll();
    server.wait(pair.now + 5_000_000);
    const count = findAll(server.heard, 'RETIRE_CONNECTION_ID').length;
    server.wait(pair.now + 5_000_000);
    expect(findAll(server.heard, 'RETIRE_CONNECTION_ID')).toHaveLength(count); // acknowledged: over
  });
});

test('what is said again is the newest value, not the one that was lost (RFC 9000 §13.3)', () => {
  const pair = new Pair({ clientConfig: { initialMaxData: 2_000, maxDataWindow: 2_000 } }).handshake();
  pass(pair);
  const server = new ScriptedPeer(pair, 'server');
  const send = (offset: number, length: number): void =>
    void server.send('application', (w) => {
      w.octets(Uint8Array.of(0x0e, 3));
      w.varint(offset);
      w.varint(length);
      w.octets(new Uint8Array(length));
    });
  send(0, 1_200);
  drain(pair, pair.connection, 3);
  const first = findAll(server.wait(pair.now), 'MAX_DATA').map((frame) => frame.limit);
  expect(first).toEqual([3_200]);
  send(1_200, 1_200);
  drain(pair, pair.connection, 3);
  const second = findAll(server.wait(pair.now), 'MAX_DATA').map((frame) => frame.limit);
  expect(second).toEqual([4_400]);
  // neither is acknowledged: the probes say the second
  expect(new Set(findAll(server.wait(pair.client.nextTimeout() + 1), 'MAX_DATA').map((frame) => frame.limit))).toEqual(new Set([4_400]));
});

test('a limit that was raised meanwhile makes a lost BLOCKED frame pointless: it is not said again', () => {
  const pair = new Pair({ serverConfig: { initialMaxData: 1_000, initialMaxStreamData: 800 } }).handshake();
  pass(pair);
  const server = new ScriptedPeer(pair, 'server');
  const id = pair.connection.openStream('uni')!;
  pair.connection.write(pair.now, id, new Uint8Array(900));
  expect(findAll(server.wait(pair.now), 'STREAM_DATA_BLOCKED')).toHaveLength(1);
  server.send('application', (w) => {
    writeMaxStreamData(w, id, 10_000);
    writeMaxData(w, 10_000);
  });
  server.wait(pair.now + 3_000_000);
  expect(findAll(server.heard, 'STREAM_DATA_BLOCKED')).toHaveLength(1);
});
