import type { ByteWriter } from '@quiclab/bytes';
import type { ConnectionEvent } from '@quiclab/quic';
import { SECOND } from '@quiclab/sansio';
import { streamId } from '@quiclab/streams';
import { TransportErrorCode as Code, FrameType, writeResetStream, writeResetStreamAt, writeStopSending } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { type Direction, Pair, type PairOptions, text } from './pair.ts';
import { find, findAll, frames, ScriptedPeer, writeStream } from './scripted-peer.ts';

// draft-ietf-quic-reliable-stream-reset

const CONFIG = { resetStreamAt: true };
const pass = (pair: Pair, time = 3 * SECOND): void => pair.run(pair.now + time);

function connected(options: PairOptions = {}): Pair {
  const pair = new Pair({ config: CONFIG, ...options }).handshake();
  pass(pair);
  return pair;
}

const resets = (pair: Pair): number[][] =>
  pair.clientObserver.sent.flatMap(({ frames: list }) =>
    list.filter(([type]) => type === FrameType.RESET_STREAM_AT || type === FrameType.RESET_STREAM).map((frame) => [...frame]),
  );
const about = (events: readonly ConnectionEvent[], id: number): string[] =>
  events.flatMap((event) => ('id' in event && event.id === id ? [event.type] : []));

describe('RESET_STREAM_AT', () => {
  test('what is reliable is delivered, then the reset is told; the sender learns that all of it came', () => {
    const pair = connected();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('x'.repeat(5_000)));
    pair.connection.reset(id, 7, 3_000);
    pass(pair);
    expect(about(pair.serverEvents, id)).toEqual(['stream-opened', 'stream-readable']); // not yet
    expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'x'.repeat(3_000), fin: false });
    pass(pair);
    expect(about(pair.serverEvents, id)).toEqual(['stream-opened', 'stream-readable', 'stream-reset']);
    expect(pair.serverEvents.at(-1)).toMatchObject({ id, code: 7 });
    expect(about(pair.clientEvents, id)).toEqual(['stream-finished']);
    expect(resets(pair)).toEqual([[FrameType.RESET_STREAM_AT, id, 3_000, 3_000]]);
    expect(pair.connection.stats().openStreams).toBe(0);
    expect(pair.accepted!.stats().openStreams).toBe(0);
  });

  test('all that was sent counts in the final size, and no more than what is reliable is read', () => {
    const pair = connected();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('y'.repeat(2_000)));
    pair.settle();
    pair.connection.reset(id, 7, 500);
    pass(pair);
    expect(resets(pair)).toEqual([[FrameType.RESET_STREAM_AT, id, 2_000, 500]]);
    expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'y'.repeat(500), fin: false });
    pass(pair);
    expect(pair.accepted!.stats().openStreams).toBe(0);
  });

  test.each([1, 2, 3, 4])('packet %i after the reset lost: everything comes about all the same', (nth) => {
    let from = Number.POSITIVE_INFINITY;
    const pair = connected({ drop: (direction: Direction, n: number) => direction === 'up' && n === from + nth });
    const id = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, id, text('z'.repeat(6_000)));
    from = pair.datagrams.up;
    pair.connection.reset(id, 7, 3_000);
    pass(pair);
    expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'z'.repeat(3_000), fin: false });
    pass(pair);
    expect(about(pair.serverEvents, id)).toContain('stream-reset');
    expect(about(pair.clientEvents, id)).toContain('stream-finished');
  });

  test('lost octets above the reliable size are not sent again', () => {
    let lose = false;
    const pair = connected({ drop: (direction) => direction === 'up' && lose });
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('w'.repeat(4_000)));
    lose = true;
    pair.settle();
    lose = false;
    const before = pair.clientObserver.sent.length;
    pair.connection.reset(id, 7, 1_000);
    pass(pair);
    const again = pair.clientObserver.sent.slice(before).flatMap(({ frames: list }) => list.filter(([type]) => type === FrameType.STREAM));
    expect(Math.max(...again.map(([, , offset, size]) => offset! + size!))).toBe(1_000);
    expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'w'.repeat(1_000), fin: false });
  });

  test('the reliable size may fall, to RESET_STREAM at last; code and final size stay', () => {
    const pair = connected();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('v'.repeat(1_000)));
    pair.settle();
    for (const [code, reliable] of [
      [7, 800],
      [8, 900],
      [8, 300],
      [9, 0],
      [9, 0],
    ] as const) {
      pair.connection.reset(id, code, reliable);
      pair.settle();
    }
    pass(pair);
    expect(resets(pair)).toEqual([
      [FrameType.RESET_STREAM_AT, id, 1_000, 800],
      [FrameType.RESET_STREAM_AT, id, 1_000, 300],
      [FrameType.RESET_STREAM, id, 1_000, 7],
    ]);
    // all of the first reset's octets were there before the others came: they are the reader's, RFC 9000 §3.2
    expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'v'.repeat(800), fin: false });
    expect(pair.connection.stats().openStreams).toBe(0);
  });

  test('it waits for the credit that it needs, the connection its own', () => {
    const pair = connected({ config: { ...CONFIG, initialMaxStreamData: 1_000, initialMaxData: 1_500 } });
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('u'.repeat(5_000)));
    pair.connection.reset(id, 7, 4_000);
    let data = '';
    for (let round = 0; round < 20; round++) {
      pass(pair, 200_000);
      data += pair.readAll(pair.accepted!, id).data;
    }
    expect(data).toBe('u'.repeat(4_000));
    expect(about(pair.serverEvents, id)).toContain('stream-reset');
    expect(pair.connection.state).toBe('open');
  });

  test('STOP_SENDING makes it a RESET_STREAM: nobody reads it any more', () => {
    const pair = connected();
    const id = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, id, text('t'.repeat(8_000)));
    pair.connection.reset(id, 7, 8_000);
    pair.settle();
    const peer = new ScriptedPeer(pair, 'server');
    const reply = peer.send('application', (w) => writeStopSending(w, id, 9));
    expect(find(reply, 'RESET_STREAM')).toMatchObject({ id, code: 7, finalSize: 8_000 });
    expect(about(pair.clientEvents, id)).toContain('stream-stopped');
  });

  test('a peer that does not take it is not sent it', () => {
    const pair = connected({ serverConfig: { resetStreamAt: false } });
    expect([pair.connection.takesResetAt, pair.accepted!.takesResetAt]).toEqual([false, true]);
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('abc'));
    expect(() => pair.connection.reset(id, 7, 2)).toThrow('takesResetAt');
    pair.connection.reset(id, 7);
    pass(pair);
    expect(resets(pair).map(([type]) => type)).toEqual([FrameType.RESET_STREAM]);
  });

  test.each([4, -1, 1.5, Number.NaN])('a reliable size of %d for 3 octets is refused', (reliableSize) => {
    const pair = connected();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('abc'));
    expect(() => pair.connection.reset(id, 7, reliableSize)).toThrow('reliable size');
  });
});

describe.each(['client', 'server'] as const)('what a hostile %s says with RESET_STREAM_AT', (plays) => {
  const played = (config: PairOptions['config'] = CONFIG) => {
    const pair = connected({ config: { ...config, initialMaxData: 1_500, initialMaxStreamData: 1_000 } });
    const victim = plays === 'client' ? pair.accepted! : pair.connection;
    victim.openStream('uni');
    return { pair, victim, peer: new ScriptedPeer(pair, plays) };
  };
  const id = streamId(0, 'uni', plays);
  const next = streamId(1, 'uni', plays);
  const at =
    (finalSize: number, reliableSize: number, code = 7, stream = id) =>
    (w: ByteWriter) =>
      writeResetStreamAt(w, stream, code, finalSize, reliableSize);

  test.each<[string, ((w: ByteWriter) => void)[], number]>([
    ['above the final size', [at(5, 6)], Code.FRAME_ENCODING_ERROR],
    ['beyond the credit of the stream', [at(1_001, 0)], Code.FLOW_CONTROL_ERROR],
    ['beyond the credit of the connection', [at(900, 900), at(900, 1, 7, next)], Code.FLOW_CONTROL_ERROR],
    ['with another final size than before', [at(100, 50), at(101, 50)], Code.FINAL_SIZE_ERROR],
    ['with a final size below what came', [(w) => writeStream(w, id, 0, new Uint8Array(60)), at(50, 50)], Code.FINAL_SIZE_ERROR],
    ['with another final size than FIN', [(w) => writeStream(w, id, 10, new Uint8Array(10), true), at(30, 10)], Code.FINAL_SIZE_ERROR],
    ['with another code', [at(100, 50), at(100, 40, 8)], Code.STREAM_STATE_ERROR],
    ['with another code than RESET_STREAM after it', [at(100, 50), (w) => writeResetStream(w, id, 8, 100)], Code.STREAM_STATE_ERROR],
    ['data beyond its final size', [at(100, 50), (w) => writeStream(w, id, 100, new Uint8Array(1))], Code.FINAL_SIZE_ERROR],
    [
      'on a stream that only we send on',
      [at(0, 0, 7, streamId(0, 'uni', plays === 'client' ? 'server' : 'client'))],
      Code.STREAM_STATE_ERROR,
    ],
    [
      'on a stream that we have not opened',
      [at(0, 0, 7, streamId(5, 'bidi', plays === 'client' ? 'server' : 'client'))],
      Code.STREAM_STATE_ERROR,
    ],
    ['on a stream beyond the limit', [at(0, 0, 7, streamId(1_000, 'uni', plays))], Code.STREAM_LIMIT_ERROR],
  ])('%s', (_, says, code) => {
    const { peer, victim } = played();
    const replies = says.map((one) => peer.send('application', one));
    expect(find(replies.at(-1)!, 'CONNECTION_CLOSE')?.code).toBe(code);
    for (const reply of replies.slice(0, -1)) expect(find(reply, 'CONNECTION_CLOSE')).toBeUndefined();
    expect(victim.state).toBe('closing');
  });

  test('without our having said that we take it: FRAME_ENCODING_ERROR, as for any frame that is not known', () => {
    const { peer } = played({});
    expect(find(peer.send('application', at(10, 5)), 'CONNECTION_CLOSE')).toMatchObject({
      code: Code.FRAME_ENCODING_ERROR,
      frameType: FrameType.RESET_STREAM_AT,
    });
  });

  test('a thousand of them for one stream, falling and rising, are one reset', () => {
    const { pair, peer, victim } = played();
    peer.send('application', (w) => writeStream(w, id, 0, new Uint8Array(200).fill(1)));
    for (let i = 0; i < 20; i++)
      peer.send(
        'application',
        frames((w) => {
          for (let j = 0; j < 50; j++) at(900, 800 - 10 * i + (j % 7))(w);
        }),
      );
    expect(victim.state).toBe('open');
    peer.send('application', (w) => writeStream(w, id, 200, new Uint8Array(700).fill(1)));
    expect(pair.readAll(victim, id)).toEqual({ data: '\x01'.repeat(610), fin: false });
    const events = plays === 'client' ? pair.serverEvents : pair.clientEvents;
    pair.settle();
    expect(about(events, id).filter((type) => type === 'stream-reset')).toEqual(['stream-reset']);
  });

  test('the credit of what was dropped is given again', () => {
    const { pair, peer, victim } = played();
    for (let n = 0; n < 20; n++) {
      const stream = streamId(n, 'uni', plays);
      peer.send('application', (w) => writeStream(w, stream, 0, new Uint8Array(10)));
      peer.send('application', at(900, 10, 7, stream));
      expect(victim.state).toBe('open');
      expect(pair.readAll(victim, stream).data.length).toBe(10);
      pair.settle();
    }
    expect(findAll(peer.heard, 'MAX_DATA').length).toBeGreaterThan(1);
    expect(victim.stats().openStreams).toBe(1);
  });
});
