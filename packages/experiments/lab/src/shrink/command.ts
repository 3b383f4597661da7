import { parseDuration } from '@quiclab/impair';
import { milliseconds } from '@quiclab/report';
import type { Micros } from '@quiclab/sansio';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { argument, atLeastOne } from '../arguments.ts';
import type { ModelName } from '../models/model.ts';
import { unknownName } from '../plan/nearest.ts';
import { pageLoadOf } from '../whatif/difference.ts';
import { addRunOptions, checkBesidePlan, modelNamed, modelOption, type RunOptions, type RunSource, runSource } from '../whatif/source.ts';
import { type Shrunk, shrink } from './shrink.ts';
import { type Symptom, symptomText } from './symptoms.ts';

/** So many runs it may take. */
const USUAL_RUNS = 500;

interface ShrinkOptions extends RunOptions {
  readonly pageLoad?: Micros;
  readonly object?: string;
  readonly completion?: Micros;
  readonly slowerThan?: ModelName;
  readonly by?: Micros;
  readonly fails: boolean;
  readonly runs: number;
  readonly json: boolean;
}

/** The `shrink` command. */
export function shrinkCommand(write: (text: string) => void): Command {
  const command = new Command('shrink')
    .description('the shortest list of drops with which a simulated run is still as striking, as a plan')
    .argument('[plan]', 'a plan, or the result.json of one; else the options below describe the run')
    .addOption(modelOption());
  return addRunOptions(command, { loss: '1%' })
    .option('--page-load <time>', 'the page takes so long, or longer', argument(parseDuration))
    .option('--object <id>', 'with --completion: of this object')
    .option('--completion <time>', 'it takes so long, or longer', argument(parseDuration))
    .addOption(
      new Option('--slower-than <model>', 'the page takes longer than under that model, with the same numbers lost').argParser(
        argument(modelNamed),
      ),
    )
    .option('--by <time>', 'with --slower-than: by so much at least (default: 1 µs)', argument(parseDuration))
    .option('--fails', 'it ends in an error, or the page never comes', false)
    .option('--runs <n>', 'how many subsets of the drops are tried at most', atLeastOne, USUAL_RUNS)
    .option('--json', 'print JSON instead of a plan', false)
    .action(async (name: string | undefined, options: ShrinkOptions, self: Command) => {
      checkBesidePlan(name, self);
      const source = await runSource(name, options);
      const symptom = symptomOf(options, source);
      const found = shrink(source, symptom, options.runs);
      const plan = source.planWith(
        `with which drops ${symptom.kind === 'fails' ? 'does the run fail' : `is it so that ${symptomText(symptom)}`}?`,
        found.indexes,
        symptom.kind === 'slowerThan' ? [source.run.model, symptom.model] : undefined,
      );
      write(
        options.json
          ? `${JSON.stringify(shrinkJson(source, symptom, found, plan))}\n`
          : `${remarks(source, symptom, found)}\n${stringify(plan)}`,
      );
    });
}

function symptomOf({ pageLoad, object, completion, slowerThan, by, fails }: ShrinkOptions, { run }: RunSource): Symptom {
  const found: Symptom[] = [];
  if (pageLoad !== undefined) found.push({ kind: 'pageLoad', atLeast: pageLoad });
  if (completion !== undefined || object !== undefined) {
    if (completion === undefined || object === undefined)
      throw new Error('--object and --completion go together: --object /logo.png --completion 2s');
    const ids = run.page.objects.map(({ id }) => id);
    if (!ids.includes(object)) throw new Error(`--object: ${unknownName(object, `an object of page '${run.page.name}'`, ids)}`);
    found.push({ kind: 'completion', object, atLeast: completion });
  }
  if (by !== undefined && slowerThan === undefined) throw new Error('--by goes with --slower-than');
  if (slowerThan !== undefined) {
    if (slowerThan === run.model) throw new Error(`--slower-than: the run is under ${run.model} itself`);
    found.push({ kind: 'slowerThan', model: slowerThan, by: by ?? 1 });
  }
  if (fails) found.push({ kind: 'fails' });
  if (found.length !== 1)
    throw new Error(
      `say one thing that makes the run striking: --page-load 3s, --object ID --completion 2s, --slower-than h2, or --fails${found.length > 1 ? `; there are ${found.length}` : ''}`,
    );
  return found[0]!;
}

/** What was found, as comments before the plan. */
function remarks(
  { text }: RunSource,
  symptom: Symptom,
  { drops, indexes, before, runs, minimal, confirmed, record, failure }: Shrunk,
): string {
  const numbers = [...indexes.up.map((n) => `up:${n}`), ...indexes.down.map((n) => `down:${n}`)];
  const lines = [
    `${text}`,
    `${symptomText(symptom)}: of ${before} drops ${drops.length === 0 ? 'none is' : drops.length === 1 ? 'one is' : `${drops.length} are`} needed (${runs} runs).`,
    ...drops.map(({ link, fate }) => `  ${link}:${fate.index}, ${fate.binding}`),
    ...(numbers.length === 0 ? [] : [`Without the others these are ${numbers.join(', ')}.`]),
    ...(drops.length === 0
      ? ['It is so without any loss.']
      : [minimal ? 'Without any one of them it is not so any more.' : 'The runs were used up (--runs): there may be a shorter list.']),
    record === undefined ? `The run fails: ${failure}` : `The page takes ${milliseconds(pageLoadOf(record))}.`,
    ...(confirmed ? [] : ['The plan below does not show it by itself: it hangs on other draws of the run, too.']),
  ];
  return lines.map((line) => `# ${line}`).join('\n');
}

const shrinkJson = ({ text }: RunSource, symptom: Symptom, { record, ...found }: Shrunk, plan: unknown) => ({
  schema: 1,
  kind: 'shrunk',
  run: text,
  symptom,
  ...found,
  pageLoad: record === undefined ? null : pageLoadOf(record),
  plan,
});
