import { RangeSet } from '@quiclab/bytes';
import { roundRobinByByte, sequential } from '@quiclab/streams';
import { FrameType, writeAck, writeMaxData, writeMaxStreamData, writeMaxStreams, writeResetStream, writeStopSending } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions, type Sent, text } from './pair.ts';
import { find, findAll, type ReadPacket, ScriptedPeer, writeStream } from './scripted-peer.ts';

function quiet(options: PairOptions = {}): Pair {
  const pair = new Pair(options).handshake();
  pair.run(pair.now + 1_000_000);
  pair.clientEvents.length = 0;
  pair.serverEvents.length = 0;
  return pair;
}

/** A client whose server is played by us. */
function scripted(options: PairOptions = {}): { pair: Pair; server: ScriptedPeer; client: Pair['connection'] } {
  const pair = quiet(options);
  return { pair, server: new ScriptedPeer(pair, 'server'), client: pair.connection };
}

const pass = (pair: Pair, time = 1_000_000): void => pair.run(pair.now + time);
const types = (events: readonly { readonly type: string }[]): string[] => events.map((event) => event.type);
const framesOf = (packets: readonly (Sent | ReadPacket)[], type: number): number =>
  packets
    .flatMap((p) => p.frames as readonly unknown[])
    .filter((frame) => (Array.isArray(frame) ? frame[0] : (frame as { type: number }).type) === type).length;

describe('opening', () => {
  test('streams have the IDs of RFC 9000 §2.1', () => {
    const pair = quiet();
    expect([pair.connection.openStream('bidi'), pair.connection.openStream('bidi'), pair.connection.openStream('uni')]).toEqual([0, 4, 2]);
    expect([pair.accepted!.openStream('bidi'), pair.accepted!.openStream('uni'), pair.accepted!.openStream('uni')]).toEqual([1, 3, 7]);
  });

  test('a stream opens all of its kind with lower numbers, in order (RFC 9000 §3.2)', () => {
    const pair = quiet();
    const server = new ScriptedPeer(pair, 'client');
    server.send('application', (w) => writeStream(w, 8, 0, text('third')));
    expect(pair.serverEvents).toEqual([
      { type: 'stream-opened', id: 0, early: false },
      { type: 'stream-opened', id: 4, early: false },
      { type: 'stream-opened', id: 8, early: false },
      { type: 'stream-readable', id: 8 },
    ]);
    server.send('application', (w) => writeStream(w, 0, 0, text('first')));
    expect(pair.serverEvents.slice(4)).toEqual([{ type: 'stream-readable', id: 0 }]);
  });

  test('at the limit opening fails, STREAMS_BLOCKED says so once, and streams-available follows MAX_STREAMS (RFC 9000 §4.6, §19.14)', () => {
    const { pair, server, client } = scripted({ serverConfig: { maxStreamsUni: 2 } });
    expect([client.openStream('uni'), client.openStream('uni'), client.openStream('uni')]).toEqual([2, 6, undefined]);
    const said = server.wait(pair.now);
    expect(find(said, 'STREAMS_BLOCKED_UNI')!.limit).toBe(2);
    expect(client.openStream('uni')).toBeUndefined();
    server.ackAll();
    server.wait(pair.now + 100_000);
    expect(findAll(server.heard, 'STREAMS_BLOCKED_UNI')).toHaveLength(1);
    server.send('application', (w) => writeMaxStreams(w, false, 3));
    expect(pair.clientEvents).toEqual([{ type: 'streams-available', kind: 'uni' }]);
    expect([client.openStream('uni'), client.openStream('uni')]).toEqual([10, undefined]);
    expect(findAll(server.wait(pair.now), 'STREAMS_BLOCKED_UNI').map((frame) => frame.limit)).toEqual([3]);
    // limits never fall
    server.send('application', (w) => writeMaxStreams(w, false, 1));
    expect(pair.clientEvents).toHaveLength(1);
  });

  test('a thousand streams pass through a limit of 100', () => {
    let opened = 0;
    const open = (pair: Pair): void => {
      for (; opened < 1_000; opened++) {
        const id = pair.connection.openStream('bidi');
        if (id === undefined) return;
        pair.connection.write(pair.now, id, text(`request ${id}`));
        pair.connection.finish(id);
      }
    };
    const answers = new Map<number, string>();
    const pair = new Pair({
      use(pair, event) {
        if (event.type === 'handshake-complete' || event.type === 'streams-available') open(pair);
        if (event.type === 'stream-readable') answers.set(event.id, pair.readAll(pair.connection, event.id).data);
      },
      serve(pair, event) {
        if (event.type !== 'stream-readable') return;
        const { data, fin } = pair.readAll(pair.accepted!, event.id);
        if (!fin) throw new Error('a request in pieces');
        pair.accepted!.write(pair.now, event.id, text(`answer to ${data}`));
        pair.accepted!.finish(event.id);
      },
    });
    pair.run(60_000_000, () => answers.size < 1_000);
    expect(answers.size).toBe(1_000);
    expect(answers.get(3_996)).toBe('answer to request 3996');
    pair.run(pair.now + 1_000_000);
    expect([pair.connection.stats().openStreams, pair.accepted!.stats().openStreams]).toEqual([0, 0]);
  });
});

describe('sending and receiving', () => {
  test('octets arrive in order, FIN with the last of them, and both sides know that it is over', () => {
    const pair = quiet();
    const id = pair.connection.openStream('uni')!;
    expect(pair.connection.write(pair.now, id, text('hello '))).toBe(6);
    expect(pair.connection.write(pair.now, id, text('world'))).toBe(5);
    pair.connection.finish(id);
    pass(pair);
    expect(types(pair.serverEvents)).toEqual(['stream-opened', 'stream-readable']);
    expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'hello world', fin: true });
    expect(pair.clientEvents).toEqual([{ type: 'stream-finished', id }]);
    expect([pair.connection.stats().openStreams, pair.accepted!.stats().openStreams]).toEqual([0, 0]);
    expect(pair.accepted!.read(pair.now, id)).toBeUndefined();
    expect(pair.connection.write(pair.now, id, text('more'))).toBe(0);
  });

  test('FIN may come alone, and a stream may have no octets at all (RFC 9000 §2.2, §19.8)', () => {
    const pair = quiet();
    const [empty, late] = [pair.connection.openStream('uni')!, pair.connection.openStream('bidi')!];
    pair.connection.finish(empty);
    pair.connection.write(pair.now, late, text('data'));
    pass(pair, 100_000);
    expect(pair.readAll(pair.accepted!, empty)).toEqual({ data: '', fin: true });
    expect(pair.readAll(pair.accepted!, late)).toEqual({ data: 'data', fin: false });
    pair.connection.finish(late);
    pass(pair, 100_000);
    expect(pair.readAll(pair.accepted!, late)).toEqual({ data: '', fin: true });
    expect(types(pair.clientEvents)).toEqual(['stream-finished', 'stream-finished']);
  });

  test('readable is told once until read has said that there is no more', () => {
    const { pair, server } = scripted();
    const readables = (): number => pair.clientEvents.filter((event) => event.type === 'stream-readable').length;
    server.send('application', (w) => writeStream(w, 3, 0, text('a')));
    server.send('application', (w) => writeStream(w, 3, 1, text('b')));
    expect(readables()).toBe(1);
    expect(pair.readAll(pair.connection, 3).data).toBe('ab');
    server.send('application', (w) => writeStream(w, 3, 3, text('d')));
    expect(readables()).toBe(1); // there is a hole
    server.send('application', (w) => writeStream(w, 3, 2, text('c')));
    expect(readables()).toBe(2);
    expect(pair.readAll(pair.connection, 3).data).toBe('cd');
    server.send('application', (w) => writeStream(w, 3, 0, text('abcd'), true));
    expect(readables()).toBe(3); // the end is something to read
    expect(pair.readAll(pair.connection, 3)).toEqual({ data: '', fin: true });
  });

  test('a write is cut short at the buffer, and stream-writable says when there is room', () => {
    const pair = quiet({ config: { sendBuffer: 10_000 } });
    const id = pair.connection.openStream('uni')!;
    expect(pair.connection.write(pair.now, id, new Uint8Array(8_000))).toBe(8_000);
    expect(pair.connection.write(pair.now, id, new Uint8Array(8_000))).toBe(2_000);
    expect(pair.connection.write(pair.now, id, new Uint8Array(8_000))).toBe(0);
    expect(pair.connection.write(pair.now, id, new Uint8Array(0))).toBe(0);
    pass(pair);
    expect(types(pair.clientEvents)).toEqual(['stream-writable']);
    expect(pair.connection.write(pair.now, id, new Uint8Array(6_000))).toBe(6_000);
    pass(pair);
    expect(types(pair.clientEvents)).toEqual(['stream-writable']); // all was taken: nothing is owed
  });

  test('many streams share what they hold: each write that was refused is told of room, and one that nobody reads stops none of the others', () => {
    const length = 1_000_000;
    const count = 8;
    const bound = 400_000;
    const written = new Map<number, number>();
    const write = (pair: Pair, id: number): void => {
      const taken = pair.connection.write(pair.now, id, new Uint8Array(length - written.get(id)!));
      written.set(id, written.get(id)! + taken);
      if (written.get(id) === length) pair.connection.finish(id);
    };
    const got = new Map<number, number>();
    let unread = 2;
    const read = (pair: Pair, id: number): void => {
      if (id === unread) return;
      for (let part = pair.accepted!.read(pair.now, id); part !== undefined; part = pair.accepted!.read(pair.now, id))
        got.set(id, (got.get(id) ?? 0) + part.data.length);
    };
    const pair = quiet({
      config: { sendBuffer: 300_000, connectionSendBuffer: bound, maxIdleTimeout: 0 },
      use(pair, event) {
        if (event.type === 'stream-writable') write(pair, event.id);
      },
      serve(pair, event) {
        if (event.type === 'stream-readable') read(pair, event.id);
      },
    });
    for (let i = 0; i < count; i++) {
      const id = pair.connection.openStream('uni')!;
      written.set(id, 0);
      write(pair, id);
    }
    expect([...written.values()].reduce((sum, all) => sum + all)).toBe(bound + count * 65_536);
    pass(pair, 60_000_000);
    expect([...got]).toEqual(expect.arrayContaining([...written.keys()].slice(1).map((id) => [id, length])));
    expect(got.has(unread)).toBe(false);
    unread = -1;
    read(pair, 2);
    pass(pair, 60_000_000);
    expect(got.get(2)).toBe(length);
    expect(pair.connection.stats().openStreams).toBe(0);
  });

  test("what is our caller's mistake is a UsageError, and the connection lives", () => {
    const pair = quiet();
    const { connection } = pair;
    const uni = connection.openStream('uni')!;
    expect(() => connection.write(pair.now, 400, text('x'))).toThrow('stream 400 was never opened');
    expect(() => connection.read(pair.now, uni)).toThrow('no part that could receive');
    expect(() => connection.stopSending(uni, 0)).toThrow('no part that could receive');
    expect(() => connection.reset(uni, -1)).toThrow('no error code');
    expect(() => connection.reset(uni, 1.5)).toThrow('no error code');
    expect(() => connection.close(pair.now, 2 ** 60, '')).toThrow('no error code');
    connection.write(pair.now, uni, text('x'));
    connection.finish(uni);
    connection.finish(uni);
    expect(() => connection.write(pair.now, uni, text('x'))).toThrow('was finished');
    expect(connection.state).toBe('open');
    pass(pair);
    expect(pair.readAll(pair.accepted!, uni)).toEqual({ data: 'x', fin: true });
  });
});

describe('giving up', () => {
  test('RESET_STREAM says code and final size; the other end hears it, and both forget the stream (RFC 9000 §3.1, §19.4)', () => {
    const pair = quiet();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('four'));
    pass(pair, 5_000);
    pair.connection.reset(id, 99);
    expect(pair.connection.write(pair.now, id, text('more'))).toBe(0);
    pass(pair);
    expect(pair.serverEvents.at(-1)).toEqual({ type: 'stream-reset', id, code: 99 });
    expect(pair.accepted!.read(pair.now, id)).toBeUndefined();
    expect(pair.clientObserver.sent.flatMap((packet) => packet.frames).filter(([type]) => type === FrameType.RESET_STREAM)).toEqual([
      [4, id, 4, 99],
    ]);
    expect([pair.connection.stats().openStreams, pair.accepted!.stats().openStreams]).toEqual([0, 0]);
  });

  test('a stream that was never spoken on can be reset: its final size is 0', () => {
    const pair = quiet();
    const id = pair.connection.openStream('uni')!;
    pair.connection.reset(id, 5);
    pass(pair);
    expect(pair.serverEvents).toEqual([
      { type: 'stream-opened', id, early: false },
      { type: 'stream-reset', id, code: 5 },
    ]);
  });

  test('a reset after the end was sent cuts off what had not arrived (RFC 9000 §3.1, "Data Sent")', () => {
    const pair = quiet({ drop: (direction, n) => direction === 'up' && n === 4 });
    expect(pair.datagrams.up).toBe(3);
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('lost'));
    pair.connection.finish(id);
    pass(pair, 1_000);
    pair.connection.reset(id, 6);
    pass(pair);
    expect(types(pair.serverEvents)).toEqual(['stream-opened', 'stream-reset']);
    expect(pair.clientEvents).toEqual([]); // not finished
  });

  test('a reset that comes when all data is there changes nothing (RFC 9000 §3.2)', () => {
    const { pair, server } = scripted();
    server.send('application', (w) => writeStream(w, 3, 0, text('all'), true));
    server.send('application', (w) => writeResetStream(w, 3, 1, 3));
    expect(types(pair.clientEvents)).toEqual(['stream-opened', 'stream-readable']);
    expect(pair.readAll(pair.connection, 3)).toEqual({ data: 'all', fin: true });
  });

  test('STOP_SENDING is answered by RESET_STREAM with the same code (RFC 9000 §3.5)', () => {
    const pair = quiet();
    const id = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, id, new Uint8Array(100_000));
    pass(pair, 25_000);
    pair.accepted!.stopSending(id, 42);
    pass(pair);
    expect(pair.clientEvents).toEqual([{ type: 'stream-stopped', id, code: 42 }]);
    const resets = pair.clientObserver.sent.flatMap((packet) => packet.frames).filter(([type]) => type === FrameType.RESET_STREAM);
    expect(resets.map(([, stream, , code]) => [stream, code])).toEqual([[id, 42]]);
    expect(types(pair.serverEvents)).not.toContain('stream-reset'); // it has asked for it
    expect(pair.accepted!.read(pair.now, id)).toBeUndefined();
    // the other direction lives on
    pair.accepted!.write(pair.now, id, text('enough'));
    pair.accepted!.finish(id);
    pass(pair);
    expect(pair.readAll(pair.connection, id)).toEqual({ data: 'enough', fin: true });
    expect([pair.connection.stats().openStreams, pair.accepted!.stats().openStreams]).toEqual([0, 0]);
    // the credit that its octets took was given back
    expect(pair.connection.stats().bytesInFlight).toBe(0);
  });

  test('STOP_SENDING after everything was acknowledged is of no consequence', () => {
    const pair = quiet();
    const id = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, id, text('done'));
    pair.connection.finish(id);
    pass(pair);
    pair.accepted!.stopSending(id, 42);
    pass(pair);
    expect(types(pair.clientEvents)).toEqual(['stream-finished']);
  });

  test('a stopped stream is done when its size is known, and counts no more against the limit', () => {
    const { pair, server, client } = scripted({ clientConfig: { maxStreamsUni: 1 } });
    server.send('application', (w) => writeStream(w, 3, 0, text('some')));
    client.stopSending(3, 7);
    expect(find(server.wait(pair.now), 'STOP_SENDING')).toMatchObject({ id: 3, code: 7 });
    expect(client.stats().openStreams).toBe(1);
    const reply = server.send('application', (w) => writeStream(w, 3, 100, text('x'), true));
    expect(client.stats().openStreams).toBe(0);
    expect(find([...reply, ...server.wait(pair.now + 30_000)], 'MAX_STREAMS_UNI')!.limit).toBe(2);
    expect(pair.readAll(client, 3)).toEqual({ data: '', fin: false });
  });

  test('STOP_SENDING for a stream of the peer that has not been heard of opens it (RFC 9000 §3.1)', () => {
    const { pair, server } = scripted();
    const reply = server.send('application', (w) => writeStopSending(w, 1, 3));
    expect(pair.clientEvents).toEqual([
      { type: 'stream-opened', id: 1, early: false },
      { type: 'stream-stopped', id: 1, code: 3 },
    ]);
    expect(find(reply, 'RESET_STREAM')).toMatchObject({ id: 1, code: 3, finalSize: 0 });
  });
});

describe('flow control', () => {
  test('a stream stops at its limit and says so once; MAX_STREAM_DATA lets it go on (RFC 9000 §4.1, §19.13)', () => {
    const { pair, server, client } = scripted({ serverConfig: { initialMaxStreamData: 1_000 } });
    const id = client.openStream('uni')!;
    client.write(pair.now, id, new Uint8Array(3_000));
    const said = server.wait(pair.now);
    expect(findAll(said, 'STREAM').reduce((sum, frame) => sum + frame.data.length, 0)).toBe(1_000);
    expect(findAll(said, 'STREAM_DATA_BLOCKED').map(({ id, limit }) => [id, limit])).toEqual([[id, 1_000]]);
    server.ackAll();
    client.write(pair.now, id, new Uint8Array(10));
    expect(server.wait(pair.now + 20_000)).toEqual([]);
    const more = server.send('application', (w) => writeMaxStreamData(w, id, 1_500));
    expect(findAll(more, 'STREAM').map(({ offset, data }) => [offset, data.length])).toEqual([[1_000, 500]]);
    expect(findAll(more, 'STREAM_DATA_BLOCKED').map((frame) => frame.limit)).toEqual([1_500]);
    expect(
      findAll(
        server.send('application', (w) => writeMaxStreamData(w, id, 1_200)),
        'STREAM',
      ),
    ).toEqual([]); // limits never fall
  });

  test('all streams stop at the limit of the connection, which is said once and at once; MAX_DATA lets them go on (RFC 9000 §4.1, §19.12)', () => {
    const { pair, server, client } = scripted({ serverConfig: { initialMaxData: 1_000 } });
    const ids = [client.openStream('uni')!, client.openStream('uni')!, client.openStream('uni')!];
    for (const id of ids) client.write(pair.now, id, new Uint8Array(600).fill(id));
    client.finish(ids[0]!);
    const said = server.wait(pair.now);
    expect(findAll(said, 'STREAM').map(({ id, data, fin }) => [id, data.length, fin])).toEqual([
      [2, 600, true],
      [6, 400, false],
    ]);
    expect(findAll(said, 'DATA_BLOCKED').map((frame) => frame.limit)).toEqual([1_000]);
    server.ackAll();
    expect(server.wait(pair.now + 20_000)).toEqual([]);
    const more = server.send('application', (w) => writeMaxData(w, 1_500));
    expect(findAll(more, 'STREAM').reduce((sum, frame) => sum + frame.data.length, 0)).toBe(500);
    expect(findAll(more, 'DATA_BLOCKED').map((frame) => frame.limit)).toEqual([1_500]);
    const rest = server.send('application', (w) => writeMaxData(w, 5_000));
    expect(findAll(rest, 'STREAM').reduce((sum, frame) => sum + frame.data.length, 0)).toBe(300);
    expect(findAll(rest, 'DATA_BLOCKED')).toEqual([]);
  });

  test('what was lost is said again though there is no credit: it was counted before', () => {
    const { pair, server, client } = scripted({ serverConfig: { initialMaxData: 1_000 } });
    const id = client.openStream('uni')!;
    client.write(pair.now, id, new Uint8Array(2_000));
    server.wait(pair.now);
    const probe = server.wait(pair.client.nextTimeout());
    expect(findAll(probe, 'STREAM')[0]).toMatchObject({ id, offset: 0 });
    expect(findAll(probe, 'STREAM')[0]!.data).toHaveLength(1_000);
  });

  test('credit is raised as the application reads, not before, and windows grow with the rate', () => {
    const pair = quiet({
      oneWayDelay: 1_000,
      serverConfig: { initialMaxData: 20_000, initialMaxStreamData: 10_000, maxStreamDataWindow: 80_000, maxDataWindow: 160_000 },
    });
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, new Uint8Array(1_000_000));
    pass(pair, 500_000);
    expect(pair.serverObserver.sent.filter((packet) => framesOf([packet], FrameType.MAX_STREAM_DATA) > 0)).toEqual([]);
    let octets = 0;
    const read = (): boolean => {
      for (let piece = pair.accepted!.read(pair.now, id); piece !== undefined; piece = pair.accepted!.read(pair.now, id))
        octets += piece.data.length;
      return octets < 1_000_000;
    };
    read();
    pair.run(pair.now + 10_000_000, read);
    expect(octets).toBe(1_000_000);
    const limits = (type: number): number[] =>
      pair.serverObserver.sent
        .flatMap((packet) => packet.frames)
        .filter((frame) => frame[0] === type)
        .map((frame) => frame[2]!);
    const steps = (values: readonly number[]): number => Math.max(...values.slice(1).map((value, i) => value - values[i]!));
    expect(limits(FrameType.MAX_STREAM_DATA).every((limit, i, all) => i === 0 || limit > all[i - 1]!)).toBe(true);
    // a window of W is refilled when half of it is gone: a step of more than 20,000 means that it has grown to 80,000
    expect(steps(limits(FrameType.MAX_STREAM_DATA))).toBeGreaterThan(40_000);
    expect(steps(limits(FrameType.MAX_STREAM_DATA))).toBeLessThanOrEqual(80_000);
    expect(steps(limits(FrameType.MAX_DATA))).toBeGreaterThan(40_000);
  });

  test('octets of a stream that was reset, or stopped, are credited to the connection again (RFC 9000 §4.5)', () => {
    const { pair, server, client } = scripted({
      clientConfig: { initialMaxData: 1_000, maxDataWindow: 1_000, initialMaxStreamData: 1_000 },
    });
    const first = server.send('application', (w) => writeResetStream(w, 3, 1, 600));
    expect(findAll([...first, ...server.wait(pair.now + 30_000)], 'MAX_DATA').map((frame) => frame.limit)).toEqual([1_600]);
    server.send('application', (w) => writeStream(w, 7, 0, new Uint8Array(800)));
    client.stopSending(7, 1);
    const second = server.wait(pair.now);
    expect(findAll(second, 'MAX_DATA').map((frame) => frame.limit)).toEqual([2_400]);
  });
});

describe('which stream a packet carries', () => {
  const streamsOf = (packets: readonly Sent[]): number[][] =>
    packets
      .map((packet) => packet.frames.filter(([type]) => (type! & ~1) === FrameType.STREAM).map(([, id]) => id!))
      .filter((ids) => ids.length > 0);
  const burst = (options: PairOptions, sizes: readonly number[]): Sent[] => {
    const pair = quiet(options);
    const before = pair.clientObserver.sent.length;
    for (const size of sizes) pair.connection.write(pair.now, pair.connection.openStream('uni')!, new Uint8Array(size));
    pair.settle();
    return pair.clientObserver.sent.slice(before);
  };

  test('round robin by packet: one stream to a packet, each in its turn', () => {
    expect(streamsOf(burst({}, [2_000, 2_000, 2_000]))).toEqual([[2], [6], [10], [2], [6], [10]]);
  });

  test('… even when there is room for more', () => {
    expect(streamsOf(burst({}, [10, 10, 10]))).toEqual([[2], [6], [10]]);
  });

  test('… but two pieces of one stream that do not belong together share a packet', () => {
    const { pair, server, client } = scripted();
    const id = client.openStream('uni')!;
    const sent = Array.from({ length: 7 }, () => {
      client.write(pair.now, id, text('ten octets'));
      return server.wait(pair.now)[0]!.packetNumber;
    });
    const acked = new RangeSet();
    acked.add(0, sent[0]!);
    acked.add(sent[1]!, sent[2]!);
    acked.add(sent[3]!, sent[6]! + 1);
    const again = server.send('application', (w) => writeAck(w, acked, 0, 10)).filter((packet) => find([packet], 'STREAM') !== undefined);
    expect(again).toHaveLength(1);
    expect(findAll(again, 'STREAM').map(({ offset, data }) => [offset, data!.length])).toEqual([
      [0, 10],
      [20, 10],
    ]);
  });

  test('round robin by octets: each in its turn for 800 of them, and packets are shared', () => {
    expect(streamsOf(burst({ policies: { scheduler: () => roundRobinByByte(800) } }, [800, 800, 800]))).toEqual([[2, 6], [6, 10], [10]]);
  });

  test('in sequence: the first stream first', () => {
    expect(streamsOf(burst({ policies: { scheduler: () => sequential() } }, [1_500, 10, 10]))).toEqual([[2], [2, 6, 10]]);
  });

  test('a priority reaches the scheduler', () => {
    const said: unknown[] = [];
    const pair = quiet({
      policies: {
        scheduler: () => {
          const inner = sequential();
          const onReady = inner.onReady.bind(inner);
          inner.onReady = (id, priority) => {
            said.push([id, priority]);
            onReady(id, priority);
          };
          return inner;
        },
      },
    });
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('x'));
    pair.connection.prioritize(id, { urgency: 0, incremental: true });
    expect(said).toEqual([
      [id, { urgency: 3, incremental: false }],
      [id, { urgency: 0, incremental: true }],
    ]);
  });

  test('packets are filled to the last octet', () => {
    const packets = burst({}, [10_000]);
    expect(packets.slice(0, 8).map((packet) => packet.bytes)).toEqual(new Array(8).fill(1200));
  });
});
