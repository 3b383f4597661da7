import type { CipherSuite } from '@quiclab/crypto';
import { type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ExtensionType } from '../src/extensions.ts';
import { readSession, type TicketKeeper } from '../src/index.ts';
import { decodeClientHello } from '../src/messages/client-hello.ts';
import { decodeNewSessionTicket } from '../src/messages/new-session-ticket.ts';
import { decodeSession, encodeSession } from '../src/session.ts';
import { alertOf } from './alert-of.ts';
import { NOW } from './certificates.ts';
import { outline, Pair, type PairOptions, SERVER_PARAMETERS, secretsOf } from './pair.ts';
import { firstSession, keeper, LATER, later, messageTypes, REMEMBERED, sessionsIn, verdict, withEarlyData } from './sessions.ts';

const suites: readonly CipherSuite[] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const DAY = 24 * 3600 * SECOND;

const withTickets = (tickets: TicketKeeper = keeper()): PairOptions => ({ server: { tickets } });

const helloOf = (pair: Pair, index = 0) => decodeClientHello(pair.flights.filter(({ from }) => from === 'client')[index]!.data.subarray(4));

const expectFull = (pair: Pair): void => {
  expect(pair.completed).toBe(true);
  expect(verdict(pair.clientSteps).resumed).toBe(false);
  expect(verdict(pair.serverSteps).resumed).toBe(false);
  expect(messageTypes(pair, 'server')).toContain(11);
};

const expectResumed = (pair: Pair): void => {
  expect(pair.completed).toBe(true);
  expect(verdict(pair.clientSteps).resumed).toBe(true);
  expect(verdict(pair.serverSteps).resumed).toBe(true);
  expect(messageTypes(pair, 'server')).not.toContain(11);
  expect(secretsOf(pair.clientSteps)).toEqual(secretsOf(pair.serverSteps));
};

describe('a session is resumed (RFC 9846 §2.2)', () => {
  test.each(suites)('with %s: no certificate is sent, and both come to the same secrets', (suite) => {
    const options = { ...withTickets(), client: { suites: [suite] } };
    const pair = later(options, firstSession(options)).run();
    expectResumed(pair);
    expect(messageTypes(pair, 'server')).toEqual([2, 8, 20, 4]);
    expect(messageTypes(pair, 'client')).toEqual([1, 20]);
    expect([...secretsOf(pair.clientSteps).values()].every((secret) => secret.startsWith(suite))).toBe(true);
  });

  test('in the order that a transport needs', () => {
    const options = withTickets();
    const pair = later(options, firstSession(options)).run();
    expect(outline(pair.clientSteps)).toEqual([
      'send initial',
      'write handshake CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'read handshake SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'peer-parameters',
      'write application CLIENT_TRAFFIC_SECRET_0',
      'read application SERVER_TRAFFIC_SECRET_0',
      'send handshake',
      'complete',
      'session',
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
      'send application',
    ]);
  });

  test.each([1, 3, 50])('when what arrives comes in pieces of %i octets', (piece) => {
    const options = withTickets();
    expectResumed(later(options, firstSession(options)).run(piece));
  });

  test('its secrets are none of the first connection', () => {
    const options = withTickets();
    const first = new Pair(options).run();
    const pair = later(options, sessionsIn(first.clientSteps)[0]!).run();
    const before = new Set([...secretsOf(first.clientSteps).values()].map((secret) => secret.split(' ')[2]));
    for (const secret of secretsOf(pair.clientSteps).values()) expect(before.has(secret.split(' ')[2])).toBe(false);
  });

  test.each(suites)('after a HelloRetryRequest, with %s', (suite) => {
    const tickets = keeper();
    const options: PairOptions = { client: { suites: [suite] }, server: { tickets, groups: ['secp256r1'] } };
    const pair = later(options, firstSession({ ...options, server: { tickets } })).run();
    expectResumed(pair);
    expect(messageTypes(pair, 'server').slice(0, 2)).toEqual([2, 2]);
    expect([...helloOf(pair, 1).extensions.keys()].at(-1)).toBe(ExtensionType.PRE_SHARED_KEY);
  });

  test('the resumed connection has a session to resume in its turn', () => {
    const options = withTickets();
    const second = later(options, firstSession(options)).run();
    expectResumed(new Pair({ ...options, seed: 3, now: LATER, clientOptions: { session: sessionsIn(second.clientSteps)[0]! } }).run());
  });

  test('more than once, if the client insists (RFC 9846 §C.4 would rather not)', () => {
    const options = withTickets();
    const session = firstSession(options);
    for (const seed of [2, 3, 4]) expectResumed(later({ ...options, seed }, session).run());
  });

  test('with another suite of the same hash', () => {
    const tickets = keeper();
    const session = firstSession({ ...withTickets(tickets), client: { suites: ['TLS_AES_128_GCM_SHA256'] } });
    expectResumed(later({ ...withTickets(tickets), client: { suites: ['TLS_CHACHA20_POLY1305_SHA256'] } }, session).run());
  });

  test('for another application protocol', () => {
    const options = { ...withTickets(), serverAlpn: ['h3', 'hq-interop'] };
    const pair = later({ ...options, clientAlpn: ['hq-interop'] }, firstSession(options)).run();
    expectResumed(pair);
  });

  test('and the server name is written as the client likes', () => {
    const options = withTickets();
    expectResumed(later({ ...options, serverName: 'SERVER.Example.' }, firstSession(options)).run());
  });
});

describe('tickets (RFC 9846 §4.6.1)', () => {
  test('are issued as many as asked for, no two alike, each good for a connection', () => {
    const options = { server: { tickets: keeper(), ticketCount: 4 } };
    const sessions = sessionsIn(new Pair(options).run().clientSteps);
    expect(sessions).toHaveLength(4);
    expect(new Set(sessions.map((session) => Buffer.from(decodeSession(session)!.key).toString('hex'))).size).toBe(4);
    expect(new Set(sessions.map((session) => decodeSession(session)!.ageAdd)).size).toBe(4);
    for (const [i, session] of sessions.entries()) expectResumed(later({ ...options, seed: 10 + i }, session).run());
  });

  test('are not issued by a server that keeps none, nor to a client that cannot use them', () => {
    expect(sessionsIn(new Pair().run().clientSteps)).toEqual([]);
    const pair = new Pair(withTickets());
    // psk_ke instead of psk_dhe_ke; Finished cannot match any more, but by then the server has decided
    const alter = ({ from, level, data }: { from: string; level: string; data: Uint8Array }): Uint8Array =>
      from === 'client' && level === 'initial'
        ? Buffer.from(Buffer.from(data).toString('hex').replace('002d00020101', '002d00020100'), 'hex')
        : data;
    expect(alertOf(() => pair.run(Number.POSITIVE_INFINITY, alter))).toBe(51);
    expect(outline(pair.serverSteps)).not.toContain('send application');
  });

  test('say what they are good for', () => {
    const options = withEarlyData(keeper());
    const pair = new Pair({ ...options, clientOptions: { context: () => 'v1' } }).run();
    expect(readSession(sessionsIn(pair.clientSteps)[0]!)).toEqual({
      serverName: 'server.example',
      alpn: 'h3',
      suite: 'TLS_AES_128_GCM_SHA256',
      context: 'v1',
      earlyData: true,
      receivedAt: NOW,
      expiresAt: NOW + 2 * DAY,
    });
    expect(Buffer.from(decodeSession(sessionsIn(pair.clientSteps)[0]!)!.parameters)).toEqual(Buffer.from(SERVER_PARAMETERS));
    const ticket = decodeNewSessionTicket(pair.flights.at(-1)!.data.subarray(4), 'quic');
    expect(ticket.lifetime).toBe(2 * 24 * 3600);
    expect(Buffer.from(ticket.extensions.get(ExtensionType.EARLY_DATA)!).toString('hex')).toBe('ffffffff'); // RFC 9001 §4.6.1
  });

  test('ask for early data only where the server is configured for it and the transport says what to remember', () => {
    const asks = (options: PairOptions): boolean => readSession(firstSession(options))!.earlyData;
    expect(asks({ server: { tickets: keeper(), earlyData: true }, serverOptions: { remember: REMEMBERED } })).toBe(true);
    expect(asks({ server: { tickets: keeper(), earlyData: true } })).toBe(false);
    expect(asks({ server: { tickets: keeper() }, serverOptions: { remember: REMEMBERED } })).toBe(false);
  });

  test('do not extend a proof by certificate beyond seven days, however often a session is resumed', () => {
    const tickets = keeper({ lifetime: 7 * DAY, rotateEvery: 7 * DAY });
    const at = (now: Micros, seed: number, session?: Uint8Array): Pair =>
      new Pair({ ...withTickets(tickets), now, seed, ...(session && { clientOptions: { session } }) }).run();
    const first = sessionsIn(at(NOW, 1).clientSteps)[0]!;
    const second = at(NOW + 6 * DAY, 2, first);
    expectResumed(second);
    const handedOn = sessionsIn(second.clientSteps)[0]!;
    expect(readSession(handedOn)!.expiresAt).toBe(NOW + 7 * DAY);
    expect(decodeNewSessionTicket(second.flights.at(-1)!.data.subarray(4), 'quic').lifetime).toBe(24 * 3600);
    expectResumed(at(NOW + 7 * DAY - 1, 3, handedOn));
    expectFull(at(NOW + 7 * DAY, 4, handedOn));
  });

  test('cannot be configured beyond reason', () => {
    expect(() => keeper({ lifetime: 8 * DAY })).toThrow('seven days');
    expect(() => keeper({ lifetime: Number.NaN })).toThrow('seven days');
    expect(() => keeper({ lifetime: 7 * DAY, rotateEvery: SECOND })).toThrow('keys');
    expect(() => keeper({ ageTolerance: -1 })).toThrow('negative');
    expect(() => new Pair({ server: { tickets: keeper(), ticketCount: 17 } })).toThrow('1 to 16');
    expect(() => new Pair({ server: { earlyData: true } })).toThrow('early data needs tickets');
    expect(() => new Pair({ ...withTickets(), serverOptions: { remember: new Uint8Array(4097) } })).toThrow('4097 octets');
  });
});

describe('a client passes over a session that does not fit, and the handshake is a full one', () => {
  const options = withTickets();
  const session = firstSession(options);
  const cases: readonly (readonly [why: string, options: PairOptions])[] = [
    ['for another server name (RFC 9846 §4.6.1)', { serverName: '127.0.0.1' }],
    ['that has expired', { now: NOW + 2 * DAY }],
    ['that comes from the future', { now: NOW - 1 }],
    [
      'with a suite that it does not offer, nor one of the same hash (RFC 9846 §4.2.11)',
      { client: { suites: ['TLS_AES_256_GCM_SHA384'] } },
    ],
    ['of another context, say a version of QUIC (RFC 9369 §5)', { clientOptions: { context: () => 'v2' } }],
  ];
  test.each(cases)('%s', (_why, changes) => {
    const pair = later({ ...options, ...changes }, session).run();
    expect(helloOf(pair).extensions.has(ExtensionType.PRE_SHARED_KEY)).toBe(false);
    expectFull(pair);
  });

  test('up to the last microsecond it fits', () => {
    expectResumed(later({ ...options, now: NOW + 2 * DAY - 1 }, session).run());
  });

  test('that was made without verification, where a certificate is to be verified; nor does resuming it launder it', () => {
    const unverified = firstSession({ ...options, client: { trust: { verify: false } } });
    const again = later({ ...options, client: { trust: { verify: false } } }, unverified).run();
    expectResumed(again);
    for (const one of [unverified, sessionsIn(again.clientSteps)[0]!]) {
      const pair = later({ ...options, seed: 3 }, one).run();
      expect(helloOf(pair).extensions.has(ExtensionType.PRE_SHARED_KEY)).toBe(false);
      expectFull(pair);
    }
  });

  test('that is no session: cut at any octet, longer, of another version, or nothing at all', () => {
    const octets = (pair: Pair): string => Buffer.from(pair.flights[0]!.data).toString('hex');
    const without = octets(new Pair({ ...options, seed: 2, now: LATER }).run());
    for (let length = 0; length < session.length; length++) {
      const cut = session.subarray(0, length);
      expect(readSession(cut)).toBeUndefined();
      if (length % 16 === 0) expect(octets(later(options, cut).run())).toBe(without);
    }
    expect(readSession(Buffer.concat([session, Uint8Array.of(0)]))).toBeUndefined();
    const other = session.slice();
    other[0] = 3;
    expect(readSession(other)).toBeUndefined();
  });

  test('after a HelloRetryRequest with a suite of another hash (RFC 9846 §4.1.4)', () => {
    const tickets = keeper();
    const ours = firstSession(withTickets(tickets));
    const server = { tickets, groups: ['secp256r1'] as const, suites: ['TLS_AES_256_GCM_SHA384'] as const };
    const pair = later({ server }, ours).run();
    expect(helloOf(pair, 0).extensions.has(ExtensionType.PRE_SHARED_KEY)).toBe(true);
    expect(helloOf(pair, 1).extensions.has(ExtensionType.PRE_SHARED_KEY)).toBe(false);
    expectFull(pair);
  });
});

describe('a server that cannot resume makes it a full handshake (RFC 9846 §4.2.11)', () => {
  const tickets = keeper();
  const session = firstSession(withTickets(tickets));
  const cases: readonly (readonly [why: string, options: PairOptions])[] = [
    ['because it keeps no tickets', {}],
    ['because it did not make this one', withTickets(keeper({ random: seededRandom('others') }))],
    ['because the suite has another hash', { server: { tickets, suites: ['TLS_AES_256_GCM_SHA384'] } }],
    ['because the context is another (RFC 9369 §5)', { ...withTickets(tickets), serverOptions: { context: () => 'v2' } }],
  ];
  test.each(cases)('%s', (_why, options) => {
    const pair = later(options, session).run();
    expect(helloOf(pair).extensions.has(ExtensionType.PRE_SHARED_KEY)).toBe(true);
    expectFull(pair);
  });

  test('because the ticket has expired, whatever the client believes', () => {
    const forever = encodeSession({ ...decodeSession(session)!, expiresAt: NOW + 30 * DAY });
    expectResumed(later({ ...withTickets(tickets), now: NOW + 2 * DAY - 1 }, forever).run());
    expectFull(later({ ...withTickets(tickets), now: NOW + 2 * DAY }, forever).run());
  });

  test('because the key of the ticket is gone', () => {
    const ours = keeper({ lifetime: 3600 * SECOND, rotateEvery: 3600 * SECOND });
    const forever = encodeSession({ ...decodeSession(firstSession(withTickets(ours)))!, expiresAt: NOW + 30 * DAY });
    expectFull(later({ ...withTickets(ours), now: NOW + 7200 * SECOND }, forever).run());
  });

  test('because the ticket was made for another server name', () => {
    const moved = encodeSession({ ...decodeSession(session)!, serverName: '127.0.0.1' });
    expectFull(later({ ...withTickets(tickets), serverName: '127.0.0.1' }, moved).run());
  });

  test('because a bit of the ticket was changed: any', () => {
    const facts = decodeSession(session)!;
    for (let at = 0; at < facts.ticket.length; at++) {
      const ticket = facts.ticket.slice();
      ticket[at]! ^= 1 << (at % 8);
      expectFull(later(withTickets(tickets), encodeSession({ ...facts, ticket })).run());
    }
    for (const length of [1, 15, 31, 32, facts.ticket.length - 1])
      expectFull(later(withTickets(tickets), encodeSession({ ...facts, ticket: facts.ticket.subarray(0, length) })).run());
  });
});

describe('a binder that does not match is a decrypt_error (RFC 9846 §4.2.11.2)', () => {
  const options = withTickets();
  const session = firstSession(options);

  test('because the client has another key', () => {
    const facts = decodeSession(session)!;
    const key = facts.key.slice();
    key[0]! ^= 1;
    expect(alertOf(() => later(options, encodeSession({ ...facts, key })).run())).toBe(51);
  });

  test('because a bit of it was changed: any', () => {
    for (let bit = 0; bit < 256; bit++) {
      const alter = ({ from, data }: { from: string; data: Uint8Array }): Uint8Array => {
        const changed = data.slice();
        if (from === 'client') changed[data.length - 1 - (bit >>> 3)]! ^= 1 << (bit & 7);
        return changed;
      };
      expect(alertOf(() => later(options, session).run(Number.POSITIVE_INFINITY, alter))).toBe(51);
    }
  });

  test('because something else of the ClientHello was changed', () => {
    const alter = ({ data }: { data: Uint8Array }): Uint8Array =>
      Buffer.from(Buffer.from(data).toString('latin1').replace('parameters of the client', 'parameters of the clienT'), 'latin1');
    expect(alertOf(() => later(options, session).run(Number.POSITIVE_INFINITY, alter))).toBe(51);
  });

  test('after a HelloRetryRequest, too, which it covers', () => {
    const tickets = keeper();
    const ours = firstSession(withTickets(tickets));
    const alter = ({ from, data }: { from: string; data: Uint8Array }): Uint8Array => {
      const changed = data.slice();
      if (from === 'client') changed[data.length - 1]! ^= 1;
      return changed;
    };
    const retried: PairOptions = { server: { tickets, groups: ['secp256r1'] } };
    expect(alertOf(() => later(retried, ours).run(Number.POSITIVE_INFINITY, alter))).toBe(51);
  });
});
