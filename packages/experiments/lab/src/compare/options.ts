import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseCount, parseDuration, parsePercent, parseRate } from '@quiclab/impair';
import { MILLISECOND } from '@quiclab/sansio';
import { harReportLines, medianPage, type Page, pageFromHar, parsePage, smallPage } from '@quiclab/workload';
import { Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';
import { MODEL_IDS, type ModelName, modelOf } from '../models/model.ts';
import { DEFAULT_PROFILE, PARITY_PROFILE, type Profile } from '../models/profile.ts';
import { presetLinks } from '../presets/links.ts';
import { PRESET_NAMES, type PresetName } from '../presets/presets.ts';
import { type ComparisonPlan, MOST_SEEDS, WANTED_PRECISION } from './comparison.ts';

export interface CompareOptions {
  readonly plan: ComparisonPlan;
  readonly out: string;
  readonly json: boolean;
  /** What is to be said first: what became of a HAR file. */
  readonly remarks: readonly string[];
  /** What was said, for the result. */
  readonly arguments: readonly string[];
}

const PROFILES: Readonly<Record<string, Profile>> = { default: DEFAULT_PROFILE, parity: PARITY_PROFILE };

/** All ids, and short-lived connections as browsers had them, four at a time. */
export const USUAL_MODELS: readonly ModelName[] = MODEL_IDS.flatMap((id): ModelName[] => (id === 'h1-short' ? [id, 'h1-short:4'] : [id]));

const list =
  <T>(parse: (text: string) => T) =>
  (text: string): T[] =>
    text.split(',').map((part) => parse(part.trim()));

function pageOf(text: string): Page {
  if (text === 'median') return medianPage;
  if (text === 'small') return smallPage;
  return parsePage(JSON.parse(readFileSync(text, 'utf8')));
}

/** A browser's export is called by its file's name, without the place where it was. */
function harPage(file: string, cached: boolean): { readonly page: Page; readonly remarks: string[] } {
  const { page, report } = pageFromHar(readFileSync(file, 'utf8'), { name: basename(file), cached: cached ? 'fetch' : 'leave out' });
  return { page, remarks: harReportLines(report) };
}

/** The `compare` command with its options; `run` is called with what they say. */
export function compareCommand(run: (options: CompareOptions) => Promise<void>): Command {
  return new Command('compare')
    .description('one page under each way of managing HTTP connections, through the same path with the same draws, in virtual time')
    .addOption(
      new Option('--page <page>', "'median', 'small', or a file with a page as JSON")
        .argParser(argument(pageOf))
        .default(medianPage, 'median'),
    )
    .addOption(new Option('--har <file>', "a page that a browser exported ('Save all as HAR'), instead of --page").conflicts('page'))
    .option('--har-cached', 'fetch what the browser had in its cache, too', false)
    .addOption(
      new Option('--models <list>', `of ${MODEL_IDS.join(', ')}; a number as in h1-short:4`)
        .argParser(argument(list((text) => modelOf(text).name as ModelName)))
        .default(USUAL_MODELS, 'all'),
    )
    .addOption(
      new Option('--reference <model>', 'what the others are compared with')
        .argParser(argument((text) => modelOf(text).name))
        .default('h3'),
    )
    .addOption(new Option('--profile <profile>', 'how the ends are set up').choices(Object.keys(PROFILES)).default('default'))
    .addOption(
      new Option('--loss <list>', 'packets lost at random, from the server')
        .argParser(argument(list((text) => parsePercent(text, ''))))
        .default([0, 0.001, 0.005, 0.01, 0.02, 0.05], '0%,0.1%,0.5%,1%,2%,5%'),
    )
    .addOption(new Option('--rtt <time>', 'round trip').argParser(argument(parseDuration)).default(50 * MILLISECOND, '50ms'))
    .addOption(new Option('--rate <rate>', 'of the links').argParser(argument(parseRate)).default(10e6, '10Mbit'))
    .addOption(
      new Option('--preset <name>', 'a path that people know (quiclab presets), instead of --rtt, --rate and --queue')
        .choices(PRESET_NAMES)
        .conflicts(['rtt', 'rate', 'queue']),
    )
    .option('--queue <packets>', 'how many may wait for a link', atLeastOne, 64)
    .addOption(new Option('--lookup <time>', 'to look up a host name').argParser(argument(parseDuration)).default(0, '0ms'))
    .option('--seed <n>', 'the first', argument(parseCount), 1)
    .option(
      '--seeds <n>',
      `how many; usually as many as it takes to know medians to ±${100 * WANTED_PRECISION}%, at most ${MOST_SEEDS}`,
      atLeastOne,
    )
    .option('--out <dir>', 'where models.json goes', 'out')
    .option('--json', 'print it instead of the table', false)
    .action(
      ({
        page: named,
        har,
        harCached,
        models,
        reference,
        profile,
        loss,
        rtt,
        rate,
        queue,
        lookup,
        preset: name,
        seed,
        seeds,
        out,
        json,
      }) => {
        const preset = name as PresetName | undefined;
        const known = preset && presetLinks(preset);
        // what the table says of the path: of a preset its delays together, and its rate and queue down
        const path = known
          ? {
              delay: (known.up.delay + known.down.delay) / 2,
              rate: known.down.rate as number,
              queue: (known.down.queue as { packets: number }).packets,
            }
          : { delay: rtt / 2, rate, queue };
        if (!models.includes(reference)) throw new Error(`--reference: ${reference} is not among the models that are compared`);
        if (harCached && har === undefined) throw new Error('--har-cached: of which file? Say --har FILE');
        const { page, remarks } = har === undefined ? { page: named, remarks: [] } : harPage(har, harCached);
        return run({
          plan: {
            page,
            models,
            reference,
            profile: PROFILES[profile]!,
            losses: loss,
            ...path,
            ...(preset && { preset }),
            nameLookup: lookup,
            firstSeed: seed,
            seeds: seeds ?? 0,
          },
          out,
          json,
          remarks,
          arguments: withoutOutputs(process.argv.slice(3)),
        });
      },
    );
}

/** What decides about results, and not where they go. */
function withoutOutputs(args: readonly string[]): string[] {
  return args.filter((argument, i) => !/^--(json|out)/.test(argument) && args[i - 1] !== '--out');
}
