import { unpaced } from '@quiclab/congestion';
import { type ConnectionEvent, LIMITS } from '@quiclab/quic';
import { type Address, SECOND } from '@quiclab/sansio';
import {
  TransportErrorCode as Code,
  writeNewConnectionId,
  writePathChallenge,
  writePing,
  writeResetStream,
  writeRetireConnectionId,
  writeStopSending,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { CLIENT, type Pair, type PairOptions } from '../pair.ts';
import {
  established,
  findAll,
  frames,
  type ReadPacket,
  type ScriptedPeer,
  writeCrypto,
  writeSimpleAck,
  writeStream,
} from '../scripted-peer.ts';

/** A peer that we have an encrypted connection with, and that says what costs it little and us much. RFC 9000 §21. */

const SIDES = ['client', 'server'] as const;
const other = (side: (typeof SIDES)[number]) => (side === 'client' ? 'server' : 'client');
const octets = (length: number, value = 0): Uint8Array => new Uint8Array(length).fill(value);
const id = (n: number): Uint8Array => Uint8Array.of(1, 2, 3, 4, n >> 24, n >> 16, n >> 8, n);
const resetToken = (n: number): Uint8Array => Uint8Array.of(...id(n), ...id(n));
const UNPACED: PairOptions = { policies: { pacer: () => unpaced } };
const octetsOf = (pair: Pair, from: number): number => pair.left.slice(from).reduce((sum, { bytes }) => sum + bytes.length, 0);

describe.each(SIDES)('PATH_CHALLENGE flood at the %s (RFC 9000 §8.2.2, §21.9)', (side) => {
  test('from a peer that acknowledges nothing: 10,000 are answered with a window, and a few; those that wait are eight', () => {
    const { pair, peer, victim } = established(other(side), UNPACED);
    const before = pair.left.length;
    for (let i = 0; i < 10_000; i++) peer.send('application', (w) => writePathChallenge(w, id(i)));
    const acks = 10_000 * 60; // nobody counts ACKs: one for each second packet, small
    expect(octetsOf(pair, before)).toBeLessThan(victim.stats().congestionWindow + 3 * 1_200 + acks);
    const large = pair.left.slice(before).filter(({ bytes }) => bytes.length >= 1_200);
    expect(large.length).toBeLessThanOrEqual(victim.stats().congestionWindow / 1_200 + LIMITS.pathResponsesBeyondWindow.value);
    expect(victim.state).toBe('open');
    const waited = findAll(peer.ackAll(), 'PATH_RESPONSE').map((frame) => frame.data);
    expect(waited).toEqual(Array.from({ length: LIMITS.pathResponses.value }, (_, i) => id(10_000 - LIMITS.pathResponses.value + i)));
  });
});

test('PATH_CHALLENGE in the name of somebody else: who lives there gets three times what came from there at the most (RFC 9000 §8, §21.5.3)', () => {
  const { pair, peer, victim } = established('client');
  const somebody: Address = { host: '203.0.113.1', port: 53 };
  const before = pair.left.length;
  let received = 0;
  for (let i = 0; i < 1_000; i++) {
    const bytes = peer.packet(
      'application',
      frames((w) => writePathChallenge(w, id(i))),
    );
    received += bytes.length;
    pair.receiveOnly('up', bytes, somebody);
    peer.listen();
    const there = pair.left.slice(before).filter(({ to }) => to.host === somebody.host);
    expect(there.reduce((sum, one) => sum + one.bytes.length, 0)).toBeLessThanOrEqual(3 * received);
  }
  expect(victim.remote).toEqual(CLIENT); // probes are no migration
  expect(victim.state).toBe('open');
});

describe.each(SIDES)('Retire Prior To flood at the %s (RFC 9000 §5.1.2, §19.15)', (side) => {
  test('from a peer that acknowledges nothing: CONNECTION_ID_LIMIT_ERROR, after a few retirements', () => {
    const { peer, victim } = established(other(side));
    let said: ReadPacket[] = [];
    for (let n = 4; n < 10_000 && victim.state === 'open'; n++) {
      said = said.concat(peer.send('application', (w) => writeNewConnectionId(w, n, n, id(n), resetToken(n))));
    }
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.CONNECTION_ID_LIMIT_ERROR });
    expect(findAll(said, 'RETIRE_CONNECTION_ID').length).toBeLessThanOrEqual(LIMITS.retirements.value * LIMITS.connectionIds.value + 1);
  });

  test('… all in one packet, and none of them said before', () => {
    const { peer, victim } = established(other(side));
    peer.send('application', (w) => {
      for (let n = 4; n < 40; n++) writeNewConnectionId(w, n, n, id(n), resetToken(n));
    });
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.CONNECTION_ID_LIMIT_ERROR });
  });

  test('from one that acknowledges: it goes on, and of the IDs that were given back no reset token is known any more', () => {
    const { peer, victim } = established(other(side), UNPACED);
    const last = 500;
    for (let n = 4; n <= last; n++) {
      peer.send('application', (w) => writeNewConnectionId(w, n, n, id(n), resetToken(n)));
      peer.ackAll();
    }
    const reset = (n: number): Uint8Array => Uint8Array.of(0x40, ...octets(23, 9), ...resetToken(n));
    for (let n = 4; n < last; n++) peer.sendDatagram(reset(n));
    expect(victim.state).toBe('open');
    peer.sendDatagram(reset(last));
    expect(victim.cause).toEqual({ kind: 'stateless-reset' });
  });

  test('RETIRE_CONNECTION_ID for all that we issue, for ever: there are never more than four out', () => {
    const { pair, peer, victim } = established(other(side), UNPACED);
    const active = new Set([0, 1, 2, 3]); // 0 is the one that all of this is sent to
    for (let round = 0; round < 200; round++) {
      const retired = [...active].filter((n) => n !== 0);
      const reply = peer.send('application', (w) => {
        for (const n of retired) writeRetireConnectionId(w, n);
      });
      for (const n of retired) active.delete(n);
      for (const { sequence } of [...findAll(reply, 'NEW_CONNECTION_ID'), ...findAll(peer.ackAll(), 'NEW_CONNECTION_ID')])
        active.add(sequence);
      expect(active.size).toBeLessThanOrEqual(LIMITS.issuedConnectionIds.value);
    }
    expect(victim.state).toBe('open');
    expect(pair.left.length).toBeLessThan(1_000);
  });
});

describe('CRYPTO flood after the handshake (RFC 9000 §7.5, RFC 9001 §4)', () => {
  const ticket = (n: number): Uint8Array => Uint8Array.of(4, 0, 0, 15, 0, 0, 14, 16, 0, 0, 0, n, 1, n, 0, 1, n, 0, 0);

  test('a client takes as many sessions as it has a use for, and drops the rest', () => {
    const { pair, peer, victim } = established('server');
    for (let n = 0; n < 5_000; n++) peer.send('application', (w) => writeCrypto(w, 19 * n, ticket(n & 255)));
    expect(victim.state).toBe('open');
    expect(pair.clientEvents.filter((event) => event.type === 'session').length).toBe(LIMITS.sessions.value);
  });

  test('a message that never ends is refused by its length', () => {
    const { peer, victim } = established('server');
    peer.send('application', (w) => writeCrypto(w, 0, Uint8Array.of(4, 0xff, 0xff, 0xff)));
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.CRYPTO_ERROR + 50 }); // decode_error
  });

  test('a server takes none at all: unexpected_message', () => {
    const { peer, victim } = established('client');
    peer.send('application', (w) => writeCrypto(w, 0, ticket(0)));
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.CRYPTO_ERROR + 10 });
  });

  test.each(SIDES)('the %s keeps what is ahead up to its limit, then CRYPTO_BUFFER_EXCEEDED', (side) => {
    const { peer, victim } = established(other(side));
    let sent = 1; // the first octet never comes
    for (; victim.state === 'open' && sent < 1_000_000; sent += 1_000) peer.push('application', (w) => writeCrypto(w, sent, octets(1_000)));
    expect(sent - 1_000).toBeLessThanOrEqual(LIMITS.crypto.value);
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.CRYPTO_BUFFER_EXCEEDED });
  });

  test.each(['initial', 'handshake'] as const)('in %s packets, whose keys are gone: nothing comes of it', (level) => {
    const { pair, peer, victim } = established('client');
    const before = pair.serverObserver.received.length;
    for (let n = 0; n < 1_000; n++) peer.send(level, (w) => writeCrypto(w, 1_000 * n, octets(1_000)));
    expect(pair.serverObserver.received.length).toBe(before);
    expect(victim.state).toBe('open');
  });
});

describe.each(SIDES)('ACKs of what the %s never sent (RFC 9000 §13.1, §21.4)', (side) => {
  test.each([
    ['the next packet', 1],
    ['one far away', 2 ** 40],
  ])('%s: PROTOCOL_VIOLATION', (_name, ahead) => {
    const { peer, victim } = established(other(side));
    const largest = Math.max(...peer.send('application', writePing).map((packet) => packet.packetNumber), -1);
    const known = largest >= 0 ? largest : Math.max(...peer.wait(SECOND * 3).map((packet) => packet.packetNumber));
    peer.send('application', (w) => writeSimpleAck(w, known + ahead, known + ahead));
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.PROTOCOL_VIOLATION });
  });

  test('an optimistic ACK of all up to the latest meets a number that was left out', () => {
    const { leftOut, cause } = optimistic(other(side), 1);
    expect(leftOut).toBeLessThan(256);
    expect(cause).toMatchObject({ kind: 'local-transport', code: Code.PROTOCOL_VIOLATION });
  });

  test('… one that nobody can foresee', () => {
    const places = new Set([1, 2, 3, 4, 5].map((seed) => optimistic(other(side), seed).leftOut));
    expect(places.size).toBeGreaterThan(3);
  });
});

/** A receiver that does not look at what comes, and acknowledges all up to the largest number of which it has heard. */
function optimistic(plays: (typeof SIDES)[number], seed: number): { leftOut: number; cause: Pair['connection']['cause'] } {
  const { pair, peer, victim } = established(plays, { ...UNPACED, seed });
  const stream = victim.openStream('uni')!;
  victim.write(pair.now, stream, octets(500_000));
  let largest = -1;
  let leftOut = -1;
  let heard = peer.wait(pair.now);
  while (victim.state === 'open' && largest < 2_000) {
    for (const { packetNumber } of heard) {
      if (largest >= 0 && packetNumber > largest + 1 && leftOut < 0) leftOut = largest + 1;
      largest = Math.max(largest, packetNumber);
    }
    expect(heard.length).toBeGreaterThan(0);
    heard = peer.send('application', (w) => writeSimpleAck(w, largest));
  }
  return { leftOut, cause: victim.cause };
}

test('numbers that are left out do no harm to a peer that acknowledges what it received (RFC 9000 §21.4)', () => {
  const window = { initialMaxData: 8 << 20, initialMaxStreamData: 8 << 20 };
  const { pair, peer, victim } = established('client', { ...UNPACED, config: window });
  const stream = victim.openStream('uni')!;
  let numbers: number[] = [];
  for (let round = 0; round < 100; round++) {
    victim.write(pair.now, stream, octets(20_000));
    numbers = numbers.concat(peer.wait(pair.now).map((packet) => packet.packetNumber));
    numbers = numbers.concat(peer.ackAll().map((packet) => packet.packetNumber));
  }
  expect(victim.state).toBe('open');
  const leftOut = numbers.filter((number, i) => i > 0 && number > numbers[i - 1]! + 1);
  expect(leftOut.length).toBeGreaterThanOrEqual(2);
  expect(leftOut.length).toBeLessThanOrEqual(4);
  expect(victim.stats().packetsLost).toBe(0);
});

describe('streams opened and reset (RFC 9000 §4.6, §21.8; CVE-2023-44487)', () => {
  /** All that the limit allows, each given up in the packet that opens it; for so many seconds. */
  function churn(peer: ScriptedPeer, pair: Pair, seconds: number): number {
    let opened = 0;
    let limit: number = LIMITS.streamsBidi.value;
    const hear = (packets: readonly ReadPacket[]): void => {
      for (const frame of findAll(packets, 'MAX_STREAMS_BIDI')) limit = Math.max(limit, frame.limit);
    };
    for (const end = pair.now + seconds * SECOND; pair.now < end; ) {
      while (opened < limit && opened < 20_000) {
        const from = opened;
        opened = Math.min(limit, opened + 25);
        hear(
          peer.send('application', (w) => {
            for (let n = from; n < opened; n++) {
              writeStream(w, 4 * n, 0, octets(10));
              writeResetStream(w, 4 * n, 0x10c, 10);
              writeStopSending(w, 4 * n, 0x10c);
            }
          }),
        );
        hear(peer.ackAll());
      }
      hear(peer.wait(pair.now + 100_000));
    }
    return opened;
  }

  test('are at most a thousand at once and a hundred a second after that; none stays', () => {
    const { pair, peer, victim } = established('client', UNPACED);
    const seconds = 20;
    const opened = churn(peer, pair, seconds);
    const { streamsGivenUpAtOnce, streamsGivenUpPerSecond, streamsBidi } = LIMITS;
    expect(opened).toBeLessThanOrEqual(streamsGivenUpAtOnce.value + streamsBidi.value + seconds * streamsGivenUpPerSecond.value);
    expect(opened).toBeGreaterThan(streamsGivenUpAtOnce.value + ((seconds - 2) * streamsGivenUpPerSecond.value) / 2);
    expect(victim.stats().openStreams).toBeLessThanOrEqual(streamsBidi.value);
    expect(victim.state).toBe('open');
    expect(pair.serverEvents.filter((event) => event.type === 'stream-opened').length).toBe(opened);
  });

  test('a page that cancels its hundred requests five times in a second waits for nothing', () => {
    const { pair, peer } = established('client', UNPACED);
    let limit = 100;
    for (let time = 0; time < 5; time++) {
      expect(limit).toBeGreaterThanOrEqual(100 * (time + 1));
      let heard: ReadPacket[] = [];
      for (let from = 0; from < 100; from += 25) {
        const write = (n: number) => 4 * (100 * time + from + n);
        heard = heard.concat(
          peer.send('application', (w) => {
            for (let n = 0; n < 25; n++) {
              writeStream(w, write(n), 0, octets(10), true);
              writeStopSending(w, write(n), 0x10c);
            }
          }),
        );
      }
      for (let i = 0; i < 100; i++) pair.readAll(pair.accepted!, 4 * (100 * time + i));
      heard = heard.concat(peer.wait(pair.now), peer.ackAll(), peer.ackAll());
      limit = Math.max(limit, ...findAll(heard, 'MAX_STREAMS_BIDI').map((frame) => frame.limit));
    }
  });

  test('requests that come to their end are not slowed down: two thousand in an instant', () => {
    const { pair, peer, victim } = established('client', UNPACED);
    let limit = 100;
    for (let n = 0; n < 2_000; n++) {
      expect(n).toBeLessThan(limit);
      const heard = peer.send('application', (w) => writeStream(w, 4 * n + 2, 0, octets(10), true));
      pair.readAll(victim, 4 * n + 2);
      limit = Math.max(
        100,
        limit,
        ...findAll([...heard, ...peer.wait(pair.now), ...peer.ackAll()], 'MAX_STREAMS_UNI').map((frame) => frame.limit),
      );
    }
  });
});

test('streams that open, say little and end keep little: no more memory than four times what was said (RFC 9000 §21.6)', () => {
  const { pair, peer, victim } = established('client', UNPACED);
  const kept: Uint8Array[] = [];
  for (let n = 0; n < 1_000; n++) {
    peer.send('application', (w) => writeStream(w, 4 * n + 2, 0, octets(10), true));
    kept.push(victim.read(pair.now, 4 * n + 2)!.data);
    peer.ackAll();
  }
  const pinned = new Set(kept.map((data) => data.buffer));
  expect([...pinned].reduce((sum, buffer) => sum + buffer.byteLength, 0)).toBeLessThanOrEqual(4 * 10_000);
  expect(victim.stats().openStreams).toBe(0);
});

test('events that an application does not poll: a flood of frames makes few (RFC 9000 §21.9)', () => {
  const { pair, peer, victim } = established('client');
  for (let n = 0; n < 2_000; n++)
    peer.push('application', (w) => {
      for (let stream = 0; stream < 5; stream++) {
        writeStream(w, 4 * stream, n, octets(1));
        writeStopSending(w, 4 * stream, n);
      }
      writePathChallenge(w, id(n));
    });
  const events: ConnectionEvent[] = [];
  for (let event = victim.pollEvent(); event !== undefined; event = victim.pollEvent()) events.push(event);
  expect(events.length).toBeLessThanOrEqual(5 * 3); // opened, readable, stopped
  expect(pair.accepted!.state).toBe('open');
});
