import { join } from 'node:path';
import { Command, Option } from 'commander';
import { argument } from '../arguments.ts';
import { isOverQuic, modelOf } from '../models/model.ts';
import { traced } from '../tracing/traced-run.ts';
import { writeTraces } from '../tracing/write-traces.ts';
import type { SimulatedRun } from '../worlds/simulated.ts';
import { addressText, type Change, parseAddress, parseDelay } from './changes.ts';
import { type DifferenceOverSeeds, differenceOf, overSeeds, pageLoadOf, type RunDifference } from './difference.ts';
import { type Parting, partingOf } from './parting.ts';
import { type RecordedRun, recordFates, replay } from './replay.ts';
import { addRunOptions, checkBesidePlan, modelOption, type RunOptions, type RunSource, runSource } from './source.ts';
import { differenceTable, overSeedsText, partingText } from './text.ts';

/** Fewer say little about draws. EXPERIMENTS §4, What-if. */
const LEAST_SEEDS = 30;

/** What a what-if is about. */
export interface WhatIf {
  readonly source: RunSource;
  readonly changes: readonly Change[];
  /** 0: datagrams without counterpart pass; else they draw anew, with so many seeds. */
  readonly seeds: number;
}

/** What came of it, as JSON. */
export interface WhatIfResult {
  readonly schema: 1;
  readonly kind: 'what-if';
  readonly run: string;
  readonly changes: readonly string[];
  /** Changes that came about nothing, as no such datagram was sent. */
  readonly unmet: readonly string[];
  /** Datagrams of the changed run without counterpart in the recorded one: they pass, or (`overSeeds`) draw anew. */
  readonly unknown: number;
  /** null: they do not. */
  readonly parting: Parting | null;
  readonly difference: RunDifference;
  readonly overSeeds: DifferenceOverSeeds | null;
}

/** Runs it. Throws an Error where a change is about no datagram. */
export function whatIf({ source, changes, seeds }: WhatIf): WhatIfResult {
  const { run, text } = source;
  const before = recordFates(run);
  const took = pageLoadOf(before.record);
  if (source.pageLoad !== undefined && took !== source.pageLoad)
    throw new Error(
      `the page took ${source.pageLoad / 1_000} ms there, and takes ${took / 1_000} ms now: the result is of another version`,
    );
  const after = replay(run, before.fates, changes);
  if (after.unmet.length === changes.length && changes.length > 0) throw new Error(`no such datagram was sent: ${after.unmet.join(', ')}`);
  const drawn: RecordedRun[] = [];
  for (let seed = 1; seed <= seeds; seed++) drawn.push(replay(run, before.fates, changes, { seed }));
  return {
    schema: 1,
    kind: 'what-if',
    run: text,
    changes: changes.map(changeText),
    unmet: after.unmet,
    unknown: after.unknown,
    parting: partingOf(before.course, after.course) ?? null,
    difference: differenceOf(before.record, after.record),
    overSeeds: drawn.length === 0 ? null : overSeeds(drawn.map(({ record }) => differenceOf(before.record, record))),
  };
}

const changeText = (change: Change): string =>
  `${change.kind} ${addressText(change.address)}${change.kind === 'delay' ? ` by ${change.by / 1_000} ms` : ''}`;

const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** What of the options says what is changed. */
interface ChangeOptions {
  readonly drop?: readonly string[];
  readonly undrop?: readonly string[];
  readonly delay?: readonly string[];
  readonly stream?: readonly string[];
  readonly frame?: readonly string[];
}

interface WhatIfOptions extends RunOptions, ChangeOptions {
  readonly others: string;
  readonly seeds: number;
  readonly json: boolean;
  readonly traces?: string;
}

function changesOf({ drop = [], undrop = [], delay = [], stream = [], frame = [] }: ChangeOptions, overTcp: boolean): Change[] {
  const under = <T>(option: string, texts: readonly string[], parse: (text: string) => T): T[] =>
    texts
      .flatMap((text) => text.split(','))
      .map((text) => {
        try {
          return parse(text.trim());
        } catch (error) {
          throw new Error(`${option}: ${error instanceof Error ? error.message : error}`);
        }
      });
  const address = (text: string) => parseAddress(text, overTcp);
  const only = (kind: 'offset' | 'frame', example: string) => (text: string) => {
    const found = address(text);
    if (!(kind in found)) throw new Error(`'${text}' is not like ${example}`);
    return found;
  };
  const dropped = [
    ...under('--drop', drop, address),
    ...under('--stream', stream, only('offset', overTcp ? '0@12000' : '8@12000')),
    ...under('--frame', frame, only('frame', overTcp ? 'ACK:2' : 'MAX_DATA:2')),
  ];
  return [
    ...dropped.map((found): Change => ({ kind: 'drop', address: found })),
    ...under('--undrop', undrop, address).map((found): Change => ({ kind: 'undrop', address: found })),
    ...under('--delay', delay, (text) => parseDelay(text, overTcp)),
  ];
}

/** The `whatif` command. */
export function whatIfCommand(write: (text: string) => void): Command {
  const command = new Command('whatif')
    .description('a simulated run again with one event changed: what that does to each stream, and where the two runs part')
    .argument('[plan]', 'a plan, or the result.json of one; else the options below describe the run')
    .addOption(modelOption());
  return addRunOptions(command, { loss: '1%' })
    .option(
      '--drop <datagram>',
      'down:47, 8@12000 (an octet of a stream), MAX_DATA:2 (the second with that frame); several by commas',
      gather,
    )
    .option('--undrop <datagram>', 'one that was lost passes', gather)
    .option('--delay <datagram=time>', 'it comes later, and others pass it: down:47=30ms', gather)
    .option(
      '--stream <stream@offset[:nth]>',
      'drop what carries that octet for the nth time; up:1/8@0 on the way up, of connection 1',
      gather,
    )
    .option(
      '--frame <name[:nth]>',
      'drop the nth datagram with such a frame: HANDSHAKE_DONE, MAX_DATA:2; over TCP SYN, ACK, FIN, RST',
      gather,
    )
    .addOption(
      new Option('--others <default>', 'datagrams that the recorded run did not have pass, or draw anew')
        .choices(['pass', 'draw'])
        .default('pass'),
    )
    .addOption(
      new Option('--seeds <n>', `with --others draw: how many draws, ${LEAST_SEEDS} or more`)
        .argParser(argument(seedsOf))
        .default(LEAST_SEEDS),
    )
    .option('--traces <dir>', 'write traces of both runs (qlog, pcapng) into before/ and then/ in it, as the trace command does')
    .option('--json', 'print JSON', false)
    .action(async (name: string | undefined, read: WhatIfOptions, self: Command) => {
      checkBesidePlan(name, self);
      const source = await runSource(name, read);
      const changes = changesOf(read, !isOverQuic(modelOf(source.run.model)));
      if (changes.length === 0) throw new Error('say what is to be changed: --drop down:47, --undrop …, --delay …, --stream …, --frame …');
      const result = whatIf({ source, changes, seeds: read.others === 'draw' ? read.seeds : 0 });
      if (read.traces !== undefined) writeBoth(source.run, changes, read.traces);
      write(read.json ? `${JSON.stringify(result)}\n` : `${whatIfText(result)}\n`);
    });
}

/** Both runs once more, watched. */
function writeBoth(run: SimulatedRun, changes: readonly Change[], dir: string): void {
  const [before, then] = [traced(run, TRACES), traced(run, TRACES)];
  const { fates } = recordFates(before.run);
  replay(then.run, fates, changes);
  writeTraces(join(dir, 'before'), before.files());
  writeTraces(join(dir, 'then'), then.files());
}

const TRACES = { dialect: 'current', at: ['client', 'server'] } as const;

function seedsOf(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < LEAST_SEEDS)
    throw new Error(`'${text}': fewer than ${LEAST_SEEDS} draws say little; it is a whole number from ${LEAST_SEEDS} on`);
  return Number(text);
}

function whatIfText({ run, changes, unmet, unknown, parting, difference, overSeeds: drawn }: WhatIfResult): string {
  return [
    `Simulated: ${run}\nWhat if: ${changes.join(', ')}`,
    ...(unmet.length === 0 ? [] : [`Not met, as no such datagram was sent: ${unmet.join(', ')}`]),
    partingText(parting ?? undefined),
    `${differenceTable(difference)}${unknown === 0 ? '' : `\n${unknown} datagram${unknown === 1 ? ' has' : 's have'} no counterpart in the recorded run; here they pass.`}`,
    ...(drawn === null ? [] : [overSeedsText(drawn)]),
  ].join('\n\n');
}
