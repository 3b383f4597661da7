/** The three processes in a tunnel, and page loads by them. */
import type { Micros } from '@quiclab/sansio';
import type { FetchedObject } from '../apps/page-client.ts';
import { modelOf } from '../models/model.ts';
import type { PooledConnection } from '../models/pool.ts';
import type { LinkFigures } from '../record.ts';
import { Child } from './child.ts';
import type { FromClient, FromRelay, FromServer, Lateness, Loading, PathAsked, ToClient, ToRelay, ToServer } from './messages.ts';
import type { Tunnel } from './namespaces.ts';

/** One page load that is to be made. */
export interface PageAsked extends Loading {
  /** Not there: nothing happens to a datagram. */
  readonly path?: PathAsked;
  readonly seed: number;
  /** What it takes to look a host's name up, µs. */
  readonly nameLookup?: Micros;
}

/** And what is known of it where the kernel is one of the ends: EXPERIMENTS §4. */
export interface PageFetched {
  readonly startedAt: Micros;
  readonly finishedAt: Micros;
  readonly objects: readonly FetchedObject[];
  readonly connections: readonly PooledConnection[];
  readonly up: LinkFigures;
  readonly down: LinkFigures;
  readonly lateness: { readonly up: Lateness; readonly down: Lateness };
  /** Datagrams that the relay did not read in time: then the path was another one. */
  readonly unread: number;
}

/** Of one run, before it is taken as it is. */
export const MOST_ATTEMPTS = 4;

const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const programOf = (name: string): URL => new URL(`./${name}.${EXTENSION}`, import.meta.url);

/** The process between the two ends. */
export const relayIn = (tunnel: Tunnel): Child<ToRelay, FromRelay> => new Child(tunnel, 'relay', programOf('relay'));

/** One page load at a time. After one that failed the stage is to be closed: nobody knows what its processes still do. */
export class Stage {
  readonly relay: Child<ToRelay, FromRelay>;
  readonly server: Child<ToServer, FromServer>;
  readonly client: Child<ToClient, FromClient>;

  constructor(tunnel: Tunnel) {
    this.relay = relayIn(tunnel);
    this.server = new Child(tunnel, 'server', programOf('server'));
    this.client = new Child(tunnel, 'client', programOf('client'));
  }

  async close(): Promise<void> {
    await Promise.all([this.client.stop(), this.server.stop(), this.relay.stop()]);
  }

  /** One page load by one model over links that nobody has used before. */
  async fetch({ model, page, ends, path, seed, nameLookup = 0 }: PageAsked): Promise<PageFetched> {
    const { port, certificate } = await this.server.ask({ type: 'serve', model, page, ends }, 'serving');
    const about = { model, page, ends, port, certificate, nameLookup };
    if (modelOf(model).earlyData) {
      await this.relay.ask({ type: 'open', seed: 0 }, 'open');
      await this.client.ask({ type: 'prepare', ...about }, 'prepared');
      await this.#settle();
    }
    await this.relay.ask({ type: 'open', seed, ...(path && { path }) }, 'open');
    const { startedAt, finishedAt, objects, connections } = await this.client.ask({ type: 'fetch', ...about }, 'fetched');
    const { up, down, lateness, unread } = await this.relay.ask({ type: 'close' }, 'figures');
    // what is still to be said (FIN, close_notify) must not come into the next run
    await this.relay.ask({ type: 'open', seed: 0 }, 'open');
    await this.#settle();
    return { startedAt, finishedAt, objects, connections, up, down, lateness, unread };
  }

  async #settle(): Promise<void> {
    await this.relay.ask({ type: 'drain' }, 'drained');
    await this.relay.ask({ type: 'close' }, 'figures');
  }
}
