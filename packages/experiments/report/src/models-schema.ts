import type { State } from '@quiclab/ledger';
import type { Micros } from '@quiclab/sansio';

/**
 * What the `result.json` of a comparison of connection models holds: every run's figures, and what follows from them. EXPERIMENTS §4, §5.
 * Times are whole µs, sizes octets.
 */
export interface ModelsJson {
  readonly schema: 1;
  readonly kind: 'models';
  readonly world: 'simulated';
  /** Of quiclab. */
  readonly version: string;
  /** The command's arguments that run it again. */
  readonly arguments: readonly string[];
  readonly page: { readonly name: string; readonly objects: number; readonly octets: number };
  readonly path: ModelsPath;
  /** How the ends were set up: 'default' or 'parity'. */
  readonly profile: string;
  /** The model that the others are compared with, by the same seeds. */
  readonly reference: string;
  readonly rounds: readonly ModelsRound[];
}

export interface ModelsPath {
  readonly rtt: Micros;
  /** Bits per second, each way. */
  readonly rate: number;
  /** Packets that may wait for either link. */
  readonly queue: number;
}

/** All models at one loss rate. */
export interface ModelsRound {
  /** Chance of a packet from the server to be lost, 0 to 1. */
  readonly loss: number;
  /** The first seed, and how many that all models have run with. */
  readonly firstSeed: number;
  readonly seeds: number;
  /** Standard deviation of the page load as a share of its mean, of the model where that is largest. */
  readonly variation: number;
  readonly runs: readonly ModelRun[];
  readonly models: readonly ModelSummary[];
}

/** One page, fetched once. */
export interface ModelRun extends ModelFigures {
  readonly model: string;
  readonly seed: number;
  /** The states along the critical chain of the page; with `gaps` they sum to the page load. */
  readonly states: { readonly [state in State]?: Micros };
  /** Time along the chain in which nothing was asked for. */
  readonly gaps: Micros;
}

/** Figures that are one number for each run. */
export interface ModelFigures {
  /** First request → last object. */
  readonly pageLoad: Micros;
  /** Of the objects, request issued → last octet readable. */
  readonly medianCompletion: Micros;
  /** Summed over objects: time in which octets of one lay waiting, by whose octet was missing. */
  readonly blockedOwn: Micros;
  readonly blockedOther: Micros;
  readonly blockedConnection: Micros;
  /** Octets × µs. */
  readonly blockedByteTime: number;
  readonly connections: number;
  /** Those that came to their end. */
  readonly handshakes: number;
  /** Header sections with what frames them, requests and responses. */
  readonly headerOctets: number;
  /** Packets with octets of exchanges that had been sent before, from the server. */
  readonly repairs: number;
  readonly packetsUp: number;
  readonly packetsDown: number;
  /** From the server: taken by the loss model, and by a queue that was full. */
  readonly lost: number;
  readonly queueDropped: number;
}

export type ModelFigure = keyof ModelFigures;

/** A median and where it lies with 95%, by bootstrap. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One model at one loss rate. */
export interface ModelSummary {
  readonly model: string;
  /** Medians over the seeds. */
  readonly figures: ModelFigures;
  readonly pageLoad: Estimate;
  readonly medianCompletion: Estimate;
  /** This model less the reference, by the same seeds; null for the reference itself. */
  readonly difference: { readonly pageLoad: Estimate; readonly medianCompletion: Estimate } | null;
  /** Means over the seeds: they sum to the mean page load. */
  readonly states: { readonly [state in State]?: number };
}
