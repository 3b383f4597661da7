import { bernoulli, duplicate, type LinkConfig, LinkObserver, type LinkPacket, listed, type RecordedFate } from '@quiclab/impair';
import { type Address, seededRandom } from '@quiclab/sansio';
import { afterEach, expect, test } from 'vitest';
import { createRelay, type Relay, type RelayOptions } from '../src/index.ts';
import { clock, Party } from './loopback.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function party(host?: string, answer?: (text: string) => string): Promise<Party> {
  const made = await Party.open(host, answer);
  open.push(made);
  return made;
}

async function relayTo(target: Address, options: Partial<RelayOptions> = {}): Promise<Relay> {
  const none: LinkConfig = { delay: 0 };
  const listen = { host: target.host, port: 0 };
  const relay = await createRelay({ listen, target, up: none, down: none, random: seededRandom(1), clock, ...options });
  open.push(relay);
  return relay;
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `datagram ${i + 1}`);

for (const host of ['127.0.0.1', '::1'])
  test(`datagrams go there and back over ${host}, in order`, async () => {
    const server = await party(host, (text) => `answer to ${text}`);
    const client = await party(host);
    const relay = await relayTo(server.address, { up: { delay: 1_000, rate: 50e6 }, down: { delay: 1_000 } });
    await client.sendAll(numbered(20), relay.address);
    await client.hears(20);
    expect(server.heard).toEqual(numbered(20));
    expect(client.heard).toEqual(numbered(20).map((text) => `answer to ${text}`));
    expect(client.from.every((from) => from.port === relay.address.port)).toBe(true);
    expect(relay.figures()).toMatchObject({
      clients: 1,
      refused: 0,
      up: { datagrams: 20, delivered: 20 },
      down: { datagrams: 20, delivered: 20 },
    });
  });

test('a client is seen where it is said to be, and with a port there is room for one', async () => {
  const server = await party('127.0.0.1', (text) => text);
  const free = await party();
  const { port } = free.address;
  free.close();
  open.splice(open.indexOf(free), 1);
  const relay = await relayTo(server.address, { upstream: { host: '127.0.0.1', port } });
  const client = await party();
  await client.sendAll(['hello'], relay.address);
  await client.hears(1);
  expect(server.from).toEqual([{ host: '127.0.0.1', port }]);
  const other = await party();
  await other.sendAll(['me too'], relay.address);
  await client.sendAll(['still here'], relay.address);
  await client.hears(2);
  expect(relay.figures()).toMatchObject({ clients: 1, refused: 1 });
});

test('the listed datagrams of each direction are lost, and no others', async () => {
  const server = await party('127.0.0.1', (text) => text);
  const client = await party();
  const relay = await relayTo(server.address, { up: { delay: 0, loss: listed(3) }, down: { delay: 0, loss: listed(1, 7) } });
  await client.sendAll(numbered(10), relay.address);
  await client.hears(7);
  const arrived = numbered(10).filter((text) => text !== 'datagram 3');
  expect(server.heard).toEqual(arrived);
  expect(client.heard).toEqual(arrived.filter((_, i) => i !== 0 && i !== 6));
  const { up, down } = relay.figures();
  expect([up.dropped, down.dropped]).toEqual([{ listed: 1 }, { listed: 2 }]);
  expect(up.realisedLoss).toBe(0.1);
  expect(relay.fates().up.map((fate: RecordedFate) => fate.index)).toEqual([3]);
});

test('nothing arrives before its delay, and the lateness of each departure is known', async () => {
  const server = await party();
  const client = await party();
  const relay = await relayTo(server.address, { up: { delay: 5_000 } });
  const sentAt = clock.now();
  await client.sendAll(numbered(5), relay.address);
  await server.hears(5);
  expect(server.heardAt[0] - sentAt).toBeGreaterThanOrEqual(5_000);
  const { lateness } = relay.figures().up;
  expect(lateness.p50).toBeGreaterThanOrEqual(0);
  expect(lateness.p99).toBeGreaterThanOrEqual(lateness.p50);
  expect(lateness.max).toBeGreaterThanOrEqual(lateness.p99);
});

test('a rate spaces datagrams out: the nth is not there before n of them fit', async () => {
  const server = await party();
  const client = await party();
  const relay = await relayTo(server.address, { up: { delay: 0, rate: 1e6 } });
  const text = 'x'.repeat(222); // with IP and UDP 250 octets: 2 ms each
  const sentAt = clock.now();
  await client.sendAll(Array(5).fill(text), relay.address);
  await server.hears(5);
  server.heardAt.forEach((at, i) => {
    expect(at - sentAt).toBeGreaterThanOrEqual((i + 1) * 2_000);
  });
});

test('one seed loses the same datagrams each time', async () => {
  const run = async (seed: number) => {
    const server = await party();
    const client = await party();
    let allEntered: () => void = () => {};
    const entered = new Promise<void>((resolve) => {
      allEntered = resolve;
    });
    class Counter extends LinkObserver {
      override dropped(_now: number, packet: LinkPacket): void {
        if (packet.index === 40) allEntered();
      }
    }
    const up = { delay: 0, loss: [bernoulli(0.3), listed(40)] }; // the last is lost in any case
    const relay = await relayTo(server.address, { up, random: seededRandom(seed), observeUp: new Counter() });
    await client.sendAll(numbered(40), relay.address);
    await entered;
    return relay.fates().up.map((fate) => fate.index);
  };
  const [first, second, other] = [await run(5), await run(5), await run(6)];
  expect(second).toEqual(first);
  expect(other).not.toEqual(first);
  expect(first.length).toBeGreaterThan(1);
});

test('each client gets its own answers', async () => {
  const server = await party('127.0.0.1', (text) => `to ${text}`);
  const clients = [await party(), await party(), await party()];
  const relay = await relayTo(server.address);
  clients.forEach((client, i) => {
    client.send(`client ${i}`, relay.address);
  });
  for (const client of clients) await client.hears(1);
  expect(clients.map((client) => client.heard)).toEqual([['to client 0'], ['to client 1'], ['to client 2']]);
  expect(new Set(server.from.map((from) => from.port)).size).toBe(3);
});

test('there are never more clients than allowed; datagrams of others are refused', async () => {
  const server = await party('127.0.0.1', (text) => text);
  const [first, second] = [await party(), await party()];
  const relay = await relayTo(server.address, { maxClients: 1 });
  first.send('one', relay.address);
  await first.hears(1);
  second.send('two', relay.address);
  first.send('three', relay.address);
  await first.hears(2);
  expect(relay.figures()).toMatchObject({ clients: 1, refused: 1 });
  expect(server.heard).toEqual(['one', 'three']);
});

test('a quiet client makes room for a new one', async () => {
  let now = 1_000_000;
  const server = await party('127.0.0.1', (text) => text);
  const [first, second] = [await party(), await party()];
  const relay = await relayTo(server.address, { maxClients: 1, idleTimeout: 60_000_000, clock: { now: () => now } });
  first.send('one', relay.address);
  await first.hears(1);
  now += 60_000_000;
  second.send('two', relay.address);
  await second.hears(1);
  expect(relay.figures()).toMatchObject({ clients: 2, refused: 0 });
});

test('a stranger cannot reach a client through the relay', async () => {
  const server = await party();
  const [client, stranger] = [await party(), await party()];
  const relay = await relayTo(server.address);
  client.send('hello', relay.address);
  await server.hears(1);
  stranger.send('from nowhere', { host: '127.0.0.1', port: server.from[0].port });
  server.send('answer', { host: '127.0.0.1', port: server.from[0].port });
  await client.hears(1);
  expect(client.heard).toEqual(['answer']);
});

test('observers see what enters, and copies are counted', async () => {
  const seen: string[] = [];
  class Watcher extends LinkObserver {
    override entered(_now: number, packet: LinkPacket): void {
      seen.push(new TextDecoder().decode(packet.bytes));
    }
  }
  const server = await party();
  const client = await party();
  const relay = await relayTo(server.address, { up: { delay: 0, duplicate: duplicate(1) }, observeUp: new Watcher() });
  client.send('twice', relay.address);
  await server.hears(2);
  expect(seen).toEqual(['twice']);
  expect(server.heard).toEqual(['twice', 'twice']);
  expect(relay.figures().up).toMatchObject({ datagrams: 1, octets: 5, delivered: 2, duplicated: 1 });
});

test('closing frees the port, and may be asked twice', async () => {
  const server = await party();
  const relay = await relayTo(server.address, { up: { delay: 60_000_000 } });
  const client = await party();
  await client.sendAll(['under way'], relay.address);
  const [figures] = await Promise.all([relay.close(), relay.close()]);
  expect(figures.up.delivered).toBe(0);
  const again = await relayTo(server.address, { listen: relay.address });
  expect(again.address).toEqual(relay.address);
});

test('names and ports in use are refused', async () => {
  const server = await party();
  await expect(relayTo({ host: 'localhost', port: 1 }, { listen: { host: '127.0.0.1', port: 0 } })).rejects.toThrow(
    "'localhost' is not a literal",
  );
  await expect(relayTo(server.address, { listen: server.address })).rejects.toThrow('EADDRINUSE');
});
