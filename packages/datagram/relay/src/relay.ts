import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP, isIPv6, SocketAddress } from 'node:net';
import { Link, type LinkConfig, LinkObserver, type RecordedFate } from '@quiclab/impair';
import { type Address, type Clock, type Micros, type Random, SECOND } from '@quiclab/sansio';
import { Alarm } from './alarm.ts';
import { type Client, Clients, RECEIVE_BUFFER_SIZE } from './clients.ts';
import { type RelayFigures, Tally } from './figures.ts';
import { Lateness } from './lateness.ts';

export interface RelayOptions {
  /** Where clients send to: a literal address; port 0 for one that is free. */
  readonly listen: Address;
  /** Where their datagrams go: a literal address. */
  readonly target: Address;
  /** Where the target sees clients: a literal address. With a port there is room for one client; without (0), each has one that is free, as by default. */
  readonly upstream?: Address;
  /** The link from the clients to the target, and the one back. All clients share them, as they would share a path. */
  readonly up: LinkConfig;
  readonly down: LinkConfig;
  /** Its forks 'link/up' and 'link/down' judge. */
  readonly random: Random;
  readonly clock: Clock;
  /** Watch the links; packets are valid during the call only. */
  readonly observeUp?: LinkObserver;
  readonly observeDown?: LinkObserver;
  /** Clients at once; default 256. */
  readonly maxClients?: number;
  /** Silence after which a client is forgotten, µs; default 120 s. */
  readonly idleTimeout?: Micros;
}

export interface Relay {
  readonly address: Address;
  figures(): RelayFigures;
  /** What was done to which datagram, for `LinkConfig.replay`. */
  fates(): { readonly up: readonly RecordedFate[]; readonly down: readonly RecordedFate[] };
  /** What is still under way is lost. */
  close(): Promise<RelayFigures>;
}

/**
 * A UDP relay whose two directions are links. Scheduled changes and blackouts count from now.
 * Rejects when the address cannot be bound.
 */
export async function createRelay(options: RelayOptions): Promise<Relay> {
  const { host, port } = options.listen;
  const family = isIP(host);
  if (family === 0) throw new TypeError(`relay: '${host}' is not a literal IP address to listen on`);
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  socket.bind({ address: host, port, exclusive: true });
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.setRecvBufferSize(RECEIVE_BUFFER_SIZE);
  return new SocketRelay(socket, { ...options, target: canonical(options.target, 'the target') });
}

/** The form in which the system writes an address, so that answers can be compared with it. */
function canonical({ host, port }: Address, what: string): Address {
  const family = isIP(host);
  if (family === 0) throw new TypeError(`relay: '${host}' is not a literal IP address for ${what}`);
  return { host: new SocketAddress({ address: host, family: family === 4 ? 'ipv4' : 'ipv6' }).address, port };
}

/** A link and what is measured about it. */
class Direction {
  readonly link: Link;
  readonly tally: Tally;
  readonly lateness = new Lateness();

  constructor(config: LinkConfig, random: Random, observer: LinkObserver, start: Micros, ipv6: boolean) {
    this.tally = new Tally(observer);
    this.link = new Link({ overhead: ipv6 ? 48 : 28, ...config }, random, this.tally, start);
  }

  figures() {
    return this.tally.figures(this.link.stats, this.lateness);
  }
}

class SocketRelay implements Relay {
  readonly address: Address;
  readonly #socket: Socket;
  readonly #target: Address;
  readonly #clock: Clock;
  readonly #clients: Clients;
  readonly #alarm: Alarm;
  readonly #housekeeping: NodeJS.Timeout;
  readonly #up: Direction;
  readonly #down: Direction;
  #refused = 0;
  #closed: Promise<RelayFigures> | undefined = undefined;

  constructor(socket: Socket, options: RelayOptions) {
    const { address, port } = socket.address();
    this.address = { host: address, port };
    this.#socket = socket;
    this.#target = options.target;
    this.#clock = options.clock;
    const idleTimeout = options.idleTimeout ?? 120 * SECOND;
    const { upstream, maxClients = 256 } = options;
    const most = upstream !== undefined && upstream.port !== 0 ? 1 : maxClients;
    this.#clients = new Clients(options.target, upstream, most, idleTimeout, (client, octets) => this.#fromTarget(client, octets));
    this.#alarm = new Alarm(options.clock, () => this.#deliver());
    this.#housekeeping = setInterval(() => this.#clients.forgetIdle(options.clock.now()), 10_000);
    this.#housekeeping.unref();

    const start = options.clock.now();
    const ipv6 = isIPv6(options.target.host);
    this.#up = new Direction(options.up, options.random.fork('link/up'), options.observeUp ?? new LinkObserver(), start, ipv6);
    this.#down = new Direction(options.down, options.random.fork('link/down'), options.observeDown ?? new LinkObserver(), start, ipv6);
    socket.on('message', (octets, from) => this.#fromClient(octets, from));
    socket.on('error', () => {}); // a send that failed is told to its callback
  }

  figures(): RelayFigures {
    return { clients: this.#clients.count, refused: this.#refused, up: this.#up.figures(), down: this.#down.figures() };
  }

  fates(): { up: readonly RecordedFate[]; down: readonly RecordedFate[] } {
    return { up: this.#up.link.record.fates, down: this.#down.link.record.fates };
  }

  close(): Promise<RelayFigures> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<RelayFigures> {
    this.#alarm.clear();
    clearInterval(this.#housekeeping);
    this.#socket.removeAllListeners('message');
    await Promise.all([this.#clients.close(), new Promise<void>((resolve) => this.#socket.close(() => resolve()))]);
    return this.figures();
  }

  #fromClient(octets: Buffer, from: RemoteInfo): void {
    const now = this.#clock.now();
    const client = this.#clients.at(now, from.address, from.port);
    if (client === undefined) {
      this.#refused++;
      return;
    }
    this.#enter(now, this.#up, octets, client, this.#target);
  }

  #fromTarget(client: Client, octets: Uint8Array): void {
    const now = this.#clock.now();
    client.lastUsedAt = now;
    this.#enter(now, this.#down, octets, this.#target, client);
  }

  #enter(now: Micros, direction: Direction, octets: Uint8Array, from: Address, to: Address): void {
    direction.link.push(now, octets, octets.length, from, to, 0);
    this.#deliver();
  }

  /** Sends what is due, and comes back for the rest. */
  #deliver(): void {
    const now = this.#clock.now();
    const { link: up } = this.#up;
    for (let packet = up.poll(now); packet !== undefined; packet = up.poll(now)) {
      const client = packet.from as Client; // it entered so
      this.#send(this.#up, client.upstream, packet.bytes, this.#target, packet.due);
    }
    const { link: down } = this.#down;
    for (let packet = down.poll(now); packet !== undefined; packet = down.poll(now))
      this.#send(this.#down, this.#socket, packet.bytes, packet.to, packet.due);
    this.#alarm.set(Math.min(up.nextTimeout(), down.nextTimeout()));
  }

  #send(direction: Direction, socket: Socket, octets: Uint8Array, to: Address, due: Micros): void {
    direction.lateness.add(this.#clock.now() - due);
    const copy = Buffer.from(octets); // the link's until the next poll, and Node reads it later
    try {
      socket.send(copy, to.port, to.host, (error) => {
        if (error !== null) direction.tally.sendErrors++;
      });
    } catch {
      direction.tally.sendErrors++; // the client was forgotten meanwhile
    }
  }
}
