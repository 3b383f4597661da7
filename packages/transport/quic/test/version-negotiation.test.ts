import { ByteWriter } from '@quiclab/bytes';
import { nodeProvider } from '@quiclab/crypto/node';
import { SECOND, seededRandom } from '@quiclab/sansio';
import { serverHandshake, ticketKeeper } from '@quiclab/tls';
import {
  decodeTransportParameters,
  encodeTransportParameters,
  FrameType,
  isReserved,
  PacketHeader,
  PacketType,
  readHeader,
  TransportErrorCode,
  type TransportParameters,
  VERSION_1,
  VERSION_2,
  type VersionInformation,
  writeVersionNegotiation,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks } from './breaks.ts';
import { certificate, type Direction, Pair, type PairOptions, text } from './pair.ts';

const MISMATCH = TransportErrorCode.VERSION_NEGOTIATION_ERROR;
const RESERVED = 0x1a2a_3a4a;

/** Long headers of one direction: type and version, in the order that they left. */
function longHeaders(pair: Pair, direction: Direction, from = 0): (readonly [type: number, version: number])[] {
  const headers: (readonly [number, number])[] = [];
  const header = new PacketHeader();
  for (const { direction: one, bytes } of pair.left.slice(from)) {
    if (one !== direction) continue;
    for (let at = 0; at < bytes.length && readHeader(bytes, at, bytes.length, 8, header, true) === ''; at = header.end)
      if (header.type !== PacketType.ONE_RTT) headers.push([header.type, header.version]);
  }
  return headers;
}

/** A request and its answer, so that 1-RTT packets go both ways. */
const echo: NonNullable<PairOptions['serve']> = (pair, event) => {
  if (event.type !== 'stream-readable') return;
  const { data, fin } = pair.readAll(pair.accepted!, event.id);
  pair.accepted!.write(pair.now, event.id, text(data));
  if (fin) pair.accepted!.finish(event.id);
};

function talks(pair: Pair): void {
  expect(pair.clientEvents.map((event) => event.type)).toContain('handshake-confirmed');
  const id = pair.connection.openStream('bidi')!;
  pair.connection.write(pair.now, id, text('hello'));
  pair.connection.finish(id);
  pair.run(pair.now + 5 * SECOND);
  expect(pair.readAll(pair.connection, id)).toEqual({ data: 'hello', fin: true });
}

const upgrading = (more: PairOptions = {}): PairOptions => ({
  serve: echo,
  ...more,
  serverConfig: { preferOwnVersion: true, ...more.serverConfig },
});

const informed =
  (from: 'client' | 'server', change: (information: VersionInformation) => VersionInformation | undefined) =>
  (encoded: Uint8Array): Uint8Array => {
    const { versionInformation, ...rest } = decodeTransportParameters(encoded, from);
    const changed = change(versionInformation!);
    return encodeTransportParameters({ ...(rest as TransportParameters), ...(changed && { versionInformation: changed }) });
  };

const negotiation = (destination: Uint8Array, source: Uint8Array, versions: readonly number[]): Uint8Array => {
  const writer = ByteWriter.growable();
  writeVersionNegotiation(writer, destination, source, versions, 0);
  return writer.written().slice();
};

/** Version Negotiation that seems to answer what the client has sent last. */
function forge(pair: Pair, versions: readonly number[]): Uint8Array[] {
  const header = new PacketHeader();
  const { bytes } = pair.left.findLast(({ direction }) => direction === 'up')!;
  readHeader(bytes, 0, bytes.length, 8, header);
  return pair.deliver('down', negotiation(header.sourceId, header.destinationId, versions));
}

describe('version 2 from the first packet on (RFC 9369)', () => {
  test('has its own types and keys, and carries data', () => {
    const pair = new Pair({ version: VERSION_2, serve: echo }).handshake();
    talks(pair);
    for (const direction of ['up', 'down'] as const)
      expect(longHeaders(pair, direction).every(([, version]) => version === VERSION_2)).toBe(true);
    expect([pair.connection.version, pair.accepted!.version]).toEqual([VERSION_2, VERSION_2]);
  });

  test('keys are updated with its own label (§3.3.2)', () => {
    const pair = new Pair({ version: VERSION_2, serve: echo }).handshake();
    pair.connection.updateKeys();
    talks(pair);
    expect(pair.serverObserver.keyUpdates).toEqual(['peer 1']);
  });

  test('a Retry is of version 2, too (§3.3.3)', () => {
    const pair = new Pair({ version: VERSION_2, retry: 'always', serve: echo }).handshake();
    talks(pair);
    expect(longHeaders(pair, 'down')[0]).toEqual([PacketType.RETRY, VERSION_2]);
  });
});

describe('compatible version negotiation (RFC 9368 §2.3, RFC 9369 §4.1)', () => {
  test('by default a client that begins with version 1 stays with it', () => {
    const pair = new Pair({ serve: echo }).handshake();
    talks(pair);
    expect([...longHeaders(pair, 'up'), ...longHeaders(pair, 'down')].every(([, version]) => version === VERSION_1)).toBe(true);
  });

  test('a server that prefers version 2 answers in it, without a further round trip', () => {
    const pair = new Pair(upgrading());
    pair.run(20_000); // one round trip
    expect(pair.connection.handshakeComplete).toBe(true);
    talks(pair.handshake());
    expect(longHeaders(pair, 'up')[0]).toEqual([PacketType.INITIAL, VERSION_1]);
    expect(longHeaders(pair, 'up').slice(1)).not.toContainEqual([expect.anything(), VERSION_1]);
    expect(longHeaders(pair, 'down').every(([, version]) => version === VERSION_2)).toBe(true);
    expect([pair.connection.version, pair.accepted!.version]).toEqual([VERSION_2, VERSION_2]);
  });

  test('… and one that prefers version 1 goes back to it', () => {
    const pair = new Pair(
      upgrading({ version: VERSION_2, serverConfig: { preferOwnVersion: true, versions: [VERSION_1, VERSION_2] } }),
    ).handshake();
    talks(pair);
    expect([pair.connection.version, pair.accepted!.version]).toEqual([VERSION_1, VERSION_1]);
  });

  test('… but not for a client that has only version 1 available', () => {
    const pair = new Pair(upgrading({ clientConfig: { versions: [VERSION_1] } })).handshake();
    talks(pair);
    expect(pair.accepted!.version).toBe(VERSION_1);
  });

  test('a client that says nothing of versions stays with its own (RFC 9368 §4)', () => {
    const pair = new Pair(upgrading({ clientParameters: informed('client', () => undefined) })).handshake();
    talks(pair);
    expect(pair.accepted!.version).toBe(VERSION_1);
  });

  test('a ClientHello in two packets: what is said before the second has come is of the original version', () => {
    const pair = new Pair(upgrading({ padding: 1_500, drop: (direction, n) => direction === 'up' && n === 2 })).handshake();
    talks(pair);
    const down = longHeaders(pair, 'down');
    expect(down[0]).toEqual([PacketType.INITIAL, VERSION_1]);
    expect(down.filter(([, version]) => version === VERSION_1)).toHaveLength(down.findIndex(([, version]) => version === VERSION_2));
    expect(pair.connection.version).toBe(VERSION_2);
  });

  test('a server that has asked for another key share has spoken, and stays with the version that it spoke in', () => {
    const pair = new Pair(
      upgrading({
        serverPolicies: {
          handshake: serverHandshake({
            provider: nodeProvider,
            certificates: [certificate.certificate],
            privateKey: certificate.privateKey,
            groups: ['secp256r1'],
          }),
        },
      }),
    ).handshake();
    talks(pair);
    expect([pair.connection.version, pair.accepted!.version]).toEqual([VERSION_1, VERSION_1]);
  });

  test('a Retry is of the original version, what follows of the negotiated one', () => {
    const pair = new Pair(upgrading({ retry: 'always' })).handshake();
    talks(pair);
    expect(longHeaders(pair, 'down')[0]).toEqual([PacketType.RETRY, VERSION_1]);
    expect(longHeaders(pair, 'up').slice(0, 2)).toEqual([
      [PacketType.INITIAL, VERSION_1],
      [PacketType.INITIAL, VERSION_1],
    ]);
    expect(pair.connection.version).toBe(VERSION_2);
  });

  const losses = (['up', 'down'] as const).flatMap((direction) =>
    [1, 2, 3, 4, 5, 6].flatMap((n) => [0, 1_500].map((padding) => [direction, n, padding] as const)),
  );
  test.each(losses)(
    'datagram %s %i lost, with %i octets of padding in the ClientHello: it arrives all the same',
    (direction, n, padding) => {
      const pair = new Pair(upgrading({ padding, drop: (one, m) => one === direction && m === n })).handshake();
      talks(pair);
      expect([pair.connection.version, pair.accepted!.version]).toEqual([VERSION_2, VERSION_2]);
    },
  );

  test('datagrams in any order, some of them twice', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed).fork('order');
      const pair = new Pair(
        upgrading({
          seed,
          padding: seed % 2 === 0 ? 1_500 : 0,
          impair: (_direction, _n, bytes) =>
            Array.from({ length: 1 + (random.uint32() & 1) }, () => ({ late: random.uint32() % 30_000, bytes: bytes.slice() })),
        }),
      ).handshake();
      talks(pair);
      expect([pair.connection.version, pair.accepted!.version]).toEqual([VERSION_2, VERSION_2]);
    }
  });

  test('an Initial packet of the other version that is not authentic changes nothing', () => {
    const pair = new Pair({ serve: echo });
    pair.settle();
    const header = new PacketHeader();
    const first = pair.left[0]!.bytes;
    readHeader(first, 0, first.length, 8, header);
    const forged = new Uint8Array(1_200).fill(9);
    const writer = new ByteWriter(forged);
    writer.octets(Uint8Array.of(0xd0));
    writer.uint32(VERSION_2);
    for (const id of [header.sourceId, header.destinationId]) {
      writer.uint8(id.length);
      writer.octets(id);
    }
    writer.octets(Uint8Array.of(0, 0x44, 0x00));
    pair.deliver('down', forged);
    expect(pair.clientObserver.drops[0]).toBe('not-authentic');
    expect(pair.connection.version).toBe(VERSION_1);
    talks(pair.handshake());
  });
});

describe('version_information that lies closes with VERSION_NEGOTIATION_ERROR (RFC 9368 §4)', () => {
  function closed(options: PairOptions): { client: unknown; server: unknown } {
    const pair = new Pair(options);
    pair.run(20 * SECOND);
    return { client: pair.connection.cause, server: pair.accepted?.cause };
  }

  test(`at a server: the client chose another version than its packets have${breaks(['9368/4/differ', '9368/4/not-one'], 'server', MISMATCH)}`, () => {
    const { client, server } = closed({ clientParameters: informed('client', (said) => ({ ...said, chosen: VERSION_2 })) });
    expect(server).toMatchObject({ kind: 'local-transport', code: MISMATCH });
    expect(client).toMatchObject({ kind: 'peer-transport', code: MISMATCH, frameType: FrameType.CRYPTO });
  });

  const servers: readonly (readonly [name: string, ids: readonly string[], PairOptions])[] = [
    [
      'the server chose another version than its packets have',
      ['9368/4/not-equal'],
      { serverParameters: informed('server', (said) => ({ ...said, chosen: VERSION_2 })) },
    ],
    [
      '… a version that the client did not have available',
      ['9368/4/not-available'],
      { serverParameters: informed('server', (said) => ({ ...said, chosen: 77 })) },
    ],
    [
      '… the original one, in packets of another',
      ['9368/4/not-equal'],
      upgrading({ serverParameters: informed('server', (said) => ({ ...said, chosen: VERSION_1 })) }),
    ],
    [
      'it has gone on with another version, and does not say that it chose it',
      [],
      upgrading({ serverParameters: informed('server', () => undefined) }),
    ],
  ];
  for (const [name, ids, options] of servers)
    test(`at a client: ${name}${breaks(ids, 'client', MISMATCH)}`, () => {
      const { client, server } = closed(options);
      expect(client).toMatchObject({ kind: 'local-transport', code: MISMATCH });
      expect(server).toMatchObject({ kind: 'peer-transport', code: MISMATCH, frameType: FrameType.CRYPTO });
    });

  test('what does not parse is a TRANSPORT_PARAMETER_ERROR', () => {
    const { client, server } = closed({ clientParameters: informed('client', (said) => ({ ...said, available: [] })) });
    expect(server).toMatchObject({ kind: 'local-transport', code: TransportErrorCode.TRANSPORT_PARAMETER_ERROR });
    expect(client).toMatchObject({ kind: 'peer-transport', code: TransportErrorCode.TRANSPORT_PARAMETER_ERROR });
  });

  test('a server that says nothing of versions, to a client that did not change its own, is believed', () => {
    talks(new Pair({ serve: echo, serverParameters: informed('server', () => undefined) }).handshake());
  });
});

describe('incompatible version negotiation (RFC 9368 §2.1)', () => {
  test.each([
    ['a version that the server does not speak', { version: VERSION_2, serverConfig: { versions: [VERSION_1] } }, VERSION_1],
    ['version 1, at a server that speaks only version 2', { serverConfig: { versions: [VERSION_2] } }, VERSION_2],
    ['a reserved version', { version: RESERVED }, VERSION_2],
    [
      'a reserved version, and version 1 is liked better',
      { version: RESERVED, clientConfig: { versions: [VERSION_1, VERSION_2] } },
      VERSION_1,
    ],
  ] as const)('a client that begins with %s goes on with one that both speak', (_name, options, expected) => {
    const pair = new Pair({ serve: echo, ...options }).handshake();
    talks(pair);
    expect([pair.connection.version, pair.accepted!.version]).toEqual([expected, expected]);
    expect(longHeaders(pair, 'down')[0]).toEqual([PacketType.VERSION_NEGOTIATION, 0]);
    expect(pair.clientEvents.filter((event) => event.type === 'handshake-complete')).toHaveLength(1);
  });

  test('the second attempt goes to another connection ID, with another ClientHello', () => {
    const pair = new Pair({ version: RESERVED });
    pair.run(20_000);
    const [first, second] = pair.left.filter(({ direction }) => direction === 'up').map(({ bytes }) => bytes);
    const read = (bytes: Uint8Array) => {
      const header = new PacketHeader();
      readHeader(bytes, 0, bytes.length, 8, header);
      return { destination: header.destinationId.slice(), source: header.sourceId.slice() };
    };
    expect(read(second!).destination).not.toEqual(read(first!).destination);
    expect(read(second!).source).toEqual(read(first!).source);
  });

  test('compatible negotiation may follow', () => {
    const pair = new Pair(upgrading({ version: RESERVED, clientConfig: { versions: [VERSION_1, VERSION_2] } })).handshake();
    talks(pair);
    expect(longHeaders(pair, 'up').map(([, version]) => version)).toEqual(expect.arrayContaining([RESERVED, VERSION_1, VERSION_2]));
    expect(pair.connection.version).toBe(VERSION_2);
  });

  test.each([1, 2, 3, 4])('and any datagram may be lost: %i in each direction', (n) => {
    talks(new Pair({ serve: echo, version: RESERVED, drop: (_direction, m) => m === n }).handshake());
  });

  test('without a common version the client says which there are', () => {
    const pair = new Pair({ clientConfig: { versions: [VERSION_1] }, serverConfig: { versions: [VERSION_2] } });
    pair.run(SECOND);
    expect(pair.connection.cause).toMatchObject({
      kind: 'version-mismatch',
      offered: VERSION_1,
      supported: [VERSION_2, expect.anything()],
    });
  });

  test('a session and early data are for the version that they were made with: it is all said again', () => {
    const pair = new Pair({ serve: echo, serverPolicies: resuming() }).handshake();
    pair.run(pair.now + SECOND);
    const session = pair.clientEvents.find((event) => event.type === 'session') as { data: Uint8Array };
    pair.options.serverConfig = { versions: [VERSION_2] };
    pair.server = pair.newServer();
    pair.connect({ session: session.data, earlyData: true });
    expect(pair.connection.sendsEarly).toBe(true);
    const id = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, id, text('early'));
    pair.connection.finish(id);
    pair.run(pair.now + 5 * SECOND);
    expect(pair.readAll(pair.connection, id)).toEqual({ data: 'early', fin: true });
    expect(pair.clientEvents.find((event) => event.type === 'handshake-complete')).toMatchObject({ earlyData: 'rejected' });
    expect(pair.connection.version).toBe(VERSION_2);
  });
});

describe('nobody in between can choose (RFC 9368 §4)', () => {
  test(`a forged Version Negotiation packet that hides the better version is found out${breaks('9368/4/different', 'client', MISMATCH)}`, () => {
    const pair = new Pair({ clientConfig: { versions: [VERSION_1, VERSION_2] } });
    pair.settle();
    forge(pair, [VERSION_2, RESERVED]);
    pair.run(SECOND);
    expect(pair.connection.cause).toMatchObject({ kind: 'local-transport', code: MISMATCH });
    expect(pair.accepted!.cause).toMatchObject({ kind: 'peer-transport', code: MISMATCH, frameType: FrameType.CRYPTO });
  });

  test('… one that leads to the version that we would have chosen anyway does no harm', () => {
    const pair = new Pair({ serve: echo });
    pair.settle();
    forge(pair, [VERSION_2]);
    talks(pair.handshake());
    expect(pair.connection.version).toBe(VERSION_2);
  });

  for (const [name, id, said] of [
    ['does not say which versions it speaks', '9368/4/missing', undefined],
    ['says that it speaks none', '9368/4/empty', { chosen: VERSION_2, available: [] }],
  ] as const)
    test(`after Version Negotiation a server that ${name} is not believed${breaks(id, 'client', MISMATCH)}`, () => {
      const pair = new Pair({ version: RESERVED, serverParameters: informed('server', () => said) });
      pair.run(SECOND);
      expect(pair.connection.cause).toMatchObject({ kind: 'local-transport', code: MISMATCH });
    });

  test('a second Version Negotiation packet is ignored', () => {
    const pair = new Pair({ version: RESERVED, serve: echo });
    pair.settle();
    forge(pair, [VERSION_2]);
    expect(forge(pair, [VERSION_1])).toEqual([]);
    expect(pair.clientObserver.drops).toContain('invalid-version-negotiation');
    talks(pair.handshake());
    expect(pair.connection.version).toBe(VERSION_2);
  });

  test('one that lists the version that was tried is ignored, and one after the handshake has begun', () => {
    const pair = new Pair({ serve: echo });
    pair.settle();
    expect(forge(pair, [VERSION_1, VERSION_2])).toEqual([]);
    pair.run(20_000);
    expect(forge(pair, [VERSION_2])).toEqual([]);
    talks(pair.handshake());
    expect(pair.connection.version).toBe(VERSION_1);
  });

  test('a server ignores Version Negotiation packets (§2.1)', () => {
    const pair = new Pair({ serve: echo });
    pair.run(10_000);
    const header = new PacketHeader();
    const { bytes } = pair.left.find(({ direction }) => direction === 'down')!;
    readHeader(bytes, 0, bytes.length, 8, header);
    pair.deliver('up', negotiation(header.sourceId, header.destinationId, [VERSION_2]));
    talks(pair.handshake());
  });
});

const resuming = () => ({
  handshake: serverHandshake({
    provider: nodeProvider,
    certificates: [certificate.certificate],
    privateKey: certificate.privateKey,
    tickets: ticketKeeper({ provider: nodeProvider, random: seededRandom(1).fork('tickets') }),
    earlyData: true,
  }),
});

describe('sessions and tokens are of one version (RFC 9369 §5)', () => {
  const first = (options: PairOptions) => {
    const pair = new Pair(upgrading({ serverPolicies: resuming(), ...options })).handshake();
    pair.run(pair.now + SECOND);
    const kept = (type: 'session' | 'token') => (pair.clientEvents.find((event) => event.type === type) as { data: Uint8Array }).data;
    return { pair, session: kept('session'), token: kept('token') };
  };

  test('those of a negotiated version begin the next connection with it, early data included', () => {
    const { pair, session, token } = first({ retry: 'always' });
    const from = pair.left.length;
    pair.connect({ session, token, earlyData: true });
    const id = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, id, text('early'));
    pair.connection.finish(id);
    pair.run(pair.now + SECOND);
    expect(pair.readAll(pair.connection, id)).toEqual({ data: 'early', fin: true });
    expect(pair.clientEvents.find((event) => event.type === 'handshake-complete')).toMatchObject({ earlyData: 'accepted' });
    expect(longHeaders(pair, 'up', from).slice(0, 2)).toEqual([
      [PacketType.INITIAL, VERSION_2],
      [PacketType.ZERO_RTT, VERSION_2],
    ]);
    expect(longHeaders(pair, 'down', from)).not.toContainEqual([PacketType.RETRY, VERSION_2]); // the token was good
  });

  test('they are passed over on a connection of another version', () => {
    const { pair, session, token } = first({});
    pair.connect({ session, token, earlyData: true, version: VERSION_1 });
    expect(pair.connection.sendsEarly).toBe(false);
    talks(pair.handshake());
    const header = new PacketHeader();
    const hello = pair.left.findLast(
      ({ direction, bytes }) =>
        direction === 'up' && readHeader(bytes, 0, bytes.length, 8, header, true) === '' && header.type === PacketType.INITIAL,
    );
    readHeader(hello!.bytes, 0, hello!.bytes.length, 8, header, true);
    expect(header.tokenLength).toBe(0);
  });

  test('early data is of the original version when the server goes on with another, and the next session of that one', () => {
    const { pair, session } = first({ serverConfig: { preferOwnVersion: false } });
    pair.options.serverConfig = { preferOwnVersion: true };
    pair.server = pair.newServer();
    const from = pair.left.length;
    pair.connect({ session, earlyData: true });
    const id = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, id, text('x'.repeat(3_000)));
    pair.connection.finish(id);
    pair.run(pair.now + SECOND);
    expect(pair.readAll(pair.connection, id)).toEqual({ data: 'x'.repeat(3_000), fin: true });
    expect(pair.clientEvents.find((event) => event.type === 'handshake-complete')).toMatchObject({ earlyData: 'accepted' });
    expect(pair.connection.version).toBe(VERSION_2);
    const early = longHeaders(pair, 'up', from).filter(([type]) => type === PacketType.ZERO_RTT);
    expect(early.length).toBeGreaterThan(1);
    expect(early.every(([, version]) => version === VERSION_1)).toBe(true);
    const next = pair.clientEvents.find((event) => event.type === 'session') as { data: Uint8Array };
    pair.connect({ session: next.data });
    expect(pair.connection.version).toBe(VERSION_2);
  });
});

describe('grease', () => {
  const said = (options: PairOptions, count = 40): TransportParameters[] =>
    Array.from({ length: count }, (_, seed) => {
      let heard: TransportParameters | undefined;
      new Pair({
        ...options,
        seed,
        clientParameters: (encoded) => {
          heard = decodeTransportParameters(encoded, 'client');
          return encoded;
        },
      });
      return heard!;
    });

  test('reserved versions are among the available ones now and then, in any place (RFC 9368 §3)', () => {
    const lists = said({}).map((parameters) => parameters.versionInformation!.available);
    const greased = lists.filter((list) => list.some(isReserved));
    expect(greased.length).toBeGreaterThan(2);
    expect(greased.length).toBeLessThan(lists.length / 2);
    expect(new Set(greased.map((list) => list.findIndex(isReserved))).size).toBe(3);
    for (const list of lists) expect(list.filter((version) => !isReserved(version))).toEqual([VERSION_2, VERSION_1]);
  });

  test('… and none where greasing is off', () => {
    for (const { versionInformation, greaseQuicBit } of said({ clientConfig: { grease: false } }))
      expect([versionInformation!.available, greaseQuicBit]).toEqual([[VERSION_2, VERSION_1], false]);
  });

  /** How many packets of either end had a QUIC bit of 0, after the first of them. */
  const cleared = (pair: Pair, direction: Direction): number =>
    pair.left.filter((left) => left.direction === direction && (left.bytes[0]! & 0x40) === 0).length;

  test('the QUIC bit has any value towards a peer that takes it, once that is known (RFC 9287 §3.1)', () => {
    const pair = new Pair({ serve: echo }).handshake();
    for (let i = 0; i < 20; i++) talks(pair);
    for (const direction of ['up', 'down'] as const) {
      const all = pair.left.filter((left) => left.direction === direction).length;
      expect(cleared(pair, direction)).toBeGreaterThan(all / 4);
      expect(cleared(pair, direction)).toBeLessThan((3 * all) / 4);
    }
    expect(pair.left[0]!.bytes[0]! & 0x40).toBe(0x40);
    expect([...pair.clientObserver.drops, ...pair.serverObserver.drops]).toEqual([]);
  });

  test.each(['client', 'server'] as const)('… and is 1 where the %s did not say so, or we do not grease', (side) => {
    const pair = new Pair({ serve: echo, [`${side}Config`]: { grease: false } }).handshake();
    for (let i = 0; i < 20; i++) talks(pair);
    expect([cleared(pair, 'up'), cleared(pair, 'down')]).toEqual([0, 0]);
  });

  test('a datagram with a QUIC bit of 0 that is for nobody gets no answer', () => {
    const pair = new Pair();
    const stranger = new Uint8Array(100).fill(0x21);
    expect(pair.deliver('up', stranger)).toEqual([]);
    expect(pair.server.drops).toEqual({ header: 1 });
  });

  test('the reserved version in Version Negotiation is never the one that the client tried: it would be ignored (RFC 9000 §6.2)', () => {
    for (let seed = 1; seed <= 20; seed++) talks(new Pair({ seed, version: RESERVED, serve: echo }).handshake());
  });
});

test.each([
  ['no version', []],
  ['a version twice', [VERSION_1, VERSION_1]],
  ['a version that nobody here knows', [0x1234]],
])('%s is a mistake of the caller', (_name, versions) => {
  expect(() => new Pair({ clientConfig: { versions } })).toThrow(/version/);
});
