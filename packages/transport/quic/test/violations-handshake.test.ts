import type { ByteWriter } from '@quiclab/bytes';
import {
  TransportErrorCode as Code,
  FrameType,
  writeHandshakeDone,
  writeMaxStreamData,
  writeNewConnectionId,
  writeNewToken,
  writePing,
  writeResetStream,
  writeRetireConnectionId,
  writeStopSending,
  writeStreamDataBlocked,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks, other, SIDES, type Side } from './breaks.ts';
import { Pair } from './pair.ts';
import { find, type ReadPacket, ScriptedPeer, writeCrypto, writeSimpleAck, writeStream } from './scripted-peer.ts';
import { established, expectClosed, midHandshake, octets, TOKEN } from './violating.ts';

/** RFC 9000 Table 3: whether a frame may be in Initial and Handshake packets. One valid frame of each type. */
const frameSamples: readonly (readonly [string, number, (w: ByteWriter) => void])[] = [
  ['RESET_STREAM', 0x04, (w) => writeResetStream(w, 0, 0, 0)],
  ['STOP_SENDING', 0x05, (w) => writeStopSending(w, 0, 0)],
  ['NEW_TOKEN', 0x07, (w) => writeNewToken(w, octets(3))],
  ['STREAM', 0x0e, (w) => writeStream(w, 0, 0, octets(3))],
  ['MAX_DATA', 0x10, (w) => w.octets(Uint8Array.of(0x10, 1))],
  ['MAX_STREAM_DATA', 0x11, (w) => writeMaxStreamData(w, 0, 1)],
  ['MAX_STREAMS (bidi)', 0x12, (w) => w.octets(Uint8Array.of(0x12, 1))],
  ['MAX_STREAMS (uni)', 0x13, (w) => w.octets(Uint8Array.of(0x13, 1))],
  ['DATA_BLOCKED', 0x14, (w) => w.octets(Uint8Array.of(0x14, 1))],
  ['STREAM_DATA_BLOCKED', 0x15, (w) => writeStreamDataBlocked(w, 0, 1)],
  ['STREAMS_BLOCKED (bidi)', 0x16, (w) => w.octets(Uint8Array.of(0x16, 1))],
  ['STREAMS_BLOCKED (uni)', 0x17, (w) => w.octets(Uint8Array.of(0x17, 1))],
  ['NEW_CONNECTION_ID', 0x18, (w) => writeNewConnectionId(w, 1, 0, octets(8), TOKEN)],
  ['RETIRE_CONNECTION_ID', 0x19, (w) => writeRetireConnectionId(w, 0)],
  ['PATH_CHALLENGE', 0x1a, (w) => w.octets(Uint8Array.of(0x1a, 1, 2, 3, 4, 5, 6, 7, 8))],
  ['PATH_RESPONSE', 0x1b, (w) => w.octets(Uint8Array.of(0x1b, 1, 2, 3, 4, 5, 6, 7, 8))],
  ['CONNECTION_CLOSE of an application', 0x1d, (w) => w.octets(Uint8Array.of(0x1d, 0, 0))],
  ['HANDSHAKE_DONE', 0x1e, writeHandshakeDone],
];

describe.each(SIDES)('what the %s does not put up with during the handshake:', (side) => {
  const plays = other(side);
  for (const level of ['initial', 'handshake'] as const) {
    for (const [name, type, write] of frameSamples)
      test(`${name} in ${level === 'initial' ? 'an Initial' : 'a Handshake packet'} (RFC 9000 §12.4, Table 3)${breaks(level === 'initial' ? '9000/12.4/not-permitted' : ['9000/12.4/not-permitted', '9000/17.2.4/other-frames'], side, Code.PROTOCOL_VIOLATION)}`, () => {
        const { pair, peer, victim } = midHandshake(plays);
        if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
        const reply = peer.send(level, write);
        expectClosed(pair, peer, victim, reply, Code.PROTOCOL_VIOLATION, type);
      });
    test(`a reserved bit in ${level === 'initial' ? 'an Initial' : 'a Handshake packet'} (RFC 9000 §17.2)${breaks('9000/17.2/reserved', side, Code.PROTOCOL_VIOLATION)}`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      expectClosed(pair, peer, victim, peer.send(level, writePing, { firstOctet: 0x04 }), Code.PROTOCOL_VIOLATION, 0);
    });
    test(`no frames in ${level === 'initial' ? 'an Initial' : 'a Handshake packet'} (RFC 9000 §12.4)${breaks('9000/12.4/no-frames', side, Code.PROTOCOL_VIOLATION)}`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      const payload = new Uint8Array(0);
      // an Initial cannot be padded by PADDING then: what fills the datagram is no packet
      const packet = peer.packet(level, payload);
      const datagram = new Uint8Array(1_200);
      datagram.set(packet);
      expectClosed(pair, peer, victim, peer.sendDatagram(datagram), Code.PROTOCOL_VIOLATION, 0);
    });
    test(`an ACK of an ${level} packet that was never sent (RFC 9000 §13.1)${breaks('9000/13.1/never-sent', side, Code.PROTOCOL_VIOLATION)}`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      expectClosed(
        pair,
        peer,
        victim,
        peer.send(level, (w) => writeSimpleAck(w, 77)),
        Code.PROTOCOL_VIOLATION,
        FrameType.ACK,
      );
    });
    test(`too much CRYPTO data in ${level} packets (RFC 9000 §7.5)${breaks('9000/7.5/handshake', side, Code.CRYPTO_BUFFER_EXCEEDED)}`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      expectClosed(
        pair,
        peer,
        victim,
        peer.send(level, (w) => writeCrypto(w, 140_000, octets(1))),
        Code.CRYPTO_BUFFER_EXCEEDED,
        FrameType.CRYPTO,
      );
    });
    test(`a handshake message that makes no sense, in ${level} packets (RFC 9001 §4.8)`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      // a server has read the ClientHello: what follows it is of a level that is over
      const isOver = side === 'server' && level === 'initial';
      const reply = peer.send(level, (w) => writeCrypto(w, isOver ? clientHelloLength(pair) : 0, Uint8Array.of(99, 0, 0, 0)));
      expectClosed(pair, peer, victim, reply, isOver ? Code.PROTOCOL_VIOLATION : Code.CRYPTO_ERROR + 10, FrameType.CRYPTO);
    });
  }
});

const clientHelloLength = (pair: Pair): number =>
  pair.clientObserver.sent.flatMap((packet) => packet.frames).find(([type]) => type === FrameType.CRYPTO)![3]!;

describe('CRYPTO data that TLS does not ask for (RFC 9001 §4.1.3) is a PROTOCOL_VIOLATION:', () => {
  const places = [
    ['at once', 0],
    ['behind a gap', 10],
  ] as const;
  const asserted = (id: string, side: Side): string => breaks(`9001/4.1.3/${id}`, side, Code.PROTOCOL_VIOLATION);
  const expectRefused = (pair: Pair, peer: ScriptedPeer, victim: Pair['connection'], reply: ReadPacket[]): void =>
    expectClosed(pair, peer, victim, reply, Code.PROTOCOL_VIOLATION, FrameType.CRYPTO);

  for (const [name, gap] of places) {
    test(`what is left behind the ServerHello, ${name}${asserted('left-over', 'client')}`, () => {
      const { pair, peer, victim } = midHandshake('server');
      const serverHello = find(peer.openOwn(peer.flight[0]!), 'CRYPTO')!;
      const reply = peer.send('initial', (w) => {
        writeCrypto(w, 0, serverHello.data);
        writeCrypto(w, serverHello.data.length + gap, octets(4));
      });
      expectRefused(pair, peer, victim, reply);
    });

    test(`what is left behind the ClientHello, ${name}${asserted('left-over', 'server')}`, () => {
      const pair = new Pair();
      pair.settle();
      const peer = new ScriptedPeer(pair, 'client');
      const clientHello = find(peer.openOwn(pair.left[0]!.bytes), 'CRYPTO')!;
      expect(clientHello.data).toHaveLength(clientHelloLength(pair));
      const reply = peer.send('initial', (w) => {
        writeCrypto(w, 0, clientHello.data);
        writeCrypto(w, clientHello.data.length + gap, octets(4));
      });
      expectRefused(pair, peer, pair.accepted!, reply);
    });

    test(`what comes after the ServerHello, ${name}${asserted('previous-level', 'client')}`, () => {
      const { pair, peer, victim } = midHandshake('server');
      peer.bringClientToHandshake();
      const { length } = find(peer.openOwn(peer.flight[0]!), 'CRYPTO')!.data;
      expectRefused(
        pair,
        peer,
        victim,
        peer.send('initial', (w) => writeCrypto(w, length + gap, octets(4))),
      );
    });

    test(`what comes after the ClientHello, ${name}${asserted('previous-level', 'server')}`, () => {
      const { pair, peer, victim } = midHandshake('client');
      expectRefused(
        pair,
        peer,
        victim,
        peer.send('initial', (w) => writeCrypto(w, clientHelloLength(pair) + gap, octets(4))),
      );
    });

    test(`what comes after the server's Finished, ${name}${asserted('previous-level', 'client')}`, () => {
      const pair = new Pair();
      pair.run(20_000);
      expect(pair.connection.handshakeComplete).toBe(true);
      const frames = pair.serverObserver.sent.filter(({ level }) => level === 'handshake').flatMap((packet) => packet.frames);
      const end = Math.max(...frames.filter(([type]) => type === FrameType.CRYPTO).map(([, , offset, size]) => offset! + size!));
      const peer = new ScriptedPeer(pair, 'server');
      expectRefused(
        pair,
        peer,
        pair.connection,
        peer.send('handshake', (w) => writeCrypto(w, end + gap, octets(4))),
      );
    });
  }

  test.each(SIDES)('what the %s has had is nothing new when it comes again', (side) => {
    const { pair, peer, victim } = midHandshake(other(side));
    if (side === 'client') peer.bringClientToHandshake();
    const length = side === 'client' ? find(peer.openOwn(peer.flight[0]!), 'CRYPTO')!.data.length : clientHelloLength(pair);
    peer.send('initial', (w) => writeCrypto(w, length - 4, octets(4)));
    expect(victim.state).toBe('open');
  });
});

test(`an Initial of a server with a token is discarded (RFC 9000 §17.2.2)${breaks('9000/17.2.2/token', 'client', 'discard')}`, () => {
  const { pair, peer, victim } = midHandshake('server');
  const { data } = find(peer.openOwn(peer.flight[0]!), 'CRYPTO')!;
  expect(peer.send('initial', (w) => writeCrypto(w, 0, data), { token: octets(4) })).toEqual([]);
  expect([pair.clientObserver.drops, pair.clientObserver.secrets.size, victim.state]).toEqual([['header'], 0, 'open']);
  peer.bringClientToHandshake();
  expect(pair.clientObserver.secrets.size).toBeGreaterThan(0); // … and the same without one is not
});

describe.each(SIDES)('packets to the %s that are not authentic are counted over all keys (RFC 9001 §6.6)', (side) => {
  const maxForgedPackets = 10;
  const spoilt = (packet: Uint8Array): Uint8Array => {
    packet[packet.length - 1]! ^= 1;
    return packet;
  };

  test(`in the handshake${breaks('9001/6.6/integrity', side, Code.AEAD_LIMIT_REACHED)}`, () => {
    const { pair, peer, victim } = midHandshake(other(side), { config: { maxForgedPackets } });
    const forge = (level: 'initial' | 'handshake') => peer.sendDatagram(spoilt(peer.packet(level, new Uint8Array(1_200))));
    for (let i = 0; i < 4; i++) forge('initial');
    if (side === 'client') peer.bringClientToHandshake();
    for (let i = 0; i < 6; i++) forge('handshake');
    expect(victim.state).toBe('open');
    expectClosed(pair, peer, victim, forge('handshake'), Code.AEAD_LIMIT_REACHED, 0);
  });

  test(`once the connection is established${breaks('9001/6.6/integrity', side, Code.AEAD_LIMIT_REACHED)}`, () => {
    const { pair, peer, victim } = established(other(side), { config: { maxForgedPackets } });
    const forge = (phase: 0 | 1) => peer.sendDatagram(spoilt(peer.packet('application', octets(30), { phase })));
    for (let i = 0; i < maxForgedPackets; i++) forge(i % 2 === 0 ? 0 : 1);
    expect(victim.state).toBe('open');
    expectClosed(pair, peer, victim, forge(0), Code.AEAD_LIMIT_REACHED, 0);
  });
});
