import type { Blame } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';

/**
 * What `result.json` holds. EXPERIMENTS §5. Everything needed to run it again and the figures of §4; no absolute paths,
 * dates or host. All instants count from the first request of their run; all times are whole microseconds. `schema` is
 * raised when what is there changes its meaning; new fields may come without.
 */
export interface ResultJson {
  readonly schema: 1;
  readonly seed: number;
  /** Virtual time, or real sockets through a relay. */
  readonly world: 'simulated' | 'relay';
  /** Of quiclab. */
  readonly version: string;
  readonly plan: ResultPlan;
  readonly runs: readonly RunResult[];
  /** null where there are not two models to compare. */
  readonly comparison: Comparison | null;
}

/** What was asked for. */
export interface ResultPlan {
  readonly models: readonly string[];
  readonly files: number;
  /** Chance of a datagram to be lost, each way, 0 to 1. */
  readonly loss: number;
  /** One way, µs. */
  readonly delay: Micros;
  /** Bits per second. */
  readonly rate: number;
  /** Packets. */
  readonly queue: number;
  /** How many seeds. */
  readonly repeat: number;
}

/** One page fetched once, in one way. */
export interface RunResult {
  readonly model: string;
  readonly seed: number;
  /** First request → last object. */
  readonly pageLoad: Micros;
  readonly streams: readonly StreamResult[];
  readonly links: { readonly up: LinkResult; readonly down: LinkResult };
  /** How late the relay was, µs; only where there was one. */
  readonly lateness?: { readonly p50: Micros; readonly p99: Micros };
}

export interface StreamResult {
  /** Unique within the run; blame refers to it. */
  readonly id: number;
  readonly file: string;
  /** Octets of the content. */
  readonly bytes: number;
  /** When it was asked for. */
  readonly requested: Micros;
  /** Request issued → first octet of the response's header readable. */
  readonly firstByte: Micros;
  /** Request issued → last octet readable. */
  readonly completion: Micros;
  /** Datagrams that a link dropped and that carried it, and when. */
  readonly lostPackets: number;
  readonly lostAt: readonly Micros[];
  /** `other` includes what is blamed on the connection. */
  readonly blocked: { readonly own: Micros; readonly other: Micros };
  /** Octets × µs. */
  readonly blockedByteTime: number;
  readonly intervals: readonly { readonly from: Micros; readonly to: Micros; readonly blame: Blame }[];
}

/** What a link did: datagrams that entered, that its loss model took, and that its queue had no room for. */
export interface LinkResult {
  readonly entered: number;
  readonly lost: number;
  readonly queueDropped: number;
}

/** Two models over the same seeds, paired by seed: the second less the first. */
export interface Comparison {
  readonly first: string;
  readonly second: string;
  readonly pairs: number;
  readonly figures: Readonly<Record<FigureName, ComparedFigure>>;
  /** What the figures show, in one sentence. */
  readonly sentence: string;
}

export type FigureName = 'pageLoad' | 'medianCompletion' | 'blockedOwn' | 'blockedOther' | 'blockedByteTime' | 'lostPackets';

export interface ComparedFigure {
  /** Medians over the seeds. */
  readonly first: number;
  readonly second: number;
  /** The median of the differences, which is not the difference of the medians. */
  readonly difference: number;
  /** Where the median difference lies with 95%, by bootstrap; null below five pairs, which say nothing about it. */
  readonly interval: { readonly low: number; readonly high: number } | null;
}
