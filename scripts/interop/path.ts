import { type LinkConfig, LinkObserver, type LinkPacket, parseDuration, parseRate } from '@quiclab/impair';
import { createRelay, type Relay } from '@quiclab/relay';
import type { Address, Micros, Random } from '@quiclab/sansio';
import { monotonicClock } from '@quiclab/udp';

/** The default path of the QUIC interop runner, in each direction. */
const DEFAULT_LINK: LinkConfig = { delay: parseDuration('15ms'), rate: parseRate('10Mbit'), queue: { packets: 25 } };

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

/** A relay on the loopback with the default path, to a server's port. */
export function openPath(serverPort: number, random: Random, watch: Watch): Promise<Relay> {
  return createRelay({
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port: serverPort },
    up: DEFAULT_LINK,
    down: DEFAULT_LINK,
    random,
    clock: monotonicClock(),
    observeUp: new Watcher('up', watch),
    observeDown: new Watcher('down', watch),
  });
}
