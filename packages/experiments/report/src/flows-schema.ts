import type { Micros } from '@quiclab/sansio';
import type { LinkResult } from './schema.ts';

/**
 * What the `result.json` of bulk transfers holds: what was asked for, and what their senders' window, flight, pacing and round
 * trips were over time. Instants are virtual time, whole µs from the start of the run; sizes are octets, rates octets per second.
 */
export interface FlowsJson {
  readonly schema: 1;
  readonly kind: 'flows';
  readonly seed: number;
  readonly world: 'simulated';
  /** Of quiclab. */
  readonly version: string;
  /** The command's arguments that run it again. */
  readonly arguments: readonly string[];
  readonly path: FlowsPath;
  /** Of each transfer; null where they go on until the time is over. */
  readonly octets: number | null;
  /** Every run has the path for itself, with the same draws. */
  readonly runs: readonly FlowsRun[];
}

/** The direction that carries the data, but for the RTT. */
export interface FlowsPath {
  /** Bits per second; 0: no limit. */
  readonly rate: number;
  /** Without anything that waits. */
  readonly rtt: Micros;
  /** As it was written: '25 packets'. Empty where there is no rate, and nothing waits. */
  readonly queue: string;
  /** What else befalls datagrams, in words: '1% lost down'. */
  readonly impairments: readonly string[];
}

export interface FlowsRun {
  readonly endedAt: Micros;
  readonly flows: readonly FlowResult[];
  readonly links: { readonly up: LinkResult; readonly down: LinkResult };
  /** Packets that waited for the link that carries the data, as those that entered it found them. */
  readonly queue: Steps;
  /** When that link's loss model took a packet, and when its queue had no room for one. */
  readonly injectedDrops: readonly Micros[];
  readonly queueDrops: readonly Micros[];
}

/** A value over time: instant, value, instant, value …; each holds until the next. */
export type Steps = readonly number[];

export interface FlowResult {
  /** How its sender was asked for: 'cubic:no-prr'. */
  readonly name: string;
  /** The client began to connect, asked for the transfer, and had read the last octet; -1: it did not come to that. */
  readonly startedAt: Micros;
  readonly requestedAt: Micros;
  readonly completedAt: Micros;
  /** Read by the client. */
  readonly octets: number;
  /** Packets with octets that had been sent before; of them, those whose octets arrive in an earlier copy, too. */
  readonly repairs: number;
  readonly spuriousRepairs: number;
  /** Packets declared lost, and of them those that had arrived. */
  readonly lost: number;
  readonly spuriouslyLost: number;
  /** Packets sent because a probe timeout had passed. */
  readonly probes: number;
  readonly persistentCongestions: number;
  readonly curves: Readonly<Record<FlowCurve, Steps>>;
  readonly marks: { readonly lost: readonly Micros[]; readonly spurious: readonly Micros[]; readonly timeouts: readonly Micros[] };
  /** As the controller calls them: 'slow-start', 'congestion-avoidance', 'recovery', 'application-limited'. */
  readonly phases: readonly { readonly at: Micros; readonly phase: string }[];
}

/** `goodput`: octets of the stream that arrived, over equal steps of time. `threshold`: where slow start ends, from when on it is known. */
export type FlowCurve = 'window' | 'threshold' | 'inFlight' | 'pacingRate' | 'goodput' | 'latestRtt' | 'smoothedRtt' | 'minRtt';
