import { ByteWriter, concat, toHex } from '@quiclab/bytes';
import { retryIntegrityTag } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { LIMITS } from '@quiclab/quic';
import { type Address, SECOND, seededRandom } from '@quiclab/sansio';
import { serverHandshake, ticketKeeper } from '@quiclab/tls';
import {
  TransportErrorCode as Code,
  VERSION_1,
  VERSION_2,
  writePathChallenge,
  writePing,
  writeRetry,
  writeVersionNegotiation,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { CLIENT, certificate, Pair, text } from '../pair.ts';
import { established, findAll, frames, ScriptedPeer, sourceOf, writeStream } from '../scripted-peer.ts';

/** Somebody who sees datagrams, and sends his own in the name of others, but has no keys. RFC 9000 §21.1. */

const octets = (length: number, value = 0): Uint8Array => new Uint8Array(length).fill(value);
const random = seededRandom('forgeries');
const garbage = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  random.fill(bytes);
  return bytes;
};
const chain = (size: number): Uint8Array[] => [
  certificate.certificate,
  makeCertificate({ names: ['filler'], keyType: 'ed25519', notBefore: 0, notAfter: 4e15, random: seededRandom('chain'), padTo: size })
    .certificate,
];

describe('amplification with a long chain of certificates (RFC 9000 §8.1, §21.5.1)', () => {
  test.each([2_000, 20_000, 100_000])(
    'of %i octets: whoever never answers gets three times what came in his name, and is forgotten',
    (size) => {
      const pair = new Pair({ certificates: chain(size) });
      pair.settle();
      const { bytes } = pair.left[0]!;
      pair.flying = [];
      pair.deliver('up', bytes.slice());
      const run = (until: number): void => {
        while (pair.server.nextTimeout() <= until) {
          pair.now = Math.max(pair.now, pair.server.nextTimeout());
          pair.turnOnly('down');
        }
      };
      run(SECOND);
      // a second copy, and rubbish that is attributed to the connection, are worth three times as much again, and no more
      pair.deliver('up', bytes.slice());
      pair.deliver('up', Uint8Array.of(0xc0, 0, 0, 0, 1, 8, ...pair.connection.firstDestination, ...garbage(500)));
      run(pair.now + 60 * SECOND);
      const down = pair.left.filter(({ direction }) => direction === 'down').reduce((sum, one) => sum + one.bytes.length, 0);
      expect(down).toBeLessThanOrEqual(3 * (2 * bytes.length + 5 + 1 + 8 + 500));
      expect(pair.server.connections.size).toBe(0);
    },
  );
});

describe('stateless resets (RFC 9000 §10.3, §21.11)', () => {
  test('no oracle: nothing that is sent to an ID in use is answered by a reset', () => {
    const { pair, peer } = established('client');
    const issued = pair.left
      .filter(({ direction }) => direction === 'down')
      .flatMap(({ bytes }) => findAll(peer.open(bytes), 'NEW_CONNECTION_ID'));
    expect(issued.length).toBe(3);
    const elsewhere: Address = { host: '203.0.113.9', port: 4_433 };
    for (const destination of [peer.destination, ...issued.map((frame) => frame.connectionId)])
      for (const from of [CLIENT, elsewhere])
        for (const length of [22, 41, 43, 100, 1_200, 1_500]) {
          const bytes = Uint8Array.of(0x40, ...destination, ...garbage(length - 9));
          pair.receiveOnly('up', bytes, from);
          expect(pair.turnOnly('down')).toEqual([]);
        }
  });

  test('… and what an ID beside it is answered with says nothing about its token', () => {
    const { pair, peer } = established('client');
    const issued = pair.left
      .filter(({ direction }) => direction === 'down')
      .flatMap(({ bytes }) => findAll(peer.open(bytes), 'NEW_CONNECTION_ID'));
    const tokens = new Set(issued.map((frame) => toHex(frame.resetToken)));
    const seen = new Set<string>();
    for (const { connectionId } of issued)
      for (let bit = 0; bit < 64; bit++) {
        const beside = connectionId.slice();
        beside[bit >> 3]! ^= 1 << (bit & 7);
        const [reset] = pair.deliver('up', Uint8Array.of(0x40, ...beside, ...garbage(60)));
        seen.add(toHex(reset!.subarray(-16)));
      }
    expect(seen.size).toBe(64 * issued.length);
    expect([...seen].filter((token) => tokens.has(token))).toEqual([]);
  });

  test('no loop: each is smaller than what it answers, so that two who have forgotten do not go on for ever (§10.3.3)', () => {
    const { pair } = established('client');
    pair.server = pair.newServer();
    pair.client = new Pair({ seed: 9 }).newServer();
    let datagram = octets(1_200, 0x41);
    const sizes: number[] = [];
    for (let direction = 0; ; direction++) {
      const [answer] = pair.deliver(direction % 2 === 0 ? 'up' : 'down', datagram);
      pair.flying = [];
      if (answer === undefined) break;
      sizes.push(answer.length);
      datagram = answer.slice();
    }
    expect(sizes[0]).toBe(43);
    expect(sizes.at(-1)).toBe(21);
    expect(sizes.every((size, i) => i === 0 || size < sizes[i - 1]!)).toBe(true);
  });

  test('a forged one, of which the token is not known, ends nothing', () => {
    const { pair, victim } = established('server');
    for (let i = 0; i < 1_000; i++) pair.deliver('down', Uint8Array.of(0x40, ...garbage(42)));
    expect(victim.state).toBe('open');
  });
});

describe('a replayed first flight with early data (RFC 9001 §9.2)', () => {
  /** A request in 0-RTT was served, and the datagram that brought it copied. */
  function copied(): { pair: Pair; flight: Uint8Array } {
    const handshake = serverHandshake({
      provider: nodeProvider,
      certificates: [certificate.certificate],
      privateKey: certificate.privateKey,
      tickets: ticketKeeper({ provider: nodeProvider, random: seededRandom('tickets') }),
      earlyData: true,
    });
    const pair = new Pair({ serverPolicies: { handshake } }).handshake();
    pair.run(pair.now + SECOND);
    const session = pair.clientEvents.find((event) => event.type === 'session')!;
    pair.connection.close(pair.now, 0, '');
    pair.run(pair.now + 2 * SECOND);
    pair.connect({ session: session.data, earlyData: true });
    const stream = pair.connection.openStream('bidi')!;
    pair.connection.write(pair.now, stream, text('pay'));
    pair.connection.finish(stream);
    const before = pair.left.length;
    pair.run(pair.now + SECOND);
    expect(pair.clientEvents).toContainEqual(expect.objectContaining({ type: 'handshake-complete', earlyData: 'accepted' }));
    expect(pair.serverEvents).toContainEqual({ type: 'stream-opened', id: 0, early: true });
    const flight = pair.left[before]!.bytes;
    pair.connection.close(pair.now, 0, '');
    pair.run(pair.now + 2 * SECOND);
    expect(pair.server.connections.size).toBe(0);
    pair.serverEvents.length = 0;
    pair.flying = [];
    return { pair, flight };
  }
  const opened = (pair: Pair) => pair.serverEvents.filter((event) => event.type === 'stream-opened');

  test('is never taken a second time, however often it comes', () => {
    const { pair, flight } = copied();
    for (let i = 0; i < 50; i++) {
      pair.deliver('up', flight.slice());
      pair.flying = [];
      pair.run(pair.now + 40 * SECOND); // until that attempt is forgotten
      expect(opened(pair)).toEqual([]);
    }
    expect(pair.server.connections.size).toBe(0);
  });

  test('nor at a server that was started anew, and remembers nothing', () => {
    const { pair, flight } = copied();
    pair.server = pair.newServer();
    pair.deliver('up', flight.slice());
    expect(opened(pair)).toEqual([]);
  });
});

describe('a forged Retry (RFC 9000 §17.2.5.2, RFC 9001 §5.8)', () => {
  interface Forged {
    readonly version?: number;
    readonly destination?: Uint8Array;
    readonly source?: Uint8Array;
    readonly token?: Uint8Array;
    readonly tagFor?: Uint8Array;
  }
  const SOURCE = octets(8, 0xaa);
  /** Made by somebody who has seen the client's Initial, and so can make the tag. */
  function retry(pair: Pair, forged: Forged = {}): Uint8Array {
    const writer = ByteWriter.growable();
    const { version = VERSION_1, destination = sourceOf(pair, 'up')!, source = SOURCE, token = text('token') } = forged;
    writeRetry(writer, version, destination, source, token, 0);
    const tag = retryIntegrityTag(nodeProvider, version, forged.tagFor ?? pair.connection.firstDestination, writer.written());
    return Uint8Array.of(...writer.written(), ...tag);
  }
  const ignored: readonly (readonly [string, (pair: Pair) => Forged])[] = [
    ['with a wrong tag', () => ({ tagFor: octets(8) })],
    ['for another client', () => ({ destination: octets(8, 1) })],
    ['that names the ID that the client chose itself', (pair) => ({ source: pair.connection.firstDestination })],
    ['of another version', () => ({ version: VERSION_2 })],
    ['without a token', () => ({ token: octets(0) })],
  ];

  test.each(ignored)('%s is passed over', (_name, forged) => {
    const pair = new Pair();
    pair.settle();
    expect(pair.deliver('down', retry(pair, forged(pair)))).toEqual([]);
    expect(pair.clientObserver.drops.length + Object.keys(pair.client.drops).length).toBe(1);
    pair.handshake();
    expect(pair.connection.handshakeComplete).toBe(true);
  });

  test('after a valid packet is passed over, whatever it says', () => {
    const pair = new Pair();
    const first = pair.connection.firstDestination;
    pair.run(10_000);
    pair.deliver('down', pair.flying.shift()!.bytes);
    pair.deliver('down', retry(pair, { tagFor: first }));
    expect(pair.clientObserver.drops).toContain('retry');
    pair.handshake();
    expect(pair.connection.handshakeComplete).toBe(true);
  });

  test('a second one is passed over', () => {
    const pair = new Pair({ retry: 'always' });
    const first = pair.connection.firstDestination;
    pair.run(10_000);
    pair.deliver('down', pair.flying.shift()!.bytes);
    expect(pair.deliver('down', retry(pair, { tagFor: first }))).toEqual([]);
    expect(pair.clientObserver.drops).toEqual(['retry']);
    pair.handshake();
    expect(pair.connection.handshakeComplete).toBe(true);
  });

  test('that is as it should be is followed, and found out by the transport parameters: TRANSPORT_PARAMETER_ERROR (§7.3)', () => {
    const pair = new Pair();
    pair.settle();
    pair.flying = [];
    for (const bytes of pair.deliver('down', retry(pair))) expect(toHex(bytes.subarray(6, 14))).toBe(toHex(SOURCE));
    pair.run(2 * SECOND);
    expect(pair.connection.cause).toMatchObject({ kind: 'local-transport', code: Code.TRANSPORT_PARAMETER_ERROR });
  });
});

describe('a forged Version Negotiation (RFC 9000 §6.2, §21.12)', () => {
  const negotiation = (destination: Uint8Array, source: Uint8Array, versions: readonly number[]): Uint8Array => {
    const writer = ByteWriter.growable();
    writeVersionNegotiation(writer, destination, source, versions, 0);
    return writer.written().slice();
  };
  test.each([
    [
      'that lists the version that was tried',
      (pair: Pair) => negotiation(sourceOf(pair, 'up')!, pair.connection.firstDestination, [VERSION_1]),
    ],
    ['for another client', (pair: Pair) => negotiation(octets(8, 1), pair.connection.firstDestination, [VERSION_2])],
    ['from another server', (pair: Pair) => negotiation(sourceOf(pair, 'up')!, octets(8, 1), [VERSION_2])],
    ['cut short', (pair: Pair) => negotiation(sourceOf(pair, 'up')!, pair.connection.firstDestination, [VERSION_2]).subarray(0, 25)],
  ])('%s is passed over', (_name, make) => {
    const pair = new Pair();
    pair.settle();
    expect(pair.deliver('down', make(pair))).toEqual([]);
    pair.handshake();
    expect(pair.connection.version).toBe(VERSION_1);
  });

  test('after a valid packet is passed over, whatever it says', () => {
    const pair = new Pair();
    const first = pair.connection.firstDestination;
    pair.run(10_000);
    pair.deliver('down', pair.flying.shift()!.bytes);
    pair.deliver('down', negotiation(sourceOf(pair, 'up')!, first, [0xdead]));
    expect(pair.clientObserver.drops).toContain('invalid-version-negotiation');
    pair.handshake();
    expect(pair.connection.handshakeComplete).toBe(true);
  });

  test('that leaves no common version ends the attempt: whoever can do this could have dropped all packets as well', () => {
    const pair = new Pair();
    pair.settle();
    pair.deliver('down', negotiation(sourceOf(pair, 'up')!, pair.connection.firstDestination, [0xdead]));
    expect(pair.connection.cause).toEqual({ kind: 'version-mismatch', offered: VERSION_1, supported: [0xdead] });
  });
});

describe('rubbish coalesced behind a valid Initial (RFC 9000 §12.2)', () => {
  const other = octets(8, 0x77);
  const handshake = (destination: Uint8Array, length: number, source = other): Uint8Array =>
    concat(
      Uint8Array.of(0xe0, 0, 0, 0, 1, destination.length, ...destination, 8, ...source, 0x40 | (length >> 8), length & 255),
      garbage(length),
    );
  const twenty = (destination: Uint8Array, source: Uint8Array): Uint8Array =>
    concat(...Array.from({ length: 20 }, () => handshake(destination, 21, source)));
  const rubbish: readonly (readonly [string, (destination: Uint8Array, source: Uint8Array) => Uint8Array])[] = [
    ['octets', () => garbage(400)],
    ['zeros', () => octets(400)],
    ['a packet that ends before its length says', (destination) => handshake(destination, 400).subarray(0, 200)],
    ['a packet to somebody else', () => handshake(other, 200)],
    ['a packet to a connection ID that begins with ours', (destination) => handshake(Uint8Array.of(...destination, 0), 200)],
    ['a packet of another version', (destination) => Uint8Array.of(0xe0, 0xff, 0, 0, 9, 8, ...destination, 8, ...other, ...garbage(300))],
    ['Version Negotiation', (destination) => Uint8Array.of(0x80, 0, 0, 0, 0, 8, ...destination, 8, ...other, 0, 0, 0, 9)],
    ['Retry', (destination) => Uint8Array.of(0xf0, 0, 0, 0, 1, 8, ...destination, 8, ...other, ...garbage(40))],
    ['a short header', (destination) => Uint8Array.of(0x40, ...destination, ...garbage(100))],
    ['twenty packets whose keys will never fit', twenty],
  ];

  test.each(rubbish)('%s: at a server the handshake goes on as if it were not there', (_name, make) => {
    const pair = new Pair({
      impair: (direction, n, bytes) => [
        {
          late: 0,
          bytes:
            direction === 'up' && n === 1
              ? Uint8Array.of(...bytes, ...make(pair.connection.firstDestination, sourceOf(pair, 'up')!))
              : bytes,
        },
      ],
    });
    pair.handshake();
    expect([pair.connection.handshakeComplete, pair.accepted!.handshakeComplete]).toEqual([true, true]);
    expect(pair.server.connections.size).toBe(1);
    expect(pair.clientObserver.probes).toEqual([]);
  });

  test.each(rubbish)('%s: at a client, likewise', (_name, make) => {
    const pair = new Pair({
      impair: (direction, n, bytes) => [
        {
          late: 0,
          bytes: direction === 'down' && n === 1 ? Uint8Array.of(...bytes, ...make(sourceOf(pair, 'up')!, sourceOf(pair, 'down')!)) : bytes,
        },
      ],
    });
    pair.handshake();
    expect([pair.connection.handshakeComplete, pair.accepted!.handshakeComplete]).toEqual([true, true]);
  });

  test('a packet to a longer or a shorter connection ID than the first one is dropped, be it authentic', () => {
    const pair = new Pair();
    const first = pair.connection.firstDestination;
    pair.settle();
    const peer = new ScriptedPeer(pair, 'client');
    for (const destination of [concat(first, octets(1)), first.subarray(0, 7)]) {
      const front = peer.packet('initial', octets(1_200, 1)); // PINGs
      pair.receiveOnly('up', concat(front, peer.packet('initial', frames(writePing), { destination })));
    }
    expect(pair.serverObserver.drops).toEqual(['connection-id', 'connection-id']);
    expect(pair.serverObserver.received.length).toBe(2);
  });

  test('what waits for keys is little, however much of it comes', () => {
    const pair = new Pair();
    pair.settle();
    const [initial] = pair.flying.splice(0).map(({ bytes }) => bytes);
    const bytes = concat(initial!, twenty(pair.connection.firstDestination, sourceOf(pair, 'up')!));
    for (let i = 0; i < 100; i++) pair.receiveOnly('up', bytes.slice());
    const dropped = pair.serverObserver.drops.filter((reason) => reason === 'keys-unavailable' || reason === 'not-authentic');
    expect(dropped.length).toBeGreaterThanOrEqual(100 * 20 - LIMITS.undecryptablePackets.value);
  });
});

describe('from where a peer is not (RFC 9000 §9.3, §21.5)', () => {
  test('datagrams that are not authentic, from a thousand addresses, drive no path out that is tried', () => {
    const { pair, peer, victim } = established('client');
    const there: Address = { host: '10.0.0.1', port: 3_000 };
    pair.receiveOnly(
      'up',
      peer.packet(
        'application',
        frames((w) => writePathChallenge(w, octets(8, 5))),
      ),
      there,
    );
    for (let n = 0; n < 1_000; n++)
      pair.receiveOnly('up', Uint8Array.of(0x40, ...peer.destination, ...garbage(100)), { host: '203.0.113.7', port: n + 1 });
    const before = pair.left.length;
    peer.listen();
    const to = pair.left.slice(before).map((left) => left.to);
    expect(to.filter(({ port }) => port === there.port).length).toBe(1);
    expect(to.filter(({ host }) => host !== there.host)).toEqual([]);
    expect(victim.remote).toEqual(CLIENT);
  });

  test('a copy that comes first, from elsewhere, takes the connection away for no longer than the peer needs to be heard again (§9.3.3)', () => {
    const { pair, peer, victim } = established('client');
    const bytes = peer.packet(
      'application',
      frames((w) => w.octets(octets(1_000, 1))),
    );
    pair.receiveOnly('up', bytes.slice(), { host: '203.0.113.7', port: 7 });
    peer.sendDatagram(bytes); // the original comes second: a duplicate
    expect(victim.remote.host).toBe('203.0.113.7');
    const sent = pair.left.filter(({ to }) => to.host === '203.0.113.7').reduce((sum, one) => sum + one.bytes.length, 0);
    expect(sent).toBeLessThanOrEqual(3 * bytes.length);
    peer.send('application', writePing);
    expect(victim.remote).toEqual(CLIENT);
  });

  test('the ID that a client chose for itself is for nobody once the handshake is over (§7.2)', () => {
    const pair = new Pair().handshake();
    const first = pair.connection.firstDestination;
    const peer = new ScriptedPeer(pair, 'client');
    const write = (w: ByteWriter): void => writeStream(w, 0, 0, text('x'));
    peer.wait(pair.now + SECOND);
    expect(pair.server.drops['connection-id'] ?? 0).toBe(0);
    peer.send('application', write, { destination: first });
    expect(pair.server.drops['connection-id']).toBe(1);
    expect(pair.accepted!.stats().openStreams).toBe(0);
    peer.send('application', write);
    expect(pair.accepted!.stats().openStreams).toBe(1);
  });
});
