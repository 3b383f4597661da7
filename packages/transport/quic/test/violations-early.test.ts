import type { ByteWriter } from '@quiclab/bytes';
import { streamId } from '@quiclab/streams';
import {
  TransportErrorCode as Code,
  FrameType,
  writeHandshakeDone,
  writeNewToken,
  writePing,
  writeRetireConnectionId,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks } from './breaks.ts';
import { type Pair, text } from './pair.ts';
import { afterFirst, serverPolicies } from './resuming.ts';
import { ScriptedPeer, writeCrypto, writeSimpleAck, writeStream } from './scripted-peer.ts';
import { expectClosed, octets } from './violating.ts';

const LIMITS = { initialMaxData: 1_500, initialMaxStreamData: 1_000, maxStreamsBidi: 3, maxStreamsUni: 3 };

/** A client resumes a session; the server has read its ClientHello and takes early data, which a scripted peer sends. */
function early(): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection'] } {
  const { pair, session } = afterFirst({ serverConfig: LIMITS });
  for (const observer of [pair.clientObserver, pair.serverObserver]) observer.secrets.clear();
  pair.left.length = 0;
  pair.connect({ session, earlyData: true });
  pair.settle();
  pair.deliver('up', pair.left[0]!.bytes);
  return { pair, peer: new ScriptedPeer(pair, 'client'), victim: pair.accepted! };
}

const own = (n: number): number => streamId(n, 'uni', 'client');

test('early data of a scripted client is taken as long as it keeps to the rules', () => {
  const { pair, peer, victim } = early();
  peer.send('early', (w) => writeStream(w, 0, 0, text('early')));
  expect(victim.state).toBe('open');
  expect(pair.serverEvents).toContainEqual({ type: 'stream-opened', id: 0, early: true });
});

describe('what a server does not put up with in 0-RTT packets:', () => {
  const places: readonly (readonly [name: string, type: number, write: (w: ByteWriter) => void, more?: string])[] = [
    ['ACK', FrameType.ACK, (w) => writeSimpleAck(w, 0)],
    ['CRYPTO (RFC 9001 §8.3)', FrameType.CRYPTO, (w) => writeCrypto(w, 0, octets(4)), '9001/8.3/crypto'],
    ['NEW_TOKEN', FrameType.NEW_TOKEN, (w) => writeNewToken(w, octets(4))],
    ['RETIRE_CONNECTION_ID', FrameType.RETIRE_CONNECTION_ID, (w) => writeRetireConnectionId(w, 0)],
    ['PATH_RESPONSE', FrameType.PATH_RESPONSE, (w) => w.octets(Uint8Array.of(FrameType.PATH_RESPONSE, ...octets(8)))],
    ['HANDSHAKE_DONE', FrameType.HANDSHAKE_DONE, writeHandshakeDone],
  ];
  for (const [name, type, write, more] of places) {
    const ids = ['9000/12.4/not-permitted', '9000/12.5/early', ...(more === undefined ? [] : [more])];
    test(`${name} (RFC 9000 §12.4, §12.5)${breaks(ids, 'server', Code.PROTOCOL_VIOLATION)}`, () => {
      const { pair, peer, victim } = early();
      expectClosed(pair, peer, victim, peer.send('early', write), Code.PROTOCOL_VIOLATION, type);
    });
  }

  test(`no frames (RFC 9000 §12.4)${breaks('9000/12.4/no-frames', 'server', Code.PROTOCOL_VIOLATION)}`, () => {
    const { pair, peer, victim } = early();
    expectClosed(pair, peer, victim, peer.send('early', new Uint8Array(0)), Code.PROTOCOL_VIOLATION, 0);
  });

  test(`reserved bits (RFC 9000 §17.2)${breaks('9000/17.2/reserved', 'server', Code.PROTOCOL_VIOLATION)}`, () => {
    const { pair, peer, victim } = early();
    expectClosed(pair, peer, victim, peer.send('early', writePing, { firstOctet: 0x08 }), Code.PROTOCOL_VIOLATION, 0);
  });

  const limits: readonly (readonly [name: string, code: number, id: number, last: number])[] = [
    ['more than a stream may have', Code.FLOW_CONTROL_ERROR, own(0), 1_000],
    ['more than the connection may have', Code.FLOW_CONTROL_ERROR, own(1), 999],
    ['more streams than there may be', Code.STREAM_LIMIT_ERROR, own(3), 0],
  ];
  for (const [name, code, id, last] of limits)
    test(`${name}, by the limits that were remembered (RFC 9000 §17.2.3)${breaks('9000/17.2.3/remembered', 'server', code)}`, () => {
      const { pair, peer, victim } = early();
      peer.send('early', (w) => writeStream(w, own(0), 999, octets(1)));
      expect(victim.state).toBe('open');
      const reply = peer.send('early', (w) => writeStream(w, id, last, octets(1)));
      expectClosed(pair, peer, victim, reply, code, FrameType.STREAM | 6);
    });
});

test(`an ACK of early data that was rejected (RFC 9001 §4.6.2)${breaks('9001/4.6.2/rejected', 'client', Code.PROTOCOL_VIOLATION)}`, () => {
  const { pair, session } = afterFirst();
  pair.options.serverPolicies = serverPolicies(2); // other ticket keys: the server cannot open it any more
  pair.server = pair.newServer();
  pair.left.length = 0;
  pair.connect({ session, earlyData: true });
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('early'));
  pair.run(pair.now + 20_000);
  expect([pair.connection.handshakeComplete, pair.connection.state]).toEqual([true, 'open']);
  const rejected = pair.clientObserver.sent.filter(({ level }) => level === 'early').map(({ packetNumber }) => packetNumber);
  const again = pair.clientObserver.sent.filter(({ level }) => level === 'application').map(({ packetNumber }) => packetNumber);
  expect([rejected, again.length > 0]).toEqual([[0], true]);
  const peer = new ScriptedPeer(pair, 'server');
  peer.send('application', (w) => writeSimpleAck(w, again.at(-1)!, again[0]));
  expect(pair.connection.state).toBe('open');
  const reply = peer.send('application', (w) => writeSimpleAck(w, again.at(-1)!, rejected[0]));
  expectClosed(pair, peer, pair.connection, reply, Code.PROTOCOL_VIOLATION, FrameType.ACK);
});
