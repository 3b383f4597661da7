import { unpaced } from '@quiclab/congestion';
import { makeCertificate } from '@quiclab/crypto/node';
import { type Micros, seededRandom } from '@quiclab/sansio';
import { FrameType } from '@quiclab/wire';
import { expect, test } from 'vitest';
import { certificate, Pair, type PairOptions, type Sent, text } from './pair.ts';

const filler = (padTo: number): Uint8Array =>
  makeCertificate({ names: ['filler'], keyType: 'ed25519', notBefore: 0, notAfter: 4e15, random: seededRandom('filler'), padTo })
    .certificate;

test('unanswered Initials leave at 0, 0.999, 2.997 and 6.993 s, two datagrams each time but the first (RFC 9002 §6.2.1, §6.2.4)', () => {
  const pair = new Pair({ drop: () => true });
  pair.run(14_984_999);
  expect(pair.left.map((one) => one.at)).toEqual([0, 999_000, 999_000, 2_997_000, 2_997_000, 6_993_000, 6_993_000]);
  expect(pair.left.every((one) => one.bytes.length === 1200)).toBe(true);
  // each says the ClientHello again
  expect(
    pair.clientObserver.sent.every((packet) => packet.frames.some(([type, , offset]) => type === FrameType.CRYPTO && offset === 0)),
  ).toBe(true);
});

test('a ClientHello in two Initials is said again as a whole by the two datagrams of a probe', () => {
  const pair = new Pair({ padding: 1_500, drop: () => true });
  pair.run(1_000_000);
  const crypto = pair.clientObserver.sent.map((packet) => packet.frames.find(([type]) => type === FrameType.CRYPTO)!.slice(2));
  expect(crypto.slice(2)).toEqual(crypto.slice(0, 2));
});

/** When the first octet of the answer to a request is there. */
function firstAnswer(options: PairOptions): Micros {
  let at = -1;
  const pair = new Pair({
    ...options,
    use(pair, event) {
      if (event.type === 'handshake-complete') {
        const id = pair.connection.openStream('bidi')!;
        pair.connection.write(pair.now, id, text('GET /'));
        pair.connection.finish(id);
      }
      if (event.type === 'stream-readable' && at < 0) at = pair.now;
    },
    serve(pair, event) {
      if (event.type !== 'stream-readable') return;
      pair.accepted!.write(pair.now, event.id, text('answer'));
      pair.accepted!.finish(event.id);
    },
  });
  pair.run(5_000_000);
  return at;
}

test("the first octet of an answer comes after 2 RTT when the server's flight fits in three times the client's, else after 3 (RFC 9000 §8.1)", () => {
  expect(firstAnswer({ oneWayDelay: 50_000 })).toBe(200_000);
  expect(firstAnswer({ oneWayDelay: 50_000, certificates: [certificate.certificate, filler(2_000)] })).toBe(200_000);
  expect(firstAnswer({ oneWayDelay: 50_000, certificates: [certificate.certificate, filler(4_000)] })).toBe(300_000);
  expect(firstAnswer({ oneWayDelay: 12_345, certificates: [certificate.certificate, filler(4_000)] })).toBe(6 * 12_345);
});

test('the probe timeout of the Application space waits for confirmation (RFC 9002 §6.2.1)', () => {
  let confirmedAt = -1;
  const pair = new Pair({
    drop: (direction, n) => direction === 'up' && n >= 2 && n <= 6,
    use(pair, event) {
      if (event.type === 'handshake-confirmed') confirmedAt = pair.now;
      if (event.type === 'handshake-complete') pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('early'));
    },
  });
  pair.run(8_000_000);
  const before = pair.clientObserver.probes.filter((probe) => probe.at < confirmedAt);
  expect(before.length).toBeGreaterThan(1);
  expect(new Set(before.map((probe) => probe.level))).toEqual(new Set(['handshake']));
  expect(pair.readAll(pair.accepted!, 2).data).toBe('early');
});

test('what a client says after its Finished is said again with it, in the same datagrams (RFC 9002 §6.2.4)', () => {
  let readAt = -1;
  let completeAt = -1;
  const pair = new Pair({
    drop: (direction, n) => direction === 'up' && n >= 2 && n <= 6,
    use(pair, event) {
      if (event.type === 'handshake-complete') pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('early'));
    },
    serve(pair, event) {
      if (event.type === 'handshake-complete') completeAt = pair.now;
      if (event.type === 'stream-readable' && readAt < 0) readAt = pair.now;
    },
  });
  pair.run(8_000_000);
  expect(completeAt).toBeGreaterThan(20_000);
  expect(readAt).toBe(completeAt);
});

test('one RTT sample R: the client probes 3R plus max_ack_delay after its last packet (RFC 9002 §6.2.1)', () => {
  let blackout = false;
  const pair = new Pair({ oneWayDelay: 50_000, drop: () => blackout }).handshake();
  pair.run(1_000_000);
  blackout = true;
  const { smoothedRtt } = pair.connection.stats();
  expect(smoothedRtt).toBe(100_000);
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('lost'));
  pair.run(1_900_000);
  const [first, second] = pair.clientObserver.probes.slice(-2);
  // the variation has shrunk with every sample of the same value, but never is the timeout below its parts
  const timeout = first!.at - 1_000_000;
  expect(timeout).toBeGreaterThan(100_000 + 25_000);
  expect(second!.at - first!.at).toBe(2 * timeout); // and it doubles from there
});

const MEGABYTE = 1 << 20;
const ROOMY = { initialMaxData: 64 * MEGABYTE, initialMaxStreamData: 64 * MEGABYTE, sendBuffer: 64 * MEGABYTE };

/** A pair whose client has 4 MiB to send from 1 s on. */
function upload(options: PairOptions): Pair {
  const pair = new Pair({ oneWayDelay: 50_000, config: ROOMY, ...options }).handshake();
  pair.run(1_000_000);
  expect(pair.connection.stats().bytesInFlight).toBe(0);
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, new Uint8Array(4 * MEGABYTE));
  return pair;
}

const dataPackets = (pair: Pair): Sent[] =>
  pair.clientObserver.sent.filter((packet) => packet.at >= 1_000_000 && packet.frames.some(([type]) => (type! & ~1) === FrameType.STREAM));

/** Octets in packets with stream data, cumulatively, by round trip of 100 ms. */
function rounds(options: PairOptions, count: number): number[] {
  const pair = upload(options);
  pair.run(1_000_000 + 100_000 * count - 1);
  const data = dataPackets(pair);
  return Array.from({ length: count }, (_, round) =>
    data.filter((packet) => packet.at < 1_000_000 + 100_000 * (round + 1)).reduce((sum, packet) => sum + packet.bytes, 0),
  );
}

test('slow start without a pacer doubles each round: 12,000, 36,000, 84,000, 180,000 octets (RFC 9002 §7.3.1)', () => {
  expect(rounds({ policies: { pacer: () => unpaced } }, 4)).toEqual([12_000, 36_000, 84_000, 180_000]);
});

test('slow start with the pacer: the same in each round, but spread out (RFC 9002 §7.7)', () => {
  expect(rounds({}, 4)).toEqual([12_000, 36_000, 84_000, 180_000]);
  // when the packets of the second round leave, in µs since the first data left
  const pair = upload({});
  pair.run(1_200_000 - 1);
  const bursts = new Map<number, number>();
  for (const { at } of dataPackets(pair)) if (at >= 1_100_000) bursts.set(at - 1_000_000, (bursts.get(at - 1_000_000) ?? 0) + 1);
  expect([...bursts].map(([at, packets]) => `${packets} at ${at}`).join(', ')).toMatchInlineSnapshot(
    `"2 at 100000, 1 at 102632, 1 at 105264, 1 at 107895, 1 at 110527, 1 at 113158, 1 at 115790, 1 at 118422, 1 at 121053, 1 at 123685, 1 at 126316, 1 at 128948, 1 at 131448, 1 at 133948, 1 at 136448, 1 at 138948, 1 at 141448, 1 at 143948, 1 at 146448"`,
  );
});

test('a window that is not used does not grow (RFC 9002 §7.8)', () => {
  const pair = new Pair({ config: ROOMY }).handshake();
  pair.run(1_000_000);
  const before = pair.connection.stats().congestionWindow;
  const id = pair.connection.openStream('uni')!;
  for (let i = 0; i < 50; i++) {
    pair.connection.write(pair.now, id, new Uint8Array(1_000));
    pair.run(pair.now + 50_000);
  }
  expect(pair.connection.stats().congestionWindow).toBe(before);
});

test('everything lost for three probe timeouts is persistent congestion: the window falls to two datagrams (RFC 9002 §7.6)', () => {
  let blackout = false;
  const pair = new Pair({ oneWayDelay: 50_000, config: ROOMY, drop: () => blackout }).handshake();
  pair.run(1_000_000);
  const id = pair.connection.openStream('uni')!;
  pair.connection.write(pair.now, id, new Uint8Array(200_000));
  pair.run(1_250_000);
  expect(pair.connection.stats().congestionWindow).toBeGreaterThan(12_000);
  blackout = true;
  pair.run(4_000_000);
  blackout = false;
  let least = Number.POSITIVE_INFINITY;
  pair.run(30_000_000, () => {
    least = Math.min(least, pair.connection.stats().congestionWindow);
    return true;
  });
  expect(least).toBe(2_400);
  // and all of it arrives all the same
  let octets = 0;
  for (let piece = pair.accepted!.read(pair.now, id); piece !== undefined; piece = pair.accepted!.read(pair.now, id))
    octets += piece.data.length;
  expect(octets).toBe(200_000);
});

test('a loss of one packet is no persistent congestion', () => {
  let losing = false;
  const pair = new Pair({
    oneWayDelay: 50_000,
    config: ROOMY,
    drop: (direction) => direction === 'up' && losing && !(losing = false),
  }).handshake();
  pair.run(1_000_000);
  losing = true;
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, new Uint8Array(100_000));
  let least = Number.POSITIVE_INFINITY;
  pair.run(5_000_000, () => {
    least = Math.min(least, pair.connection.stats().congestionWindow);
    return true;
  });
  expect(pair.clientObserver.lost).toHaveLength(1);
  expect(least).toBeGreaterThanOrEqual(6_000);
});
