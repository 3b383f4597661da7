import { makeCertificate } from '@quiclab/crypto/node';
import { integerBelow, NEVER, seededRandom } from '@quiclab/sansio';
import { writePadding, writePing } from '@quiclab/wire';
import { expect, test } from 'vitest';
import { Deadlines } from '../src/endpoint/deadlines.ts';
import { certificate, Pair, type PairOptions, text } from './pair.ts';
import { find, ScriptedPeer, writeSimpleAck } from './scripted-peer.ts';

const filler = makeCertificate({
  names: ['filler'],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 4e15,
  random: seededRandom('filler'),
  padTo: 900,
}).certificate;

function scripted(options: PairOptions = {}): { pair: Pair; client: ScriptedPeer; server: Pair['connection'] } {
  const pair = new Pair(options).handshake();
  pair.run(pair.now + 1_000_000);
  const client = new ScriptedPeer(pair, 'client');
  client.send('application', writePing); // the gap in packet numbers before it is acknowledged at once
  return { pair, client, server: pair.accepted! };
}

test('every second packet that elicits an ACK gets one at once, a single one after max_ack_delay (RFC 9000 §13.2.1, §13.2.2)', () => {
  const { pair, client } = scripted();
  expect(client.send('application', writePing)).toEqual([]);
  expect(find(client.send('application', writePing), 'ACK')!.largest).toBe(1_002);
  expect(client.send('application', writePing)).toEqual([]);
  const at = pair.now;
  expect(client.wait(at + 24_999)).toEqual([]);
  expect(find(client.wait(at + 25_000), 'ACK')!.largest).toBe(1_003);
});

test('no policy holds an ACK back longer than our max_ack_delay says (RFC 9000 §13.2.1)', () => {
  const { pair, client } = scripted({ serverConfig: { maxAckDelay: 5_000 } });
  const at = pair.now;
  client.send('application', writePing);
  expect(find(client.wait(at + 5_000), 'ACK')!.largest).toBe(1_001);
});

test('a gap is told at once, and what fills it (RFC 9000 §13.2.1)', () => {
  const { client } = scripted();
  const gap = find(client.send('application', writePing, { packetNumber: 1_003 }), 'ACK')!;
  expect(gap.ranges.slice(0, 2)).toEqual([
    [1_003, 1_003],
    [1_000, 1_000],
  ]);
  const filled = find(client.send('application', writePing, { packetNumber: 1_001 }), 'ACK')!;
  expect(filled.ranges[1]).toEqual([1_000, 1_001]);
});

test('what elicits no ACK gets none, or two ends would never fall silent (RFC 9000 §13.2.1)', () => {
  const { pair, client } = scripted();
  for (let i = 0; i < 10; i++) {
    expect(client.send('application', (w) => writePadding(w, 10))).toEqual([]);
    expect(client.send('application', (w) => writeSimpleAck(w, 1, 1))).toEqual([]);
  }
  expect(client.wait(pair.now + 1_000_000)).toEqual([]);
});

test('an ACK rides along with whatever leaves', () => {
  const { pair, client, server } = scripted();
  client.send('application', writePing);
  server.write(pair.now, server.openStream('uni')!, text('by the way'));
  const [packet] = client.wait(pair.now);
  expect(packet!.frames.map((frame) => frame.name)).toEqual(['ACK', 'STREAM']);
});

test('ranges that the peer knows of are not said again (RFC 9000 §13.2.4)', () => {
  const { pair, client, server } = scripted();
  for (let n = 1_010; n < 1_060; n += 2) client.send('application', writePing, { packetNumber: n });
  server.write(pair.now, server.openStream('uni')!, text('something to acknowledge'));
  const before = client.send('application', writePing, { packetNumber: 1_060 });
  expect(find(before, 'ACK')!.ranges.length).toBe(28);
  client.ackAll();
  const after = client.send('application', writePing, { packetNumber: 1_070 });
  expect(find(after, 'ACK')!.ranges.length).toBeLessThan(4);
});

test('an ACK says no more ranges than are of use: 32 (RFC 9000 §13.2.3)', () => {
  const { client } = scripted();
  let last = client.heard;
  for (let n = 1_010; n < 1_400; n += 2) last = client.send('application', writePing, { packetNumber: n });
  expect(find(last, 'ACK')!.ranges.length).toBe(32);
});

test("a datagram is no larger than the peer's max_udp_payload_size (RFC 9000 §18.2)", () => {
  const pair = new Pair({ config: { datagramSize: 1_452 }, serverConfig: { maxUdpPayloadSize: 1_300 } }).handshake();
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, new Uint8Array(100_000));
  const before = pair.left.length;
  pair.run(pair.now + 1_000_000);
  const sizes = pair.left
    .slice(before)
    .filter((left) => left.direction === 'up')
    .map((left) => left.bytes.length);
  expect(Math.max(...sizes)).toBe(1_300);
});

test('a probe brings along what is in flight in the other space of the handshake (RFC 9002 §6.2.4)', () => {
  const pair = new Pair({ drop: (direction, n) => direction === 'down' && n <= 2, certificates: [certificate.certificate, filler] });
  pair.run(2_000_000, () => pair.serverObserver.probes.length === 0);
  const { at } = pair.serverObserver.probes[0]!;
  const probe = pair.serverObserver.sent.filter((packet) => packet.at === at);
  expect(new Set(probe.map((packet) => packet.level))).toEqual(new Set(['initial', 'handshake']));
});

test('the heap of deadlines always knows the least of them', () => {
  const random = seededRandom('heap');
  const heap = new Deadlines();
  type Entry = Parameters<Deadlines['set']>[0];
  const entries = Array.from({ length: 60 }, () => ({ heapIndex: -1, heapDeadline: NEVER }) as Entry);
  for (let step = 0; step < 5_000; step++) {
    const entry = entries[integerBelow(random, entries.length)]!;
    if (integerBelow(random, 4) === 0) {
      heap.remove(entry);
      entry.heapDeadline = NEVER;
    } else heap.set(entry, integerBelow(random, 5) === 0 ? NEVER : integerBelow(random, 1_000));
    const least = Math.min(...entries.map((one) => one.heapDeadline));
    expect(heap.least).toBe(least);
    expect(heap.first?.heapDeadline ?? NEVER).toBe(least);
  }
});
