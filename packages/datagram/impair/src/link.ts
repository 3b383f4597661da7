import { type Address, type Ecn, type Micros, NEVER, type Random } from '@quiclab/sansio';
import { FateRecord } from './fates.ts';
import { Flight } from './flight.ts';
import { Judges } from './judges.ts';
import { checkConfig, type LinkChange, type LinkConfig, makeQueue, makeRate } from './link-config.ts';
import { type DropKind, LinkObserver, LinkStats } from './observer.ts';
import { type HeldPacket, PacketPool } from './packet.ts';
import type { Dropped, LinkPacket, LinkQueue, LinkRate, Protocol } from './port.ts';

const UDP_HEADER = 8;
const MOST_IN_FLIGHT = 250_000; // 10 Gbit/s over 300 ms; a real link forgets packets, too

/** A packet that came out of a link. */
export interface DeliveredPacket extends LinkPacket {
  /** When it arrived, even if it was fetched later. */
  readonly due: Micros;
}

/**
 * One direction of a path: what is pushed in comes out later, changed, twice, or not at all. It owns no clock: the
 * simulator and the relay push, ask `nextTimeout` when to come back, and poll. Instants must not fall from call to call.
 * At equal instants a departure comes before an arrival, so that a queue has room for the packet that arrives just then.
 */
export class Link {
  readonly stats: LinkStats;
  /** What the judges did, for `replay`. */
  readonly record: FateRecord;
  readonly #observer: LinkObserver;
  readonly #start: Micros;
  readonly #schedule: readonly LinkChange[];
  readonly #overhead: number;
  readonly #overheadOfSegments: number;
  #mtu: number;
  readonly #ecnThreshold: number;
  readonly #queue: LinkQueue;
  readonly #judges: Judges;
  readonly #judgedOnEntering: boolean;
  readonly #replays: boolean;
  readonly #flight: Flight;
  readonly #pool: PacketPool;
  readonly #queueDropped: Dropped;
  #rate: LinkRate | undefined;
  #delay: Micros;
  #nextChange: number;
  #sending: HeldPacket | undefined;
  #departure: Micros; // of the packet being sent
  #lastArrival: Micros; // of those that keep their order
  #handedOut: HeldPacket | undefined;
  #now: Micros;

  /**
   * @param random  this link's own fork ('link/up'); each impairment takes a fork of it by name
   * @param start   the instant from which scheduled changes, blackouts and bad periods count
   */
  constructor(config: LinkConfig, random: Random, observer: LinkObserver = new LinkObserver(), start: Micros = 0) {
    checkConfig(config);
    this.stats = new LinkStats();
    this.record = new FateRecord();
    this.#observer = observer;
    this.#start = start;
    this.#schedule = [...(config.schedule ?? [])].sort((a, b) => a.at - b.at);
    this.#overhead = config.overhead ?? 28;
    this.#overheadOfSegments = Math.max(0, this.#overhead - UDP_HEADER);
    this.#mtu = config.mtu ?? NEVER;
    this.#ecnThreshold = config.ecnThreshold ?? NEVER;
    this.#queue = makeQueue(config.queue);
    this.#judges = new Judges(config, random);
    this.#judgedOnEntering = config.judged === 'entering';
    this.#replays = config.replay !== undefined;
    this.#flight = new Flight();
    this.#pool = new PacketPool();
    this.#queueDropped = (packet, cause) => this.#drop(this.#now, packet as HeldPacket, 'queue', cause); // the queue holds nothing else
    this.#rate = makeRate(config.rate);
    this.#delay = config.delay;
    this.#nextChange = 0;
    this.#sending = undefined;
    this.#departure = NEVER;
    this.#lastArrival = 0;
    this.#handedOut = undefined;
    this.#now = start;
  }

  /** Packets that wait, the one being sent not counted; and those on their way. */
  get waiting(): number {
    return this.#queue.packets;
  }

  get inFlight(): number {
    return this.#flight.count;
  }

  /** A datagram (or a segment) enters: the first `length` octets, which are copied. */
  push(now: Micros, bytes: Uint8Array, length: number, from: Address, to: Address, ecn: Ecn, protocol: Protocol = 'udp'): void {
    this.#advance(now);
    const packet = this.#pool.take();
    packet.fill(bytes, length);
    packet.protocol = protocol;
    packet.size = Math.max(0, length + (protocol === 'udp' ? this.#overhead : this.#overheadOfSegments));
    packet.index = ++this.stats.entered;
    packet.enteredAt = now;
    packet.from = from;
    packet.to = to;
    packet.ecn = ecn;
    packet.enteredEcn = ecn;
    this.stats.enteredBytes += packet.size;
    this.#observer.entered(now, packet, this.#queue.packets, this.#queue.bytes);
    this.#applyChanges(now);
    if (packet.size > this.#mtu) {
      this.#drop(now, packet, 'mtu', 'mtu');
      return;
    }
    if (this.#judgedOnEntering) {
      this.#judges.judge(now - this.#start, packet);
      if (packet.fate.dropped !== '') {
        this.#injectedDrop(now, packet);
        return;
      }
      this.#remark(now, packet);
      packet.enteredEcn = packet.ecn;
    }
    if (this.#queue.packets >= this.#ecnThreshold && packet.ecn !== 0) packet.ecn = 3;
    if (this.#sending === undefined) {
      this.#send(now, packet); // then nothing waits, either
      if (this.#departure <= now) this.#advance(now);
      return;
    }
    this.#queue.push(now, packet, this.#queueDropped);
    if (this.#queue.packets > this.stats.mostWaiting) this.stats.mostWaiting = this.#queue.packets;
  }

  /** When something happens next on the link; packets may be due then, or not yet. */
  nextTimeout(): Micros {
    return Math.min(this.#departure, this.#flight.next);
  }

  /** The next packet that has arrived by `now`. It, and its octets, are the caller's until the next call. */
  poll(now: Micros): DeliveredPacket | undefined {
    if (this.#handedOut !== undefined) {
      this.#pool.give(this.#handedOut);
      this.#handedOut = undefined;
    }
    this.#advance(now);
    if (this.#flight.next > now) return undefined;
    const packet = this.#flight.take();
    this.#handedOut = packet;
    this.stats.delivered++;
    this.stats.deliveredBytes += packet.size;
    this.#observer.delivered(packet.due, packet);
    return packet;
  }

  /** Everything that departs by `now`, each at its own instant. */
  #advance(now: Micros): void {
    while (this.#departure <= now) {
      const at = this.#departure;
      const packet = this.#sending!;
      this.#now = at;
      this.#sending = undefined;
      this.#departure = NEVER;
      this.#leave(at, packet);
      const next = this.#queue.shift(at, this.#queueDropped) as HeldPacket | undefined;
      if (next !== undefined) this.#send(at, next);
    }
    if (now > this.#now) this.#now = now;
  }

  #send(now: Micros, packet: HeldPacket): void {
    this.#applyChanges(now);
    if (packet.ecn === 3 && packet.enteredEcn !== 3) {
      this.stats.marked++;
      this.#observer.marked(now, packet);
    }
    this.#sending = packet;
    this.#departure = this.#rate === undefined ? now : this.#start + this.#rate.departure(now - this.#start, packet.size);
    this.stats.busy += this.#departure - now;
  }

  /** The last bit is out: what becomes of the packet? */
  #leave(now: Micros, packet: HeldPacket): void {
    this.#applyChanges(now);
    if (!this.#judgedOnEntering) this.#judges.judge(now - this.#start, packet);
    const fate = packet.fate;
    if (fate.dropped !== '') {
      this.#injectedDrop(now, packet);
      return;
    }
    if (this.#flight.count + fate.copies > MOST_IN_FLIGHT) {
      this.#drop(now, packet, 'queue', 'path-full');
      return;
    }
    const usual = now + this.#delay;
    // what a record says of a delay has the waiting for packets before it in it
    const inOrder = this.#replays ? usual : Math.max(usual + packet.orderedDelay, this.#lastArrival, now);
    this.#lastArrival = inOrder;
    const due = Math.max(inOrder + fate.delay - packet.orderedDelay, now);
    this.record.note(packet.index, fate, due - usual);
    if (fate.flipBit >= 0) {
      packet.bytes[fate.flipBit >> 3]! ^= 1 << (fate.flipBit & 7);
      this.stats.corrupted++;
    }
    if (!this.#judgedOnEntering) this.#remark(now, packet);
    this.#observer.departed(now, packet, due, fate.copies);
    this.#flight.add(packet, due);
    for (let copy = 1; copy < fate.copies; copy++) {
      this.stats.duplicated++;
      this.#flight.add(this.#copy(packet), due);
    }
  }

  #copy(packet: HeldPacket): HeldPacket {
    const copy = this.#pool.take();
    copy.protocol = packet.protocol;
    copy.fill(packet.bytes, packet.bytes.length);
    copy.size = packet.size;
    copy.index = packet.index;
    copy.enteredAt = packet.enteredAt;
    copy.from = packet.from;
    copy.to = packet.to;
    copy.ecn = packet.ecn;
    copy.enteredEcn = packet.enteredEcn;
    return copy;
  }

  #remark(now: Micros, packet: HeldPacket): void {
    const before = packet.ecn;
    const { ecn } = packet.fate;
    if (ecn < 0 || ecn === before) return;
    packet.ecn = ecn as Ecn;
    this.stats.remarked++;
    this.#observer.remarked(now, packet, before);
  }

  #injectedDrop(now: Micros, packet: HeldPacket): void {
    this.stats.onInjectedDrop(packet.index);
    this.record.note(packet.index, packet.fate, 0);
    this.#drop(now, packet, 'injected', packet.fate.dropped);
  }

  #drop(now: Micros, packet: HeldPacket, kind: DropKind, cause: string): void {
    if (kind === 'queue') this.stats.queueDrops++;
    else if (kind === 'mtu') this.stats.mtuDrops++;
    this.#observer.dropped(now, packet, kind, cause);
    this.#pool.give(packet);
  }

  #applyChanges(now: Micros): void {
    const schedule = this.#schedule;
    while (this.#nextChange < schedule.length && schedule[this.#nextChange]!.at + this.#start <= now) {
      const change = schedule[this.#nextChange++]!;
      if (change.delay !== undefined) this.#delay = change.delay;
      if (change.rate !== undefined) this.#rate = makeRate(change.rate);
      if (change.mtu !== undefined) this.#mtu = change.mtu;
    }
  }
}
