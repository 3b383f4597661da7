import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { LinkObserver, type LinkPacket } from '@quiclab/impair';
import { type Host, World } from '@quiclab/netsim';
import {
  type Connection,
  type ConnectionEvent,
  Endpoint,
  type EndpointEvent,
  Observer,
  type PacketView,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import { type Address, type Micros, SECOND, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { FrameType } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '198.51.100.1', port: 443 };
const certificate = makeCertificate({
  names: ['server.test'],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 4e15,
  random: seededRandom('certificate'),
});
const LINK = { delay: 15_000, rate: 10e6, queue: { packets: 25 } };
const SIZE = 3_000_000;

class Frames extends Observer {
  /** What was sent: on which path, with which frame types. */
  readonly sent: { readonly at: Micros; readonly path: number; readonly types: readonly number[]; readonly bytes: number }[] = [];
  override packetSent(at: Micros, packet: PacketView): void {
    const types = Array.from({ length: packet.frames.length }, (_, i) => packet.frames.type(i));
    this.sent.push({ at, path: packet.path, types, bytes: packet.bytes });
  }
}

/** Notes where datagrams of the server go. */
class Destinations extends LinkObserver {
  readonly to: { readonly at: Micros; readonly to: Address; readonly bytes: number }[] = [];
  override entered(at: Micros, packet: LinkPacket): void {
    this.to.push({ at, to: packet.to, bytes: packet.bytes.length });
  }
}

/** A download of `SIZE` octets, during which `disturb` may do what it likes. */
function download(
  disturb: (world: World, client: Host, connection: Connection) => void,
  serverConfig: Partial<TransportConfig> = {},
  seed = 1,
) {
  const down = new Destinations();
  const frames = { client: new Frames(), server: new Frames() };
  const random = seededRandom(seed);
  const world = new World({ random, observer: (link) => (link === 'down' ? down : undefined) });
  const policies = { crypto: nodeProvider };
  const client = new Endpoint({
    policies: {
      ...standardPolicies({
        ...policies,
        random: random.fork('client'),
        handshake: clientHandshake({ provider: nodeProvider, trust: { ca: [certificate.certificate] } }),
      }),
      observer: () => frames.client,
    },
  });
  const server = new Endpoint({
    policies: {
      ...standardPolicies({
        ...policies,
        random: random.fork('server'),
        handshake: serverHandshake({ provider: nodeProvider, certificates: [certificate.certificate], privateKey: certificate.privateKey }),
      }),
      observer: () => frames.server,
    },
    config: serverConfig,
    accept: { alpn: ['test'] },
  });
  const connection = client.connect(0, { remote: SERVER, local: CLIENT, serverName: 'server.test', alpn: ['test'] });
  const events: ConnectionEvent[] = [];
  const serverEvents: ConnectionEvent[] = [];
  let received = 0;
  let done = false;
  const onClient = ({ type, connection: one }: EndpointEvent, now: Micros): void => {
    if (type !== 'active') return;
    for (let event = one.pollEvent(); event !== undefined; event = one.pollEvent()) {
      events.push(event);
      if (event.type === 'handshake-confirmed') {
        const id = one.openStream('bidi')!;
        one.write(now, id, new Uint8Array([1]));
        one.finish(id);
      }
      if (event.type !== 'stream-readable') continue;
      for (let piece = one.read(now, event.id); piece !== undefined; piece = one.read(now, event.id)) {
        received += piece.data.length;
        done ||= piece.fin;
      }
    }
  };
  const content = new Uint8Array(SIZE);
  const written = new Map<number, number>();
  const onServer = ({ type, connection: one }: EndpointEvent, now: Micros): void => {
    if (type !== 'active') return;
    for (let event = one.pollEvent(); event !== undefined; event = one.pollEvent()) {
      serverEvents.push(event);
      if (event.type !== 'stream-readable' && event.type !== 'stream-writable') continue;
      if (event.type === 'stream-readable') while (one.read(now, event.id) !== undefined);
      const before = written.get(event.id) ?? 0;
      const after = before + one.write(now, event.id, content.subarray(before));
      written.set(event.id, after);
      if (after === SIZE) one.finish(event.id);
    }
  };
  const clientHost = world.addHost({ address: CLIENT, machine: client, handle: onClient });
  const serverHost = world.addHost({ address: SERVER, machine: server, handle: onServer });
  world.connect(clientHost, serverHost, LINK, LINK);
  clientHost.turn();
  // a client that only listens would not notice that nothing reaches it any more (§10.1.2)
  const ping = (): void => {
    connection.ping();
    clientHost.turn();
    if (!done) world.at(world.now + SECOND / 4, ping);
  };
  world.at(SECOND / 4, ping);
  disturb(world, clientHost, connection);
  world.run({ until: 60 * SECOND, while: () => !done });
  return { received, done, events, serverEvents, frames, down, world, connection, server };
}

const hasChallenge = (types: readonly number[]): boolean => types.includes(FrameType.PATH_CHALLENGE);

describe("the peer's address changes under its feet (RFC 9000 §9.3)", () => {
  const rebinds = [1 * SECOND, 2 * SECOND];
  const away: Record<string, (n: number) => Address> = {
    port: (n) => ({ host: CLIENT.host, port: CLIENT.port + n }),
    address: (n) => ({ host: `192.0.2.${10 + n}`, port: CLIENT.port }),
  };

  test.each(['port', 'address'])('another %s: the transfer goes on, and every new address is validated first', (what) => {
    const { received, done, serverEvents, frames, down } = download((world, client) => {
      for (const [n, at] of rebinds.entries()) world.at(at, () => client.rebind(away[what]!(n + 1)));
    });
    expect(done).toBe(true);
    expect(received).toBe(SIZE);
    expect(serverEvents.filter((event) => event.type === 'path-changed').length).toBe(2);
    for (const n of rebinds.keys()) {
      const to = away[what]!(n + 1);
      const first = down.to.find((one) => one.to.host === to.host && one.to.port === to.port)!;
      const packet = frames.server.sent.find((one) => one.at === first.at && one.path > n)!;
      expect(hasChallenge(packet.types), `first packet to ${to.host}:${to.port}`).toBe(true);
      // as large as the amplification limit lets it be; then again at full size (§8.2.1)
      const large = frames.server.sent.filter((one) => one.at > first.at && one.at < first.at + SECOND && hasChallenge(one.types));
      expect(large.some(({ bytes }) => bytes === 1200)).toBe(true);
    }
    expect(frames.client.sent.filter(({ types }) => types.includes(FrameType.PATH_RESPONSE)).length).toBeGreaterThanOrEqual(2);
  });

  test('until it is validated, no more than three times what came from the new address goes there (§9.3.1)', () => {
    const to = { host: '192.0.2.77', port: 9 };
    const { done, down, connection } = download((world, client) => {
      world.at(SECOND, () => client.rebind(to));
    });
    expect(done).toBe(true);
    const sent = down.to.filter((one) => one.to.host === to.host);
    // what came before the answer to the challenge (one round trip) are ACKs of some forty octets each
    const early = sent.filter(({ at }) => at < sent[0]!.at + 2 * LINK.delay);
    expect(early.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(SIZE / 20);
    expect(connection.state).toBe('open');
  });

  test('whoever sends a copy from elsewhere does not keep the connection (§9.3.2, §9.3.3)', () => {
    const { done, received, serverEvents } = download((world, client) => {
      world.at(SECOND, () => client.rebind({ host: '192.0.2.66', port: 1 }));
      world.at(SECOND + 200_000, () => client.rebind(CLIENT));
    });
    expect(done).toBe(true);
    expect(received).toBe(SIZE);
    const paths = serverEvents.filter((event) => event.type === 'path-changed');
    expect(paths[paths.length - 1]).toMatchObject({ remote: CLIENT });
  });
});

describe('a client moves of its own accord (RFC 9000 §9.2)', () => {
  test('to another local address: with another connection ID, after validation', () => {
    const moved = { host: CLIENT.host, port: 61_000 };
    const { done, events, serverEvents, frames } = download((world, client, connection) => {
      world.at(SECOND, (now) => {
        connection.migrate(now, moved);
        client.turn();
      });
    });
    expect(done).toBe(true);
    expect(events.find((event) => event.type === 'path-changed')).toEqual({ type: 'path-changed', local: moved, remote: SERVER });
    expect(serverEvents.find((event) => event.type === 'path-changed')).toMatchObject({ remote: moved });
    expect(frames.client.sent.find(({ path }) => path === 1)!.types).toContain(FrameType.PATH_CHALLENGE);
    expect(frames.client.sent.some(({ types }) => types.includes(FrameType.RETIRE_CONNECTION_ID))).toBe(true);
  });

  test('statistics are kept for each path, and add up to those of the connection', () => {
    const moved = { host: CLIENT.host, port: 61_000 };
    const { connection, server, frames } = download((world, client, one) => {
      world.at(SECOND, (now) => {
        one.migrate(now, moved);
        client.turn();
      });
    });
    const [accepted] = server.connections;
    for (const [stats, observer] of [
      [connection.stats(), frames.client],
      [accepted!.stats(), frames.server],
    ] as const) {
      const [now, before] = stats.paths;
      expect(stats.paths.map(({ id, active, validation }) => [id, active, validation])).toEqual([
        [1, true, 'validated'],
        [0, false, 'validated'],
      ]);
      for (const path of stats.paths) {
        const here = observer.sent.filter((packet) => packet.path === path.id);
        expect([path.packetsSent, path.bytesSent]).toEqual([here.length, here.reduce((sum, { bytes }) => sum + bytes, 0)]);
        expect(path.minRtt).toBeGreaterThanOrEqual(2 * LINK.delay);
      }
      for (const field of [
        'datagramsSent',
        'datagramsReceived',
        'packetsSent',
        'packetsReceived',
        'packetsAcknowledged',
        'packetsLost',
      ] as const)
        expect([field, now![field] + before![field]]).toEqual([field, stats[field]]);
      for (const field of ['bytesSent', 'bytesReceived', 'bytesAcknowledged', 'bytesLost'] as const)
        expect([field, now![field] + before![field]]).toEqual([field, stats[field]]);
      // §9.4: another port is the same way, so window and round-trip time went on
      expect(now).toMatchObject({ smoothedRtt: stats.smoothedRtt, congestionWindow: stats.congestionWindow });
    }
    expect(accepted!.stats().paths[0]!.remote).toEqual(moved);
    expect(accepted!.stats().paths[1]!.remote).toEqual(CLIENT);
  });

  test('on the new path datagrams begin with 1,200 octets, and what it carries is found anew (§14.3)', () => {
    const moved = { host: '192.0.2.99', port: 61_000 };
    const { done, frames, server } = download(
      (world, client, connection) => {
        world.at(SECOND, (now) => {
          connection.migrate(now, moved);
          client.rebind(moved);
          client.turn();
        });
      },
      { mtuDiscovery: true },
    );
    expect(done).toBe(true);
    for (const path of [0, 1]) {
      const sizes = frames.server.sent.filter((packet) => packet.path === path).map(({ bytes }) => bytes);
      const probe = sizes.findIndex((bytes) => bytes > 1200);
      expect(probe).toBeGreaterThan(0);
      expect(Math.max(...sizes)).toBe(1500); // a slot
    }
    const [accepted] = server.connections;
    expect(accepted!.stats().paths.map(({ id, maxDatagramSize, blackHoles }) => [id, maxDatagramSize, blackHoles])).toEqual([
      [1, 1500, 0],
      [0, 1500, 0],
    ]);
  });

  test('not before the handshake is confirmed, and not a server', () => {
    const { connection, server } = download((_world, _client, one) => {
      expect(() => one.migrate(0, { host: CLIENT.host, port: 1 })).toThrow('confirmed');
    });
    expect(connection.state).toBe('open');
    for (const one of server.connections) expect(() => one.migrate(0, CLIENT)).toThrow('server');
  });
});

describe('a server would rather be spoken to elsewhere (RFC 9000 §9.6)', () => {
  const preferred = { host: SERVER.host, port: 4444 };

  test('the client goes there after validation, with the connection ID that came with the address', () => {
    const { done, received, events, serverEvents, frames, connection } = download(() => {}, { preferredAddress: { ipv4: preferred } });
    expect(done).toBe(true);
    expect(received).toBe(SIZE);
    expect(connection.remote).toEqual(preferred);
    expect(events.find((event) => event.type === 'path-changed')).toMatchObject({ remote: preferred });
    expect(serverEvents.find((event) => event.type === 'path-changed')).toMatchObject({ local: preferred });
    expect(frames.client.sent.find(({ path }) => path === 1)!.types).toContain(FrameType.PATH_CHALLENGE);
    expect(frames.client.sent.some(({ types }) => types.includes(FrameType.RETIRE_CONNECTION_ID))).toBe(true);
  });

  test('an address of the other family only is left alone', () => {
    const { done, connection } = download(() => {}, { preferredAddress: { ipv6: { host: '2001:db8::1', port: 443 } } });
    expect(done).toBe(true);
    expect(connection.remote).toEqual(SERVER);
  });
});
