import { TeeWatch } from '../observe/tee-watch.ts';
import type { RunRecord } from '../record.ts';
import { runSimulated, type SimulatedRun } from '../worlds/simulated.ts';
import { applyRecorded, type Change } from './changes.ts';
import { FateDesk, LaterChanges } from './desk.ts';
import type { Fates } from './fates.ts';
import { type Default, judgedBy } from './judgement.ts';
import type { Course, Happening } from './parting.ts';

/** A run, and what befell its datagrams. */
export interface RecordedRun {
  readonly record: RunRecord;
  /** JSON; `replay` takes them. They hold what the fates before held and what was changed of it, also where it was met by nothing. */
  readonly fates: Fates;
  readonly course: Course;
  /** Changes that came about nothing, as no such datagram was sent. */
  readonly unmet: readonly string[];
  /** Datagrams without counterpart in the recorded run. */
  readonly unknown: number;
}

/** A run as `runSimulated` has it, and the fates of all its datagrams, bound to what they carried. EXPERIMENTS §4, What-if. */
export function recordFates(run: SimulatedRun): RecordedRun {
  return succeeded(attempt(run, undefined, [], 'pass'));
}

/**
 * A recorded run again, with changes. Without any it is the same run to the byte.
 * @param fates   of the same run; the links' own impairments count for nothing, but for datagrams without counterpart
 * @param others  what becomes of those. Where they draw anew, one seed says little: take 30 or more
 * Throws an Error where a change is about no datagram of the recorded run.
 */
export function replay(run: SimulatedRun, fates: Fates, changes: readonly Change[] = [], others: Default = 'pass'): RecordedRun {
  const applied = applyRecorded(fates, changes);
  return succeeded(attempt(run, applied.fates, applied.later, others));
}

/** A run that may have failed, and what befell its datagrams until then. */
export interface AttemptedRun extends Omit<RecordedRun, 'record'> {
  readonly record: RunRecord | undefined;
  /** Why there is no record; '' where there is one. */
  readonly failure: string;
}

/** Like the above, for runs that may fail: their fates are there all the same. @param fates  undefined: a run of its own */
export function attempt(run: SimulatedRun, fates: Fates | undefined, changes: readonly Change[], others: Default): AttemptedRun {
  const happenings: Happening[] = [];
  const later = new LaterChanges(changes);
  const up = new FateDesk('up', fates, others, later, happenings);
  const down = new FateDesk('down', fates, others, later, happenings);
  const seed = fates === undefined || others === 'pass' ? 0 : others.seed;
  const links = { up: judgedBy(up, run.links.up, seed), down: judgedBy(down, run.links.down, seed) };
  let record: RunRecord | undefined;
  let failure = '';
  try {
    record = runSimulated({ ...run, links, watch: watchedToo(run, up, down) });
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  return {
    record,
    failure,
    fates: { schema: 1, up: up.fates(), down: down.fates() },
    course: { happenings, up: up.carried, down: down.carried },
    unmet: later.unmet,
    unknown: up.unknown + down.unknown,
  };
}

/** The desks, and who watches beside them. */
const watchedToo = ({ watch }: SimulatedRun, up: FateDesk, down: FateDesk): NonNullable<SimulatedRun['watch']> =>
  watch === undefined ? { up, down } : { up: new TeeWatch([up, watch.up]), down: new TeeWatch([down, watch.down]) };

function succeeded({ record, failure, ...rest }: AttemptedRun): RecordedRun {
  if (record === undefined) throw new Error(failure);
  return { record, ...rest };
}
