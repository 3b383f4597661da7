import { concat, fromHex } from '@quiclab/bytes';
import { nodeProvider } from '@quiclab/crypto/node';
import { seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { encodeCodePoint, encodeCookie, encodeProtocols } from '../src/extension-data.ts';
import { type Extensions, ExtensionType } from '../src/extensions.ts';
import type { Handshake } from '../src/index.ts';
import { KeySchedule } from '../src/key-schedule.ts';
import { type ClientHello, decodeClientHello, encodeClientHello } from '../src/messages/client-hello.ts';
import type { ServerHello } from '../src/messages/server-hello.ts';
import { decodeOfferedPsks, encodeOfferedPsks, type OfferedPsks, withoutBinders } from '../src/pre-shared-key.ts';
import { decodeSession } from '../src/session.ts';
import { Transcript } from '../src/transcript.ts';
import { alertOf } from './alert-of.ts';
import { ForgedServer, type Forgery } from './forged-server.ts';
import { newClient, newServer, outline, type PairOptions, stepsOf } from './pair.ts';
import { firstSession, keeper, LATER, withEarlyData } from './sessions.ts';

const EMPTY = new Uint8Array(0);
const tickets = keeper();
const options = withEarlyData(tickets);
const session = firstSession(options);
const protocols = ['h3', 'hq-interop'];

/** A client that offers the session and early data, and its ClientHello. */
function begin(changes: PairOptions = {}): { client: Handshake; hello: Uint8Array } {
  const client = newClient({ clientAlpn: protocols, clientOptions: { session, earlyData: true }, ...changes }, seededRandom('client'));
  const [hello] = stepsOf(client, 'client', LATER);
  if (hello?.type !== 'send') throw new Error('no ClientHello');
  return { client, hello: hello.data };
}

function against(forgery: Forgery, changes?: PairOptions): Handshake {
  const { client, hello } = begin(changes);
  const answer = new ForgedServer(forgery).answer(hello);
  client.receive(LATER, 'initial', answer.hello);
  for (const message of answer.flight) client.receive(LATER, 'handshake', message);
  return client;
}

const set =
  (...changes: readonly (readonly [type: number, data: Uint8Array | undefined])[]) =>
  (extensions: Extensions): Extensions => {
    const changed = new Map(extensions);
    for (const [type, data] of changes) {
      if (data === undefined) changed.delete(type);
      else changed.set(type, data);
    }
    return changed;
  };

const selecting =
  (index: number, cipherSuite = 0x1301) =>
  (hello: ServerHello): ServerHello => ({
    ...hello,
    cipherSuite,
    extensions: set([ExtensionType.PRE_SHARED_KEY, encodeCodePoint(index)])(hello.extensions),
  });

describe('a client refuses what a server makes of its session', () => {
  const accepting = set([ExtensionType.EARLY_DATA, EMPTY]);
  const cases: readonly (readonly [what: string, alert: number, forgery: Forgery])[] = [
    ['a session that it did not offer (RFC 9846 §4.2.11)', 47, { serverHello: selecting(1) }],
    ['the session with a suite of another hash', 47, { serverHello: selecting(0, 0x1302) }],
    [
      'the session without a key share',
      47,
      {
        serverHello: (hello) => ({
          ...hello,
          extensions: set([ExtensionType.PRE_SHARED_KEY, fromHex('0000')], [ExtensionType.KEY_SHARE, undefined])(hello.extensions),
        }),
      },
    ],
    [
      'half a number for the session',
      50,
      { serverHello: (hello) => ({ ...hello, extensions: set([ExtensionType.PRE_SHARED_KEY, fromHex('00')])(hello.extensions) }) },
    ],
    ['early data without the session (RFC 9846 §4.2.10)', 47, { encryptedExtensions: accepting }],
    ['early data with another suite than it was sent with', 47, { serverHello: selecting(0, 0x1303), encryptedExtensions: accepting }],
    [
      'early data with another protocol than it was sent for',
      47,
      {
        serverHello: selecting(0),
        encryptedExtensions: set([ExtensionType.EARLY_DATA, EMPTY], [ExtensionType.ALPN, encodeProtocols(['hq-interop'])]),
      },
    ],
    ['octets in early_data', 50, { serverHello: selecting(0), encryptedExtensions: set([ExtensionType.EARLY_DATA, fromHex('00')]) }],
    ['a certificate beside the session (RFC 9846 §4.1.1)', 10, { serverHello: selecting(0) }],
  ];
  test.each(cases)('%s: alert %i', (_what, alert, forgery) => {
    expect(alertOf(() => against(forgery))).toBe(alert);
  });

  test('early data where only the session was offered: alert 110', () => {
    const changes = { clientOptions: { session } };
    expect(alertOf(() => against({ serverHello: selecting(0), encryptedExtensions: accepting }, changes))).toBe(110);
  });

  test('early data after a HelloRetryRequest: alert 110', () => {
    const { client, hello } = begin();
    const server = new ForgedServer({ serverHello: selecting(0), encryptedExtensions: accepting });
    const version: readonly [number, Uint8Array] = [ExtensionType.SUPPORTED_VERSIONS, encodeCodePoint(0x0304)];
    client.receive(LATER, 'initial', server.retry(hello, new Map([version, [ExtensionType.COOKIE, encodeCookie(fromHex('c0'))]])));
    const [rejected, second] = stepsOf(client, 'client', LATER);
    expect(rejected).toEqual({ type: 'early-data', accepted: false });
    if (second?.type !== 'send') throw new Error('no second ClientHello');
    const answer = server.answer(second.data);
    client.receive(LATER, 'initial', answer.hello);
    expect(alertOf(() => client.receive(LATER, 'handshake', answer.flight[0]!))).toBe(110);
  });

  test('a Finished that someone made without the key of the session: alert 51', () => {
    const { client, hello } = begin();
    const answer = new ForgedServer({ serverHello: selecting(0) }).answer(hello);
    client.receive(LATER, 'initial', answer.hello);
    client.receive(LATER, 'handshake', answer.flight[0]!);
    expect(alertOf(() => client.receive(LATER, 'handshake', answer.flight.at(-1)!))).toBe(51);
  });

  test('but not a certificate instead of the session', () => {
    const client = against({});
    expect(outline(stepsOf(client, 'client', LATER)).at(-1)).toBe('complete');
  });
});

/** A server with these tickets that was sent what the honest client's ClientHello became. */
function serverAfter(hello: Uint8Array, changes: PairOptions = {}): Handshake {
  const server = newServer({ ...options, ...changes }, seededRandom('server'));
  server.receive(LATER, 'initial', hello);
  return server;
}

const offering =
  (data: Uint8Array) =>
  (hello: ClientHello): ClientHello => ({ ...hello, extensions: set([ExtensionType.PRE_SHARED_KEY, data])(hello.extensions) });

const offerOf = (hello: ClientHello): OfferedPsks => decodeOfferedPsks(hello.extensions.get(ExtensionType.PRE_SHARED_KEY)!);

const binder = concat(fromHex('20'), new Uint8Array(32));
const identity = fromHex('0002 aabb 00000000');
const offer = (identities: Uint8Array, binders: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(0, identities.length), identities, Uint8Array.of(0, binders.length), binders);

describe('a server refuses an offer that makes no sense (RFC 9846 §4.2.11)', () => {
  test.each<readonly [what: string, alert: number, data: Uint8Array]>([
    ['of nothing', 50, EMPTY],
    ['without an identity', 50, offer(EMPTY, EMPTY)],
    ['without a binder', 47, offer(identity, EMPTY)],
    ['with more binders than identities', 47, offer(identity, concat(binder, binder))],
    ['with an empty identity', 50, offer(fromHex('0000 00000000'), binder)],
    ['with an identity that ends early', 50, offer(identity.subarray(0, 5), binder)],
    ['with a binder that is too short', 50, offer(identity, concat(fromHex('1f'), new Uint8Array(31)))],
    ['with a binder that ends early', 50, offer(identity, binder.subarray(0, 32))],
    ['with an octet too many', 50, concat(offer(identity, binder), Uint8Array.of(0))],
  ])('%s: alert %i', (_what, alert, data) => {
    const hello = offering(data)(decodeClientHello(begin().hello.subarray(4)));
    expect(alertOf(() => serverAfter(encodeClientHello(hello)))).toBe(alert);
  });

  test('and passes over it where it resumes nothing', () => {
    const hello = offering(offer(identity, EMPTY))(decodeClientHello(begin().hello.subarray(4)));
    expect(() => serverAfter(encodeClientHello(hello), { server: {} })).not.toThrow();
  });

  test('with another mode than (EC)DHE: a full handshake (RFC 9846 §4.2.9)', () => {
    const hello = decodeClientHello(begin().hello.subarray(4));
    const changed = { ...hello, extensions: set([ExtensionType.PSK_KEY_EXCHANGE_MODES, fromHex('0100')])(hello.extensions) };
    expect(selectedBy(serverAfter(encodeClientHello(changed)))).toBeUndefined();
  });
});

/** Which identity the ServerHello says it took. */
function selectedBy(server: Handshake): number | undefined {
  const hello = stepsOf(server, 'server', LATER).find((step) => step.type === 'send');
  if (hello?.type !== 'send') throw new Error('no ServerHello');
  const hex = Buffer.from(hello.data).toString('hex');
  const at = hex.lastIndexOf('00290002');
  return at < 0 ? undefined : Number.parseInt(hex.slice(at + 8, at + 12), 16);
}

describe('several identities', () => {
  const unknown = { identity: new Uint8Array(100), obfuscatedAge: 0 };

  /** The honest ClientHello with so many unknown identities before its own, and the right binder for that. */
  function helloWith(before: number): Uint8Array {
    const honest = decodeClientHello(begin().hello.subarray(4));
    const filler = Array.from({ length: before }, () => unknown);
    const identities = [...filler, ...offerOf(honest).identities];
    const binders = identities.map(() => new Uint8Array(32));
    const octets = encodeClientHello(offering(encodeOfferedPsks({ identities, binders }))(honest));
    const keys = new KeySchedule(nodeProvider, 'TLS_AES_128_GCM_SHA256', decodeSession(session)!.key);
    octets.set(keys.binder(new Transcript(nodeProvider).hashWith('sha256', withoutBinders(octets, binders))), octets.length - 32);
    return octets;
  }

  test.each([1, 2, 3])(
    'the first of them that opens is taken: the one after %i others; but not its early data (RFC 9846 §4.2.10)',
    (before) => {
      const server = serverAfter(helloWith(before));
      expect(outline([server.poll(LATER)!])).toEqual(['peer-parameters']);
      expect(server.poll(LATER)).toBeUndefined(); // no keys for early data
      server.setLocalParameters(EMPTY);
      expect(selectedBy(server)).toBe(before);
    },
  );

  test('are not all tried', () => {
    expect(selectedBy(serverAfter(helloWith(4)))).toBeUndefined();
  });

  test('only the binder of the one that is taken is looked at (RFC 9846 §F.6)', () => {
    const octets = helloWith(1);
    octets[octets.length - 33 - 32]! ^= 1;
    // the binders are in no binder, so that this one still matches
    expect(selectedBy(serverAfter(octets))).toBe(1);
  });
});
