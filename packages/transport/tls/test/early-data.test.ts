import type { CipherSuite } from '@quiclab/crypto';
import { type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { ExtensionType } from '../src/extensions.ts';
import type { Handshake, TicketKeeper } from '../src/index.ts';
import { decodeClientHello } from '../src/messages/client-hello.ts';
import { decodeEncryptedExtensions } from '../src/messages/encrypted-extensions.ts';
import { decodeSession, encodeSession } from '../src/session.ts';
import { NOW } from './certificates.ts';
import { newServer, outline, type Pair, type PairOptions, SERVER_PARAMETERS, secretsOf, stepsOf } from './pair.ts';
import { firstSession, keeper, LATER, later, messageTypes, REMEMBERED, verdict, withEarlyData } from './sessions.ts';

const suites: readonly CipherSuite[] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

const helloOf = (pair: Pair) => decodeClientHello(pair.flights[0]!.data.subarray(4));

const clientFlow = (pair: Pair): string[] => outline(pair.clientSteps);

function expectAccepted(pair: Pair): void {
  expect(verdict(pair.clientSteps)).toEqual({ resumed: true, earlyData: 'accepted' });
  expect(verdict(pair.serverSteps)).toEqual({ resumed: true, earlyData: 'accepted' });
  expect(secretsOf(pair.clientSteps)).toEqual(secretsOf(pair.serverSteps));
  expect(secretsOf(pair.clientSteps).has('CLIENT_EARLY_TRAFFIC_SECRET')).toBe(true);
}

/** Offered, refused, and the handshake went on; nobody was given keys to read what was sent early. */
function expectRejected(pair: Pair, resumed = true): void {
  expect(clientFlow(pair)).toContain('write early CLIENT_EARLY_TRAFFIC_SECRET');
  expect(verdict(pair.clientSteps)).toEqual({ resumed, earlyData: 'rejected' });
  expect(verdict(pair.serverSteps)).toEqual({ resumed, earlyData: 'rejected' });
  expect(outline(pair.serverSteps)).not.toContain('read early CLIENT_EARLY_TRAFFIC_SECRET');
  const answers = pair.clientSteps.filter((step) => step.type === 'early-data');
  expect(answers).toEqual([{ type: 'early-data', accepted: false }]);
}

function expectNotOffered(pair: Pair): void {
  expect(helloOf(pair).extensions.has(ExtensionType.EARLY_DATA)).toBe(false);
  expect(verdict(pair.clientSteps).earlyData).toBe('none');
  expect(verdict(pair.serverSteps).earlyData).toBe('none');
  expect(clientFlow(pair)).not.toContain('early-data');
  expect(clientFlow(pair)).not.toContain('remembered-parameters');
}

describe('early data is taken (RFC 9001 §4.6)', () => {
  test.each(suites)('with %s, and both have the same keys for it', (suite) => {
    const options: PairOptions = { ...withEarlyData(keeper()), client: { suites: [suite] } };
    const pair = later(options, firstSession(options)).run();
    expectAccepted(pair);
    expect(secretsOf(pair.clientSteps).get('CLIENT_EARLY_TRAFFIC_SECRET')).toContain(suite);
    expect(messageTypes(pair, 'client')).toEqual([1, 20]); // no EndOfEarlyData (RFC 9001 §8.3)
  });

  test('in the order that a transport needs: first what the server said then, last what it says now', () => {
    const options = withEarlyData(keeper());
    const pair = later(options, firstSession(options)).run();
    expect(clientFlow(pair)).toEqual([
      'send initial',
      'remembered-parameters',
      'write early CLIENT_EARLY_TRAFFIC_SECRET',
      'write handshake CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'read handshake SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'early-data',
      'peer-parameters',
      'write application CLIENT_TRAFFIC_SECRET_0',
      'read application SERVER_TRAFFIC_SECRET_0',
      'send handshake',
      'complete',
      'session',
    ]);
    expect(outline(pair.serverSteps)).toEqual([
      'peer-parameters',
      'read early CLIENT_EARLY_TRAFFIC_SECRET',
      'send initial',
      'read handshake CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'write handshake SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'send handshake',
      'write application SERVER_TRAFFIC_SECRET_0',
      'read application CLIENT_TRAFFIC_SECRET_0',
      'complete',
      'send application',
    ]);
    const remembered = pair.clientSteps[1];
    expect(remembered).toEqual({ type: 'remembered-parameters', data: SERVER_PARAMETERS });
  });

  test('before the server has any parameters of its own to send', () => {
    const tickets = keeper();
    const options = withEarlyData(tickets);
    const server = newServer(options, seededRandom('server'));
    server.receive(LATER, 'initial', firstFlight(options, firstSession(options)));
    expect(outline([server.poll(LATER)!, server.poll(LATER)!])).toEqual(['peer-parameters', 'read early CLIENT_EARLY_TRAFFIC_SECRET']);
    expect(server.poll(LATER)).toBeUndefined();
  });

  test('with padding in the ClientHello, which does not come last', () => {
    const options: PairOptions = { ...withEarlyData(keeper()), client: { padding: 700 } };
    expectAccepted(later(options, firstSession(options)).run());
  });

  test('of a client whose clock is off, as long as it runs evenly (RFC 9846 §8.3)', () => {
    const options = withEarlyData(keeper());
    const facts = decodeSession(firstSession(options))!;
    expectAccepted(later(options, encodeSession({ ...facts, receivedAt: facts.receivedAt - 9 * SECOND })).run());
    const other = decodeSession(firstSession({ ...options, seed: 9 }))!;
    expectAccepted(
      later({ ...options, now: NOW + 20 * SECOND }, encodeSession({ ...other, receivedAt: other.receivedAt + 9 * SECOND })).run(),
    );
  });

  test('when the transport says that it can be, though it would remember something else now', () => {
    const tickets = keeper();
    const session = firstSession(withEarlyData(tickets));
    const asked: Uint8Array[] = [];
    const acceptEarlyData = (remembered: Uint8Array): boolean => asked.push(remembered.slice()) > 0;
    expectAccepted(later({ ...withEarlyData(tickets), serverOptions: { remember: Uint8Array.of(9), acceptEarlyData } }, session).run());
    expect(asked).toEqual([REMEMBERED]);
  });
});

describe('early data is rejected, and the session resumed', () => {
  const cases: readonly (readonly [why: string, changes: (tickets: TicketKeeper) => PairOptions])[] = [
    ['by a server that is not configured for it', (tickets) => ({ server: { tickets } })],
    ['by a transport that says nothing to remember', () => ({ serverOptions: {} })],
    ['because something else would be remembered now (RFC 9001 §4.6.3)', () => ({ serverOptions: { remember: Uint8Array.of(1, 2) } })],
    ['by a veto', () => ({ serverOptions: { remember: REMEMBERED, acceptEarlyData: () => false } })],
    ['because the protocol chosen is another (RFC 9846 §4.2.10)', () => ({ clientAlpn: ['h3', 'hq-interop'], serverAlpn: ['hq-interop'] })],
    [
      'because the suite chosen is another, of the same hash',
      (tickets) => ({ server: { tickets, earlyData: true, suites: ['TLS_CHACHA20_POLY1305_SHA256'] } }),
    ],
  ];
  test.each(cases)('%s', (_why, changes) => {
    const tickets = keeper();
    expectRejected(later({ ...withEarlyData(tickets), ...changes(tickets) }, firstSession(withEarlyData(tickets))).run());
  });

  test('because the ticket was for none, though the client believes it was', () => {
    const tickets = keeper();
    const facts = decodeSession(firstSession({ server: { tickets } }))!;
    expectRejected(later(withEarlyData(tickets), encodeSession({ ...facts, maxEarlyData: 0xffff_ffff })).run());
  });

  test.each([
    ['older', -11],
    ['younger', 11],
  ])('because the ticket should be %s by more than the tolerance (RFC 9846 §8.3)', (_what, seconds) => {
    const options = withEarlyData(keeper());
    const facts = decodeSession(firstSession(options))!;
    const session = encodeSession({ ...facts, receivedAt: facts.receivedAt + seconds * SECOND });
    expectRejected(later({ ...options, now: NOW + 60 * SECOND }, session).run());
  });

  test('after a HelloRetryRequest, whose second ClientHello offers none (RFC 9001 §4.6.2)', () => {
    const tickets = keeper();
    const options: PairOptions = { ...withEarlyData(tickets), server: { tickets, earlyData: true, groups: ['secp256r1'] } };
    const pair = later(options, firstSession(withEarlyData(tickets))).run();
    expectRejected(pair);
    // known at once, not with EncryptedExtensions
    expect(clientFlow(pair).slice(0, 5)).toEqual([
      'send initial',
      'remembered-parameters',
      'write early CLIENT_EARLY_TRAFFIC_SECRET',
      'early-data',
      'send initial',
    ]);
    const second = decodeClientHello(pair.flights.filter(({ from }) => from === 'client')[1]!.data.subarray(4));
    expect(second.extensions.has(ExtensionType.EARLY_DATA)).toBe(false);
    expect(second.extensions.has(ExtensionType.PRE_SHARED_KEY)).toBe(true);
  });
});

describe('early data is rejected, and the handshake a full one', () => {
  const cases: readonly (readonly [why: string, options: (tickets: TicketKeeper) => PairOptions])[] = [
    ['by a server that keeps no tickets', () => ({ clientOptions: { earlyData: true } })],
    ['because the ticket is unknown', () => withEarlyData(keeper({ random: seededRandom('others') }))],
    [
      'because the suite has another hash',
      (tickets) => ({ ...withEarlyData(tickets), server: { tickets, earlyData: true, suites: ['TLS_AES_256_GCM_SHA384'] } }),
    ],
  ];
  test.each(cases)('%s', (_why, options) => {
    const tickets = keeper();
    const pair = later(options(tickets), firstSession(withEarlyData(tickets))).run();
    expectRejected(pair, false);
    expect(clientFlow(pair).indexOf('early-data')).toBeLessThan(clientFlow(pair).indexOf('peer-parameters'));
  });

  test.each([
    ['has expired', {}],
    ['was sealed with a key that was rotated away', { lifetime: 100 * SECOND, rotateEvery: 100 * SECOND }],
  ])('because the ticket %s', (_why, options) => {
    const tickets = keeper(options);
    const facts = decodeSession(firstSession(withEarlyData(tickets)))!;
    const session = encodeSession({ ...facts, expiresAt: NOW * 2 });
    expectRejected(later({ ...withEarlyData(tickets), now: NOW + 3 * 24 * 3600 * SECOND }, session).run(), false);
  });
});

describe('early data is not offered', () => {
  const options = withEarlyData(keeper());
  const session = firstSession(options);
  test.each<readonly [why: string, changes: PairOptions]>([
    ['unless it was asked for (RFC 9846 §F.5)', { clientOptions: {} }],
    ['with a suite that is not on offer any more', { client: { suites: ['TLS_CHACHA20_POLY1305_SHA256'] } }],
    ['for a protocol that is not on offer any more', { clientAlpn: ['hq-interop'], serverAlpn: ['hq-interop'] }],
  ])('%s', (_why, changes) => {
    const pair = later({ ...options, ...changes }, session).run();
    expectNotOffered(pair);
    expect(verdict(pair.clientSteps).resumed).toBe(true);
  });

  test('with a session whose ticket allows none', () => {
    const tickets = keeper();
    const pair = later(withEarlyData(tickets), firstSession({ server: { tickets } })).run();
    expectNotOffered(pair);
    expect(verdict(pair.clientSteps).resumed).toBe(true);
  });

  test('without a session', () => {
    expectNotOffered(later(options, new Uint8Array(0)).run());
  });
});

/** The ClientHello of the connection that comes later. */
function firstFlight(options: PairOptions, session: Uint8Array, now: Micros = LATER): Uint8Array {
  const [hello] = stepsOf(later({ ...options, now }, session).client, 'client', now);
  if (hello?.type !== 'send') throw new Error('no ClientHello');
  return hello.data;
}

describe('a ClientHello that comes again (RFC 9846 §8)', () => {
  /** What a server says to it: whether it resumes, and whether it reads early data. */
  function taken(options: PairOptions, hello: Uint8Array, now: Micros, seed: number): string {
    const server: Handshake = newServer(options, seededRandom(seed));
    server.receive(now, 'initial', hello);
    const steps = stepsOf(server, 'server', now);
    const flight = steps.find((step) => step.type === 'send' && step.level === 'handshake');
    if (flight?.type !== 'send') throw new Error('no flight');
    const length = (flight.data[2]! << 8) | flight.data[3]!;
    const says = decodeEncryptedExtensions(flight.data.subarray(4, 4 + length)).has(ExtensionType.EARLY_DATA);
    const reads = outline(steps).includes('read early CLIENT_EARLY_TRAFFIC_SECRET');
    expect(says).toBe(reads);
    return reads ? 'early' : 'late';
  }

  test('brings no early data, at whatever time', () => {
    const options = withEarlyData(keeper());
    const hello = firstFlight(options, firstSession(options));
    const times = [0, 1, 5, 9.9, 10, 10.1, 20, 30, 60, 3600].map((seconds) => LATER + seconds * SECOND);
    expect(times.map((now, i) => taken(options, hello, now, i))).toEqual(['early', ...times.slice(1).map(() => 'late')]);
  });

  test('brings no early data either when it was early itself, and so is fresh for twice the tolerance', () => {
    const options = withEarlyData(keeper());
    const hello = firstFlight(options, firstSession(options));
    const times = [-5, -4, 0, 5, 9, 10, 15].map((seconds) => LATER + seconds * SECOND);
    expect(times.map((now, i) => taken(options, hello, now, i))).toEqual(['early', ...times.slice(1).map(() => 'late')]);
  });

  test('nor does another ClientHello with the same ticket, meanwhile', () => {
    const options = withEarlyData(keeper());
    const session = firstSession(options);
    expectAccepted(later(options, session).run());
    expectRejected(later({ ...options, seed: 3 }, session).run());
  });

  test('brings none where a veto spared the ticket the first time', () => {
    const options = withEarlyData(keeper());
    const hello = firstFlight(options, firstSession(options));
    const vetoed: PairOptions = { ...options, serverOptions: { remember: REMEMBERED, acceptEarlyData: () => false } };
    expect(taken(vetoed, hello, LATER, 1)).toBe('late');
    expect(taken(options, hello, LATER, 2)).toBe('early');
    expect(taken(options, hello, LATER, 3)).toBe('late');
  });

  test('beyond the limit nobody brings early data, until there is room again', () => {
    const tickets = keeper({ replayLimit: 2 });
    const options = withEarlyData(tickets);
    const sessions = [1, 2, 3, 4].map((seed) => firstSession({ ...options, seed }));
    expectAccepted(later({ ...options, seed: 11 }, sessions[0]!).run());
    expectAccepted(later({ ...options, seed: 12 }, sessions[1]!).run());
    expectRejected(later({ ...options, seed: 13 }, sessions[2]!).run());
    expectAccepted(later({ ...options, seed: 14, now: LATER + 21 * SECOND }, sessions[3]!).run());
  });
});
