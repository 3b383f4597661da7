import type { PlanDocument } from '@quiclab/report';
import type { Micros } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import type { FetchedObject } from '../apps/page-client.ts';
import type { ModelName } from '../models/model.ts';
import type { PooledConnection } from '../models/pool.ts';
import type { EndNames } from '../plan/ends.ts';
import type { LinkFigures } from '../record.ts';
import type { PathPlan } from '../worlds/links.ts';
import type { Flows } from './flow-log.ts';

// What the processes of a tunnel are asked, and what they answer. All of it is JSON.

/** Departures of the relay, actual less planned. */
export interface Lateness {
  readonly p50: Micros;
  readonly p99: Micros;
  readonly max: Micros;
}

/** What the links are like: the same both ways, or as a variant of the plan has them that the relay was told. */
export type PathAsked = PathPlan | { readonly variant: number };

export type ToRelay =
  /** What variants are asked of. */
  | { readonly type: 'plan'; readonly document: PlanDocument }
  /** New links, judged by this seed; without a path, nothing happens to a datagram. */
  | { readonly type: 'open'; readonly seed: number; readonly path?: PathAsked }
  | { readonly type: 'drain' }
  | { readonly type: 'close' };

export type FromRelay =
  | { readonly type: 'planned' | 'open' | 'drained' }
  | {
      readonly type: 'figures';
      readonly up: LinkFigures;
      readonly down: LinkFigures;
      readonly lateness: { readonly up: Lateness; readonly down: Lateness };
      /** Of what came down. */
      readonly flows: Flows;
      /** Datagrams lost before any link saw them: the machine was too slow, and the run is worth nothing. */
      readonly unread: number;
    };

/** What is loaded, and how. */
export interface Loading {
  readonly model: ModelName;
  readonly page: Page;
  /** How our ends of QUIC are set up; those of TCP are the kernel's and Node's. */
  readonly ends: EndNames;
}

/** Serve the page as the model has it, on a port of its own. What was served before is not any more. */
export interface ToServer extends Loading {
  readonly type: 'serve';
}

/** `certificate`: what clients trust, PEM. */
export interface FromServer {
  readonly type: 'serving';
  readonly port: number;
  readonly certificate: string;
}

/** Prepare: make the earlier connections that the model begins with what they left. Fetch: the page. */
export interface ToClient extends Loading {
  readonly type: 'prepare' | 'fetch';
  readonly port: number;
  readonly certificate: string;
  /** What it takes to look a host's name up, µs. */
  readonly nameLookup: Micros;
}

export type FromClient =
  | { readonly type: 'prepared' }
  | {
      readonly type: 'fetched';
      readonly startedAt: Micros;
      readonly finishedAt: Micros;
      readonly objects: readonly FetchedObject[];
      readonly connections: readonly PooledConnection[];
    };
