import { concat, fromHex } from '@quiclab/bytes';
import { seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import {
  encodeClientKeyShares,
  encodeCodePoints,
  encodeProtocols,
  encodeServerName,
  encodeSupportedVersions,
} from '../src/extension-data.ts';
import { type Extensions, ExtensionType } from '../src/extensions.ts';
import type { Handshake } from '../src/index.ts';
import { encodeMessage } from '../src/message-buffer.ts';
import { type ClientHello, decodeClientHello, encodeClientHello } from '../src/messages/client-hello.ts';
import { alertOf } from './alert-of.ts';
import { NOW } from './certificates.ts';
import { newClient, newServer, outline, type PairOptions, stepsOf } from './pair.ts';

const EMPTY = new Uint8Array(0);
const X25519 = 0x001d;
const SECP256R1 = 0x0017;

const firstHello = (options: PairOptions = {}): Uint8Array => {
  const [step] = stepsOf(newClient(options, seededRandom('client')), 'client');
  if (step?.type !== 'send') throw new Error('no ClientHello');
  return step.data;
};

type Forge = (hello: ClientHello) => ClientHello;

/** A server that was sent the ClientHello of an honest client, with a change. */
function serverAfter(forge: Forge, options?: PairOptions): Handshake {
  const server = newServer(options ?? {}, seededRandom('server'));
  server.receive(NOW, 'initial', encodeClientHello(forge(decodeClientHello(firstHello(options).subarray(4)))));
  return server;
}

const set =
  (...changes: readonly (readonly [type: number, data: Uint8Array | undefined])[]): Forge =>
  (hello) => {
    const extensions = new Map(hello.extensions);
    for (const [type, data] of changes) {
      if (data === undefined) extensions.delete(type);
      else extensions.set(type, data);
    }
    return { ...hello, extensions };
  };

const share = (group: number, keyExchange: Uint8Array): Uint8Array => encodeClientKeyShares([{ group, keyExchange }]);
const point = concat(fromHex('04'), new Uint8Array(64));

describe('a ClientHello is refused (RFC 9846 §4.1.2)', () => {
  const cases: readonly (readonly [what: string, alert: number, forge: Forge])[] = [
    ['with another legacy_version', 70, (hello) => ({ ...hello, legacyVersion: 0x0304 })],
    ['without extensions: it is older than TLS 1.3', 70, (hello) => ({ ...hello, extensions: new Map() })],
    ['without supported_versions', 70, set([ExtensionType.SUPPORTED_VERSIONS, undefined])],
    ['without TLS 1.3 in supported_versions', 70, set([ExtensionType.SUPPORTED_VERSIONS, encodeSupportedVersions([0x0303, 0x0305])])],
    ['with an empty supported_versions', 50, set([ExtensionType.SUPPORTED_VERSIONS, fromHex('00')])],
    ['with a legacy_session_id (RFC 9001 §8.4)', 47, (hello) => ({ ...hello, legacySessionId: new Uint8Array(32) })],
    ['with a legacy_session_id that is too long', 50, (hello) => ({ ...hello, legacySessionId: new Uint8Array(33) })],
    ['with compression', 47, (hello) => ({ ...hello, legacyCompressionMethods: fromHex('0100') })],
    ['without legacy_compression_methods', 50, (hello) => ({ ...hello, legacyCompressionMethods: EMPTY })],
    ['without cipher suites', 50, (hello) => ({ ...hello, cipherSuites: [] })],
    ['with cipher suites of TLS 1.2 only', 40, (hello) => ({ ...hello, cipherSuites: [0xc02f, 0x1304] })],
    ['without signature_algorithms (RFC 9846 §9.2)', 109, set([ExtensionType.SIGNATURE_ALGORITHMS, undefined])],
    ['with signatures that we cannot make', 40, set([ExtensionType.SIGNATURE_ALGORITHMS, encodeCodePoints([0x0401, 0x0808])])],
    ['with half a signature algorithm', 50, set([ExtensionType.SIGNATURE_ALGORITHMS, fromHex('0003080708')])],
    ['without supported_groups', 109, set([ExtensionType.SUPPORTED_GROUPS, undefined])],
    ['without key_share', 109, set([ExtensionType.KEY_SHARE, undefined])],
    ['with a group twice', 47, set([ExtensionType.SUPPORTED_GROUPS, encodeCodePoints([X25519, X25519])])],
    ['with a share outside its groups', 47, set([ExtensionType.SUPPORTED_GROUPS, encodeCodePoints([SECP256R1])])],
    [
      'with two shares for a group',
      47,
      set([
        ExtensionType.KEY_SHARE,
        encodeClientKeyShares([
          { group: X25519, keyExchange: new Uint8Array(32) },
          { group: X25519, keyExchange: new Uint8Array(32) },
        ]),
      ]),
    ],
    ['with a share that is too long', 47, set([ExtensionType.KEY_SHARE, share(X25519, new Uint8Array(33))])],
    ['with an empty share', 50, set([ExtensionType.KEY_SHARE, fromHex('0004001d0000')])],
    ['with a share that ends early', 50, set([ExtensionType.KEY_SHARE, fromHex('0005001d002000')])],
    ['with a share that makes the secret zero (RFC 9846 §7.4.2)', 47, set([ExtensionType.KEY_SHARE, share(X25519, new Uint8Array(32))])],
    ['with a point that is not on the curve (RFC 9846 §4.2.8.2)', 47, set([ExtensionType.KEY_SHARE, share(SECP256R1, point)])],
    ['without ALPN (RFC 9001 §8.1)', 120, set([ExtensionType.ALPN, undefined])],
    ['with an empty list of protocols', 50, set([ExtensionType.ALPN, encodeProtocols([])])],
    ['with a protocol without a name', 50, set([ExtensionType.ALPN, encodeProtocols(['h3', ''])])],
    ['without transport parameters (RFC 9001 §8.2)', 109, set([ExtensionType.QUIC_TRANSPORT_PARAMETERS, undefined])],
    ['with an extension of another message', 47, set([ExtensionType.OID_FILTERS, EMPTY])],
    ['with pre_shared_key before the end (RFC 9846 §4.2.11)', 47, set([ExtensionType.PRE_SHARED_KEY, EMPTY], [0xabcd, EMPTY])],
    [
      'with pre_shared_key, but no psk_key_exchange_modes (RFC 9846 §4.2.9)',
      109,
      set([ExtensionType.PSK_KEY_EXCHANGE_MODES, undefined], [ExtensionType.PRE_SHARED_KEY, EMPTY]),
    ],
    ['with an empty psk_key_exchange_modes', 50, set([ExtensionType.PSK_KEY_EXCHANGE_MODES, fromHex('00')])],
    ['with octets in early_data (RFC 9846 §4.2.10)', 50, set([ExtensionType.EARLY_DATA, fromHex('00')])],
    ['with an empty server_name', 50, set([ExtensionType.SERVER_NAME, fromHex('0000')])],
    ['with a host name of no letters', 50, set([ExtensionType.SERVER_NAME, encodeServerName('')])],
    ['with a line break in its host name', 47, set([ExtensionType.SERVER_NAME, encodeServerName('a\nb')])],
    ['with two host names', 47, set([ExtensionType.SERVER_NAME, fromHex('0008 00000161 00000162')])],
  ];
  test.each(cases)('%s: alert %i', (_what, alert, forge) => {
    expect(alertOf(() => serverAfter(forge))).toBe(alert);
  });

  test('with an extension twice: alert 47 (RFC 9846 §4.2)', () => {
    const forge: Forge = (hello) => {
      const entries = [...hello.extensions];
      const extensions = { [Symbol.iterator]: () => [entries[1]!, ...entries][Symbol.iterator]() } as unknown as Extensions;
      return { ...hello, extensions };
    };
    expect(alertOf(() => serverAfter(forge))).toBe(47);
  });

  test('with an octet too many: alert 50', () => {
    const hello = firstHello();
    const longer = encodeMessage(1, (w) => w.octets(concat(hello.subarray(4), new Uint8Array(1))));
    expect(alertOf(() => newServer({}, seededRandom(1)).receive(NOW, 'initial', longer))).toBe(50);
  });

  test('beyond 16 KiB: alert 50, as soon as it says so', () => {
    expect(alertOf(() => newServer({}, seededRandom(1)).receive(NOW, 'initial', fromHex('01004001')))).toBe(50);
    expect(() => newServer({}, seededRandom(1)).receive(NOW, 'initial', fromHex('01004000'))).not.toThrow();
  });
});

describe('a ClientHello is taken', () => {
  const cases: readonly (readonly [what: string, forge: Forge])[] = [
    [
      'with values that nobody knows (RFC 8701)',
      (hello) => ({
        ...set(
          [0x0a0a, fromHex('00')],
          [ExtensionType.SUPPORTED_GROUPS, encodeCodePoints([0x1a1a, 0x11ec, X25519])],
          [ExtensionType.SUPPORTED_VERSIONS, encodeSupportedVersions([0x2a2a, 0x0304])],
          [ExtensionType.SIGNATURE_ALGORITHMS, encodeCodePoints([0x3a3a, 0x0807])],
          [ExtensionType.ALPN, encodeProtocols(['\u000a\u000a', 'h3'])],
        )(hello),
        cipherSuites: [0x4a4a, 0x1301],
      }),
    ],
    [
      'with a session that we cannot resume',
      set(
        [ExtensionType.PSK_KEY_EXCHANGE_MODES, fromHex('0101')],
        [ExtensionType.EARLY_DATA, EMPTY],
        [ExtensionType.PRE_SHARED_KEY, fromHex('00')],
      ),
    ],
    ['with a server_name of another type', set([ExtensionType.SERVER_NAME, fromHex('0004 07000161')])],
    ['without server_name', set([ExtensionType.SERVER_NAME, undefined])],
  ];
  test.each(cases)('%s', (_what, forge) => {
    const server = serverAfter(forge);
    expect(outline(stepsOf(server, 'server')).at(-1)).toBe('write application SERVER_TRAFFIC_SECRET_0');
  });
});

describe('the second ClientHello must be the first with what was asked for (RFC 9846 §4.1.2)', () => {
  const options: PairOptions = { server: { groups: ['secp256r1'] } };

  /** A server that asked for secp256r1, and the honest second ClientHello. */
  function retried(): { server: Handshake; hello: ClientHello } {
    const client = newClient(options, seededRandom('client'));
    const server = newServer(options, seededRandom('server'));
    for (const step of stepsOf(client, 'client')) if (step.type === 'send') server.receive(NOW, 'initial', step.data);
    for (const step of stepsOf(server, 'server')) if (step.type === 'send') client.receive(NOW, 'initial', step.data);
    const [step] = stepsOf(client, 'client');
    if (step?.type !== 'send') throw new Error('no second ClientHello');
    return { server, hello: decodeClientHello(step.data.subarray(4)) };
  }

  const second = (forge: Forge) => {
    const { server, hello } = retried();
    server.receive(NOW, 'initial', encodeClientHello(forge(hello)));
    return server;
  };

  test('it may change its padding', () => {
    expect(outline(stepsOf(second(set([ExtensionType.PADDING, new Uint8Array(9)])), 'server'))).toContain('send handshake');
  });

  test.each<readonly [what: string, forge: Forge]>([
    ['its random', (hello) => ({ ...hello, random: new Uint8Array(32) })],
    ['its cipher suites', (hello) => ({ ...hello, cipherSuites: hello.cipherSuites.slice(0, 2) })],
    ['its transport parameters', set([ExtensionType.QUIC_TRANSPORT_PARAMETERS, EMPTY])],
    ['the extensions that it has: one less', set([ExtensionType.SERVER_NAME, undefined])],
    ['the extensions that it has: one more', set([0xabcd, EMPTY])],
  ])('it must not change %s: alert 47', (_what, forge) => {
    expect(alertOf(() => second(forge))).toBe(47);
  });

  test('early data is over: alert 47', () => {
    expect(alertOf(() => second(set([ExtensionType.EARLY_DATA, EMPTY])))).toBe(47);
  });

  test('a share for another group, or none: alert 47', () => {
    expect(alertOf(() => second(set([ExtensionType.KEY_SHARE, share(X25519, new Uint8Array(32))])))).toBe(47);
    expect(alertOf(() => second(set([ExtensionType.KEY_SHARE, encodeClientKeyShares([])])))).toBe(47);
  });
});

describe('out of order: alert 10', () => {
  const afterFlight = (): Handshake => {
    const server = serverAfter((hello) => hello);
    stepsOf(server, 'server');
    return server;
  };

  test('anything before a ClientHello', () => {
    for (const header of ['02000000', '05000000', '0b000000', '14000020', '18000001', '00000000', 'fe000000'])
      expect(alertOf(() => newServer({}, seededRandom(1)).receive(NOW, 'initial', fromHex(header)))).toBe(10);
  });

  test('octets after the ClientHello, which is all that the Initial level carries', () => {
    const hello = firstHello();
    expect(alertOf(() => newServer({}, seededRandom(1)).receive(NOW, 'initial', concat(hello, hello)))).toBe(10);
    expect(alertOf(() => afterFlight().receive(NOW, 'initial', fromHex('01')))).toBe(10);
  });

  test('anything but Finished in the second flight, EndOfEarlyData included (RFC 9001 §8.3)', () => {
    for (const header of ['05000000', '0b000004', '0f000004', '18000001', '01000000'])
      expect(alertOf(() => afterFlight().receive(NOW, 'handshake', fromHex(header)))).toBe(10);
  });

  test('Finished before our flight was sent', () => {
    const server = serverAfter((hello) => hello);
    expect(alertOf(() => server.receive(NOW, 'handshake', fromHex('14000020')))).toBe(10);
  });

  test('CRYPTO at the 0-RTT level (RFC 9001 §8.3)', () => {
    expect(alertOf(() => newServer({}, seededRandom(1)).receive(NOW, 'early', firstHello()))).toBe(10);
  });
});

test('a Finished of another length is a decode_error', () => {
  for (const header of ['1400001f', '14000021', '14000000']) {
    const server = serverAfter((hello) => hello);
    stepsOf(server, 'server');
    expect(alertOf(() => server.receive(NOW, 'handshake', concat(fromHex(header), new Uint8Array(33))))).toBe(50);
  }
});
