import type { Micros } from '@quiclab/sansio';
import { type Contents, describe } from './contents.ts';
import type { Direction } from './fates.ts';

/** Something that happened on a link. */
export interface Happening {
  readonly at: Micros;
  readonly link: Direction;
  readonly index: number;
  readonly what: 'enters' | 'departs' | 'dropped';
  /** Of what enters, its octets; of what departs, when it arrives. */
  readonly detail: number;
  /** Why it was dropped; how many of it arrive. */
  readonly cause: string;
}

/** What one of two runs does where they part. */
export interface PartedEvent extends Happening {
  readonly carried: string;
}

/** Where two runs part. undefined: that run has ended. */
export interface Parting {
  /** The first thing that happens in one and not in the other: the change itself. */
  readonly before: PartedEvent | undefined;
  readonly after: PartedEvent | undefined;
  /** The first datagram that an end sends in one and not in the other: what came of it first. */
  readonly sentBefore: PartedEvent | undefined;
  readonly sentAfter: PartedEvent | undefined;
}

/** What happened on the links of a run, in order. */
export interface Course {
  readonly happenings: readonly Happening[];
  readonly up: readonly Contents[];
  readonly down: readonly Contents[];
}

/** Where the courses of two runs part; undefined where they do not. */
export function partingOf(before: Course, after: Course): Parting | undefined {
  const at = firstDifference(before, after, before.happenings, after.happenings);
  if (at < 0) return undefined;
  const entering = ({ what }: Happening): boolean => what === 'enters';
  const sent = [before.happenings.filter(entering), after.happenings.filter(entering)] as const;
  const sentAt = firstDifference(before, after, ...sent);
  return {
    before: eventOf(before, before.happenings[at]),
    after: eventOf(after, after.happenings[at]),
    sentBefore: sentAt < 0 ? undefined : eventOf(before, sent[0][sentAt]),
    sentAfter: sentAt < 0 ? undefined : eventOf(after, sent[1][sentAt]),
  };
}

const carriedBy = (course: Course, { link, index }: Happening): string => describe(course[link][index - 1]!);

const eventOf = (course: Course, happening: Happening | undefined): PartedEvent | undefined =>
  happening && { ...happening, carried: carriedBy(course, happening) };

/** -1: none. */
function firstDifference(before: Course, after: Course, one: readonly Happening[], other: readonly Happening[]): number {
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const [a, b] = [one[i], other[i]];
    if (a === undefined || b === undefined || !isSame(a, b) || carriedBy(before, a) !== carriedBy(after, b)) return i;
  }
  return -1;
}

const isSame = (a: Happening, b: Happening): boolean =>
  a.at === b.at && a.link === b.link && a.index === b.index && a.what === b.what && a.detail === b.detail && a.cause === b.cause;
