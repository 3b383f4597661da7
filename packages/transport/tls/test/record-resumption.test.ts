import { latin1 } from '@quiclab/bytes';
import { SECOND, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import type { TicketKeeper } from '../src/index.ts';
import { NOW } from './certificates.ts';
import { Pair } from './pair.ts';
import { recordsIn, StreamPair, type StreamPairOptions } from './record-pair.ts';
import { keeper, REMEMBERED, sessionsIn } from './sessions.ts';

/** A keeper that knows nothing of what the other sealed. */
const strangers = (): TicketKeeper => keeper({ random: seededRandom('other tickets') });

const withTickets = (tickets = keeper(), maxEarlyData = 16_384): StreamPairOptions => ({
  server: { tickets, earlyData: true, maxEarlyData },
  clientOptions: { earlyData: true },
});

function firstSession(options: StreamPairOptions): Uint8Array {
  const [session] = new StreamPair(options).run().client.of('session');
  if (session === undefined) throw new Error('no session');
  return session.data;
}

const later = (options: StreamPairOptions, session: Uint8Array): StreamPair =>
  new StreamPair({ seed: 2, now: NOW + 5 * SECOND, ...options, clientOptions: { ...options.clientOptions, session } });

describe('a session over TCP', () => {
  test('is resumed without a certificate (RFC 9846 §2.2)', () => {
    const options: StreamPairOptions = { server: { tickets: keeper() } };
    const session = firstSession(options);
    const pair = later(options, session).run();
    for (const end of [pair.client, pair.server])
      expect(end.of('secured')).toEqual([{ type: 'secured', alpn: 'h2', resumed: true, earlyData: 'none' }]);
  });

  test('is not offered over QUIC, nor one of QUIC over TCP', () => {
    const tickets = keeper();
    const overTcp = firstSession({ server: { tickets } });
    const quic = { server: { tickets }, clientAlpn: ['h2'], serverAlpn: ['h2'] };
    const resumed = (steps: readonly { readonly type: string }[]) => steps.filter(({ type }) => type === 'complete');
    const overQuic = new Pair({ ...quic, clientOptions: { session: overTcp }, now: NOW + SECOND }).run();
    expect(resumed(overQuic.clientSteps)).toMatchObject([{ resumed: false }]);
    const sessionOfQuic = sessionsIn(overQuic.clientSteps)[0]!;
    expect(later({ server: { tickets } }, sessionOfQuic).run().client.of('secured')[0]!.resumed).toBe(false);
  });
});

describe('early data over TCP', () => {
  test('goes with the ClientHello, is answered before the handshake is over, and ends with EndOfEarlyData (RFC 9846 §2.3, §4.5)', () => {
    const options = withTickets();
    const { client, server } = later(options, firstSession(options));
    client.stream.start(client.now);
    client.settle();
    expect(client.of('early')).toEqual([{ type: 'early', alpn: 'h2', octets: 16_384 }]);
    expect(client.write('a question')).toBe(10);
    const first = client.lower.take();
    expect(recordsIn(first).map(([type]) => type)).toEqual([22, 20, 23]);
    server.receive(first);
    expect(server.of('early')).toMatchObject([{ alpn: 'h2' }]);
    expect(server.received).toBe('a question');
    expect(server.write('an answer')).toBe(9);
    expect(server.of('secured')).toEqual([]);
    client.receive(server.lower.take());
    expect(client.received).toBe('an answer');
    server.receive(client.lower.take());
    for (const end of [client, server])
      expect(end.of('secured')).toEqual([{ type: 'secured', alpn: 'h2', resumed: true, earlyData: 'accepted' }]);
    client.write('another');
    server.receive(client.lower.take());
    expect(server.received).toBe('a questionanother');
    expect(
      client.observer.mapped.filter(({ type, direction }) => type === 23 && direction === 'sent').map(({ plaintext }) => plaintext),
    ).toEqual([
      [0, 10],
      [10, 7],
    ]);
  });

  test('is as much as the ticket allows, and no more (RFC 9846 §4.6.1)', () => {
    const options = withTickets(keeper(), 100);
    const pair = later(options, firstSession(options));
    pair.client.stream.start(pair.client.now);
    expect(pair.client.write('x'.repeat(150))).toBe(100);
    pair.run();
    expect(pair.client.of('writable').length).toBe(1);
    expect(pair.client.of('secured')[0]!.earlyData).toBe('accepted');
    expect(pair.server.received.length).toBe(100);
  });

  test('beyond that is an unexpected_message (RFC 9846 §4.6.1)', () => {
    const tickets = keeper();
    const session = firstSession(withTickets(tickets, 200));
    const pair = later(withTickets(tickets, 100), session);
    pair.client.stream.start(pair.client.now);
    pair.client.write('x'.repeat(101));
    pair.run();
    expect(pair.server.closed?.reason).toContain('unexpected_message: more early data');
  });

  test.each([
    ['with other tickets', (_options: StreamPairOptions): StreamPairOptions => withTickets(strangers(), 200)],
    ['by a server that takes none', (options: StreamPairOptions): StreamPairOptions => ({ ...options, server: { maxEarlyData: 200 } })],
    [
      'by a HelloRetryRequest (RFC 9846 §4.1.4)',
      (options: StreamPairOptions): StreamPairOptions => ({ ...options, server: { ...options.server, groups: ['secp256r1'] } }),
    ],
    ['by a veto', (options: StreamPairOptions): StreamPairOptions => ({ ...options, serverOptions: { acceptEarlyData: () => false } })],
  ])('rejected %s is passed over, and forgotten at the client (RFC 9846 §4.2.10)', (_how, change) => {
    const options = withTickets(keeper(), 200);
    const pair = later(change(options), firstSession(options));
    const { client, server } = pair;
    client.stream.start(client.now);
    client.write('for nobody');
    client.write('for nobody, either');
    client.stream.finish(client.now);
    pair.run();
    for (const end of [client, server]) expect(end.of('secured')[0]!.earlyData).toBe('rejected');
    expect(server.observer.skipped.length).toBe(2);
    expect(client.lower.finished).toBe(false);
    client.write('once more');
    client.stream.finish(client.now);
    pair.run();
    expect([server.received, server.fin]).toEqual(['once more', true]);
    expect(client.observer.mapped.at(-2)!.plaintext).toEqual([0, 9]);
  });

  test('rejected, and longer than is passed over, is a bad_record_mac (RFC 9846 §4.2.10)', () => {
    const session = firstSession(withTickets(keeper(), 10_000));
    const pair = later(withTickets(strangers(), 1_000), session);
    pair.client.stream.start(pair.client.now);
    pair.client.write('x'.repeat(5_000));
    pair.run();
    expect(pair.server.closed?.reason).toContain('bad_record_mac');
    const retried = later({ ...withTickets(keeper(), 1_000), server: { groups: ['secp256r1'], maxEarlyData: 1_000 } }, session);
    retried.client.stream.start(retried.client.now);
    retried.client.write('x'.repeat(5_000));
    retried.run();
    expect(retried.server.closed?.reason).toContain('unexpected_message');
  });

  test('in several pieces, however it is cut', () => {
    const tickets = keeper();
    const options = withTickets(tickets);
    for (const piece of [1, 3, 50]) {
      const pair = later(options, firstSession(options));
      pair.client.stream.start(pair.client.now);
      pair.client.write('one');
      pair.client.write('two');
      pair.run(piece);
      expect(pair.server.received).toBe('onetwo');
      expect(pair.server.of('secured')[0]!.earlyData).toBe('accepted');
    }
  });

  test('that does not open is a bad_record_mac where it was accepted (RFC 9846 §4.2.10)', () => {
    const options = withTickets();
    const pair = later(options, firstSession(options));
    pair.client.stream.start(pair.client.now);
    pair.client.write('one');
    const octets = pair.client.lower.take();
    octets[octets.length - 1]! ^= 1;
    pair.server.receive(octets);
    expect(pair.server.closed?.reason).toContain('bad_record_mac');
  });

  test('nothing else may come under its keys than EndOfEarlyData (RFC 9846 §4.5)', () => {
    const options = withTickets();
    const pair = later(options, firstSession(options));
    pair.client.stream.start(pair.client.now);
    pair.client.settle();
    pair.server.receive(pair.client.lower.take());
    pair.client.receive(pair.server.lower.take());
    const end = pair.client.lower.take();
    // EndOfEarlyData, then Finished: each in a record, each under its own keys
    expect(recordsIn(end).map(([, length]) => length)).toEqual([4 + 17, 36 + 17]);
    pair.server.receive(end.subarray(5 + 21));
    expect(pair.server.closed?.reason).toContain('bad_record_mac');
  });

  test('what the application remembers decides as well (RFC 9001 §4.6.3)', () => {
    const options: StreamPairOptions = { ...withTickets(), serverOptions: { remember: REMEMBERED } };
    const session = firstSession(options);
    const pair = later({ ...options, serverOptions: { remember: latin1('something else') } }, session);
    pair.client.stream.start(pair.client.now);
    pair.client.write('x');
    pair.run();
    expect(pair.server.of('secured')[0]!.earlyData).toBe('rejected');
  });
});
