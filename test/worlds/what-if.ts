import { bernoulli, type LinkConfig } from '@quiclab/impair';
import {
  type BoundFate,
  type Fates,
  isDropped,
  type ModelName,
  type RecordedRun,
  recordFates,
  replay,
  runSimulated,
  type SimulatedRun,
  withDrop,
  withoutDrop,
} from '@quiclab/lab';
import { integerBelow, seededRandom } from '@quiclab/sansio';
import { drawRun } from './accounts.ts';

// A recorded run, undone and done again, is the same to the byte. EXPERIMENTS §4, What-if.

export const MODELS = [
  'h1-short:2',
  'h1-persistent',
  'h1-pipelined',
  'h1-parallel',
  'h1-sharded',
  'h2',
  'h3',
  'h3-single',
  'h3-0rtt',
] as const;

/** A page and a path drawn from the seed, on which both links lose packets. */
export function lossyRun(model: ModelName, seed: number): SimulatedRun {
  const run = drawRun(model, seed);
  const lossy = (link: LinkConfig): LinkConfig => ({ ...link, loss: link.loss ?? bernoulli(0.02) });
  return { ...run, links: { up: lossy(run.links.up), down: lossy(run.links.down) } };
}

/** How many drops were undone and made again, all of them and one more. Throws an Error that names the seed and what was not the same. */
export function undoneAndRedone(model: ModelName, seed: number): number {
  const run = lossyRun(model, seed);
  const same = (what: string, one: unknown, other: string): void => {
    if (JSON.stringify(one) !== other) throw new Error(`${model}, seed ${seed}: ${what}`);
  };
  const plain = JSON.stringify(runSimulated(run));
  const recorded = recordFates(run);
  same('recording the fates changes the run', recorded.record, plain);
  const fates = JSON.stringify(recorded.fates);
  const read = JSON.parse(fates) as Fates;

  const again = replay(run, read);
  same('with no change it is another run', again.record, plain);
  same('with no change there are other fates', again.fates, fates);

  const drops = [...read.up, ...read.down].filter(isDropped).length;
  const undone = replay(
    run,
    each(read, (fate) => (isDropped(fate) ? withoutDrop(fate) : fate)),
  );
  if (undone.record.up.injectedDrops + undone.record.down.injectedDrops > 0) throw new Error(`${model}, seed ${seed}: drops are left`);
  const redone = replay(
    run,
    each(undone.fates, (fate) => (fate.spared ? withDrop(fate) : fate)),
  );
  same(`undone and redone, ${drops} drops make another run`, redone.record, plain);

  const passed = read.down.filter((fate) => !isDropped(fate));
  const { index } = passed[integerBelow(seededRandom(seed).fork('one more'), passed.length)]!;
  const dropped = replay(run, read, [{ kind: 'drop', address: { link: 'down', index } }]);
  const undropped = replay(run, dropped.fates, [{ kind: 'undrop', address: { link: 'down', index } }]);
  same(`down:${index} dropped and undropped makes another run`, undropped.record, plain);
  lost(dropped, index);
  return drops;
}

function lost({ record }: RecordedRun, index: number): void {
  if (!record.down.drops.some((drop) => drop.index === index && drop.cause === 'what-if'))
    throw new Error(`${record.model}, seed ${record.seed}: down:${index} was not dropped`);
}

const each = ({ schema, up, down }: Fates, change: (fate: BoundFate) => BoundFate): Fates => ({
  schema,
  up: up.map(change),
  down: down.map(change),
});
