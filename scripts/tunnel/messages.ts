import type { FetchedObject, LinkFigures, ModelName, PathPlan, PooledConnection } from '@quiclab/lab';
import type { Micros } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import type { Flows } from './flows.ts';

// What the processes of a tunnel are asked, and what they answer. All of it is JSON.

/** Departures of the relay, actual less planned. */
export interface Lateness {
  readonly p50: Micros;
  readonly p99: Micros;
  readonly max: Micros;
}

export type ToRelay =
  /** New links, judged by this seed; without a path, nothing happens to a datagram. */
  { readonly type: 'open'; readonly seed: number; readonly path?: PathPlan } | { readonly type: 'drain' } | { readonly type: 'close' };

export type FromRelay =
  | { readonly type: 'open' | 'drained' }
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

/** Serve the page as the model has it, on a port of its own. What was served before is not any more. */
export interface ToServer {
  readonly type: 'serve';
  readonly model: ModelName;
  readonly page: Page;
}

/** `certificate`: what clients trust, PEM. */
export interface FromServer {
  readonly type: 'serving';
  readonly port: number;
  readonly certificate: string;
}

/** Prepare: make the earlier connections that the model begins with what they left. Fetch: the page. */
export interface ToClient {
  readonly type: 'prepare' | 'fetch';
  readonly model: ModelName;
  readonly page: Page;
  readonly port: number;
  readonly certificate: string;
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

export type ToBulk = { readonly type: 'listen' } | { readonly type: 'connect'; readonly port: number };
export type FromBulk = { readonly type: 'listening'; readonly port: number } | { readonly type: 'connected' };
