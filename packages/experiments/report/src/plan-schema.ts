import type { StateSums } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';
import type { PlanFigure, PlanFigures } from './plan-figures.ts';

/**
 * What the `result.json` of a plan holds: the plan, every run's figures, and what follows from them. EXPERIMENTS §4, §5.
 * Times are whole µs, sizes octets, rates bit/s. No paths of a machine, no dates, no host, no time that computing took: the same plan gives
 * the same octets wherever it is run, in one go or in parts.
 */
export interface PlanJson {
  readonly schema: 1;
  readonly kind: 'plan';
  readonly world: PlanWorld;
  /** Of quiclab. */
  readonly version: string;
  readonly question: string;
  /** The plan as it was written, with the content of the files that it names: all that it takes to run it again. */
  readonly plan: PlanDocument;
  /** What was varied, in the order of crossing, each with its values as the plan has them. */
  readonly variables: readonly PlanVariable[];
  /** Combinations of those values; of a plan that varies nothing there is one. */
  readonly variants: readonly PlanVariant[];
  /** What the others are held against: a model (or transfer), values of what is varied, or both; what is not said stays as it is. */
  readonly reference: PlanReference;
  /** What is shown first, with intervals. */
  readonly figures: readonly PlanFigure[];
  /** In the order of variants, then seeds, then models; fewer than the plan has where it was stopped. */
  readonly runs: readonly PlanRun[];
  /** Variant by variant, what each model (or transfer) came to. */
  readonly summaries: readonly PlanSummary[];
  /** False where it was stopped before all runs were done. */
  readonly complete: boolean;
}

/** The same, with runs that are read each time somebody goes through them: a sweep may have more than there is memory for. */
export interface PlanResult extends Omit<PlanJson, 'runs'> {
  readonly runs: Iterable<PlanRun>;
}

export interface PlanReference {
  readonly model?: string;
  readonly values: { readonly [key: string]: string };
}

/** Virtual time; real sockets through a relay: of our QUIC on loopback, or of the kernel's TCP, too, between network namespaces. */
export type PlanWorld = 'simulated' | 'relay' | 'tunnel';

export interface PlanDocument {
  readonly plan: { readonly [key: string]: unknown };
  /** Files that the plan names, by that name. */
  readonly files: { readonly [name: string]: string };
}

export interface PlanVariable {
  /** 'topology.down.loss' */
  readonly key: string;
  /** As a person would say them: '1%'. */
  readonly values: readonly string[];
}

export interface PlanVariant {
  /** By key, one of the variable's values. */
  readonly values: { readonly [key: string]: string };
  /** What it comes to, in words: for whoever looks at the result without the plan. */
  readonly workload: string;
  readonly path: string;
}

/** One run. Its key is unique within the plan: the same plan, version and key give the same run. */
export interface PlanRun {
  readonly key: string;
  /** Index into the variants. */
  readonly variant: number;
  /** 'h3'; of bulk transfers 'flows'. */
  readonly model: string;
  readonly seed: number;
  readonly figures: PlanFigures;
  /** The states along the critical chain of the page; with `gaps` they sum to the page load (over real sockets to when its last octet was readable). Not there where the run has no account. */
  readonly states?: StateSums;
  readonly gaps?: Micros;
  /** Of bulk transfers, each by itself. */
  readonly flows?: readonly PlanFlow[];
  /** Why there are no figures: the page took more than an hour, or nothing would ever have happened again. */
  readonly failed?: string;
  /** How late the relay was, over real sockets. */
  readonly lateness?: { readonly p50: Micros; readonly p99: Micros };
}

export interface PlanFlow {
  /** The controller, with its number where several have the same: 'cubic', 'cubic 2'. */
  readonly name: string;
  readonly figures: PlanFigures;
}

/** One model, or one transfer, in one variant. */
export interface PlanSummary {
  readonly variant: number;
  /** The model, or the transfer's name. */
  readonly subject: string;
  readonly seeds: number;
  /** How many runs beside those came to nothing. */
  readonly failed: number;
  /** Medians over the seeds, of every figure that all runs have. */
  readonly medians: PlanFigures;
  /** Of the plan's `figures`: where the median lies with 95%, by bootstrap. */
  readonly estimates: { readonly [figure in PlanFigure]?: PlanEstimate };
  /** The reference, and this less that by the same seeds; null for the reference itself, and where no seed is common. */
  readonly against: { readonly variant: number; readonly subject: string } | null;
  readonly differences: { readonly [figure in PlanFigure]?: PlanEstimate } | null;
  /** Means over the seeds: they sum to the mean page load, but for gaps. */
  readonly states: { readonly [state: string]: number };
}

/** A median and where it lies with 95%, by bootstrap; null with fewer than five seeds, which say nothing about it. */
export interface PlanEstimate {
  readonly median: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
}
