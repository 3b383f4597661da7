import type { Micros } from '@quiclab/sansio';
import type { FlowResult, Steps } from './flows-schema.ts';
import type { LinkResult, StreamResult } from './schema.ts';

/** Which run of its variant and model one is, by the plan's first figure: in the middle, at the 95th percentile, at the bad end. */
export type Rank = 'median' | 'p95' | 'worst';
export const RANKS: readonly Rank[] = ['median', 'p95', 'worst'];

/** A run with all there is to look at. Instants count from the first request; in `curves` from the start of the run. */
export interface PlanDetail {
  /** The run's. */
  readonly key: string;
  readonly variant: number;
  readonly model: string;
  readonly seed: number;
  readonly ranks: readonly Rank[];
  /** Of a page. */
  readonly page?: DetailedPage;
  readonly curves?: DetailedCurves;
}

export interface DetailedPage {
  readonly pageLoad: Micros;
  readonly streams: readonly DetailedStream[];
  /** Everything that the links dropped, whatever it carried. */
  readonly drops: { readonly up: readonly Micros[]; readonly down: readonly Micros[] };
  readonly links: { readonly up: LinkResult; readonly down: LinkResult };
}

export interface DetailedStream extends StreamResult {
  /** From, to, index into STATES, and so on without gaps; empty where no account was kept. */
  readonly states: readonly number[];
}

/** What senders, or connections, had on one axis of time. */
export interface DetailedCurves {
  readonly endedAt: Micros;
  readonly flows: readonly Pick<FlowResult, 'name' | 'curves' | 'marks' | 'phases'>[];
  /** How many there were besides those that are here. */
  readonly more: number;
  readonly queue: Steps;
  readonly queueDrops: readonly Micros[];
}
