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
}

/** A run as `runSimulated` has it, and the fates of all its datagrams, bound to what they carried. EXPERIMENTS §4, What-if. */
export function recordFates(run: SimulatedRun): RecordedRun {
  return through(run, undefined, [], 'pass');
}

/**
 * A recorded run again, with changes. Without any it is the same run to the byte.
 * @param fates   of the same run; the links' own impairments count for nothing, but for datagrams without counterpart
 * @param others  what becomes of those. Where they draw anew, one seed says little: take 30 or more
 * Throws an Error where a change is about no datagram of the recorded run.
 */
export function replay(run: SimulatedRun, fates: Fates, changes: readonly Change[] = [], others: Default = 'pass'): RecordedRun {
  const applied = applyRecorded(fates, changes);
  return through(run, applied.fates, applied.later, others);
}

function through(run: SimulatedRun, fates: Fates | undefined, changes: readonly Change[], others: Default): RecordedRun {
  if (run.watch !== undefined) throw new Error('a run whose fates are recorded has watches of its own');
  const happenings: Happening[] = [];
  const later = new LaterChanges(changes);
  const up = new FateDesk('up', fates, others, later, happenings);
  const down = new FateDesk('down', fates, others, later, happenings);
  const seed = fates === undefined || others === 'pass' ? 0 : others.seed;
  const record = runSimulated({
    ...run,
    links: { up: judgedBy(up, run.links.up, seed), down: judgedBy(down, run.links.down, seed) },
    watch: { up, down },
  });
  return {
    record,
    fates: { schema: 1, up: up.fates(), down: down.fates() },
    course: { happenings, up: up.carried, down: down.carried },
    unmet: later.unmet,
  };
}
