import { listed } from '@quiclab/impair';
import type { ModelName } from '../models/model.ts';
import { accountRun, type RunRecord } from '../record.ts';
import { type BoundFate, DIRECTIONS, type Direction, type Fates, isDropped, withoutDrop } from '../whatif/fates.ts';
import { type AttemptedRun, attempt } from '../whatif/replay.ts';
import type { RunSource } from '../whatif/source.ts';
import { ddmin } from './ddmin.ts';
import { type Outcome, type Symptom, shows, symptomText } from './symptoms.ts';

/** A drop of the recorded run. */
export interface BoundDrop {
  readonly link: Direction;
  readonly fate: BoundFate;
}

export interface Shrunk {
  /** The drops that are left, as they were in the recorded run. */
  readonly drops: readonly BoundDrop[];
  /** Their numbers in the run that has no others: a plan that drops these shows it. */
  readonly indexes: Readonly<Record<Direction, readonly number[]>>;
  /** How many there were. */
  readonly before: number;
  readonly runs: number;
  /** Without any one of them it does not show any more; false where the runs were used up before that was known. */
  readonly minimal: boolean;
  /** A run of its own, with exactly these numbers lost and no other draw, shows it, too. */
  readonly confirmed: boolean;
  /** The run that is left; undefined where it fails. */
  readonly record: RunRecord | undefined;
  readonly failure: string;
}

/**
 * Leaves out as many of a run's injected drops as can be, so that the symptom is still there. What is left out passes; what the recorded run
 * did not send passes, too. Throws an Error where the run does not show the symptom to begin with, or nothing was dropped.
 * @param most  how many runs it may take
 */
export function shrink(source: RunSource, symptom: Symptom, most: number): Shrunk {
  const { run } = source;
  const recorded = attempt(run, undefined, [], 'pass');
  const all = DIRECTIONS.flatMap((link) => recorded.fates[link].filter(isDropped).map((fate): BoundDrop => ({ link, fate })));
  if (!shows(symptom, outcomeOf(source, recorded))) throw new Error(`it is not so that ${symptomText(symptom)}: ${whatIs(recorded)}`);
  if (all.length === 0) throw new Error(`${symptomText(symptom)}, but no link dropped anything by chance: there is nothing to leave out`);
  const leaving = (kept: readonly BoundDrop[]): AttemptedRun => attempt(run, only(recorded.fates, kept), [], 'pass');
  const { items, tries, minimal } = ddmin(all, (kept) => shows(symptom, outcomeOf(source, leaving(kept))), most);
  const left = leaving(items);
  const indexes = droppedIn(left);
  return {
    drops: items,
    indexes,
    before: all.length,
    runs: tries + 2,
    minimal,
    confirmed: shows(symptom, outcomeOf(source, attempt(withListed(run, indexes), undefined, [], 'pass'))),
    record: left.record,
    failure: left.failure,
  };
}

/** These fates with no other drops than those. */
function only({ schema, up, down }: Fates, kept: readonly BoundDrop[]): Fates {
  const stays = new Set(kept.map(({ fate }) => fate));
  const spare = (fate: BoundFate): BoundFate => (isDropped(fate) && !stays.has(fate) ? withoutDrop(fate) : fate);
  return { schema, up: up.map(spare), down: down.map(spare) };
}

function outcomeOf(source: RunSource, attempted: AttemptedRun): Outcome {
  let { record, failure } = attempted;
  try {
    if (record !== undefined) accountRun(record); // accounts that part are a failure, too
  } catch (error) {
    record = undefined;
    failure = String(error);
  }
  return {
    record,
    failure,
    other: (model: ModelName) => attempt(withListed(source.under(model), droppedIn(attempted)), undefined, [], 'pass').record,
  };
}

/** Numbers of what was dropped by judgement, and not by a queue. */
function droppedIn({ fates }: AttemptedRun): Record<Direction, number[]> {
  const numbers = (list: readonly BoundFate[]): number[] =>
    list.filter((fate) => isDropped(fate) && fate.index > 0).map(({ index }) => index);
  return { up: numbers(fates.up), down: numbers(fates.down) };
}

function withListed(run: RunSource['run'], indexes: Readonly<Record<Direction, readonly number[]>>): RunSource['run'] {
  const link = (direction: Direction) => {
    const { loss: _loss, replay: _replay, ...rest } = run.links[direction];
    return indexes[direction].length === 0 ? rest : { ...rest, loss: listed(...indexes[direction]) };
  };
  return { ...run, links: { up: link('up'), down: link('down') } };
}

const whatIs = ({ record, failure }: AttemptedRun): string =>
  record === undefined ? `it fails: ${failure}` : `it takes ${(record.finishedAt - record.startedAt) / 1_000} ms`;
