/** What was seen of one run: the datagrams at the relay, and what the client said of its handshakes. */
import type { Micros } from '@quiclab/sansio';
import { packetsIn, type SeenPacket } from './packets.ts';
import type { DissectedDatagram } from './tshark.ts';

export type Direction = 'up' | 'down';

/** One datagram on the path, as it entered. */
export interface SeenDatagram {
  readonly enteredAt: Micros;
  readonly direction: Direction;
  /** The port of the client. */
  readonly client: number;
  readonly octets: number;
  readonly packets: readonly SeenPacket[];
  /** Which of the path's entrances: 1 is the server's preferred address. */
  readonly entrance: number;
}

/** One datagram at the far end of the path, after all that befell it. */
export interface Arrival {
  readonly at: Micros;
  readonly direction: Direction;
  readonly octets: number;
  readonly packets: readonly SeenPacket[];
}

/** Entrances to and exits from the path in the order in which they happened. */
export type Passage = ({ readonly event: 'entered' } & SeenDatagram) | ({ readonly event: 'arrived' } & Arrival);

/** Some ten times what the largest case takes: whoever sends more is in a loop, and its run is over. */
const MOST_PASSAGES = 400_000;

export class Evidence {
  readonly passages: Passage[] = [];
  /** As Wireshark sees it, one for each datagram that entered; empty unless a requirement wants to know. */
  dissected: readonly DissectedDatagram[] = [];
  /** Seconds of each of the client's handshakes, as it says. */
  handshakes: readonly number[] = [];
  datagrams = { up: 0, down: 0 };

  /** Whether there was so much that the rest was not looked at. */
  get flooded(): boolean {
    return this.passages.length >= MOST_PASSAGES;
  }

  entered(at: Micros, direction: Direction, client: number, datagram: Uint8Array, entrance = 0): void {
    this.datagrams[direction]++;
    if (this.flooded) return;
    const packets = packetsIn(datagram);
    this.passages.push({ event: 'entered', enteredAt: at, direction, client, octets: datagram.length, packets, entrance });
  }

  arrived(at: Micros, direction: Direction, datagram: Uint8Array): void {
    if (this.flooded) return;
    this.passages.push({ event: 'arrived', at, direction, octets: datagram.length, packets: packetsIn(datagram) });
  }

  /** Of all datagrams that entered the path in a direction, in order. */
  packets(direction: Direction): SeenPacket[] {
    return this.passages.flatMap((one) => (one.event === 'entered' && one.direction === direction ? one.packets : []));
  }

  /**
   * Where the client began handshakes, counted in datagrams that entered. It keeps the connection ID it chose for itself
   * throughout one (RFC 9000 §7.2); where that is empty, each has a port of its own.
   */
  handshakesAt(): number[] {
    const known = new Set<string>();
    const found: number[] = [];
    let index = -1;
    for (const one of this.passages) {
      if (one.event !== 'entered') continue;
      index++;
      const initial = one.direction === 'up' && one.packets.find(({ kind }) => kind === 'initial');
      if (!initial || known.has(`${one.client} ${initial.source}`)) continue;
      known.add(`${one.client} ${initial.source}`);
      found.push(index);
    }
    return found;
  }

  /** Octets a second that arrived at the client, from the first 1-RTT packet to the last, for so many octets of content; in kbit/s. */
  goodput(content: number): number {
    const times = this.passages.flatMap((one) =>
      one.event === 'arrived' && one.direction === 'down' && one.packets.some(({ kind }) => kind === '1-rtt') ? one.at : [],
    );
    const [first, last] = [times[0], times.at(-1)];
    return first === undefined || last === undefined || first === last ? 0 : (content * 8_000) / (last - first);
  }
}
