import { type DropKind, LinkObserver, type LinkPacket, type LinkStats } from '@quiclab/impair';
import type { Micros } from '@quiclab/sansio';
import type { Lateness } from './lateness.ts';

/** What one direction of a relay did. Sizes are of UDP payloads, times are µs. */
export interface DirectionFigures {
  /** That came to the relay. */
  readonly datagrams: number;
  readonly octets: number;
  /** That left it, second copies included. */
  readonly delivered: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** Injected drops over the datagrams that the link judged. */
  readonly realisedLoss: number;
  readonly duplicated: number;
  readonly corrupted: number;
  /** Datagrams that the system would not send on. */
  readonly sendErrors: number;
  /** Actual less planned departure. */
  readonly lateness: { readonly p50: Micros; readonly p99: Micros; readonly max: Micros };
}

export interface RelayFigures {
  /** Addresses that sent something to the relay. */
  readonly clients: number;
  /** Datagrams from further addresses when there were too many at once. */
  readonly refused: number;
  readonly up: DirectionFigures;
  readonly down: DirectionFigures;
}

/** Counts what the link itself does not, and passes everything on to whoever else watches. */
export class Tally extends LinkObserver {
  readonly #next: LinkObserver;
  octets = 0;
  sendErrors = 0;
  readonly dropsByCause: Record<string, number> = {};

  constructor(next: LinkObserver) {
    super();
    this.#next = next;
  }

  figures(stats: LinkStats, lateness: Lateness): DirectionFigures {
    return {
      datagrams: stats.entered,
      octets: this.octets,
      delivered: stats.delivered,
      dropped: { ...this.dropsByCause },
      realisedLoss: stats.realisedLoss,
      duplicated: stats.duplicated,
      corrupted: stats.corrupted,
      sendErrors: this.sendErrors,
      lateness: { p50: lateness.quantile(0.5), p99: lateness.quantile(0.99), max: lateness.max },
    };
  }

  override entered(now: Micros, packet: LinkPacket, waiting: number, waitingBytes: number): void {
    this.octets += packet.bytes.length;
    this.#next.entered(now, packet, waiting, waitingBytes);
  }

  override dropped(now: Micros, packet: LinkPacket, kind: DropKind, cause: string): void {
    this.dropsByCause[cause] = (this.dropsByCause[cause] ?? 0) + 1;
    this.#next.dropped(now, packet, kind, cause);
  }

  override marked(now: Micros, packet: LinkPacket): void {
    this.#next.marked(now, packet);
  }

  override departed(now: Micros, packet: LinkPacket, arrivesAt: Micros, copies: number): void {
    this.#next.departed(now, packet, arrivesAt, copies);
  }

  override delivered(now: Micros, packet: LinkPacket): void {
    this.#next.delivered(now, packet);
  }
}
