/** The half on sockets. */
import { MOST_ATTEMPTS, Stage, type Tunnel } from '@quiclab/lab/tunnel';
import { median } from '@quiclab/report';
import { type PageRun, runPage } from '../page-runs.ts';
import { type FidelityModel, LOSSES, MODELS, MOST_LATE, PAGE, pathOf, REAL_WITHOUT_LOSS } from './plan.ts';
import type { RealRun } from './record.ts';

interface Wanted {
  readonly model: FidelityModel;
  readonly loss: number;
  readonly seed: number;
}

/** Which of them; undefined: all. */
export interface Part {
  readonly model: FidelityModel | undefined;
  readonly loss: number | undefined;
}

/** What is not there yet, in turn: whenever it is broken off, all models and rates have as many. */
export function wanted(done: readonly RealRun[], runs: number, part: Part = { model: undefined, loss: undefined }): Wanted[] {
  const have = new Set(done.map(({ model, loss, seed }) => `${model} ${loss} ${seed}`));
  const all: Wanted[] = [];
  for (let seed = 1; seed <= runs; seed++)
    for (const loss of LOSSES) if (loss > 0 || seed <= REAL_WITHOUT_LOSS) for (const model of MODELS) all.push({ model, loss, seed });
  return all.filter(
    ({ model, loss, seed }) => !have.has(`${model} ${loss} ${seed}`) && (part.model ?? model) === model && (part.loss ?? loss) === loss,
  );
}

const worst = ({ lateness: { up, down } }: PageRun): number => Math.max(up.p99, down.p99);
const isGood = (run: PageRun): boolean => run.unread === 0 && worst(run) <= MOST_LATE;

/** @param onRun  takes each as it comes; a run that was never good enough is not among them, and is wanted again the next time */
export async function runReal(
  tunnel: Tunnel,
  todo: readonly Wanted[],
  onRun: (run: RealRun | undefined, left: number) => void,
): Promise<void> {
  const stage = new Stage(tunnel);
  try {
    // programs are compiled while they run, and the first pages are slow
    for (const model of MODELS) for (let i = 0; i < 2; i++) await runPage(stage, model, PAGE, pathOf(0), 0);
    for (const [index, { model, loss, seed }] of todo.entries()) {
      let run = await runPage(stage, model, PAGE, pathOf(loss), seed);
      let repeated = 0;
      while (!isGood(run) && ++repeated < MOST_ATTEMPTS) run = await runPage(stage, model, PAGE, pathOf(loss), seed);
      const { pageLoad, objects, up, down, connections } = run;
      const kept: RealRun = {
        model,
        loss,
        seed,
        pageLoad,
        medianCompletion: median(objects.map(({ completion }) => completion)),
        up: [up.entered, up.injectedDrops, up.queueDrops],
        down: [down.entered, down.injectedDrops, down.queueDrops],
        connections,
        late: worst(run),
        repeated,
      };
      onRun(isGood(run) ? kept : undefined, todo.length - index - 1);
    }
  } finally {
    await stage.close();
  }
}
