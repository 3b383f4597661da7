import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ModelsJson, type ModelsRound, modelsTable } from '@quiclab/report';
import { Progress } from '../progress.ts';
import { VERSION } from '../version.ts';
import { type ComparisonPlan, compareModels } from './comparison.ts';
import type { CompareOptions } from './options.ts';

/** Runs a comparison and writes what came out. Ctrl-C ends it after the present seed, with what is done; a second one ends it at once. */
export async function compare(options: CompareOptions): Promise<void> {
  const { plan, out, json, remarks } = options;
  if (remarks.length > 0) (json ? process.stderr : process.stdout).write(`${remarks.join('\n')}\n\n`);
  let stopped = false;
  process.once('SIGINT', () => {
    stopped = true;
  });
  const progress = new Progress(plan.losses.length);
  const rounds = await compareModels(
    plan,
    {
      begin: (loss) => progress.begin(`${Number((100 * loss).toFixed(4))}% loss`),
      at: (share) => progress.at(share),
      end: () => progress.end(1),
    },
    () => stopped,
  );
  progress.stop();
  if (rounds.length === 0) throw new Error('stopped before anything was done');
  const result = modelsJson(plan, options.arguments, rounds);
  mkdirSync(out, { recursive: true });
  const file = join(out, 'models.json');
  const text = `${JSON.stringify(result)}\n`;
  writeFileSync(file, text);
  if (json) process.stdout.write(text);
  else process.stdout.write(`${modelsTable(result)}\n\nFigures of every run: ${file}\n`);
  if (stopped) process.stderr.write('Stopped: this is what was done by then.\n');
}

export const modelsJson = (plan: ComparisonPlan, args: readonly string[], rounds: readonly ModelsRound[]): ModelsJson => ({
  schema: 1,
  kind: 'models',
  world: 'simulated',
  version: VERSION,
  arguments: args,
  page: {
    name: plan.page.name,
    objects: plan.page.objects.length,
    octets: plan.page.objects.reduce((sum, { size }) => sum + size, 0),
  },
  path: { rtt: 2 * plan.delay, rate: plan.rate, queue: plan.queue },
  profile: plan.profile.name,
  reference: plan.reference,
  rounds,
});
