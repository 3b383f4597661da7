import { ByteReader, ByteWriter, concat, fromHex } from '@quiclab/bytes';
import type { HandshakeFactory } from '@quiclab/tls';
import { TransportErrorCode as Code, FrameType } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks, type Side } from './breaks.ts';
import { clientTls, Pair, serverTls } from './pair.ts';
import { writeCrypto } from './scripted-peer.ts';
import { established, expectClosed } from './violating.ts';

const ALPN = 16;
const QUIC_TRANSPORT_PARAMETERS = 57;

type Change = (message: Uint8Array) => Uint8Array;

/** A handshake that says something else than it should: its first message of a level, changed on its way out. */
const lying =
  (factory: HandshakeFactory, level: 'initial' | 'handshake', change: Change): HandshakeFactory =>
  (options) => {
    const inner = factory(options);
    let first = true;
    return {
      setLocalParameters: (data) => inner.setLocalParameters(data),
      receive: (now, at, crypto) => inner.receive(now, at, crypto),
      poll: (now) => {
        const step = inner.poll(now);
        if (step?.type !== 'send' || step.level !== level || !first) return step;
        first = false;
        const length = 4 + new ByteReader(step.data, 1, 4).uint24();
        return { ...step, data: concat(change(step.data.slice(0, length)), step.data.subarray(length)) };
      },
    };
  };

/** A message of this type around a body. */
function message(type: number, body: Uint8Array): Uint8Array {
  const w = ByteWriter.growable();
  w.uint8(type);
  w.vector(3, () => w.octets(body));
  return w.written().slice();
}

/** Changes extensions of a ClientHello or of EncryptedExtensions; undefined takes one away. */
const extension =
  (which: number, data: Uint8Array | undefined): Change =>
  (octets) => {
    const reader = new ByteReader(octets, 4, octets.length);
    if (octets[0] === 1) {
      reader.skip(2 + 32); // legacy_version, random
      reader.skip(reader.uint8()); // legacy_session_id
      reader.skip(reader.uint16()); // cipher_suites
      reader.skip(reader.uint8()); // legacy_compression_methods
    }
    const before = octets.subarray(4, reader.position);
    reader.skip(2);
    const kept = ByteWriter.growable();
    let found = false;
    while (reader.remaining > 0) {
      const type = reader.uint16();
      const value = reader.take(reader.uint16());
      found ||= type === which;
      if (type === which && data === undefined) continue;
      kept.uint16(type);
      kept.vector(2, () => kept.octets(type === which ? data! : value));
    }
    expect(found).toBe(true);
    const w = ByteWriter.growable();
    w.octets(before);
    w.vector(2, () => w.octets(kept.written()));
    return message(octets[0]!, w.written());
  };

/** legacy_session_id of 32 octets in a ClientHello. */
const withSessionId: Change = (octets) => {
  const at = 4 + 2 + 32;
  expect(octets[at]).toBe(0);
  return message(1, concat(octets.subarray(4, at), Uint8Array.of(32), new Uint8Array(32), octets.subarray(at + 1)));
};

const refusals: readonly (readonly [name: string, ids: readonly string[], victim: Side, change: Change, code: number])[] = [
  ['a ClientHello without ALPN (RFC 9001 §8.1)', ['9001/8.1/not-negotiated'], 'server', extension(ALPN, undefined), 0x178],
  [
    'EncryptedExtensions without ALPN (RFC 9001 §8.1)',
    ['9001/8.1/not-negotiated', '9001/8.1/client'],
    'client',
    extension(ALPN, undefined),
    0x178,
  ],
  ['a protocol of other clients (RFC 9001 §8.1)', ['9001/8.1/select'], 'server', extension(ALPN, fromHex('0005046f746872')), 0x178],
  [
    'a protocol that was not offered (RFC 9001 §8.1)',
    ['9001/8.1/incompatible', '9001/8.1/client'],
    'client',
    extension(ALPN, fromHex('0005046f746872')),
    0x178,
  ],
  [
    'a ClientHello without quic_transport_parameters (RFC 9001 §8.2)',
    ['9001/8.2/missing'],
    'server',
    extension(QUIC_TRANSPORT_PARAMETERS, undefined),
    0x16d,
  ],
  [
    'EncryptedExtensions without quic_transport_parameters (RFC 9001 §8.2)',
    ['9001/8.2/missing'],
    'client',
    extension(QUIC_TRANSPORT_PARAMETERS, undefined),
    0x16d,
  ],
  ['a ClientHello with a legacy_session_id (RFC 9001 §8.4)', ['9001/8.4/session-id'], 'server', withSessionId, Code.PROTOCOL_VIOLATION],
];

describe('a handshake is refused because of', () => {
  for (const [name, ids, victim, change, code] of refusals)
    test(name + breaks(ids, victim, code), () => {
      const pair = new Pair(
        victim === 'server'
          ? { clientPolicies: { handshake: lying(clientTls(), 'initial', change) } }
          : { serverPolicies: { handshake: lying(serverTls(), 'handshake', change) } },
      );
      pair.run(20_000_000);
      const [at, peer] = victim === 'server' ? [pair.accepted!, pair.connection] : [pair.connection, pair.accepted!];
      expect(at.cause).toMatchObject({ kind: 'local-transport', code });
      expect(peer.cause).toMatchObject({ kind: 'peer-transport', code, frameType: FrameType.CRYPTO });
      expect(pair.client.connections.size + pair.server.connections.size).toBe(0);
    });

  test('nothing when nothing is changed', () => {
    const same: Change = (octets) => octets;
    const pair = new Pair({
      clientPolicies: { handshake: lying(clientTls(), 'initial', same) },
      serverPolicies: { handshake: lying(serverTls(), 'handshake', same) },
    });
    expect(pair.handshake().connection.handshakeComplete).toBe(true);
  });
});

describe('after the handshake a client does not put up with', () => {
  const ticket = (size: string): Uint8Array => fromHex(`04000016${'00000e10'}${'00000000'}${'00'}${'0001aa'}${'0008002a0004'}${size}`);

  test(`a CertificateRequest (RFC 9001 §4.4)${breaks('9001/4.4/certificate-request', 'client', Code.PROTOCOL_VIOLATION)}`, () => {
    const { pair, peer, victim } = established('server');
    const reply = peer.send('application', (w) => writeCrypto(w, 0, fromHex('0d000003000000')));
    expectClosed(pair, peer, victim, reply, Code.PROTOCOL_VIOLATION, FrameType.CRYPTO);
  });

  test(`a NewSessionTicket with another max_early_data_size than QUIC has (RFC 9001 §4.6.1)${breaks('9001/4.6.1/early-data', 'client', Code.PROTOCOL_VIOLATION)}`, () => {
    const { pair, peer, victim } = established('server');
    const reply = peer.send('application', (w) => writeCrypto(w, 0, ticket('00004000')));
    expectClosed(pair, peer, victim, reply, Code.PROTOCOL_VIOLATION, FrameType.CRYPTO);
  });

  test('… while one with 0xffffffff is a session', () => {
    const { pair, peer, victim } = established('server');
    peer.send('application', (w) => writeCrypto(w, 0, ticket('ffffffff')));
    expect(victim.state).toBe('open');
    expect(pair.clientEvents.map(({ type }) => type)).toContain('session');
  });
});
