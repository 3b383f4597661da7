import type { Ecn, Micros } from '@quiclab/sansio';

/**
 * What befell one datagram by the judgement of its link, bound to what the datagram carried. Drops by a queue are none of these: they are
 * consequences, and arise anew. Fields that are absent: nothing of that kind befell it.
 */
export interface BoundFate {
  /** The nth datagram that entered the link in the run that these fates are of, from 1; 0: it was not sent there. */
  readonly index: number;
  /** As `bindingOf` writes it. */
  readonly binding: string;
  /** The cause. */
  readonly dropped?: string;
  /** A change lets it pass although it was dropped. */
  readonly spared?: true;
  /** Delay that keeps the order of datagrams, and delay that does not. */
  readonly jitter?: Micros;
  readonly delay?: Micros;
  /** How many more than one arrived. */
  readonly extraCopies?: number;
  readonly flipBit?: number;
  readonly ecn?: Ecn;
}

/** The fates of everything that both links of a run have judged, as JSON. In the order in which datagrams entered; those that were not sent last. */
export interface Fates {
  readonly schema: 1;
  readonly up: readonly BoundFate[];
  readonly down: readonly BoundFate[];
}

export type Direction = 'up' | 'down';
export const DIRECTIONS: readonly Direction[] = ['up', 'down'];

/** Whether a link loses it. */
export const isDropped = ({ dropped, spared }: BoundFate): boolean => dropped !== undefined && !spared;

const BY_CHANGE = 'what-if';

export function withDrop(fate: BoundFate): BoundFate {
  const { spared: _spared, ...rest } = fate;
  return { ...rest, dropped: rest.dropped ?? BY_CHANGE };
}

/** What was dropped by a change before is as it was. */
export function withoutDrop(fate: BoundFate): BoundFate {
  if (fate.dropped !== BY_CHANGE) return { ...fate, spared: true };
  const { dropped: _dropped, ...rest } = fate;
  return rest;
}

export const withDelay = (fate: BoundFate, by: Micros): BoundFate => ({ ...fate, delay: (fate.delay ?? 0) + by });
