import { makeCertificate } from '@quiclab/crypto/node';
import { seededRandom } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { certificate, Pair, type PairOptions } from './pair.ts';
import { ScriptedPeer } from './scripted-peer.ts';

/** A chain of this size behind the server's own certificate. */
const chain = (octets: number): Uint8Array[] => [
  certificate.certificate,
  makeCertificate({
    names: ['filler'],
    keyType: 'ed25519',
    notBefore: 0,
    notAfter: 4e15,
    random: seededRandom(`chain/${octets}`),
    padTo: octets,
  }).certificate,
];

/** At no step had the server sent more than three times what it had received, until it read a Handshake packet (RFC 9000 §8.1). */
function expectNoAmplification(pair: Pair): number {
  const { flow, flowAtHandshake } = pair.serverObserver;
  let received = 0;
  let sent = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (const octets of flowAtHandshake < 0 ? flow : flow.slice(0, flowAtHandshake)) {
    if (octets > 0) received += octets;
    else sent -= octets;
    expect(sent).toBeLessThanOrEqual(3 * received);
    closest = Math.min(closest, 3 * received - sent);
  }
  return closest;
}

test("a client's datagrams with Initials have 1,200 octets at least, a server's when they elicit an ACK (RFC 9000 §14.1)", () => {
  for (const octets of [500, 3_000, 12_000]) {
    const pair = new Pair({ certificates: chain(octets) }).handshake();
    const size = new Map<string, number>();
    for (const [direction, observer] of [
      ['up', pair.clientObserver],
      ['down', pair.serverObserver],
    ] as const) {
      const lengths = observer.flow.filter((length) => length < 0).map((length) => -length);
      for (const packet of observer.sent) {
        if (packet.level !== 'initial') continue;
        if (direction === 'up' || packet.ackEliciting) expect([direction, lengths[packet.datagram]! >= 1200]).toEqual([direction, true]);
        size.set(direction, lengths[packet.datagram]!);
      }
    }
    expect(size.size).toBe(2);
  }
});

test('the server says Initial and Handshake in one datagram, the client three levels (RFC 9000 §12.2)', () => {
  const pair = new Pair().handshake();
  const levelsOf = (observer: typeof pair.clientObserver, datagram: number): string[] =>
    observer.sent.filter((packet) => packet.datagram === datagram).map((packet) => packet.level);
  expect(levelsOf(pair.serverObserver, 0)).toEqual(['initial', 'handshake']);
  const answer = pair.clientObserver.sent.find((packet) => packet.level === 'handshake')!.datagram;
  expect(levelsOf(pair.clientObserver, answer)).toEqual(['initial', 'handshake', 'application']);
  expect(pair.clientObserver.discarded).toEqual(['initial', 'handshake']);
  expect(pair.serverObserver.discarded).toEqual(['initial', 'handshake']);
});

test('a server sends at most three times what came, until it reads a Handshake packet (RFC 9000 §8.1)', () => {
  for (const octets of [2_000, 3_000, 4_000, 8_000, 16_000, 40_000]) {
    for (const datagramSize of [1200, 1452]) {
      const pair = new Pair({ certificates: chain(octets), config: { datagramSize } });
      pair.handshake();
      expect([octets, pair.clientEvents.some((event) => event.type === 'handshake-confirmed')]).toEqual([octets, true]);
      const closest = expectNoAmplification(pair);
      if (octets >= 4_000) expect(closest).toBeLessThan(100); // all that was allowed was used
    }
  }
});

test('… whatever is lost, and the handshake completes', () => {
  const certificates = chain(8_000);
  const losses: PairOptions['drop'][] = [];
  for (let n = 1; n <= 12; n++)
    losses.push(
      (direction, i) => direction === 'up' && i === n,
      (direction, i) => direction === 'down' && i === n,
    );
  losses.push((direction, i) => direction === 'up' && i >= 2 && i <= 4); // the client's whole next flight
  losses.push((direction, i) => direction === 'down' && i <= 3); // the server's whole first flight
  for (const drop of losses) {
    const pair = new Pair({ certificates, drop: drop! });
    pair.run(20_000_000);
    expect(pair.clientEvents.some((event) => event.type === 'handshake-confirmed')).toBe(true);
    expectNoAmplification(pair);
  }
});

test('a server that may send no more arms no timer: the client probes until it may (RFC 9002 §6.2.2.1)', () => {
  const pair = new Pair({ certificates: chain(8_000), drop: (direction, n) => direction === 'up' && n >= 2 && n <= 4 });
  pair.run(200_000);
  const sentBefore = pair.datagrams.down;
  expect(sentBefore).toBe(3);
  expect(pair.server.nextTimeout()).toBeGreaterThan(29_000_000); // idle and handshake timeouts only
  pair.run(10_000_000);
  expect(pair.clientObserver.probes.length).toBeGreaterThan(0);
  expect(pair.clientEvents.some((event) => event.type === 'handshake-confirmed')).toBe(true);
});

test('even a client with nothing in flight probes: the server might wait for credit (RFC 9002 §6.2.2.1)', () => {
  // the server acknowledges the ClientHello and says nothing else
  const pair = new Pair({ drop: (direction) => direction === 'down' });
  pair.run(10_000);
  const server = new ScriptedPeer(pair, 'server');
  server.send('initial', new Uint8Array([2, 0, 0, 0, 0]));
  expect(pair.connection.stats().bytesInFlight).toBe(0);
  const probe = server.wait(pair.client.nextTimeout());
  expect(probe.map((packet) => [packet.level, packet.datagram, packet.frames.map((frame) => frame.name)])).toEqual([
    ['initial', 1200, ['PING', 'PADDING']],
  ]);
});
