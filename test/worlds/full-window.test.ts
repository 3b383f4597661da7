import { nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { listed } from '@quiclab/impair';
import { World } from '@quiclab/netsim';
import { type Connection, Endpoint, type EndpointEvent, standardPolicies } from '@quiclab/quic';
import { MILLISECOND, SECOND, seededRandom } from '@quiclab/sansio';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { expect, test } from 'vitest';

const CLIENT = { host: '192.0.2.1', port: 50_000 };
const SERVER = { host: '192.0.2.2', port: 443 };
const crypto = nullProtection(nodeProvider);

// RFC 9002 §6.2.1 arms no probe timeout for Application packets before the handshake is confirmed, and §7 lets nothing leave beyond
// the window. A server that says much before the handshake is complete, and whose certificate was lost, must not wait for ever.
test('handshake data that was lost leaves although Application packets fill the window (RFC 9002 §6.2.1, §7)', () => {
  const random = seededRandom(1);
  const identity = makeCertificate({
    names: ['server.test'],
    keyType: 'ed25519',
    notBefore: 0,
    notAfter: 3_650 * 86_400 * SECOND,
    padTo: 3_600, // the server's flight takes four datagrams
    random: random.fork('certificate'),
  });
  const client = new Endpoint({
    policies: standardPolicies({
      random: random.fork('client'),
      crypto,
      handshake: clientHandshake({ provider: crypto, trust: { ca: [identity.certificate] } }),
    }),
  });
  const server = new Endpoint({
    policies: standardPolicies({
      random: random.fork('server'),
      crypto,
      handshake: serverHandshake({ provider: crypto, certificates: [identity.certificate], privateKey: identity.privateKey }),
    }),
    accept: { alpn: ['test'] },
  });
  const world = new World({ random: random.fork('world') });
  let completedAt = -1;
  let read = 0;
  const onClient = ({ type, connection }: EndpointEvent, now: number): void => {
    if (type !== 'active') return;
    for (let event = connection.pollEvent(); event !== undefined; event = connection.pollEvent()) {
      if (event.type === 'handshake-complete') completedAt = now;
      if (event.type !== 'stream-readable') continue;
      for (let piece = connection.read(now, event.id); piece !== undefined; piece = connection.read(now, event.id))
        read += piece.data.length;
    }
  };
  let accepted: Connection | undefined;
  const onServer = ({ type, connection }: EndpointEvent, now: number): void => {
    if (type !== 'accepted') return;
    accepted = connection;
    const id = connection.openStream('uni');
    expect(connection.write(now, id!, new Uint8Array(30_000))).toBe(30_000);
    connection.finish(id!);
  };
  const clientHost = world.addHost({ address: CLIENT, machine: client, handle: onClient });
  const serverHost = world.addHost({ address: SERVER, machine: server, handle: onServer });
  world.connect(clientHost, serverHost, { delay: 20 * MILLISECOND }, { delay: 20 * MILLISECOND, loss: listed(2, 3) });
  client.connect(0, { remote: SERVER, serverName: 'server.test', alpn: ['test'] });
  clientHost.turn();

  // of the two lost datagrams one leaves again at once, which entering recovery allows (§7.3.2); with the window reduced, and full of
  // packets that nobody can acknowledge, the other has to
  world.run({ until: SECOND });
  expect(accepted!.stats()).toMatchObject({ packetsLost: 2, probes: 0, bytesInFlight: 0 });
  expect(completedAt).toBe(160 * MILLISECOND); // four round trips: a flight, its repair, and the rest of that
  expect(read).toBe(30_000);
});
