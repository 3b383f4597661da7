import { concat, toHex } from '@quiclab/bytes';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { streamId } from '@quiclab/streams';
import {
  FrameType,
  TransportErrorCode,
  writeApplicationClose,
  writeConnectionClose,
  writeDataBlocked,
  writeHandshakeDone,
  writeMaxData,
  writeMaxStreamData,
  writeMaxStreams,
  writeNewConnectionId,
  writeNewToken,
  writePadding,
  writePathChallenge,
  writePathResponse,
  writePing,
  writeResetStream,
  writeRetireConnectionId,
  writeStopSending,
  writeStreamDataBlocked,
  writeStreamsBlocked,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { type Direction, Pair, text } from './pair.ts';
import { plainPolicies } from './plain-handshake.ts';
import { frames, type Level, ScriptedPeer, writeCrypto, writeSimpleAck, writeStream } from './scripted-peer.ts';

/** Every code that RFC 9000 §20 and RFC 9001 §4.8 name, but the one that says that we were wrong. */
const NAMED = new Set<number>(Object.values(TransportErrorCode).filter((code) => code !== TransportErrorCode.INTERNAL_ERROR));
const isNamed = (code: number): boolean => NAMED.has(code) || (code >= 0x100 && code <= 0x1ff);

/** What one altered payload or datagram may lead to at most. */
const MOST_ANSWERS = 24;
const MOST_EVENTS = 64;

const CONFIG = { initialMaxData: 20_000, initialMaxStreamData: 2_000, maxStreamsBidi: 4, maxStreamsUni: 4 };

type Side = 'client' | 'server';

/** A connection with streams of both kinds open, whose one end is played by a scripted peer. */
function established(plays: Side, seed: number): { pair: Pair; peer: ScriptedPeer } {
  const pair = new Pair({ seed, config: CONFIG, policies: plainPolicies }).handshake();
  pair.run(pair.now + 200_000);
  const victim = plays === 'client' ? pair.accepted! : pair.connection;
  for (const kind of ['bidi', 'uni'] as const) victim.write(pair.now, victim.openStream(kind)!, new Uint8Array(5_000));
  const peer = new ScriptedPeer(pair, plays);
  peer.wait(pair.now);
  return { pair, peer };
}

function midHandshake(plays: Side, seed: number): { pair: Pair; peer: ScriptedPeer } {
  const pair = new Pair({ seed, config: CONFIG, policies: plainPolicies });
  pair.run(10_000);
  const flight = pair.left.filter((left) => left.direction === 'down').map((left) => left.bytes);
  const peer = new ScriptedPeer(pair, plays);
  peer.flight = flight;
  if (plays === 'server') peer.bringClientToHandshake();
  return { pair, peer };
}

const TOKEN = new Uint8Array(16).fill(5);

/** Valid payloads of 1-RTT packets: every frame, alone and in company. */
function payloads(plays: Side): Uint8Array[] {
  const own = (n: number, kind: 'bidi' | 'uni' = 'bidi'): number => streamId(n, kind, plays);
  const theirs = (n: number, kind: 'bidi' | 'uni' = 'bidi'): number => streamId(n, kind, plays === 'client' ? 'server' : 'client');
  const list = [
    frames(writePing),
    frames((w) => writePadding(w, 5)),
    frames((w) => writeSimpleAck(w, 1)),
    frames((w) => w.octets(Uint8Array.of(3, 1, 0, 0, 1, 1, 0, 0))),
    frames((w) => w.octets(Uint8Array.of(2, 5, 0, 1, 0, 0, 1))),
    frames((w) => writeStream(w, own(0), 0, text('hello'))),
    frames((w) => writeStream(w, own(1, 'uni'), 100, text('beyond a hole'), true)),
    frames((w) => w.octets(Uint8Array.of(0x08, own(0), 1, 2, 3))),
    frames((w) => w.octets(Uint8Array.of(0x09, own(0)))),
    frames((w) => writeResetStream(w, own(0), 7, 0)),
    frames((w) => writeStopSending(w, theirs(0), 7)),
    frames((w) => writeMaxData(w, 30_000)),
    frames((w) => writeMaxStreamData(w, theirs(0), 3_000)),
    frames((w) => writeMaxStreams(w, true, 100)),
    frames((w) => writeMaxStreams(w, false, 100)),
    frames((w) => writeDataBlocked(w, 20_000)),
    frames((w) => writeStreamDataBlocked(w, own(0), 2_000)),
    frames((w) => writeStreamsBlocked(w, true, 4)),
    frames((w) => writeNewConnectionId(w, 4, 1, new Uint8Array(8).fill(9), TOKEN)),
    frames((w) => writeRetireConnectionId(w, 2)),
    frames((w) => writePathChallenge(w, text('12345678'))),
    frames((w) => writePathResponse(w, text('12345678'))),
    frames((w) => writeConnectionClose(w, 2, 8, text('why'))),
    frames((w) => writeApplicationClose(w, 2, text('why'))),
    frames((w) => {
      writeSimpleAck(w, 1);
      writeMaxData(w, 40_000);
      writeStream(w, own(0), 5, text('world'));
      writeStream(w, own(2), 0, text('another'), true);
    }),
    frames((w) => {
      writeResetStream(w, own(1), 1, 10);
      writeStopSending(w, theirs(0), 1);
      writePing(w);
      writeStreamDataBlocked(w, own(3), 0);
    }),
    frames((w) => {
      for (let i = 0; i < 4; i++) writeStream(w, own(i, 'uni'), 10 * i, new Uint8Array(10).fill(i), i % 2 === 0);
    }),
  ];
  if (plays === 'server')
    list.push(
      frames(writeHandshakeDone),
      frames((w) => writeNewToken(w, text('token'))),
    );
  return list;
}

/** Valid payloads of Initial and Handshake packets. */
const handshakePayloads = [
  frames(writePing),
  frames((w) => writeSimpleAck(w, 0)),
  frames((w) => writeCrypto(w, 0, Uint8Array.of(0, 10, 1, 2, 3))),
  frames((w) => writeCrypto(w, 5, new Uint8Array(40).fill(3))),
  frames((w) => {
    writeSimpleAck(w, 0);
    writeCrypto(w, 2_000, new Uint8Array(100));
    writePadding(w, 10);
  }),
  frames((w) => writeConnectionClose(w, 2, 8, text('why'))),
];

function altered(payload: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes = payload;
  for (let changes = 1 + integerBelow(random, 3); changes > 0; changes--) {
    const at = integerBelow(random, bytes.length + 1);
    const length = integerBelow(random, 9);
    const copy = bytes.slice();
    switch (integerBelow(random, 9)) {
      case 0:
        if (at < copy.length) copy[at]! ^= 1 << integerBelow(random, 8);
        bytes = copy;
        break;
      case 1:
        if (at < copy.length) copy[at] = random.uint32() & 0xff;
        bytes = copy;
        break;
      case 2: {
        const more = new Uint8Array(length);
        random.fill(more);
        bytes = concat(copy.subarray(0, at), more, copy.subarray(at));
        break;
      }
      case 3:
        bytes = concat(copy.subarray(0, at), copy.subarray(at + length));
        break;
      case 4:
        bytes = concat(copy, copy.subarray(at));
        break;
      case 5:
        bytes = copy.subarray(0, at);
        break;
      case 6: // the largest numbers there are
        bytes = concat(copy.subarray(0, at), new Uint8Array(8).fill(0xff), copy.subarray(at + length));
        break;
      case 7:
        bytes = concat(copy.subarray(0, at), others[integerBelow(random, others.length)]!);
        break;
      default:
        if (copy.length > 0) copy[0] = integerBelow(random, FrameType.HANDSHAKE_DONE + 3);
        bytes = copy;
    }
    if (bytes.length > 900) bytes = bytes.slice(0, 900);
  }
  return bytes;
}

/** What must hold of the real end after anything it was told. Returns whether it lives. */
function check(pair: Pair, peer: ScriptedPeer, answers: number, what: string): boolean {
  const [endpoint, victim, events] =
    peer.plays === 'client' ? [pair.server, pair.accepted!, pair.serverEvents] : [pair.client, pair.connection, pair.clientEvents];
  if (answers > MOST_ANSWERS) throw new Error(`${answers} datagrams in answer to ${what}`);
  if (events.length > MOST_EVENTS) throw new Error(`${events.length} events from ${what}`);
  events.length = 0;
  if (endpoint.connections.size > 1) throw new Error(`${endpoint.connections.size} connections after ${what}`);
  if (victim.state === 'open') return true;
  const cause = victim.cause!;
  if (cause.kind === 'local-transport' ? !isNamed(cause.code) : cause.kind !== 'peer-transport' && cause.kind !== 'peer-application')
    throw new Error(`${what} ended in ${JSON.stringify(cause)}`);
  return false;
}

/** Sends each payload to a real end; a new one whenever the last one has ended. Returns how many there were, and how many ended it. */
function run(
  level: Level,
  make: (seed: number) => { pair: Pair; peer: ScriptedPeer },
  inputs: Iterable<Uint8Array>,
): { sent: number; ended: number } {
  let seed = 0;
  let { pair, peer } = make(seed);
  let sent = 0;
  let ended = 0;
  for (const payload of inputs) {
    const before = pair.left.length;
    peer.send(level, payload);
    sent++;
    let alive = check(pair, peer, pair.left.length - before, toHex(payload));
    if (alive && sent % 16 === 0) {
      peer.wait(pair.now + 30_000); // timers run, too
      alive = check(pair, peer, 0, `a while after ${toHex(payload)}`);
    }
    if (alive && sent % 200 !== 0) continue;
    if (!alive) ended++;
    if (ended % 50 === 0) {
      peer.wait(pair.now + 100_000_000);
      const endpoint = peer.plays === 'client' ? pair.server : pair.client;
      if (endpoint.connections.size !== 0) throw new Error('a connection that does not end');
    }
    ({ pair, peer } = make(++seed));
  }
  return { sent, ended };
}

function* truncations(list: readonly Uint8Array[]): Iterable<Uint8Array> {
  for (const payload of list) for (let length = 0; length < payload.length; length++) yield payload.slice(0, length);
}
function* alterations(list: readonly Uint8Array[], count: number, seed: string): Iterable<Uint8Array> {
  const random = seededRandom(seed);
  for (let n = 0; n < count; n++) {
    const draw = random.at(n);
    yield altered(list[n % list.length]!, list, draw);
  }
}

describe.each(['client', 'server'] as const)('frames from an authenticated %s', (plays) => {
  const valid = payloads(plays);

  test('as they should be do no harm', () => {
    for (const payload of valid) {
      const { pair, peer } = established(plays, 1);
      const before = pair.left.length;
      peer.send('application', payload);
      check(pair, peer, pair.left.length - before, toHex(payload));
      const victim = plays === 'client' ? pair.accepted! : pair.connection;
      expect(victim.state === 'open' || victim.cause!.kind.startsWith('peer-')).toBe(true);
    }
  });

  test('cut off at every octet end the connection as the RFC says, or not at all', () => {
    const { sent, ended } = run('application', (seed) => established(plays, seed), truncations(valid));
    expect(sent).toBe(valid.reduce((sum, payload) => sum + payload.length, 0));
    expect(ended).toBeGreaterThan(sent / 2);
  });

  test('altered in 8,000 ways, likewise', () => {
    const { sent, ended } = run('application', (seed) => established(plays, seed), alterations(valid, 8_000, `frames/${plays}`));
    expect(sent).toBe(8_000);
    expect(ended).toBeGreaterThan(1_000);
  });

  test.each(['initial', 'handshake'] as const)('in %s packets, altered in 1,500 ways, likewise', (level) => {
    if (plays === 'server' && level === 'initial') {
      // the client has its Handshake keys, and with them no Initial keys any more: it reads the first packet only
      const make = (seed: number): { pair: Pair; peer: ScriptedPeer } => {
        const pair = new Pair({ seed, config: CONFIG, policies: plainPolicies });
        pair.run(10_000);
        return { pair, peer: new ScriptedPeer(pair, plays) };
      };
      expect(run(level, make, alterations(handshakePayloads, 1_500, `${level}/${plays}`)).sent).toBe(1_500);
    } else {
      const make = (seed: number): { pair: Pair; peer: ScriptedPeer } => midHandshake(plays, seed);
      expect(run(level, make, alterations(handshakePayloads, 1_500, `${level}/${plays}`)).sent).toBe(1_500);
    }
  });
});

describe('recorded datagrams', () => {
  /** What was on the wire in a handshake with a request and its answer. */
  function recorded(): { direction: Direction; bytes: Uint8Array }[] {
    const pair = new Pair({
      config: CONFIG,
      policies: plainPolicies,
      use(pair, event) {
        if (event.type === 'handshake-complete') pair.connection.write(pair.now, pair.connection.openStream('bidi')!, text('question'));
      },
      serve(pair, event) {
        if (event.type === 'stream-readable') pair.accepted!.write(pair.now, event.id, text('answer'));
      },
    });
    pair.run(300_000);
    return pair.left.map(({ direction, bytes }) => ({ direction, bytes }));
  }

  /** Pairs in the states that datagrams may meet. The seed is the recording's, so that its packets are authentic here. */
  const states: readonly (readonly [string, () => Pair])[] = [
    ['nothing has happened', () => new Pair({ config: CONFIG, policies: plainPolicies })],
    [
      'in the middle of a handshake',
      () => {
        const pair = new Pair({ config: CONFIG, policies: plainPolicies });
        pair.run(10_000);
        pair.flying = [];
        return pair;
      },
    ],
    ['established', () => new Pair({ config: CONFIG, policies: plainPolicies }).handshake()],
    [
      'closing',
      () => {
        const pair = new Pair({ config: CONFIG, policies: plainPolicies }).handshake();
        pair.connection.close(pair.now, 1, '');
        pair.accepted!.close(pair.now, 1, '');
        pair.settle();
        return pair;
      },
    ],
  ];

  /** Hands a datagram to the end it was for. Throws unless what comes of it is a drop, valid processing or a close with a named code. */
  function meet(pair: Pair, direction: Direction, bytes: Uint8Array): { alive: boolean } {
    const answers = pair.deliver(direction, bytes).length;
    pair.flying = [];
    const endpoint = direction === 'up' ? pair.server : pair.client;
    const events = direction === 'up' ? pair.serverEvents : pair.clientEvents;
    if (answers > MOST_ANSWERS || events.length > MOST_EVENTS || endpoint.connections.size > 1)
      throw new Error(`${answers} answers, ${events.length} events, ${endpoint.connections.size} connections`);
    events.length = 0;
    let alive = true;
    for (const connection of endpoint.connections) {
      const { cause } = connection;
      if (connection.state !== 'open') alive = false;
      if (cause?.kind === 'local-transport' && !isNamed(cause.code)) throw new Error(JSON.stringify(cause));
    }
    return { alive: alive && (direction === 'down' || pair.server.connections.size === (pair.accepted === undefined ? 0 : 1)) };
  }

  test.each(states)('cut off at every octet, when %s', (_name, make) => {
    let pair = make();
    let { state } = pair.connection;
    let count = 0;
    for (const { direction, bytes } of recorded())
      for (let length = 1; length < bytes.length; length++) {
        meet(pair, direction, bytes.slice(0, length));
        count++;
        const changed = pair.connection.state !== state || (pair.accepted !== undefined && pair.accepted.state !== state);
        if (changed || count % 500 === 0) {
          pair = make();
          ({ state } = pair.connection);
        }
      }
    expect(count).toBe(recorded().reduce((sum, { bytes }) => sum + bytes.length - 1, 0));
  });

  test.each(states)('altered in 3,000 ways, mostly in their headers, when %s', (name, make) => {
    const list = recorded();
    const random = seededRandom(`headers/${name}`);
    let pair = make();
    for (let n = 0; n < 3_000; n++) {
      const draw = random.at(n);
      const { direction, bytes } = list[n % list.length]!;
      const copy = bytes.slice();
      for (let changes = 1 + integerBelow(draw, 3); changes > 0; changes--)
        copy[integerBelow(draw, integerBelow(draw, 4) > 0 ? Math.min(40, copy.length) : copy.length)] = draw.uint32() & 0xff;
      meet(pair, direction, integerBelow(draw, 5) === 0 ? concat(copy, copy) : copy);
      if (n % 25 === 24) pair = make();
    }
  });
});
