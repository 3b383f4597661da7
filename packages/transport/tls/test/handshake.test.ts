import { fromHex } from '@quiclab/bytes';
import type { CipherSuite, KeyExchangeGroup } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ExtensionType } from '../src/extensions.ts';
import { clientHandshake, type HandshakeStep } from '../src/index.ts';
import { decodeClientHello } from '../src/messages/client-hello.ts';
import { alertOf } from './alert-of.ts';
import { identities, NOW, root } from './certificates.ts';
import { CLIENT_PARAMETERS, outline, Pair, type PairOptions, SERVER_PARAMETERS, secretsOf, stepsOf } from './pair.ts';

const suites: readonly CipherSuite[] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const groups: readonly KeyExchangeGroup[] = ['x25519', 'secp256r1'];
const kinds = ['p256', 'p384', 'ed25519', 'rsa'] as const;

const withKey = (kind: (typeof kinds)[number]): NonNullable<PairOptions['server']> => ({
  certificates: [identities[kind].certificate],
  privateKey: identities[kind].privateKey,
});

const alertOfPair = (options: PairOptions): number => alertOf(() => new Pair(options).run());

const parametersOf = (steps: readonly HandshakeStep[]): string =>
  steps.flatMap((step) => (step.type === 'peer-parameters' ? [Buffer.from(step.data).toString('latin1')] : [])).join();

const helloOf = (pair: Pair, index = 0) => decodeClientHello(pair.flights.filter(({ from }) => from === 'client')[index]!.data.subarray(4));

describe('client and server agree', () => {
  const cases = suites.flatMap((suite) => groups.flatMap((group) => kinds.map((kind) => ({ suite, group, kind }))));
  test.each(cases)('on $suite, $group and a certificate with $kind', ({ suite, group, kind }) => {
    const pair = new Pair({ client: { suites: [suite], groups: [group] }, server: withKey(kind) }).run();
    expect(pair.completed).toBe(true);
    expect(secretsOf(pair.clientSteps)).toEqual(secretsOf(pair.serverSteps));
    expect([...secretsOf(pair.clientSteps).values()].every((secret) => secret.startsWith(suite))).toBe(true);
    expect(parametersOf(pair.clientSteps)).toBe(Buffer.from(SERVER_PARAMETERS).toString());
    expect(parametersOf(pair.serverSteps)).toBe(Buffer.from(CLIENT_PARAMETERS).toString());
    expect(pair.clientSteps.at(-1)).toEqual({ type: 'complete', alpn: 'h3', earlyData: 'none', resumed: false });
    expect(pair.serverSteps.at(-1)).toEqual({ type: 'complete', alpn: 'h3', earlyData: 'none', resumed: false });
  });

  test('in the order that a transport needs (RFC 9001 §4.1)', () => {
    const pair = new Pair().run();
    expect(outline(pair.clientSteps)).toEqual([
      'send initial',
      'write handshake CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'read handshake SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'peer-parameters',
      'write application CLIENT_TRAFFIC_SECRET_0',
      'read application SERVER_TRAFFIC_SECRET_0',
      'send handshake',
      'complete',
    ]);
    expect(outline(pair.serverSteps)).toEqual([
      'peer-parameters',
      'send initial',
      'read handshake CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'write handshake SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'send handshake',
      'write application SERVER_TRAFFIC_SECRET_0',
      'read application CLIENT_TRAFFIC_SECRET_0',
      'complete',
    ]);
  });

  test.each([1, 2, 3, 7, 100])('when what arrives comes in pieces of %i octets', (piece) => {
    const pair = new Pair().run(piece);
    expect(pair.completed).toBe(true);
    expect(secretsOf(pair.clientSteps)).toEqual(secretsOf(pair.serverSteps));
  });

  test("the server's preference decides on the suite and the protocol (RFC 7301 §3.2)", () => {
    const server = { suites: ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'] as const };
    const pair = new Pair({ server, clientAlpn: ['h3', 'hq-interop'], serverAlpn: ['hq-interop', 'h3'] }).run();
    expect(secretsOf(pair.clientSteps).get('CLIENT_TRAFFIC_SECRET_0')).toContain('CHACHA20');
    expect(pair.clientSteps.at(-1)).toMatchObject({ alpn: 'hq-interop' });
  });

  test('the same seed gives the same octets, another seed others', () => {
    const octets = (seed: number): string[] => new Pair({ seed }).run().flights.map(({ data }) => Buffer.from(data).toString('hex'));
    expect(octets(7)).toEqual(octets(7));
    expect(octets(7)[0]).not.toBe(octets(8)[0]);
  });

  test('the server waits for its transport parameters, which may depend on those of the client (RFC 9368)', () => {
    const pair = new Pair();
    const [hello] = stepsOf(pair.client, 'client');
    if (hello?.type !== 'send') throw new Error('no ClientHello');
    pair.server.receive(NOW, 'initial', hello.data);
    expect(pair.server.poll(NOW)?.type).toBe('peer-parameters');
    expect(pair.server.poll(NOW)).toBeUndefined();
    expect(pair.server.poll(NOW)).toBeUndefined();
    pair.server.setLocalParameters(SERVER_PARAMETERS);
    expect(outline([pair.server.poll(NOW)!])).toEqual(['send initial']);
  });

  test('a client without transport parameters is a mistake of its caller', () => {
    const factory = clientHandshake({ provider: nodeProvider });
    const client = factory({ side: 'client', serverName: 'server.example', alpn: ['h3'], random: seededRandom(1) });
    expect(() => client.poll(NOW)).toThrow('transport parameters');
  });
});

describe('HelloRetryRequest (RFC 9846 §4.1.4)', () => {
  test.each([
    { first: 'x25519', second: 'secp256r1' },
    { first: 'secp256r1', second: 'x25519' },
  ] as const)('from $first to $second', ({ first, second }) => {
    const pair = new Pair({ client: { groups: [first, second] }, server: { groups: [second] } }).run();
    expect(pair.completed).toBe(true);
    expect(pair.flights.map(({ from, level }) => `${from} ${level}`)).toEqual([
      'client initial',
      'server initial',
      'client initial',
      'server initial',
      'server handshake',
      'client handshake',
    ]);
    expect(secretsOf(pair.clientSteps)).toEqual(secretsOf(pair.serverSteps));
    expect(Buffer.from(helloOf(pair, 0).random)).toEqual(Buffer.from(helloOf(pair, 1).random));
  });

  test.each(suites)('with %s, whose hash replaces the first ClientHello', (suite) => {
    const pair = new Pair({ client: { suites: [suite] }, server: { groups: ['secp256r1'] } }).run(5);
    expect(pair.completed).toBe(true);
  });

  test('is not needed where the client has a share for each group', () => {
    const pair = new Pair({ client: { keyShares: ['x25519', 'secp256r1'] }, server: { groups: ['secp256r1'] } }).run();
    expect(pair.completed).toBe(true);
    expect(pair.flights).toHaveLength(4);
  });

  test('is needed where the client has none at all (RFC 9846 §4.2.8)', () => {
    const pair = new Pair({ client: { keyShares: [] } }).run();
    expect(pair.completed).toBe(true);
    expect(pair.flights).toHaveLength(6);
  });

  test('a share that is there is better than a group that is preferred', () => {
    const pair = new Pair({ client: { groups: ['x25519', 'secp256r1'] }, server: { groups: ['secp256r1', 'x25519'] } }).run();
    expect(pair.completed).toBe(true);
    expect(pair.flights).toHaveLength(4);
  });
});

describe('who the server is (RFC 9001 §4.4)', () => {
  test('another host name is refused', () => {
    expect(alertOfPair({ serverName: 'other.example' })).toBe(46);
  });

  test('an unknown root is refused', () => {
    expect(alertOfPair({ client: { trust: {} } })).toBe(48);
  });

  test('an expired certificate is refused', () => {
    const pair = new Pair();
    const late = NOW * 3;
    expect(
      alertOf(() => {
        for (const step of stepsOf(pair.client, 'client')) if (step.type === 'send') pair.server.receive(NOW, step.level, step.data);
        for (const step of stepsOf(pair.server, 'server')) if (step.type === 'send') pair.client.receive(late, step.level, step.data);
      }),
    ).toBe(45);
  });

  test('switching verification off is explicit, and the signature still counts', () => {
    const unverified: PairOptions = { client: { trust: { verify: false } }, serverName: 'other.example' };
    expect(new Pair(unverified).run().completed).toBe(true);
    const { privateKey } = identities.p256;
    const stolen: PairOptions = { ...unverified, server: { certificates: [identities.ed25519.certificate], privateKey } };
    expect(alertOfPair(stolen)).toBe(51);
  });

  test('an address is verified, but not sent as a server_name (RFC 6066 §3)', () => {
    for (const serverName of ['127.0.0.1', '::1']) {
      const pair = new Pair({ serverName }).run();
      expect(pair.completed).toBe(true);
      expect(helloOf(pair).extensions.has(ExtensionType.SERVER_NAME)).toBe(false);
    }
    expect(alertOfPair({ serverName: '127.0.0.2' })).toBe(46);
  });

  test('a server that knows its names refuses others with unrecognized_name', () => {
    const server = { serverNames: ['Server.Example'] };
    expect(new Pair({ server }).run().completed).toBe(true);
    expect(new Pair({ server, serverName: 'server.example.' }).run().completed).toBe(true);
    expect(alertOfPair({ server, serverName: 'other.example' })).toBe(112);
  });

  test('trust is the root given, not whatever the chain ends with', () => {
    const chain = { certificates: [identities.ed25519.certificate, root] };
    expect(alertOfPair({ client: { trust: {} }, server: chain })).toBe(48);
    expect(new Pair({ server: chain }).run().completed).toBe(true);
  });
});

describe('nothing in common', () => {
  test('application protocol: no_application_protocol (RFC 9001 §8.1)', () => {
    expect(alertOfPair({ clientAlpn: ['h3'], serverAlpn: ['hq-interop'] })).toBe(120);
  });

  test('cipher suite, group: handshake_failure (RFC 9846 §4.1.1)', () => {
    expect(alertOfPair({ client: { suites: ['TLS_AES_128_GCM_SHA256'] }, server: { suites: ['TLS_AES_256_GCM_SHA384'] } })).toBe(40);
    expect(alertOfPair({ client: { groups: ['x25519'] }, server: { groups: ['secp256r1'] } })).toBe(40);
  });
});

describe('tampering', () => {
  const flipLast = (from: 'client' | 'server') => (flight: { from: string; level: string; data: Uint8Array }) => {
    const data = flight.data.slice();
    if (flight.from === from && flight.level === 'handshake') data[data.length - 1]! ^= 1;
    return data;
  };

  test('a wrong Finished is a decrypt_error, on both sides (RFC 9846 §4.4.4)', () => {
    for (const from of ['client', 'server'] as const)
      expect(alertOf(() => new Pair().run(Number.POSITIVE_INFINITY, flipLast(from)))).toBe(51);
  });

  test('a wrong CertificateVerify is a decrypt_error (RFC 9846 §4.4.3)', () => {
    const alter = (flight: { from: string; level: string; data: Uint8Array }): Uint8Array => {
      const data = flight.data.slice();
      if (flight.from === 'server' && flight.level === 'handshake') data[data.length - 36 - 1]! ^= 1; // Finished has 36 octets here
      return data;
    };
    expect(alertOf(() => new Pair().run(Number.POSITIVE_INFINITY, alter))).toBe(51);
  });

  test('transport parameters that were changed on the way end the handshake (RFC 9001 §8.2)', () => {
    const alter = (flight: { from: string; level: string; data: Uint8Array }): Uint8Array => {
      const text = Buffer.from(flight.data).toString('latin1').replace('parameters of the client', 'parameters of the clienT');
      return Buffer.from(text, 'latin1');
    };
    expect(alertOf(() => new Pair().run(Number.POSITIVE_INFINITY, alter))).toBe(51);
  });

  test('the first failure is final', () => {
    const pair = new Pair();
    pair.client.poll(NOW);
    const garbage = fromHex('ff000000');
    expect(alertOf(() => pair.client.receive(NOW, 'initial', garbage))).toBe(10);
    expect(alertOf(() => pair.client.receive(NOW, 'handshake', garbage))).toBe(10);
    expect(pair.client.poll(NOW)).toBeUndefined();
  });
});

describe('the ClientHello', () => {
  test('is padded to the size asked for (RFC 7685)', () => {
    const plain = helloOf(new Pair().run());
    const pair = new Pair({ client: { padding: 1500 } }).run();
    expect(pair.completed).toBe(true);
    expect(plain.extensions.has(ExtensionType.PADDING)).toBe(false);
    expect(helloOf(pair).extensions.get(ExtensionType.PADDING)).toHaveLength(1500);
  });

  test('has an empty legacy_session_id (RFC 9001 §8.4) and offers TLS 1.3 only (RFC 9001 §4.2)', () => {
    const hello = helloOf(new Pair().run());
    expect(hello.legacySessionId).toHaveLength(0);
    expect(Buffer.from(hello.extensions.get(ExtensionType.SUPPORTED_VERSIONS)!)).toEqual(Buffer.from('020304', 'hex'));
  });
});

describe('configuration', () => {
  test('what no handshake could succeed with is refused at once', () => {
    expect(() => new Pair({ clientAlpn: [] })).toThrow('at least one application protocol');
    expect(() => new Pair({ client: { suites: [] } })).toThrow('at least one cipher suite');
    expect(() => new Pair({ client: { groups: ['x25519'], keyShares: ['secp256r1'] } })).toThrow('outside the groups');
    expect(() => new Pair({ server: { certificates: [] } })).toThrow('needs a certificate');
  });

  test('the private key may be any signer, made once', () => {
    let signatures = 0;
    const real = nodeProvider.signer(identities.ed25519.privateKey);
    const privateKey = {
      schemes: real.schemes,
      sign: (scheme: number, message: Uint8Array) => {
        signatures++;
        return real.sign(scheme, message);
      },
    };
    expect(new Pair({ server: { privateKey } }).run().completed).toBe(true);
    expect(signatures).toBe(1);
  });
});
