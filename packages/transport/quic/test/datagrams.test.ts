import { fixedWindow } from '@quiclab/congestion';
import type { ConnectionEvent } from '@quiclab/quic';
import { SECOND } from '@quiclab/sansio';
import { TransportErrorCode as Code, FrameType, writeDatagramHeader, writePing } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks, other } from './breaks.ts';
import { fromText, Pair, type PairOptions, text } from './pair.ts';
import { find, frames, ScriptedPeer, writeSimpleAck } from './scripted-peer.ts';

const CONFIG = { maxDatagramFrameSize: 65_535 };

const connected = (options: PairOptions = {}): Pair => {
  const pair = new Pair({ config: CONFIG, ...options }).handshake();
  pair.run(pair.now + SECOND);
  return pair;
};

const heard = (events: readonly ConnectionEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'datagram' ? [fromText(event.data)] : []));
const fates = (events: readonly ConnectionEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'datagram-acked' || event.type === 'datagram-lost' ? [`${event.type} ${event.handle}`] : []));
const pass = (pair: Pair, time = 3 * SECOND): void => pair.run(pair.now + time);
const sentDatagrams = (pair: Pair): number[] =>
  pair.clientObserver.sent.flatMap(({ frames }) => frames.filter(([type]) => type === FrameType.DATAGRAM).map(([, , handle]) => handle!));

/** A pair that loses the client's packet with the datagram of handle 1. */
function losing(): Pair {
  const pair: Pair = new Pair({
    config: CONFIG,
    drop: (direction, n) =>
      direction === 'up' &&
      pair.clientObserver.sent.some(
        ({ datagram, frames }) => datagram === n - 1 && frames.some(([type, , handle]) => type === FrameType.DATAGRAM && handle === 1),
      ),
  });
  pair.handshake();
  pass(pair);
  return pair;
}

describe('datagrams (RFC 9221)', () => {
  test.each(['client', 'server'] as const)('from the %s: they come, and are acknowledged', (side) => {
    const pair = connected();
    const [from, ours, theirs] =
      side === 'client' ? [pair.connection, pair.clientEvents, pair.serverEvents] : [pair.accepted!, pair.serverEvents, pair.clientEvents];
    expect(['one', '', 'three'].map((data) => from.sendDatagram(text(data)))).toEqual([0, 1, 2]);
    pass(pair);
    expect(heard(theirs)).toEqual(['one', '', 'three']);
    expect(fates(ours)).toEqual(['datagram-acked 0', 'datagram-acked 1', 'datagram-acked 2']);
  });

  test("the data is copied, and what comes is the application's to keep", () => {
    const pair = connected();
    const data = text('first');
    pair.connection.sendDatagram(data);
    data.fill(0);
    pass(pair);
    const event = pair.serverEvents.find(({ type }) => type === 'datagram') as { data: Uint8Array };
    pair.connection.sendDatagram(text('other'));
    pass(pair);
    expect(fromText(event.data)).toBe('first');
    expect(event.data.buffer.byteLength).toBe(5); // it keeps no larger buffer alive
  });

  test('a lost one is told and not sent again (§5.2)', () => {
    const pair = losing();
    for (const data of ['zero', 'one', 'two', 'three', 'four', 'five']) {
      pair.connection.sendDatagram(text(data));
      pair.settle();
    }
    pass(pair);
    expect(heard(pair.serverEvents)).toEqual(['zero', 'two', 'three', 'four', 'five']);
    expect(fates(pair.clientEvents).sort()).toEqual([
      'datagram-acked 0',
      'datagram-acked 2',
      'datagram-acked 3',
      'datagram-acked 4',
      'datagram-acked 5',
      'datagram-lost 1',
    ]);
    expect(sentDatagrams(pair)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('a probe does not say them again, but asks whether they came (RFC 9002 §6.2.4)', () => {
    const pair = losing();
    pair.connection.sendDatagram(text('zero'));
    pass(pair);
    pair.connection.sendDatagram(text('one'));
    const before = pair.clientObserver.sent.length;
    pass(pair);
    expect(fates(pair.clientEvents)).toEqual(['datagram-acked 0', 'datagram-lost 1']);
    const later = pair.clientObserver.sent.slice(before + 1).flatMap(({ frames }) => frames.map(([type]) => type));
    expect(later).toContain(FrameType.PING);
    expect(later).not.toContain(FrameType.DATAGRAM);
  });

  test('one that was thought lost may be acknowledged late (§5.2)', () => {
    let late = -1;
    const pair = connected({ impair: (direction, n, bytes) => [{ late: direction === 'up' && n === late ? 15_000 : 0, bytes }] });
    late = pair.datagrams.up + 1;
    for (let i = 0; i < 6; i++) {
      pair.connection.sendDatagram(text(`${i}`));
      pair.settle();
    }
    pass(pair);
    expect(fates(pair.clientEvents).filter((fate) => fate.endsWith(' 0'))).toEqual(['datagram-lost 0', 'datagram-acked 0']);
  });

  test('the largest fills a packet, and one octet more is not taken (§4)', () => {
    const pair = connected();
    const { connection } = pair;
    const most = connection.maxDatagramSize;
    expect(connection.sendDatagram(new Uint8Array(most + 1))).toBe(-1);
    for (const size of [most, most - 1, most - 2, most - 3, 1])
      expect(connection.sendDatagram(new Uint8Array(size).fill(7))).toBeGreaterThanOrEqual(0);
    const before = pair.left.length;
    pass(pair);
    expect(pair.serverEvents.flatMap((event) => (event.type === 'datagram' ? [event.data.length] : []))).toEqual([
      most,
      most - 1,
      most - 2,
      most - 3,
      1,
    ]);
    expect(pair.serverEvents.every((event) => event.type !== 'datagram' || event.data.every((octet) => octet === 7))).toBe(true);
    expect(pair.left[before]!.bytes.length).toBeGreaterThan(1_196); // the longest packet number was allowed for
    expect(pair.left[before]!.bytes.length).toBeLessThanOrEqual(1_200);
  });

  test('the largest gets through while every packet has something to acknowledge, and something else to say', () => {
    let told = 0;
    const pair = connected({
      serve(one, event) {
        if (event.type === 'datagram') one.accepted!.sendDatagram(event.data);
        if (event.type === 'stream-readable') one.readAll(one.accepted!, event.id);
      },
      use(one, event) {
        if (event.type === 'datagram' && told++ < 200) one.connection.sendDatagram(event.data);
      },
    });
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, new Uint8Array(300_000));
    for (let i = 0; i < 5; i++) pair.connection.sendDatagram(new Uint8Array(pair.connection.maxDatagramSize));
    pass(pair, 20 * SECOND);
    expect(told).toBeGreaterThan(200);
    expect(pair.connection.state).toBe('open');
  });

  test('the largest is not kept waiting by acknowledgements when there is room for one packet at a time', () => {
    const pair = new Pair({ config: CONFIG, clientPolicies: { congestion: () => fixedWindow(1_250) } }).handshake();
    pass(pair);
    const { connection } = pair;
    const id = connection.openStream('uni')!;
    connection.write(pair.now, id, new Uint8Array(100_000));
    pair.settle(); // the window is full
    const peer = new ScriptedPeer(pair, 'server');
    connection.sendDatagram(new Uint8Array(connection.maxDatagramSize));
    const largest = () =>
      Math.max(...pair.clientObserver.sent.filter(({ level }) => level === 'application').map(({ packetNumber }) => packetNumber));
    for (let round = 0; round < 10; round++)
      peer.send('application', (w) => {
        writePing(w); // with every ACK that makes room comes something to acknowledge
        writeSimpleAck(w, largest());
      });
    expect(sentDatagrams(pair)).toEqual([0]);
  });

  test('the peer says how large a frame may be, its type and length included (§3)', () => {
    for (const [limit, most] of [
      [0, -1],
      [1, -1],
      [2, 0],
      [3, 1],
      [65, 63],
      [66, 63],
      [67, 64],
      [500, 497],
    ] as const) {
      const pair = connected({ serverConfig: { maxDatagramFrameSize: limit } });
      expect([limit, pair.connection.maxDatagramSize]).toEqual([limit, most]);
      expect(pair.connection.sendDatagram(new Uint8Array(most + 1))).toBe(-1);
      if (most < 0) continue;
      expect(pair.connection.sendDatagram(new Uint8Array(most))).toBe(0);
      pass(pair);
      expect(fates(pair.clientEvents)).toEqual(['datagram-acked 0']);
    }
  });

  test('none are sent to a peer that has not said that it takes them, nor before it has, nor after the end (§3)', () => {
    const pair = new Pair({ config: CONFIG });
    expect([pair.connection.maxDatagramSize, pair.connection.sendDatagram(text('too early'))]).toEqual([-1, -1]);
    pair.handshake();
    pair.connection.close(pair.now, 0, '');
    expect(pair.connection.sendDatagram(text('too late'))).toBe(-1);
    const without = connected({ config: {} });
    expect([without.connection.maxDatagramSize, without.connection.sendDatagram(text('x'))]).toEqual([-1, -1]);
  });

  test('so many wait to be sent and no more; there is room again when they have left', () => {
    const pair = connected({ clientConfig: { datagramSendBuffer: 3 * (100 + 64) } });
    const data = new Uint8Array(100);
    expect([1, 2, 3, 4].map(() => pair.connection.sendDatagram(data))).toEqual([0, 1, 2, -1]);
    pair.settle();
    expect(pair.connection.sendDatagram(data)).toBe(3);
    const empty = connected({ clientConfig: { datagramSendBuffer: 6_400 } });
    let taken = 0;
    while (empty.connection.sendDatagram(new Uint8Array(0)) >= 0) taken++;
    expect(taken).toBe(100); // empty ones are not free
  });

  test('the congestion controller holds them back (§5.4)', () => {
    const pair = connected({ clientConfig: { datagramSendBuffer: 1 << 20 } });
    for (let i = 0; i < 200; i++) expect(pair.connection.sendDatagram(new Uint8Array(1_000))).toBe(i);
    const before = pair.datagrams.up;
    pair.settle();
    expect(pair.datagrams.up - before).toBeLessThan(50);
    expect(pair.connection.stats().bytesInFlight).toBeLessThanOrEqual(pair.connection.stats().congestionWindow);
    pass(pair, 10 * SECOND);
    expect(fates(pair.clientEvents).length).toBe(200);
    expect(heard(pair.serverEvents).length).toBe(200);
  });

  test('they leave before stream data that was written before them (§5)', () => {
    const pair = connected();
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, new Uint8Array(50_000));
    pair.connection.sendDatagram(text('now'));
    const before = pair.clientObserver.sent.length;
    pair.settle();
    expect(pair.clientObserver.sent[before]!.frames.map(([type]) => type)).toEqual([FrameType.DATAGRAM, FrameType.STREAM]);
  });

  test('what nobody polls is kept up to a limit, the newest (§5.3), in its place among the other events', () => {
    const pair = connected({ serverConfig: { ...CONFIG, datagramReceiveBuffer: 3 * (3 + 64) } });
    const peer = new ScriptedPeer(pair, 'client');
    const server = pair.accepted!;
    const packet = (data: string) => peer.packet('application', frame(text(data)));
    const receive = (bytes: Uint8Array) =>
      pair.server.receive(pair.now, { bytes, length: bytes.length, local: server.local, remote: server.remote, ecn: 0 });
    for (let i = 100; i < 110; i++) receive(packet(`${i}`));
    receive(peer.packet('application', Uint8Array.of(FrameType.STREAM, 0)));
    receive(packet('999'));
    const events: string[] = [];
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent())
      events.push(event.type === 'datagram' ? fromText(event.data) : event.type);
    expect(events).toEqual(['108', '109', 'stream-opened', '999']);
    expect(server.stats().datagramFramesDropped).toBe(8);
  });

  test('a flood that nobody polls stays within the limit', () => {
    const pair = connected();
    const peer = new ScriptedPeer(pair, 'client');
    const server = pair.accepted!;
    const empty = new Uint8Array(1_000);
    for (let i = 0; i < 1_000; i += 2) empty[i] = FrameType.DATAGRAM | 1;
    for (let i = 0; i < 200; i++) {
      const bytes = peer.packet('application', empty);
      pair.server.receive(pair.now, { bytes, length: bytes.length, local: server.local, remote: server.remote, ecn: 0 });
    }
    let kept = 0;
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) kept++;
    expect(kept).toBe((256 << 10) / 64);
    expect(server.stats().datagramFramesDropped).toBe(200 * 500 - kept);
  });
});

describe.each(['client', 'server'] as const)('what a hostile %s says with datagrams', (plays) => {
  const played = (limit: number) => {
    const pair = connected({ config: { maxDatagramFrameSize: limit } });
    return { pair, victim: plays === 'client' ? pair.accepted! : pair.connection, peer: new ScriptedPeer(pair, plays) };
  };
  const refusals: [name: string, ids: string[], limit: number, payload: Uint8Array, frameType: number][] = [
    ['one that was not announced is PROTOCOL_VIOLATION (RFC 9221 §3)', ['9221/3/not-announced'], 0, frame(text('x')), 0x31],
    ['an empty one that was not announced, too', ['9221/3/not-announced'], 0, frame(text(''), false), 0x30],
    ['one octet more than announced is PROTOCOL_VIOLATION (RFC 9221 §3)', ['9221/3/too-large'], 100, frame(new Uint8Array(98)), 0x31],
    ['one octet more than announced, without a length, too', ['9221/3/too-large'], 100, frame(new Uint8Array(100), false), 0x30],
    ['longer than its packet is FRAME_ENCODING_ERROR', [], 100, Uint8Array.of(0x31, 9, 1, 2, 3), 0x31],
  ];
  for (const [name, ids, limit, payload, frameType] of refusals) {
    const code = name.includes('ENCODING') ? Code.FRAME_ENCODING_ERROR : Code.PROTOCOL_VIOLATION;
    test(name + breaks(ids, other(plays), code), () => {
      const { peer, victim } = played(limit);
      const close = find(peer.send('application', payload), 'CONNECTION_CLOSE');
      expect([close?.code, close?.frameType]).toEqual([code, frameType]);
      expect(victim.state).toBe('closing');
    });
  }
  test.each([
    ['with a length', frame(new Uint8Array(98))],
    ['without', frame(new Uint8Array(99), false)],
  ])('as large as announced, %s, it is taken', (_, payload) => {
    const { peer, victim, pair } = played(payload.length);
    peer.send('application', payload);
    expect(victim.state).toBe('open');
    const events = plays === 'client' ? pair.serverEvents : pair.clientEvents;
    expect(heard(events).map(({ length }) => length)).toEqual([payload[0] === 0x31 ? 98 : 99]);
  });
});

describe('datagrams in a handshake packet', () => {
  test.each(['initial', 'handshake'] as const)('%s: PROTOCOL_VIOLATION (RFC 9221 §4)', (level) => {
    const pair = new Pair({ config: CONFIG });
    pair.run(pair.now + 25_000);
    const peer = new ScriptedPeer(pair, 'client');
    const close = find(peer.send(level, frame(text('x'))), 'CONNECTION_CLOSE');
    expect(close?.code).toBe(Code.PROTOCOL_VIOLATION);
  });
});

/** A DATAGRAM frame as some octets. */
function frame(data: Uint8Array, withLength = true): Uint8Array {
  return frames((w) => {
    writeDatagramHeader(w, data.length, withLength);
    w.octets(data);
  });
}
