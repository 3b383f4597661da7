import { type LinkConfig, LinkObserver, type LinkPacket } from '@quiclab/impair';
import { createRelay, type Relay } from '@quiclab/relay';
import type { Address, Micros, Random } from '@quiclab/sansio';
import { monotonicClock } from '@quiclab/udp';

/** Sees each datagram as it enters the path, with the address of its client. The octets are valid during the call only. */
export type Watch = (now: Micros, direction: 'up' | 'down', client: Address, datagram: Uint8Array) => void;

class Watcher extends LinkObserver {
  readonly #direction: 'up' | 'down';
  readonly #watch: Watch;

  constructor(direction: 'up' | 'down', watch: Watch) {
    super();
    this.#direction = direction;
    this.#watch = watch;
  }

  override entered(now: Micros, packet: LinkPacket): void {
    this.#watch(now, this.#direction, this.#direction === 'up' ? packet.from : packet.to, packet.bytes);
  }
}

/** A relay on the loopback to a server's port, with the same link in both directions. */
export function openPath(serverPort: number, link: LinkConfig, random: Random, watch: Watch): Promise<Relay> {
  return createRelay({
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port: serverPort },
    up: link,
    down: link,
    random,
    clock: monotonicClock(),
    observeUp: new Watcher('up', watch),
    observeDown: new Watcher('down', watch),
  });
}
