import type { StreamId } from './scheduler.ts';

/** Who opened a stream, and whether both ends may send on it: the two low bits of its ID. RFC 9000 §2.1, Table 1. */
export type StreamKind = 'bidi' | 'uni';
export type StreamSide = 'client' | 'server';

export const isBidi = (id: StreamId): boolean => (id & 2) === 0;
export const isClientInitiated = (id: StreamId): boolean => (id & 1) === 0;

/** The nth stream of its type, from 0. */
export const streamIndex = (id: StreamId): number => Math.floor(id / 4);

/** The ID of the nth stream (from 0) of a kind that a side opens. */
export const streamId = (index: number, kind: StreamKind, side: StreamSide): StreamId =>
  index * 4 + (kind === 'uni' ? 2 : 0) + (side === 'server' ? 1 : 0);
