import { MILLISECOND, type Micros } from '@quiclab/sansio';
import type { Dropped, LinkPacket, LinkQueue } from './port.ts';

/** First in, first out; packets beyond either limit are dropped as they come. The one being sent does not count. */
export class DropTailQueue implements LinkQueue {
  packets: number;
  bytes: number;
  readonly #mostPackets: number;
  readonly #mostBytes: number;
  #waiting: (LinkPacket | undefined)[] = [];
  #head = 0;

  constructor(mostPackets: number = Number.POSITIVE_INFINITY, mostBytes: number = Number.POSITIVE_INFINITY) {
    if (!(mostPackets >= 0)) throw new RangeError(`a queue of ${mostPackets} packets: it must be 0 or more`);
    if (!(mostBytes >= 0)) throw new RangeError(`a queue of ${mostBytes} octets: it must be 0 or more`);
    this.packets = 0;
    this.bytes = 0;
    this.#mostPackets = mostPackets;
    this.#mostBytes = mostBytes;
  }

  push(_now: Micros, packet: LinkPacket, dropped: Dropped): void {
    if (this.packets >= this.#mostPackets || this.bytes + packet.size > this.#mostBytes) {
      dropped(packet, 'queue-full');
      return;
    }
    this.#waiting.push(packet);
    this.packets++;
    this.bytes += packet.size;
  }

  shift(_now: Micros, _dropped: Dropped): LinkPacket | undefined {
    if (this.packets === 0) return undefined;
    const packet = this.#waiting[this.#head]!;
    this.#waiting[this.#head++] = undefined;
    this.packets--;
    this.bytes -= packet.size;
    if (this.packets === 0) {
      while (this.#waiting.length > 0) this.#waiting.pop(); // `length = 0` would give its memory back, and the next packet would ask for it again
      this.#head = 0;
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return packet;
  }
}

export interface CoDelOptions {
  /** How long packets may wait for good (5 ms), and how long it takes to know (100 ms). RFC 8289 §4.2, §4.3. */
  readonly target?: Micros;
  readonly interval?: Micros;
  /** The hard limit behind it (1,000 packets). */
  readonly packets?: number;
  /** Mark packets of ECN-capable transports instead of dropping them. */
  readonly ecn?: boolean;
  /** While no more than this many octets wait, nothing is dropped (1,500). RFC 8289 §5.6. */
  readonly maxPacket?: number;
}

/** Controlled delay, RFC 8289 §5: drops from the front when the shortest wait of a whole interval was above the target. */
export class CoDelQueue implements LinkQueue {
  readonly #queue: DropTailQueue;
  readonly #target: Micros;
  readonly #interval: Micros;
  readonly #ecn: boolean;
  readonly #maxPacket: number;
  #firstAboveAt: Micros = -1; // when the wait will have been above the target for an interval; -1: it is not above
  #dropNextAt: Micros = 0;
  #count = 0; // packets dropped since dropping began
  #lastCount = 0;
  #dropping = false;
  #okToDrop = false;

  constructor(options: CoDelOptions = {}) {
    this.#queue = new DropTailQueue(options.packets ?? 1_000);
    this.#target = options.target ?? 5 * MILLISECOND;
    this.#interval = options.interval ?? 100 * MILLISECOND;
    this.#ecn = options.ecn ?? false;
    this.#maxPacket = options.maxPacket ?? 1_500;
  }

  get packets(): number {
    return this.#queue.packets;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  push(now: Micros, packet: LinkPacket, dropped: Dropped): void {
    this.#queue.push(now, packet, dropped);
  }

  shift(now: Micros, dropped: Dropped): LinkPacket | undefined {
    let packet = this.#next(now, dropped);
    if (this.#dropping) {
      if (!this.#okToDrop) this.#dropping = false;
      while (this.#dropping && packet !== undefined && now >= this.#dropNextAt) {
        this.#count++;
        if (this.#marked(packet)) {
          this.#dropNextAt = this.#controlLaw(this.#dropNextAt);
          return packet;
        }
        dropped(packet, 'codel');
        packet = this.#next(now, dropped);
        if (!this.#okToDrop) this.#dropping = false;
        else this.#dropNextAt = this.#controlLaw(this.#dropNextAt);
      }
    } else if (this.#okToDrop && packet !== undefined) {
      if (!this.#marked(packet)) {
        dropped(packet, 'codel');
        packet = this.#next(now, dropped);
      }
      this.#dropping = true;
      // soon after the last time the drop rate of then is about right, §5.5
      const before = this.#count - this.#lastCount;
      this.#count = before > 1 && now - this.#dropNextAt < 16 * this.#interval ? before : 1;
      this.#dropNextAt = this.#controlLaw(now);
      this.#lastCount = this.#count;
    }
    return packet;
  }

  /** Takes the first packet and finds out whether its wait gives reason to drop it. */
  #next(now: Micros, dropped: Dropped): LinkPacket | undefined {
    const packet = this.#queue.shift(now, dropped);
    this.#okToDrop = false;
    if (packet === undefined || now - packet.enteredAt < this.#target || this.#queue.bytes <= this.#maxPacket) this.#firstAboveAt = -1;
    else if (this.#firstAboveAt < 0) this.#firstAboveAt = now + this.#interval;
    else this.#okToDrop = now >= this.#firstAboveAt;
    return packet;
  }

  #controlLaw(at: Micros): Micros {
    return at + Math.ceil(this.#interval / Math.sqrt(this.#count));
  }

  #marked(packet: LinkPacket): boolean {
    if (!this.#ecn || packet.ecn === 0) return false;
    packet.ecn = 3;
    return true;
  }
}
