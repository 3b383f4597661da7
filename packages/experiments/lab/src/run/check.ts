import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type PlanRun, planTable } from '@quiclab/report';
import { Command } from 'commander';
import { loadPlan, shippedPlan, shippedPlans } from '../plan/load.ts';
import { inProcess } from './executor.ts';
import { planJson } from './result.ts';
import { runPlan } from './run-plan.ts';
import { RunProgress } from './run-progress.ts';
import { runsOf } from './specs.ts';

// The plans that come with the program have a page each, with the table that they make with fewer seeds.

const TABLE = /<!-- table: (\d+) seeds? -->\n([\s\S]*?)<!-- \/table -->/;

export interface PlanPage {
  readonly file: string;
  readonly text: string;
  /** With so many seeds the page's table is made. */
  readonly seeds: number;
  readonly stored: string;
}

/** The page of a plan. Throws an Error that says what it lacks. */
export function planPage(name: string): PlanPage {
  const file = shippedPlan(name, 'md');
  if (!existsSync(file)) throw new Error(`${name}: there is no page ${name}.md beside the plan`);
  const text = readFileSync(file, 'utf8');
  const [, seeds, stored] = TABLE.exec(text) ?? [];
  if (seeds === undefined || stored === undefined)
    throw new Error(`${name}.md has no place for a table: <!-- table: 5 seeds --> and <!-- /table -->`);
  const line = `npx -y pnpm@12 lab run ${name}\n`;
  if (!text.includes(line)) throw new Error(`${name}.md does not say how it is run: ${line}`);
  return { file, text, seeds: Number(seeds), stored };
}

const withTable = ({ text, stored }: PlanPage, now: string): string =>
  text.replace(TABLE, (place) => `${place.slice(0, place.indexOf('\n') + 1)}${now}${place.slice(place.indexOf('\n') + 1 + stored.length)}`);

/** What the table of a plan's page is now. @param onRun  told after each run */
export async function tableNow(name: string, seeds: number, onRun: (done: number, total: number) => void = () => {}): Promise<string> {
  const plan = await loadPlan(name, { seeds });
  const runs: PlanRun[] = [];
  await runPlan(
    plan,
    inProcess(plan),
    { runs, add: (run) => runs.push(run) },
    { world: 'simulated', signal: new AbortController().signal, onRun },
  );
  return `\`\`\`\n${planTable(planJson(plan, 'simulated', runs, true))}\n\`\`\`\n`;
}

/** `quiclab check`: runs the plans that come with the program, and holds the tables of their pages against what comes out. */
export const checkCommand = (): Command =>
  new Command('check')
    .description('run the plans that come with the program with few seeds, and compare with the tables of their pages')
    .argument('[plans...]', 'which of them (default: all)')
    .option('--update', 'store what comes out', false)
    .action(async (names: string[], { update }: { readonly update: boolean }) => {
      const wrong: string[] = [];
      for (const name of names.length === 0 ? shippedPlans() : names) {
        const page = planPage(name);
        const progress = new RunProgress(runsOf(await loadPlan(name, { seeds: page.seeds })), 0);
        const now = await tableNow(name, page.seeds, (done, total) => progress.done(done, total, name));
        progress.stop();
        if (update) writeFileSync(page.file, withTable(page, now));
        else if (now !== page.stored) wrong.push(name);
        process.stdout.write(`${name}: ${update ? 'stored' : now === page.stored ? 'as its page says' : 'NOT as its page says'}\n`);
      }
      if (wrong.length > 0)
        throw new Error(`what comes out is not what the pages of ${wrong.join(', ')} say; 'pnpm lab:check --update' stores it`);
    });
