import { type Micros, SECOND } from '@quiclab/sansio';

/** What is spoken on a connection. */
export type Protocol = 'http/1.1' | 'h2' | 'h3' | 'h3-single';

/** The ALPN protocol by which both ends know which it is. */
export const ALPN: Readonly<Record<Protocol, string>> = { 'http/1.1': 'http/1.1', h2: 'h2', h3: 'h3', 'h3-single': 'quiclab-single' };

export const isOverQuic = ({ protocol }: Model): boolean => protocol === 'h3' || protocol === 'h3-single';

/** A way of managing HTTP connections: how the exchanges of a page are mapped to connections. EXPERIMENTS §1. */
export interface Model {
  /** Tells it from all others, its parameter included: 'h1-short:4'. */
  readonly name: string;
  readonly protocol: Protocol;
  /** Host names that the objects of one host are spread over: 1, or domain sharding. */
  readonly shards: number;
  /** Connections to one host name at the same time. */
  readonly connections: number;
  /** Exchanges under way on one connection at the same time. Over HTTP/1.1 more than one is pipelining, for idempotent methods only. */
  readonly exchanges: number;
  /** A connection is used again. Else each exchange has its own, closed after it. */
  readonly persistent: boolean;
  /** After so long without an exchange the server closes the connection, µs; 0: never. */
  readonly idleTimeout: Micros;
  /** Connections begin with what an earlier one left, and the first requests leave in 0-RTT. */
  readonly earlyData: boolean;
}

/** As many as Node's and Apache's servers wait. */
const KEEP_ALIVE: Micros = 5 * SECOND;
/** A browser's connections to one host name. */
const BROWSER = 6;

const http1: Model = {
  name: '',
  protocol: 'http/1.1',
  shards: 1,
  connections: 1,
  exchanges: 1,
  persistent: true,
  idleTimeout: KEEP_ALIVE,
  earlyData: false,
};
const multiplexed: Omit<Model, 'protocol'> = { ...http1, exchanges: Number.POSITIVE_INFINITY, idleTimeout: 0 };

/** The models by id. Those with a number take another one, as in 'h1-short:4'. */
const MODELS = {
  /** HTTP/1.0 style; the number: how many connections at once. */
  'h1-short': { usual: 1, make: (n) => ({ ...http1, connections: n, persistent: false }) },
  'h1-persistent': { make: () => http1 },
  'h1-pipelined': { make: () => ({ ...http1, exchanges: Number.POSITIVE_INFINITY }) },
  /** The number: how many connections. */
  'h1-parallel': { usual: BROWSER, make: (n) => ({ ...http1, connections: n }) },
  /** The number: over how many host names. */
  'h1-sharded': { usual: 2, make: (n) => ({ ...http1, connections: BROWSER, shards: n }) },
  h2: { make: () => ({ ...multiplexed, protocol: 'h2' }) },
  h3: { make: () => ({ ...multiplexed, protocol: 'h3' }) },
  /** All exchanges on one stream of QUIC, framed as HTTP/2 does. */
  'h3-single': { make: () => ({ ...multiplexed, protocol: 'h3-single' }) },
  'h3-0rtt': { make: () => ({ ...multiplexed, protocol: 'h3', earlyData: true }) },
} as const satisfies Record<string, { readonly usual?: number; make(n: number): Model }>;

export type ModelId = keyof typeof MODELS;
export const MODEL_IDS = Object.keys(MODELS) as ModelId[];

/** A model as it is asked for: 'h1-short', 'h1-short:4'. */
export type ModelName = ModelId | `${ModelId}:${number}`;

/** The model of a name: an id, and ':n' where it takes a number. Throws an Error that says what there is. */
export function modelOf(name: string): Model {
  const [id = '', number, ...more] = name.split(':');
  if (!Object.hasOwn(MODELS, id)) throw new Error(`there is no model '${name}'; there are ${MODEL_IDS.join(', ')}`);
  const { usual, make } = MODELS[id as ModelId] as { readonly usual?: number; make(n: number): Model };
  if (number === undefined) return { ...make(usual ?? 1), name };
  if (usual === undefined) throw new Error(`'${name}': ${id} takes no number`);
  if (more.length > 0 || !/^[1-9]\d?$/.test(number)) throw new Error(`'${name}': the number must be a whole one from 1 to 99`);
  return { ...make(Number(number)), name: Number(number) === usual ? id : name };
}

/**
 * The name that an object is asked of under domain sharding: the page's objects are dealt out in turn to the host itself and to as
 * many names beside it as there are shards left, so that the document stays where it is.
 */
export const shardOf = (host: string, nth: number, shards: number): string => {
  const shard = nth % shards;
  return shard === 0 ? host : `shard${shard}.${host}`;
};
