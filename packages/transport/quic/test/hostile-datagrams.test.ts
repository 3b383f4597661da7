import { seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { CLIENT, Pair, SERVER, text } from './pair.ts';
import { ScriptedPeer } from './scripted-peer.ts';

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};

test('a first Initial with any one bit flipped begins no connection (RFC 9000 §5.2.2, RFC 9001 §5.2)', () => {
  const pair = new Pair();
  pair.settle();
  const [initial] = pair.left.map((left) => left.bytes);
  for (let bit = 0; bit < 8 * initial!.length; bit++) {
    const datagram = { bytes: flipped(initial!, bit), length: initial!.length, local: SERVER, remote: CLIENT, ecn: 0 as const };
    pair.server.receive(0, datagram);
    if (pair.server.connections.size !== 0) throw new Error(`bit ${bit} begins a connection`);
  }
  expect(pair.server.pollEvent()).toBeUndefined();
  // some of them are of another version: that is said, to so many at once
  expect(pair.turnOnly('down').length).toBe(32);
  expect(pair.server.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  pair.handshake();
  expect(pair.accepted!.handshakeComplete).toBe(true);
});

test("the server's first datagram with any one bit flipped does not keep the real one from being understood", () => {
  const pair = new Pair();
  pair.run(10_000);
  const { bytes } = pair.left.find((left) => left.direction === 'down')!;
  for (let bit = 0; bit < 8 * bytes.length; bit++)
    pair.client.receive(pair.now, { bytes: flipped(bytes, bit), length: bytes.length, local: CLIENT, remote: SERVER, ecn: 0 });
  expect(pair.connection.state).toBe('open');
  pair.handshake();
  expect(pair.connection.handshakeComplete && pair.accepted!.handshakeComplete).toBe(true);
});

test('any one bit flipped in a packet of an established connection makes it worthless (RFC 9001 §5)', () => {
  const pair = new Pair().handshake();
  pair.run(pair.now + 1_000_000);
  const client = new ScriptedPeer(pair, 'client');
  const packet = client.packet('application', new Uint8Array([0x0a, 0, 5, ...text('hello')]));
  const before = pair.serverObserver.received.length;
  for (let bit = 0; bit < 8 * packet.length; bit++) pair.deliver('up', flipped(packet, bit));
  expect(pair.serverObserver.received.length).toBe(before);
  expect(pair.accepted!.stats().openStreams).toBe(0);
  client.sendDatagram(packet);
  expect(pair.readAll(pair.accepted!, 0).data).toBe('hello');
});

test('a packet that comes twice is taken once (RFC 9000 §12.3)', () => {
  const pair = new Pair({
    impair: (_direction, _n, bytes) => [
      { late: 0, bytes },
      { late: 500, bytes: bytes.slice() },
    ],
  }).handshake();
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('once'));
  pair.run(pair.now + 1_000_000);
  expect(pair.readAll(pair.accepted!, 2).data).toBe('once');
  expect(pair.serverObserver.drops.filter((reason) => reason === 'duplicate').length).toBeGreaterThan(1);
  const numbers = pair.serverObserver.received.map((packet) => `${packet.level} ${packet.packetNumber}`);
  expect(new Set(numbers).size).toBe(numbers.length);
});

describe('packets whose keys are not there', () => {
  test('are read when their keys come: the datagrams of a handshake in any order', () => {
    // the server's flight in three datagrams, with application data behind it
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const pair = new Pair({
        impair: (direction, n, bytes) => [{ late: direction === 'down' && n <= 3 ? 1_000 * order[n - 1]! : 0, bytes }],
        serve(pair, event) {
          if (event.type !== 'handshake-complete') return;
          pair.accepted!.write(pair.now, pair.accepted!.openStream('uni')!, text('early'));
        },
      });
      pair.run(900_000);
      expect([order, pair.clientEvents.some((event) => event.type === 'handshake-confirmed'), pair.clientObserver.probes.length]).toEqual([
        order,
        true,
        0,
      ]);
      expect(pair.readAll(pair.connection, 3).data).toBe('early');
    }
  });
});

test('garbage of every length, in every state, costs nothing but its reading', () => {
  const states: readonly (readonly [string, () => Pair])[] = [
    ['nothing has happened', () => new Pair()],
    [
      'in the middle of a handshake',
      () => {
        const pair = new Pair();
        pair.run(10_000);
        return pair;
      },
    ],
    ['established', () => new Pair().handshake()],
    [
      'closing',
      () => {
        const pair = new Pair().handshake();
        pair.connection.close(pair.now, 0, '');
        pair.accepted!.close(pair.now, 0, '');
        pair.settle();
        pair.flying = [];
        return pair;
      },
    ],
  ];
  for (const [name, make] of states) {
    const pair = make();
    const random = seededRandom(`garbage/${name}`);
    const before = {
      client: pair.connection.state,
      server: pair.accepted?.state,
      events: pair.clientEvents.length + pair.serverEvents.length,
    };
    let answers = 0;
    for (let length = 1; length < 1_500; length++) {
      const bytes = new Uint8Array(length);
      random.fill(bytes);
      answers += pair.deliver(length % 2 === 0 ? 'up' : 'down', bytes).length;
    }
    pair.flying = [];
    // stateless resets for what looks like 1-RTT packets, Version Negotiation for what looks like another version, each smaller than what it answers
    expect(answers).toBeLessThan(1_500);
    expect({
      client: pair.connection.state,
      server: pair.accepted?.state,
      events: pair.clientEvents.length + pair.serverEvents.length,
    }).toEqual(before);
  }
});
