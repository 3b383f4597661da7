import { concat } from '@quiclab/bytes';
import { makeCertificate } from '@quiclab/crypto/node';
import type { Connection } from '@quiclab/quic';
import { seededRandom } from '@quiclab/sansio';
import {
  TransportErrorCode as Code,
  decodeTransportParameters,
  defaultTransportParameters,
  encodeTransportParameters,
  FrameType,
  type TransportParameters,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks } from './breaks.ts';
import { CLIENT, clientTls, Pair, type PairOptions, SERVER } from './pair.ts';

/** A handshake that one end refuses: what each end says of it. */
function refused(options: PairOptions): { client: unknown; server: unknown } {
  const pair = new Pair(options);
  pair.run(20_000_000);
  expect(pair.client.connections.size + pair.server.connections.size).toBe(0);
  return { client: pair.connection.cause, server: pair.accepted?.cause };
}

const changed =
  (from: 'client' | 'server', change: (parameters: { -readonly [K in keyof TransportParameters]: TransportParameters[K] }) => void) =>
  (encoded: Uint8Array): Uint8Array => {
    const parameters = { ...decodeTransportParameters(encoded, from) };
    change(parameters);
    return encodeTransportParameters(parameters);
  };
const appended =
  (...more: number[]) =>
  (encoded: Uint8Array): Uint8Array =>
    concat(encoded, Uint8Array.from(more));

const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const TOKEN = new Uint8Array(16);
const TOO_MANY = [8, 0xd0, 0, 0, 0, 0, 0, 0, 1] as const; // 2^60 + 1, in 8 octets

/** Without the parameter, and with these octets at the end. */
const instead =
  (key: keyof TransportParameters, ...octets: number[]): Maker =>
  (from) =>
  (encoded) =>
    appended(...octets)(changed(from, (p) => Object.assign(p, { [key]: defaultTransportParameters[key] }))(encoded));

type Change = (encoded: Uint8Array) => Uint8Array;
type Maker = (from: 'client' | 'server') => Change;
const INVALID = '9000/7.4/invalid';
const ofEither: readonly (readonly [name: string, ids: readonly string[], Maker])[] = [
  ['no initial_source_connection_id', ['9000/7.3/no-initial-source'], (from) => changed(from, (p) => delete p.initialSourceConnectionId)],
  [
    'another initial_source_connection_id than in its packets',
    ['9000/7.3/other-initial-source'],
    (from) => changed(from, (p) => (p.initialSourceConnectionId = ID)),
  ],
  ['a parameter twice', ['9000/7.4/twice'], () => appended(0x0b, 1, 9, 0x0b, 1, 9)],
  ['a parameter that is cut short', [INVALID], () => appended(0x0b, 2, 9)],
  ['a parameter of a number that is none', [INVALID], () => appended(0x0b, 2, 9, 9)],
  ['an ack_delay_exponent of 21', [INVALID, '9000/18.2/ack-delay-exponent'], () => appended(0x0a, 1, 21)],
  ['a max_ack_delay of 2^14', [INVALID, '9000/18.2/max-ack-delay'], () => appended(0x0b, 4, 0x80, 0, 0x40, 0)],
  ['an active_connection_id_limit of 1', [INVALID, '9000/18.2/active-connection-id-limit'], instead('activeConnectionIdLimit', 0x0e, 1, 1)],
  ['a max_udp_payload_size of 1,199', [INVALID, '9000/18.2/max-udp-payload-size'], instead('maxUdpPayloadSize', 0x03, 2, 0x44, 0xaf)],
  ['an initial_max_streams_bidi above 2^60', ['9000/4.6/parameter'], instead('initialMaxStreamsBidi', 0x08, ...TOO_MANY)],
  ['an initial_max_streams_uni above 2^60', ['9000/4.6/parameter'], instead('initialMaxStreamsUni', 0x09, ...TOO_MANY)],
  ['a grease_quic_bit with a value', ['9287/3/not-empty'], instead('greaseQuicBit', 0x6a, 0xb2, 1, 0)],
  ['a version_information that is too short', ['9368/4/parse'], instead('versionInformation', 0x11, 3, 0, 0, 0)],
  ['a version_information whose length is not divisible by four', ['9368/4/parse'], instead('versionInformation', 0x11, 5, 0, 0, 0, 1, 0)],
  ['a version 0 in version_information', ['9368/4/parse'], instead('versionInformation', 0x11, 8, 0, 0, 0, 1, 0, 0, 0, 0)],
];
const WRONG = Code.TRANSPORT_PARAMETER_ERROR;

describe('a server closes with TRANSPORT_PARAMETER_ERROR (RFC 9000 §7.3, §7.4, §18.2) when a client says', () => {
  const cases: readonly (readonly [string, readonly string[], Change])[] = [
    ...ofEither.map(([name, ids, change]) => [name, ids, change('client')] as const),
    ["original_destination_connection_id, which is a server's", ['9000/18.2/server-only'], appended(0x00, 0)],
    ["stateless_reset_token, which is a server's", ['9000/18.2/server-only'], appended(0x02, 16, ...TOKEN)],
    ["retry_source_connection_id, which is a server's", ['9000/18.2/server-only'], appended(0x10, 0)],
    ["preferred_address, which is a server's", ['9000/18.2/server-only'], appended(0x0d, 0)],
  ];
  for (const [name, ids, clientParameters] of cases)
    test(name + breaks(ids, 'server', WRONG), () => {
      const { client, server } = refused({ clientParameters });
      expect(server).toMatchObject({ kind: 'local-transport', code: WRONG });
      expect(client).toMatchObject({ kind: 'peer-transport', code: WRONG, frameType: FrameType.CRYPTO });
    });
});

describe('a client closes with TRANSPORT_PARAMETER_ERROR (RFC 9000 §7.3, §7.4, §18.2) when a server says', () => {
  const address = { ipv4: ID.slice(4), ipv4Port: 443, ipv6: TOKEN, ipv6Port: 443, connectionId: new Uint8Array(0), resetToken: TOKEN };
  const afterRetry = { retry: 'always' } as const;
  const cases: readonly (readonly [name: string, ids: readonly string[], Change, PairOptions?])[] = [
    ...ofEither.map(([name, ids, change]) => [name, ids, change('server')] as const),
    [
      'no original_destination_connection_id',
      ['9000/7.3/no-original-destination'],
      changed('server', (p) => delete p.originalDestinationConnectionId),
    ],
    [
      'another original_destination_connection_id than the client chose',
      ['9000/7.3/other-original-destination'],
      changed('server', (p) => (p.originalDestinationConnectionId = ID)),
    ],
    [
      'retry_source_connection_id without a Retry',
      ['9000/7.3/needless-retry-source'],
      changed('server', (p) => (p.retrySourceConnectionId = ID)),
    ],
    [
      'no retry_source_connection_id after a Retry',
      ['9000/7.3/no-retry-source'],
      changed('server', (p) => delete p.retrySourceConnectionId),
      afterRetry,
    ],
    [
      'another retry_source_connection_id than its Retry had',
      ['9000/7.3/other-retry-source'],
      changed('server', (p) => (p.retrySourceConnectionId = ID)),
      afterRetry,
    ],
    [
      'preferred_address with an empty connection ID',
      ['9000/18.2/preferred-address-empty-id'],
      changed('server', (p) => (p.preferredAddress = address)),
    ],
  ];
  for (const [name, ids, serverParameters, options] of cases)
    test(name + breaks(ids, 'client', WRONG), () => {
      const { client, server } = refused({ serverParameters, ...options });
      expect(client).toMatchObject({ kind: 'local-transport', code: WRONG });
      expect(server).toMatchObject({ kind: 'peer-transport', code: WRONG, frameType: FrameType.CRYPTO });
    });

  test('… and the same handshakes without a lie are completed', () => {
    for (const options of [{}, afterRetry])
      expect(new Pair({ ...options, serverParameters: changed('server', () => {}) }).handshake().connection.handshakeComplete).toBe(true);
  });
});

test('parameters that nobody knows are passed over (RFC 9000 §7.4.2)', () => {
  const grease = appended(27, 3, 1, 2, 3, 0x40, 58, 0);
  const pair = new Pair({ clientParameters: grease, serverParameters: grease }).handshake();
  expect(pair.clientEvents.map((event) => event.type)).toContain('handshake-confirmed');
});

test(`no protocol in common is CRYPTO_ERROR 0x178, at both ends (RFC 9001 §8.1)${breaks('9001/8.1/select', 'server', 0x178)}`, () => {
  const { client, server } = refused({ alpn: ['something', 'else'] });
  expect(server).toMatchObject({ kind: 'local-transport', code: 0x178 });
  expect(client).toMatchObject({ kind: 'peer-transport', code: 0x178 });
});

test('a certificate that the client does not trust is CRYPTO_ERROR with the alert that says so (RFC 9001 §4.8)', () => {
  const strange = makeCertificate({
    names: ['server.test'],
    keyType: 'ed25519',
    notBefore: 0,
    notAfter: 4e15,
    random: seededRandom('strange'),
  });
  const { client, server } = refused({ clientPolicies: { handshake: clientTls({ trust: { ca: [strange.certificate] } }) } });
  expect(client).toMatchObject({ kind: 'local-transport', code: 0x130 }); // unknown_ca
  expect(server).toMatchObject({ kind: 'peer-transport', code: 0x130 });
});

describe("an application's code and words are not shown before the handshake is done (RFC 9000 §10.2.3)", () => {
  const hidden = { kind: 'peer-transport', code: Code.APPLICATION_ERROR, frameType: 0, reason: '' };
  const own = { kind: 'local-application', code: 77, reason: 'none of your business' };

  test(`a server closes${breaks('9000/10.2.3/application', 'client', Code.APPLICATION_ERROR)}`, () => {
    const pair = new Pair();
    pair.run(15_000);
    pair.accepted!.close(pair.now, own.code, own.reason);
    pair.run(20_000_000);
    expect([pair.connection.cause, pair.accepted!.cause]).toEqual([hidden, own]);
  });

  test(`a client closes${breaks('9000/10.2.3/application', 'server', Code.APPLICATION_ERROR)}`, () => {
    const pair = new Pair({ drop: (direction, n) => direction === 'down' && n > 0 });
    pair.run(15_000);
    pair.connection.close(pair.now, own.code, own.reason);
    pair.run(20_000_000);
    expect([pair.accepted!.cause, pair.connection.cause]).toEqual([hidden, own]);
  });
});

test('… and after that they are', () => {
  const pair = new Pair().handshake();
  pair.connection.close(pair.now, 77, 'that was äll');
  pair.run(20_000_000);
  expect(pair.connection.cause).toEqual({ kind: 'local-application', code: 77, reason: 'that was äll' });
  expect(pair.accepted!.cause).toEqual({ kind: 'peer-application', code: 77, reason: 'that was äll' });
  expect(pair.serverEvents.at(-1)).toEqual({ type: 'closed', cause: pair.accepted!.cause });
});

test('a client that closes before anybody has answered says so in an Initial of 1,200 octets', () => {
  const pair = new Pair();
  pair.connection.close(0, 1, 'changed my mind');
  pair.run(20_000_000);
  expect(pair.left.filter((left) => left.direction === 'up').map((left) => left.bytes.length)).toEqual([1200]);
  expect(pair.clientEvents).toEqual([{ type: 'closed', cause: { kind: 'local-application', code: 1, reason: 'changed my mind' } }]);
  expect(pair.client.connections.size + pair.server.connections.size).toBe(0);
});

test(`a server at its limit of connections that are not complete refuses more and says so, and serves those that it has (RFC 9000 §5.2.2)${breaks('9000/5.2.2/refused', 'client', Code.CONNECTION_REFUSED)}`, () => {
  const pair = new Pair({ serverConfig: { maxHalfOpen: 1 } });
  const connect = (): Connection =>
    pair.client.connect(pair.now, { remote: SERVER, local: CLIENT, serverName: 'server.test', alpn: ['test'] });
  const second = connect();
  pair.run(15_000);
  expect(pair.server.connections.size).toBe(1);
  expect(pair.server.drops).toEqual({ refused: 1 });
  pair.run(5_000_000);
  expect(pair.connection.handshakeComplete).toBe(true);
  expect(second.cause).toEqual({ kind: 'peer-transport', code: Code.CONNECTION_REFUSED, frameType: 0, reason: 'busy' });
  const third = connect(); // there is room again
  pair.run(6_000_000);
  expect(third.handshakeComplete).toBe(true);
});

test('an endpoint that was closed refuses all that comes', () => {
  const pair = new Pair();
  pair.server.close(0, 0, '');
  pair.run(2_000_000);
  expect(pair.server.connections.size).toBe(0);
  expect(pair.server.drops.refused).toBe(1);
  expect(pair.connection.cause).toMatchObject({ kind: 'peer-transport', code: Code.CONNECTION_REFUSED });
});

test('a flood of Initials is refused in words no more often than answers fit', () => {
  const pair = new Pair({ serverConfig: { maxHalfOpen: 1 } });
  for (let i = 0; i < 200; i++) pair.client.connect(0, { remote: SERVER, local: CLIENT, serverName: 'server.test', alpn: ['test'] });
  pair.settle();
  for (const { bytes } of pair.flying.splice(0))
    pair.server.receive(pair.now, { bytes, length: bytes.length, local: SERVER, remote: CLIENT, ecn: 0 });
  const answers = pair.turnOnly('down');
  expect(pair.server.drops).toEqual({ refused: 200 });
  expect(answers.filter((answer) => answer.length < 1200)).toHaveLength(64);
});
