import type { Address } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import type { FetchedObject } from '../apps/page-client.ts';
import type { ServedFile } from '../files.ts';
import type { ModelName } from '../models/model.ts';
import type { PooledConnection } from '../models/pool.ts';
import type { NotesPart } from '../observe/run-notes.ts';
import type { EndNames } from '../plan/ends.ts';
import type { TraceFiles } from '../trace-files.ts';

// What the processes of a relay run say to each other. All of it is JSON.

/** What is served: files of a directory, or zeros, as many of each as the page says. */
export type Content = { readonly dir: string; readonly files: readonly ServedFile[] } | 'zeros';

export type ToServer =
  | {
      readonly type: 'start';
      readonly model: ModelName;
      readonly page: Page;
      readonly content: Content;
      readonly traces: TraceFiles;
      readonly ends?: EndNames;
    }
  | { readonly type: 'stop' };

export type FromServer =
  | { readonly type: 'listening'; readonly address: Address; readonly certificate: string }
  | { readonly type: 'record'; readonly notes: NotesPart }
  | { readonly type: 'failed'; readonly reason: string };

export type ToClient = {
  readonly type: 'start';
  readonly model: ModelName;
  readonly page: Page;
  readonly remote: Address;
  readonly certificate: string;
  readonly traces: TraceFiles;
  readonly ends?: EndNames;
  /** µs. */
  readonly nameLookup?: number;
};

export type FromClient =
  | { readonly type: 'progress'; readonly bytes: number }
  | {
      readonly type: 'record';
      readonly startedAt: number;
      readonly finishedAt: number;
      readonly objects: readonly FetchedObject[];
      readonly connections: readonly PooledConnection[];
      readonly notes: NotesPart;
    }
  | { readonly type: 'failed'; readonly reason: string };
