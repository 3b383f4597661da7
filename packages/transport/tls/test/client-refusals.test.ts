import { concat, fromHex } from '@quiclab/bytes';
import { seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { encodeCodePoint, encodeCodePoints, encodeCookie, encodeProtocols, encodeServerKeyShare } from '../src/extension-data.ts';
import { type Extensions, ExtensionType, encodeExtensions } from '../src/extensions.ts';
import type { Handshake } from '../src/index.ts';
import { TlsAlert } from '../src/index.ts';
import { encodeMessage } from '../src/message-buffer.ts';
import { encodeCertificate } from '../src/messages/certificate.ts';
import { encodeCertificateRequest } from '../src/messages/certificate-request.ts';
import { decodeClientHello } from '../src/messages/client-hello.ts';
import { encodeServerHello, type ServerHello } from '../src/messages/server-hello.ts';
import { alertOf } from './alert-of.ts';
import { identities, NOW } from './certificates.ts';
import { ForgedServer, type Forgery } from './forged-server.ts';
import { newClient, outline, type PairOptions, stepsOf } from './pair.ts';

const EMPTY = new Uint8Array(0);
const GROUPS = { x25519: 0x001d, secp256r1: 0x0017, secp384r1: 0x0018 };

function begin(options: PairOptions = {}): { client: Handshake; hello: Uint8Array } {
  const client = newClient(options, seededRandom('client'));
  return { client, hello: sent(client) };
}

const sent = (client: Handshake): Uint8Array =>
  concat(...stepsOf(client, 'client').flatMap((step) => (step.type === 'send' ? [step.data] : [])));

/** A handshake against this server, up to the end or the first alert. */
function against(forgery: Forgery, options?: PairOptions): { client: Handshake; server: ForgedServer } {
  const { client, hello } = begin(options);
  const server = new ForgedServer(forgery);
  const answer = server.answer(hello);
  client.receive(NOW, 'initial', answer.hello);
  for (const message of answer.flight) client.receive(NOW, 'handshake', message);
  return { client, server };
}

const alertTo = (forgery: Forgery): number => alertOf(() => against(forgery));

const withExtension =
  (type: number, data: Uint8Array | undefined) =>
  <T extends Extensions>(extensions: T): Extensions => {
    const changed = new Map(extensions);
    if (data === undefined) changed.delete(type);
    else changed.set(type, data);
    return changed;
  };

const helloWith =
  (type: number, data: Uint8Array | undefined) =>
  (hello: ServerHello): ServerHello => ({ ...hello, extensions: withExtension(type, data)(hello.extensions) });

/** A connected client, for what comes after the handshake. */
const connected = (): Handshake => {
  const { client } = against({});
  expect(outline(stepsOf(client, 'client')).at(-1)).toBe('complete');
  return client;
};

test('the forged server passes for a real one when it forges nothing', () => {
  const { client, server } = against({});
  expect(Buffer.from(sent(client))).toEqual(Buffer.from(server.clientFinished()));
});

describe('a ServerHello is refused (RFC 9846 §4.1.3)', () => {
  const cases: readonly (readonly [what: string, alert: number, forge: (hello: ServerHello) => ServerHello | Uint8Array])[] = [
    ['with another legacy_version', 70, (hello) => ({ ...hello, legacyVersion: 0x0302 })],
    ['with a legacy_session_id that we did not send', 47, (hello) => ({ ...hello, legacySessionIdEcho: new Uint8Array(32) })],
    ['with a legacy_session_id that is too long', 50, (hello) => ({ ...hello, legacySessionIdEcho: new Uint8Array(33) })],
    ['with a suite that we did not offer', 47, (hello) => ({ ...hello, cipherSuite: 0x1304 })],
    ['with compression', 47, (hello) => ({ ...hello, legacyCompressionMethod: 1 })],
    ['without supported_versions', 70, helloWith(ExtensionType.SUPPORTED_VERSIONS, undefined)],
    ['with TLS 1.2 in supported_versions', 47, helloWith(ExtensionType.SUPPORTED_VERSIONS, encodeCodePoint(0x0303))],
    ['with TLS 1.4 in supported_versions', 47, helloWith(ExtensionType.SUPPORTED_VERSIONS, encodeCodePoint(0x0305))],
    ['with a supported_versions that has more', 50, helloWith(ExtensionType.SUPPORTED_VERSIONS, fromHex('030403'))],
    ['without a key share', 109, helloWith(ExtensionType.KEY_SHARE, undefined)],
    [
      'with a key share in another group than ours',
      47,
      helloWith(ExtensionType.KEY_SHARE, encodeServerKeyShare({ group: GROUPS.secp256r1, keyExchange: new Uint8Array(65) })),
    ],
    [
      'with a key share that is too short',
      47,
      helloWith(ExtensionType.KEY_SHARE, encodeServerKeyShare({ group: GROUPS.x25519, keyExchange: new Uint8Array(31) })),
    ],
    [
      'with a key share that makes the secret zero (RFC 9846 §7.4.2)',
      47,
      helloWith(ExtensionType.KEY_SHARE, encodeServerKeyShare({ group: GROUPS.x25519, keyExchange: new Uint8Array(32) })),
    ],
    ['with an empty key share', 50, helloWith(ExtensionType.KEY_SHARE, fromHex('001d0000'))],
    ['with an extension of EncryptedExtensions', 47, helloWith(ExtensionType.ALPN, encodeProtocols(['h3']))],
    ['with a cookie', 47, helloWith(ExtensionType.COOKIE, encodeCookie(new Uint8Array(4)))],
    ['with a pre_shared_key, where we offered none', 110, helloWith(ExtensionType.PRE_SHARED_KEY, fromHex('0000'))],
    ['with an unknown extension', 110, helloWith(0xabcd, EMPTY)],
    ['with an octet too many', 50, (hello) => longer(encodeServerHello(hello))],
  ];
  test.each(cases)('%s: alert %i', (_what, alert, serverHello) => {
    expect(alertTo({ serverHello })).toBe(alert);
  });

  test.each(['444f574e47524401', '444f574e47524400'])('with the downgrade marker %s: alert 47', (marker) => {
    const random = concat(new Uint8Array(24), fromHex(marker));
    expect(alertTo({ serverHello: (hello) => ({ ...helloWith(ExtensionType.SUPPORTED_VERSIONS, undefined)(hello), random }) })).toBe(47);
    expect(alertTo({ serverHello: (hello) => ({ ...hello, random, extensions: new Map() }) })).toBe(47);
  });

  test('with an extension twice: alert 47 (RFC 9846 §4.2)', () => {
    expect(alertTo({ serverHello: (hello) => encodeServerHello({ ...hello, extensions: twice(hello.extensions) }) })).toBe(47);
  });
});

describe('EncryptedExtensions are refused (RFC 9846 §4.3.1)', () => {
  const cases: readonly (readonly [what: string, alert: number, type: number, data: Uint8Array | undefined])[] = [
    ['without an application protocol (RFC 9001 §8.1)', 120, ExtensionType.ALPN, undefined],
    ['with a protocol that we did not offer (RFC 9001 §8.1)', 120, ExtensionType.ALPN, encodeProtocols(['h2'])],
    ['with two protocols (RFC 7301 §3.1)', 50, ExtensionType.ALPN, encodeProtocols(['h3', 'h2'])],
    ['with an empty list of protocols', 50, ExtensionType.ALPN, encodeProtocols([])],
    ['without transport parameters (RFC 9001 §8.2)', 109, ExtensionType.QUIC_TRANSPORT_PARAMETERS, undefined],
    ['with an extension of ServerHello', 47, ExtensionType.KEY_SHARE, fromHex('001d')],
    ['with early_data, where we sent none', 110, ExtensionType.EARLY_DATA, EMPTY],
    ['with an unknown extension', 110, 0xabcd, EMPTY],
    ['with a host name in server_name (RFC 6066 §3)', 50, ExtensionType.SERVER_NAME, fromHex('00')],
    ['with half a group in supported_groups', 50, ExtensionType.SUPPORTED_GROUPS, fromHex('00031d')],
  ];
  test.each(cases)('%s: alert %i', (_what, alert, type, data) => {
    expect(alertTo({ encryptedExtensions: withExtension(type, data) })).toBe(alert);
  });

  test('server_name and supported_groups are taken', () => {
    const encryptedExtensions = (extensions: Extensions): Extensions =>
      new Map([
        [ExtensionType.SERVER_NAME, EMPTY],
        [ExtensionType.SUPPORTED_GROUPS, encodeCodePoints([GROUPS.secp384r1, GROUPS.x25519])],
        ...extensions,
      ]);
    expect(() => against({ encryptedExtensions })).not.toThrow();
  });

  test('twice the same: alert 47', () => {
    const encryptedExtensions = (extensions: Extensions): Uint8Array => encodeMessage(8, (w) => encodeExtensions(w, twice(extensions)));
    expect(alertTo({ encryptedExtensions })).toBe(47);
  });
});

describe('a Certificate is refused (RFC 9846 §4.4.2)', () => {
  const leaf = identities.ed25519.certificate;
  const entry = (certificate: Uint8Array, extensions: Extensions): Uint8Array =>
    encodeMessage(11, (w) => {
      w.uint8(0);
      w.vector(3, () => {
        w.vector(3, () => w.octets(certificate));
        encodeExtensions(w, extensions);
      });
    });
  const cases: readonly (readonly [what: string, alert: number, certificate: Uint8Array])[] = [
    ['that is empty', 50, encodeCertificate([])],
    ['with a context', 47, encodeCertificate([leaf], fromHex('01'))],
    ['with an empty entry', 50, encodeCertificate([leaf, EMPTY])],
    ['with an extension that we did not ask for', 110, entry(leaf, new Map([[ExtensionType.STATUS_REQUEST, EMPTY]]))],
    ['with an extension of another message', 47, entry(leaf, new Map([[ExtensionType.KEY_SHARE, EMPTY]]))],
    ['that is no X.509 certificate', 42, encodeCertificate([fromHex('3003020101')])],
    ['with a chain that is none', 42, encodeCertificate(Array.from({ length: 33 }, () => leaf))],
    ['with an octet too many', 50, longer(encodeCertificate([leaf]))],
  ];
  test.each(cases)('%s: alert %i', (_what, alert, certificate) => {
    expect(alertTo({ certificate })).toBe(alert);
  });
});

describe('a CertificateVerify is refused (RFC 9846 §4.4.3)', () => {
  test.each([
    ['with PKCS #1 v1.5, which is for certificates only', 47, 0x0401],
    ['with SHA-1', 47, 0x0203],
    ['with a scheme that we did not offer', 47, 0x0808],
    ['with a scheme that does not fit the key', 51, 0x0403],
  ])('%s: alert %i', (_what, alert, scheme) => {
    expect(alertTo({ certificateVerify: ({ signature }) => ({ scheme, signature }) })).toBe(alert);
  });

  test('without a signature: alert 51', () => {
    expect(alertTo({ certificateVerify: ({ scheme }) => ({ scheme, signature: EMPTY }) })).toBe(51);
  });
});

describe('a CertificateRequest (RFC 9846 §4.3.2)', () => {
  const schemes: readonly [number, Uint8Array] = [ExtensionType.SIGNATURE_ALGORITHMS, encodeCodePoints([0x0403])];

  test('is answered with an empty Certificate, which Finished covers', () => {
    const certificateRequest = encodeCertificateRequest({ context: EMPTY, extensions: new Map([schemes, [0xabcd, EMPTY]]) });
    const { client, server } = against({ certificateRequest });
    const none = encodeCertificate([]);
    expect(Buffer.from(sent(client))).toEqual(Buffer.from(concat(none, server.clientFinished(none))));
  });

  test.each([
    ['with a context', 47, encodeCertificateRequest({ context: fromHex('01'), extensions: new Map([schemes]) })],
    ['without signature_algorithms', 109, encodeCertificateRequest({ context: EMPTY, extensions: new Map() })],
    [
      'with an extension of another message',
      47,
      encodeCertificateRequest({ context: EMPTY, extensions: new Map([schemes, [ExtensionType.KEY_SHARE, EMPTY]]) }),
    ],
    ['with an octet too many', 50, longer(encodeCertificateRequest({ context: EMPTY, extensions: new Map([schemes]) }))],
  ])('is refused %s: alert %i', (_what, alert, certificateRequest) => {
    expect(alertTo({ certificateRequest })).toBe(alert);
  });

  test('comes at most once: alert 10', () => {
    const request = encodeCertificateRequest({ context: EMPTY, extensions: new Map([schemes]) });
    expect(alertTo({ certificateRequest: concat(request, request) })).toBe(10);
  });
});

describe('a HelloRetryRequest (RFC 9846 §4.1.4)', () => {
  const version: readonly [number, Uint8Array] = [ExtensionType.SUPPORTED_VERSIONS, encodeCodePoint(0x0304)];
  const group = (code: number): readonly [number, Uint8Array] => [ExtensionType.KEY_SHARE, encodeCodePoint(code)];
  const cookie: readonly [number, Uint8Array] = [ExtensionType.COOKIE, encodeCookie(fromHex('c00c1e'))];
  const options: PairOptions = { client: { groups: ['secp256r1', 'x25519'] } };

  const retried = (...extensions: readonly (readonly [number, Uint8Array])[]) => {
    const { client, hello } = begin(options);
    const server = new ForgedServer();
    client.receive(NOW, 'initial', server.retry(hello, new Map([version, ...extensions])));
    return { client, server, first: hello };
  };

  test('is answered with a share in the group it names and the cookie it brings', () => {
    const { client, server, first } = retried(group(GROUPS.x25519), cookie);
    const second = sent(client);
    const [before, after] = [decodeClientHello(first.subarray(4)), decodeClientHello(second.subarray(4))];
    expect(Buffer.from(after.extensions.get(ExtensionType.COOKIE)!)).toEqual(Buffer.from(cookie[1]));
    const rest = (extensions: Extensions) =>
      [...extensions].filter(([type]) => type !== ExtensionType.KEY_SHARE && type !== ExtensionType.COOKIE);
    expect(rest(after.extensions)).toEqual(rest(before.extensions));
    const answer = server.answer(second);
    client.receive(NOW, 'initial', answer.hello);
    for (const message of answer.flight) client.receive(NOW, 'handshake', message);
    expect(Buffer.from(sent(client))).toEqual(Buffer.from(server.clientFinished()));
  });

  test('may bring a cookie alone, and the shares stay', () => {
    const { client, first } = retried(cookie);
    const share = (octets: Uint8Array) => decodeClientHello(octets.subarray(4)).extensions.get(ExtensionType.KEY_SHARE);
    expect(share(sent(client))).toEqual(share(first));
  });

  test.each([
    ['that asks for nothing', 47, []],
    ['for a group that we did not offer', 47, [group(GROUPS.secp384r1)]],
    ['for a group whose share was there', 47, [group(GROUPS.secp256r1)]],
    ['with an empty cookie', 50, [[ExtensionType.COOKIE, fromHex('0000')] as const]],
    ['with an unknown extension', 110, [group(GROUPS.x25519), [0xabcd, EMPTY] as const]],
    ['with an extension of another message', 47, [group(GROUPS.x25519), [ExtensionType.ALPN, EMPTY] as const]],
  ])('is refused %s: alert %i', (_what, alert, extensions) => {
    expect(alertOf(() => retried(...extensions))).toBe(alert);
  });

  test('comes at most once: alert 10', () => {
    const { client, server } = retried(group(GROUPS.x25519));
    const again = server.retry(sent(client), new Map([version, cookie]));
    expect(alertOf(() => client.receive(NOW, 'initial', again))).toBe(10);
  });

  test('fixes the suite: alert 47', () => {
    const { client } = retried(group(GROUPS.x25519));
    const other = new ForgedServer({ serverHello: (hello) => ({ ...hello, cipherSuite: 0x1303 }) }).answer(sent(client));
    expect(alertOf(() => client.receive(NOW, 'initial', other.hello))).toBe(47);
  });
});

describe('out of order: alert 10', () => {
  const flight = () => {
    const { client, hello } = begin();
    return { client, ...new ForgedServer().answer(hello) };
  };

  test('a message that another should come before', () => {
    for (const skipped of [0, 1, 2, 3]) {
      const { client, hello, flight: messages } = flight();
      client.receive(NOW, 'initial', hello);
      const left = concat(...messages.filter((_, i) => i !== skipped));
      // without Finished, the client waits
      if (skipped === 3) expect(() => client.receive(NOW, 'handshake', left)).not.toThrow();
      else expect(alertOf(() => client.receive(NOW, 'handshake', left))).toBe(10);
    }
  });

  test('octets after ServerHello in the same flow, which has changed its keys (RFC 9846 §5.1)', () => {
    const { client, hello, flight: messages } = flight();
    expect(alertOf(() => client.receive(NOW, 'initial', concat(hello, messages[0]!)))).toBe(10);
    const other = flight();
    expect(alertOf(() => other.client.receive(NOW, 'initial', concat(other.hello, fromHex('08'))))).toBe(10);
  });

  test('octets after Finished in the same flow', () => {
    const { client, hello, flight: messages } = flight();
    client.receive(NOW, 'initial', hello);
    expect(alertOf(() => client.receive(NOW, 'handshake', concat(...messages, fromHex('04'))))).toBe(10);
  });

  test('octets at another level than the one that is read, early and late (RFC 9001 §4.1.3)', () => {
    for (const level of ['early', 'handshake', 'application'] as const) {
      const { client, hello } = flight();
      expect(alertOf(() => client.receive(NOW, level, hello))).toBe(10);
    }
    const { client, hello, flight: messages } = flight();
    client.receive(NOW, 'initial', hello.subarray(0, 10));
    expect(alertOf(() => client.receive(NOW, 'handshake', messages[0]!))).toBe(10);
    expect(alertOf(() => connected().receive(NOW, 'handshake', fromHex('04')))).toBe(10);
    expect(alertOf(() => connected().receive(NOW, 'initial', fromHex('02')))).toBe(10);
  });

  test('no octets are no violation', () => {
    const { client } = begin();
    for (const level of ['initial', 'early', 'handshake', 'application'] as const) client.receive(NOW, level, EMPTY);
  });
});

describe('after the handshake', () => {
  const ticket = (lifetime: number, value: string, extensions: Extensions): Uint8Array =>
    encodeMessage(4, (w) => {
      w.uint32(lifetime);
      w.uint32(0x01020304);
      w.vector(1, () => w.uint8(0));
      w.vector(2, () => w.octets(fromHex(value)));
      encodeExtensions(w, extensions);
    });
  const earlyData = (size: string): Extensions => new Map([[ExtensionType.EARLY_DATA, fromHex(size)]]);

  test('tickets become sessions, sixteen at most; a lifetime of zero is none (RFC 9846 §4.6.1)', () => {
    const client = connected();
    client.receive(NOW, 'application', ticket(0, 'aabb', new Map()));
    expect(client.poll(NOW)).toBeUndefined();
    const good = ticket(7200, 'aabb', new Map([...earlyData('ffffffff'), [0xabcd, EMPTY]]));
    for (let i = 0; i < 10; i++) client.receive(NOW, 'application', concat(good, good));
    expect(outline(stepsOf(client, 'client'))).toEqual(Array.from({ length: 16 }, () => 'session'));
  });

  test.each([
    ['of more than seven days', 47, ticket(604_801, 'aa', new Map())],
    ['that is empty', 50, ticket(1, '', new Map())],
    ['with another max_early_data_size than QUIC has (RFC 9001 §4.6.1)', 47, ticket(1, 'aa', earlyData('00000400'))],
    ['with an extension of another message', 47, ticket(1, 'aa', new Map([[ExtensionType.ALPN, EMPTY]]))],
    ['with an octet too many', 50, longer(ticket(1, 'aa', new Map()))],
    ['beyond any size', 50, fromHex('04004001')],
  ])('a ticket %s is refused: alert %i', (_what, alert, octets) => {
    expect(alertOf(() => connected().receive(NOW, 'application', octets))).toBe(alert);
  });

  test('what RFC 9001 calls a PROTOCOL_VIOLATION says so (§4.1.3, §4.4, §4.6.1), what is wrong by TLS does not', () => {
    const verdict = (level: 'handshake' | 'application', octets: Uint8Array): unknown => {
      try {
        connected().receive(NOW, level, octets);
      } catch (error) {
        return error instanceof TlsAlert && error.violatesQuic;
      }
      return undefined;
    };
    expect(verdict('handshake', fromHex('14000020'))).toBe(true);
    expect(verdict('application', fromHex('0d000003000000'))).toBe(true);
    expect(verdict('application', ticket(1, 'aa', earlyData('00000400')))).toBe(true);
    expect(verdict('application', ticket(1, '', new Map()))).toBe(false);
    expect(verdict('application', fromHex('1800000100'))).toBe(false);
  });

  test('KeyUpdate (RFC 9001 §6), CertificateRequest (RFC 9001 §4.4) and anything else: alert 10', () => {
    for (const header of ['1800000100', '0d000003000000', '01000000', '02000000', '14000020', '63000000'])
      expect(alertOf(() => connected().receive(NOW, 'application', fromHex(header)))).toBe(10);
  });
});

/** The same message with one octet more in its body. */
function longer(message: Uint8Array): Uint8Array {
  return encodeMessage(message[0]!, (w) => {
    w.octets(message.subarray(4));
    w.uint8(0);
  });
}

/** A map that says its first entry twice when it is written. */
function twice(extensions: Extensions): Extensions {
  const entries = [...extensions];
  return { [Symbol.iterator]: () => [entries[0]!, ...entries][Symbol.iterator]() } as unknown as Extensions;
}
