/** The way between the two programs: our relay, and in some cases a NAT or a second way beside it. */
import { type LinkConfig, LinkObserver, type LinkPacket } from '@quiclab/impair';
import { createRelay, type Relay } from '@quiclab/relay';
import type { Address, Micros, Random } from '@quiclab/sansio';
import { monotonicClock } from '@quiclab/udp';
import type { Direction } from './evidence.ts';
import type { PathPlan } from './links.ts';
import { openNat } from './nat.ts';

/** The octets are valid during the call only. */
export interface PathWatcher {
  /** @param client  its address as the server sees it, or one that changes when that does */
  entered(now: Micros, direction: Direction, client: Address, datagram: Uint8Array, entrance: number): void;
  arrived(now: Micros, direction: Direction, datagram: Uint8Array): void;
}

export interface OpenPath {
  readonly address: Address;
  /**
   * What all but a hundredth of the datagrams so far left no later than, in the worse direction: this machine's doing, not the path's.
   * Above 10 ms, how late the latest was.
   */
  lateness(): Micros;
  close(): Promise<void>;
}

class Watcher extends LinkObserver {
  readonly #direction: Direction;
  readonly #entrance: number;
  readonly #watcher: PathWatcher;

  constructor(direction: Direction, entrance: number, watcher: PathWatcher) {
    super();
    this.#direction = direction;
    this.#entrance = entrance;
    this.#watcher = watcher;
  }

  override entered(now: Micros, packet: LinkPacket): void {
    const client = this.#direction === 'up' ? packet.from : packet.to;
    this.#watcher.entered(now, this.#direction, client, packet.bytes, this.#entrance);
  }

  override delivered(now: Micros, packet: LinkPacket): void {
    this.#watcher.arrived(now, this.#direction, packet.bytes);
  }
}

export const loopback = (plan: PathPlan): string => (plan.ipv6 ? '::1' : '127.0.0.1');

const clock = monotonicClock();

/** A relay on the loopback to a server's port. */
export async function openPath(serverPort: number, plan: PathPlan, random: Random, watcher: PathWatcher): Promise<OpenPath> {
  const server = { host: loopback(plan), port: serverPort };
  if (plan.rebinds === 'never') return relayTo(server, plan, random, watcher, 0);
  // what the server sent is told here: when it comes to the relay, the NAT may have another address already
  const nat = await openNat(server, plan.rebinds, (datagram, outside) => watcher.entered(clock.now(), 'down', outside, datagram, 0));
  const behindNat: PathWatcher = {
    entered: (now, direction, _client, datagram, entrance) => {
      if (direction === 'up') watcher.entered(now, 'up', nat.outside, datagram, entrance);
    },
    arrived: (now, direction, datagram) => watcher.arrived(now, direction, datagram),
  };
  const relay = await relayTo(nat.address, plan, random, behindNat, 0);
  return {
    address: relay.address,
    lateness: relay.lateness,
    close: async () => {
      await relay.close();
      await nat.close();
    },
  };
}

/** A second way to the same port, which the server sees as another address of the client's. */
export const openSecondPath = (serverPort: number, plan: PathPlan, random: Random, watcher: PathWatcher): Promise<OpenPath> =>
  relayTo({ host: loopback(plan), port: serverPort }, plan, random, watcher, 1);

async function relayTo(
  target: Address,
  { up, down }: { readonly up: LinkConfig; readonly down: LinkConfig },
  random: Random,
  watcher: PathWatcher,
  entrance: number,
): Promise<OpenPath> {
  const relay: Relay = await createRelay({
    listen: { host: target.host, port: 0 },
    target,
    up,
    down,
    random,
    clock,
    observeUp: new Watcher('up', entrance, watcher),
    observeDown: new Watcher('down', entrance, watcher),
  });
  return {
    address: relay.address,
    lateness: () => {
      const { up, down } = relay.figures();
      return Math.max(up.lateness.p99, down.lateness.p99);
    },
    close: () => relay.close().then(() => {}),
  };
}
