import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseCount, parseDuration, parsePercent, parseRate } from '@quiclab/impair';
import { modelsTable } from '@quiclab/report';
import { MILLISECOND } from '@quiclab/sansio';
import { Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';
import { MODEL_IDS, type ModelName, modelOf } from '../models/model.ts';
import { reducedHar } from '../plan/har-page.ts';
import { type PreparedPlan, preparePlan } from '../plan/prepare.ts';
import { BUILT_IN_PAGES, type PlanInput } from '../plan/schema.ts';
import { PRESET_NAMES, PRESETS, type Preset, type PresetName } from '../presets/presets.ts';
import { execute, type RunOptions, withRunOptions } from '../run/command.ts';

/** What the options say, as text where a plan has text. */
export interface CompareOptions {
  readonly page: string;
  readonly har?: string;
  readonly harCached: boolean;
  readonly models: readonly ModelName[];
  readonly reference: string;
  readonly profile: 'default' | 'parity';
  readonly loss: readonly string[];
  readonly rtt: string;
  readonly rate: string;
  readonly queue: number;
  readonly preset?: PresetName;
  readonly lookup: string;
  readonly seed: number;
  /** Not said: as many as it takes. */
  readonly seeds?: number;
}

/** All ids, and short-lived connections as browsers had them, four at a time. */
const USUAL_MODELS: readonly ModelName[] = MODEL_IDS.flatMap((id): ModelName[] => (id === 'h1-short' ? [id, 'h1-short:4'] : [id]));

/** One page, one path, many models, at some rates of loss: the plan that a user would have written. */
export function comparisonPlan(options: CompareOptions): PreparedPlan {
  const { page, har, harCached, models, reference, profile, loss, rtt, rate, queue, preset, lookup, seed, seeds } = options;
  if (!models.includes(reference as ModelName)) throw new Error(`--reference: ${reference} is not among the models that are compared`);
  if (harCached && har === undefined) throw new Error('--har-cached: of which file? Say --har FILE');
  // a result has the name of a file, and not the place where it was
  const file = har ?? ((BUILT_IN_PAGES as readonly string[]).includes(page) ? undefined : page);
  const read = (name: string): string => {
    const text = readFileSync(file!, 'utf8');
    return har === undefined ? text : reducedHar(text, name, harCached);
  };
  const plan: PlanInput = {
    question: 'Which way of managing connections fetches the page best, and how does loss change that?',
    workload: har !== undefined ? { har: basename(har) } : basename(page),
    topology: {
      ...(preset === undefined ? { both: { rate, delay: halfOf(rtt), queue: `${queue} packets` } } : { preset }),
      nameLookup: lookup,
    },
    models: [...models],
    profile,
    vary: { 'topology.down.loss': loss.map((share) => lossBeside(preset, share)) },
    repeats: seeds ?? 'auto',
    firstSeed: seed,
    reference,
  };
  return preparePlan(plan, read, { source: 'compare' });
}

const halfOf = (time: string): string => {
  const half = Math.round(parseDuration(time, '') / 2);
  return half % MILLISECOND === 0 ? `${half / MILLISECOND}ms` : `${half}us`;
};

/** Losses come on top of those that a preset has. */
function lossBeside(preset: PresetName | undefined, share: string): unknown {
  const own = preset === undefined ? undefined : (PRESETS[preset] as Preset).down.loss;
  return own === undefined ? share : { label: share, value: [own, share].flat() };
}

const list =
  <T>(parse: (text: string) => T) =>
  (text: string): T[] =>
    text.split(',').map((part) => parse(part.trim()));

/** Takes what can be read, as it was written. */
const readable =
  (read: (text: string, what: string) => unknown) =>
  (text: string): string => {
    read(text, '');
    return text;
  };

/** The `compare` command: a plan made of options, run as any. */
export const compareCommand = (): Command =>
  withRunOptions(
    new Command('compare')
      .description('one page under each way of managing HTTP connections, through the same path with the same draws, in virtual time')
      .option('--page <page>', "'median', 'small', or a JSON file with a page", 'median')
      .addOption(new Option('--har <file>', "a page that a browser exported ('Save all as HAR'), instead of --page").conflicts('page'))
      .option('--har-cached', 'fetch what the browser had in its cache, too', false)
      .addOption(
        new Option('--models <list>', `of ${MODEL_IDS.join(', ')}; a number as in h1-short:4`)
          .argParser(argument(list((text) => modelOf(text).name as ModelName)))
          .default(USUAL_MODELS, 'all'),
      )
      .option(
        '--reference <model>',
        'what the others are compared with',
        argument((text) => modelOf(text).name),
        'h3',
      )
      .addOption(new Option('--profile <profile>', 'how the ends are set up').choices(['default', 'parity']).default('default'))
      .addOption(
        new Option('--loss <list>', 'packets lost at random, from the server')
          .argParser(argument(list(readable(parsePercent))))
          .default(['0%', '0.1%', '0.5%', '1%', '2%', '5%'], '0%,0.1%,0.5%,1%,2%,5%'),
      )
      .option('--rtt <time>', 'round trip', argument(readable(parseDuration)), '50ms')
      .option('--rate <rate>', 'of the links', argument(readable(parseRate)), '10Mbit')
      .addOption(
        new Option('--preset <name>', 'a path that people know (quiclab presets), instead of --rtt, --rate and --queue')
          .choices(PRESET_NAMES)
          .conflicts(['rtt', 'rate', 'queue']),
      )
      .option('--queue <packets>', 'how many may wait for a link', atLeastOne, 64)
      .option('--lookup <time>', 'to look up a host name', argument(readable(parseDuration)), '0ms')
      .option('--seed <n>', 'the first', argument(parseCount), 1)
      .option('--seeds <n>', 'how many; usually as many as it takes to know medians of the page load to ±5%, at most 400', atLeastOne),
    'where results go (default: out/compare)',
  ).action((options: CompareOptions & RunOptions) => execute(comparisonPlan(options), options.out ?? 'out/compare', options, modelsTable));
