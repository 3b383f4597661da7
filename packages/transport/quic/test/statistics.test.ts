import type { ConnectionStats } from '@quiclab/quic';
import { SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { CLIENT, Pair, type PairOptions, SERVER, type Sent, text } from './pair.ts';

// What the statistics say is what an observer, and the world, have counted. RFC 9002 §6, RFC 9000 §8, §9.

const DELAY = 10_000;
const octets = (packets: readonly Sent[]): number => packets.reduce((sum, { bytes }) => sum + bytes, 0);
/** Packets whose fate nobody will tell: their keys were discarded (RFC 9002 §6.4), or nothing in them wants an answer. */
const untold = ({ packetsSent, packetsAcknowledged, packetsLost, spuriousLosses }: ConnectionStats): number =>
  packetsSent - packetsAcknowledged - packetsLost + spuriousLosses;

/** A client that has sent 20,000 octets, which were read; everything has come to rest. */
function transferred(options: PairOptions = {}): Pair {
  const pair = new Pair({
    oneWayDelay: DELAY,
    config: { maxDatagramFrameSize: 65_535 },
    serve(one, event) {
      if (event.type === 'stream-readable') one.readAll(one.accepted!, event.id);
    },
    ...options,
  });
  pair.handshake();
  const id = pair.connection.openStream('uni')!;
  expect(pair.connection.write(pair.now, id, new Uint8Array(20_000))).toBe(20_000);
  pair.connection.finish(id);
  pair.run(pair.now + 5 * SECOND);
  return pair;
}

describe('a transfer over a path that loses nothing', () => {
  const pair = transferred();
  const [client, server] = [pair.connection.stats(), pair.accepted!.stats()];

  test('packets, datagrams and octets are those that left and came', () => {
    for (const [stats, observer, direction] of [
      [client, pair.clientObserver, 'up'],
      [server, pair.serverObserver, 'down'],
    ] as const) {
      expect([stats.packetsSent, stats.packetsReceived]).toEqual([observer.sent.length, observer.received.length]);
      expect([stats.packetsDropped, stats.packetsLost, stats.bytesLost, stats.probes]).toEqual([0, 0, 0, 0]);
      expect(stats.datagramsSent).toBe(pair.datagrams[direction]);
      expect(stats.bytesSent).toBe(octets(observer.sent));
      expect(stats.bytesSent).toBe(
        pair.left.filter((one) => one.direction === direction).reduce((sum, { bytes }) => sum + bytes.length, 0),
      );
    }
    expect([client.datagramsReceived, client.bytesReceived, client.packetsReceived]).toEqual([
      server.datagramsSent,
      server.bytesSent,
      server.packetsSent,
    ]);
    expect([server.datagramsReceived, server.bytesReceived, server.packetsReceived]).toEqual([
      client.datagramsSent,
      client.bytesSent,
      client.packetsSent,
    ]);
  });

  test('what is not acknowledged was of keys that were discarded, or wanted no answer', () => {
    const ackOnly = (packet: Sent): boolean => !packet.ackEliciting && packet.level === 'application';
    for (const [stats, observer] of [
      [client, pair.clientObserver],
      [server, pair.serverObserver],
    ] as const) {
      const discardable = observer.sent.filter((packet) => packet.level !== 'application' || ackOnly(packet)).length;
      expect(untold(stats)).toBeGreaterThanOrEqual(0);
      expect(untold(stats)).toBeLessThanOrEqual(discardable);
      expect(stats.bytesInFlight).toBe(0);
      expect(stats.bytesAcknowledged).toBeLessThanOrEqual(stats.bytesSent);
    }
    const data = pair.clientObserver.sent.filter(({ level, ackEliciting }) => level === 'application' && ackEliciting);
    expect(client.packetsAcknowledged).toBeGreaterThanOrEqual(data.length);
    expect(client.bytesAcknowledged).toBeGreaterThanOrEqual(octets(data));
  });

  test('the handshake took one round trip at the client, one and a half at the server; both times are instants', () => {
    expect([client.startedAt, client.handshakeCompletedAt, client.handshakeConfirmedAt]).toEqual([0, 2 * DELAY, 4 * DELAY]);
    expect([server.startedAt, server.handshakeCompletedAt, server.handshakeConfirmedAt]).toEqual([DELAY, 3 * DELAY, 3 * DELAY]);
  });

  test('the round-trip time is that of the path', () => {
    for (const stats of [client, server]) expect(stats.minRtt).toBe(2 * DELAY);
    expect(client.latestRtt).toBeGreaterThanOrEqual(2 * DELAY);
    expect(client.smoothedRtt).toBeGreaterThanOrEqual(2 * DELAY);
    expect(client.congestionWindow).toBeGreaterThan(12_000);
    expect(client.pacingRate).toBeGreaterThan(0);
  });

  test('there is one path, with the same figures, and both ends know that the other is there', () => {
    for (const [stats, local, remote] of [
      [client, CLIENT, SERVER],
      [server, SERVER, CLIENT],
    ] as const) {
      expect(stats.paths.length).toBe(1);
      const { datagramsSent, datagramsReceived, packetsSent, packetsReceived, packetsAcknowledged, bytesAcknowledged } = stats;
      const { bytesSent, bytesReceived, smoothedRtt, latestRtt, rttVariation, minRtt, congestionWindow } = stats;
      expect(stats.paths[0]).toEqual({
        ...{ id: 0, local, remote, active: true, validation: 'validated', amplificationBudget: Number.POSITIVE_INFINITY },
        ...{ mtuDiscovery: 'off', mtuProbesSent: 0, mtuProbesLost: 0, blackHoles: 0 },
        ...{ maxDatagramSize: 1200, datagramsSent, datagramsReceived, packetsSent, packetsReceived, packetsAcknowledged },
        ...{ packetsLost: 0, bytesAcknowledged, bytesLost: 0, bytesSent, bytesReceived },
        ...{ smoothedRtt, latestRtt, rttVariation, minRtt, congestionWindow },
        ecn: expect.objectContaining({ state: 'unsupported', marked: 0 }),
      });
    }
  });

  test('keys, version, early data', () => {
    expect(client).toMatchObject({ version: 1, keyUpdates: 0, earlyData: 'none', ptoCount: 0, openStreams: 0 });
    pair.connection.updateKeys();
    pair.connection.ping();
    pair.run(pair.now + SECOND);
    expect([pair.connection.stats().keyUpdates, pair.accepted!.stats().keyUpdates]).toEqual([1, 1]);
  });
});

test('three datagrams that are dropped are three packets lost, with their octets', () => {
  const drops = [6, 7, 12];
  const pair = transferred({ drop: (direction, n) => direction === 'up' && drops.includes(n) });
  const stats = pair.connection.stats();
  const gone = pair.clientObserver.sent.filter(({ datagram }) => drops.includes(datagram + 1));
  expect(gone.length).toBe(3);
  expect(gone.every(({ level, ackEliciting }) => level === 'application' && ackEliciting)).toBe(true);
  expect([stats.packetsLost, stats.bytesLost, stats.spuriousLosses]).toEqual([3, octets(gone), 0]);
  expect(stats.paths[0]).toMatchObject({ packetsLost: 3, bytesLost: octets(gone) });
  expect(pair.clientObserver.lost).toEqual(gone.map(({ packetNumber }) => packetNumber));
  expect(pair.accepted!.stats().datagramsReceived).toBe(stats.datagramsSent - 3);
});

test('a packet that comes late is lost, acknowledged, and counted as a spurious loss', () => {
  const pair = transferred({ impair: (direction, n, bytes) => [{ late: direction === 'up' && n === 8 ? 15_000 : 0, bytes }] });
  const { packetsLost, spuriousLosses } = pair.connection.stats();
  expect([packetsLost, spuriousLosses]).toEqual([1, 1]);
  expect(pair.accepted!.stats().packetsReceived).toBe(pair.connection.stats().packetsSent);
});

test('probes and probe timeouts are counted while nothing comes back, and the count of timeouts starts over (RFC 9002 §6.2)', () => {
  let silent = false;
  const pair = transferred({ drop: () => silent });
  const before = pair.connection.stats();
  silent = true;
  pair.connection.ping();
  pair.run(pair.now + SECOND / 5);
  const { probes, ptoCount } = pair.connection.stats();
  expect(ptoCount).toBe(pair.clientObserver.probes.length);
  expect(ptoCount).toBeGreaterThan(1);
  expect(probes - before.probes).toBe(2 * ptoCount);
  silent = false;
  pair.run(pair.now + 5 * SECOND);
  expect(pair.connection.stats()).toMatchObject({ ptoCount: 0, bytesInFlight: 0 });
});

test('DATAGRAM frames: sent, acknowledged, lost, received, dropped (RFC 9221 §5.2)', () => {
  let losing = false;
  const pair = transferred({ drop: (direction) => direction === 'up' && losing });
  for (const data of ['one', 'two', 'three']) {
    expect(pair.connection.sendDatagram(text(data))).toBeGreaterThanOrEqual(0);
    losing = data === 'two';
    pair.settle();
    losing = false;
    pair.run(pair.now + SECOND);
  }
  expect(pair.connection.stats()).toMatchObject({ datagramFramesSent: 3, datagramFramesAcknowledged: 2, datagramFramesLost: 1 });
  expect(pair.accepted!.stats()).toMatchObject({ datagramFramesReceived: 2, datagramFramesDropped: 0, datagramFramesSent: 0 });
});

test('a packet that nobody can read is counted as dropped, not as received', () => {
  const pair = transferred();
  const before = pair.accepted!.stats();
  const rubbish = pair.left
    .filter(({ direction }) => direction === 'up')
    .at(-1)!
    .bytes.slice();
  rubbish[rubbish.length - 1]! ^= 1;
  pair.deliver('up', rubbish);
  const { packetsDropped, packetsReceived, datagramsReceived } = pair.accepted!.stats();
  expect([packetsDropped, packetsReceived, datagramsReceived]).toEqual([1, before.packetsReceived, before.datagramsReceived + 1]);
});
