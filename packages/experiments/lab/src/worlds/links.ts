import { bernoulli, type DropKind, type LinkConfig, LinkObserver, type LinkPacket } from '@quiclab/impair';
import type { LinkResult } from '@quiclab/report';
import type { Ecn, Micros } from '@quiclab/sansio';
import type { Carried } from '../observe/carried.ts';
import type { LinkDrop, LinkFigures } from '../record.ts';

/** A path as the demo's options describe it: the same both ways. */
export interface PathPlan {
  /** One way, µs. */
  readonly delay: Micros;
  /** bit/s; 0 for no limit. */
  readonly rate: number;
  /** Probability, 0 to 1. */
  readonly loss: number;
  /** Packets that may wait. */
  readonly queue: number;
}

export const linkConfig = ({ delay, rate, loss, queue }: PathPlan): LinkConfig => ({
  delay,
  ...(rate > 0 ? { rate } : {}),
  queue: { packets: queue },
  ...(loss > 0 ? { loss: bernoulli(loss) } : {}),
});

/** Counts what a link does, and notes what it drops. */
export class LinkLog extends LinkObserver {
  #entered = 0;
  #delivered = 0;
  #queueDrops = 0;
  readonly #drops: LinkDrop[] = [];
  readonly #carried: Carried | undefined;
  readonly #watch: LinkObserver;

  /**
   * @param carried  told what enters, and what comes out
   * @param watch    told everything
   */
  constructor(carried?: Carried, watch: LinkObserver = new LinkObserver()) {
    super();
    this.#carried = carried;
    this.#watch = watch;
  }

  override entered(now: Micros, packet: LinkPacket, waiting: number, waitingBytes: number): void {
    this.#entered++;
    this.#carried?.onEntered(packet.index);
    this.#watch.entered(now, packet, waiting, waitingBytes);
  }
  override marked(now: Micros, packet: LinkPacket): void {
    this.#watch.marked(now, packet);
  }
  override remarked(now: Micros, packet: LinkPacket, before: Ecn): void {
    this.#watch.remarked(now, packet, before);
  }
  override departed(now: Micros, packet: LinkPacket, arrivesAt: Micros, copies: number): void {
    this.#watch.departed(now, packet, arrivesAt, copies);
  }
  override delivered(now: Micros, packet: LinkPacket): void {
    this.#delivered++;
    this.#carried?.onDelivered(packet.index);
    this.#watch.delivered(now, packet);
  }
  override dropped(at: Micros, packet: LinkPacket, kind: DropKind, cause: string): void {
    if (kind !== 'injected') this.#queueDrops++;
    this.#drops.push({ index: packet.index, at, kind, cause });
    this.#watch.dropped(at, packet, kind, cause);
  }

  figures(): LinkFigures {
    const injectedDrops = this.#drops.length - this.#queueDrops;
    const judged = this.#entered - this.#queueDrops;
    return {
      entered: this.#entered,
      delivered: this.#delivered,
      injectedDrops,
      queueDrops: this.#queueDrops,
      realisedLoss: judged === 0 ? 0 : injectedDrops / judged,
      drops: this.#drops,
    };
  }
}

/** What result.json says of a link. */
export const linkResult = ({ entered, injectedDrops, queueDrops }: LinkFigures): LinkResult => ({
  entered,
  lost: injectedDrops,
  queueDropped: queueDrops,
});
