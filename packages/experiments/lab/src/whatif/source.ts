import { existsSync, readFileSync } from 'node:fs';
import { parseCount, parseDuration, parsePercent, parseRate } from '@quiclab/impair';
import type { PlanJson, PlanRun } from '@quiclab/report';
import type { Micros } from '@quiclab/sansio';
import { type Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';
import { CONTROLLER_SYNTAX, parseController } from '../flows/controllers.ts';
import { MODEL_IDS, type ModelName, modelOf } from '../models/model.ts';
import { loadPlan } from '../plan/load.ts';
import { unknownName } from '../plan/nearest.ts';
import { type PreparedPlan, prepareDocument, preparePlan } from '../plan/prepare.ts';
import { combinations, variablesOf } from '../plan/variants.ts';
import { simulatedRun } from '../run/run-spec.ts';
import type { SimulatedRun } from '../worlds/simulated.ts';
import type { Direction } from './fates.ts';

/** A plan as data. */
export type RawPlan = Readonly<Record<string, unknown>>;

/** One run of a plan: what can be run again, and how it is said. */
export interface RunSource {
  readonly run: SimulatedRun;
  /** For people: page, model, path, seed; and without the model. */
  readonly text: string;
  readonly scene: string;
  /** What a result says that the page took; undefined: nobody has said. */
  readonly pageLoad: Micros | undefined;
  /** Of the plan. */
  readonly models: readonly ModelName[];
  /** The plan of this run alone, as data; with exactly these drops in the place of what its links lose. */
  planWith(question: string, drops: Readonly<Record<Direction, readonly number[]>>, models?: readonly ModelName[]): RawPlan;
  /** The same page over the same path under another model. */
  under(model: ModelName): SimulatedRun;
}

/** What is said of a run in the place of a plan, as it was written. */
export interface RunOptions {
  readonly page: string;
  readonly profile: string;
  readonly controller?: string;
  /** Shares of packets lost at random, to the client and to the server. */
  readonly loss: string;
  readonly upLoss: string;
  /** Exactly these, too: 'up:3,down:7'. */
  readonly lost?: string;
  readonly rtt: string;
  readonly rate: string;
  readonly queue: number;
  readonly lookup: string;
  readonly seed?: number;
  readonly model?: ModelName;
  /** Which of a plan's variants, from 1. */
  readonly variant?: number;
  /** Which run of a result. */
  readonly run?: string;
}

const USUAL = {
  page: 'median',
  profile: 'default',
  loss: '0%',
  upLoss: '0%',
  rtt: '50ms',
  rate: '10Mbit',
  queue: 64,
  lookup: '0ms',
} as const satisfies Partial<RunOptions>;

const EQUAL = /^([1-9]\d{0,2})x([1-9]\d{0,5}KB)$/;

/** What an option's parser has nothing against, as it was written. */
const checked = (parse: (text: string) => unknown) =>
  argument((text) => {
    parse(text);
    return text;
  });

/** Adds the options that describe a run, or choose one of a plan. */
export function addRunOptions(command: Command, own: Partial<RunOptions> = {}): Command {
  const usual = { ...USUAL, ...own };
  command
    .option(
      '--page <page>',
      "'median', 'small', 10x60KB (ten objects of 60 KB at once), or a file with a page as JSON",
      checked(workloadOf),
      usual.page,
    )
    .addOption(new Option('--profile <profile>', 'how the ends are set up').choices(['default', 'parity']).default(usual.profile))
    .option('--controller <name>', `instead of the profile's: ${CONTROLLER_SYNTAX}`, checked(parseController), usual.controller)
    .option('--loss <share>', 'packets lost at random, from the server', checked(parsePercent), usual.loss)
    .option('--up-loss <share>', 'and to the server', checked(parsePercent), usual.upLoss)
    .option('--lost <list>', 'exactly these are lost, too: up:3,down:7', checked(parseDropList))
    .option('--rtt <time>', 'round trip', checked(parseDuration), usual.rtt)
    .option(
      '--rate <rate>',
      "of the links; 'none': no limit",
      checked((text) => text === 'none' || parseRate(text)),
      usual.rate,
    )
    .option('--queue <packets>', 'how many may wait for a link', atLeastOne, usual.queue)
    .option('--lookup <time>', 'to look up a host name', checked(parseDuration), usual.lookup)
    .option('--seed <n>', 'all chance hangs on it (default: 1, or the first of the plan)', argument(parseCount))
    .option('--variant <n>', "which of a plan's variants (default: the first)", atLeastOne)
    .option('--run <key>', 'which run of a result.json (default: the one in the middle by page load)');
  return command;
}

/** Throws an Error that names the nearest. */
export function modelNamed(name: string): ModelName {
  const id = name.split(':')[0]!;
  if (!(MODEL_IDS as readonly string[]).includes(id)) throw new Error(unknownName(name, 'a model', MODEL_IDS));
  return modelOf(name).name as ModelName;
}

/** What a plan says itself. */
const OF_NO_PLAN = ['page', 'profile', 'controller', 'loss', 'upLoss', 'lost', 'rtt', 'rate', 'queue', 'lookup'] as const;

/** Throws an Error that names an option that was said beside a plan, and counts for nothing there. */
export function checkBesidePlan(name: string | undefined, command: Command): void {
  if (name === undefined) return;
  for (const option of OF_NO_PLAN)
    if (command.getOptionValueSource(option) === 'cli')
      throw new Error(`--${option.replace('L', '-l')} does not go with a plan: '${name}' says that itself`);
}

export const modelOption = (): Option =>
  new Option('--model <model>', `of ${MODEL_IDS.join(', ')} (default: h3, or the first of the plan)`).argParser(argument(modelNamed));

/** 'up:3,down:7'. Throws an Error that names what is not like that. */
export function parseDropList(text: string): Record<Direction, number[]> {
  const drops = { up: [] as number[], down: [] as number[] };
  for (const part of text.split(',')) {
    const match = /^(up|down):([1-9]\d{0,8})$/.exec(part.trim());
    if (match === null) throw new Error(`'${part.trim()}' is not like up:3 or down:7, the nth datagram of that link from 1`);
    drops[match[1] as Direction].push(Number(match[2]));
  }
  return drops;
}

function workloadOf(text: string): unknown {
  if (text === 'median' || text === 'small') return text;
  const equal = EQUAL.exec(text);
  if (equal !== null) return { files: { count: Number(equal[1]), size: equal[2] } };
  if (text.endsWith('.json')) {
    if (!existsSync(text)) throw new Error(`there is no file '${text}'`);
    return text;
  }
  throw new Error(
    `${unknownName(text, 'a page', ['median', 'small'])}; or 10x60KB (ten objects of 60 KB at once), or a file that ends with .json`,
  );
}

/** The plan that options are another way to write. */
export function planOf(options: RunOptions, model: ModelName): RawPlan {
  const { page, profile, controller, loss, upLoss, lost, rtt, rate, queue, lookup, seed = 1 } = options;
  const drops = lost === undefined ? { up: [], down: [] } : parseDropList(lost);
  const lossOf = (share: string, drop: readonly number[]) => [
    ...(parsePercent(share) > 0 ? [share] : []),
    ...(drop.length > 0 ? [{ model: 'list', drop }] : []),
  ];
  const [up, down] = [lossOf(upLoss, drops.up), lossOf(loss, drops.down)];
  const half = parseDuration(rtt) / 2;
  return {
    question: 'what a run would have been',
    workload: workloadOf(page),
    topology: {
      both: { delay: `${half / 1_000}ms`, rate, queue: `${queue} packets` },
      ...(up.length > 0 && { up: { loss: up } }),
      ...(down.length > 0 && { down: { loss: down } }),
      ...(parseDuration(lookup) > 0 && { nameLookup: lookup }),
    },
    models: [model],
    profile,
    ...(controller !== undefined && { controller }),
    repeats: 1,
    firstSeed: seed,
  };
}

/**
 * The run that a command is about: of options alone, of a plan, or of a result.
 * @param name  a plan's file, the name of one that comes with the program, or a result.json; undefined: options describe it
 * Throws an Error that says what there is instead.
 */
export async function runSource(name: string | undefined, options: RunOptions): Promise<RunSource> {
  if (name === undefined) {
    if (options.run !== undefined) throw new Error('--run goes with a result.json');
    if (options.variant !== undefined) throw new Error('--variant goes with a plan');
    return optionsSource(options);
  }
  const result = resultIn(name);
  if (result === undefined) return ofPlan(await loadPlan(name), options);
  const run = chosenRun(result, options, name);
  const { model, seed, variant, figures } = run;
  const source = ofPlan(prepareDocument(result.plan, name), { ...options, model: model as ModelName, seed, variant: variant + 1 });
  return { ...source, pageLoad: figures.pageLoad };
}

/** The run that options describe. */
export function optionsSource(options: RunOptions): RunSource {
  const plan = preparePlan(planOf(options, options.model ?? 'h3'), (file) => readFileSync(file, 'utf8'), {
    source: 'what the options say',
  });
  return ofPlan(plan, { ...options, variant: 1 });
}

/** undefined: it is no JSON, and so a plan. */
function resultIn(name: string): PlanJson | undefined {
  if (!name.endsWith('.json') || !existsSync(name)) return undefined;
  let parsed: { readonly kind?: unknown; readonly schema?: unknown; readonly world?: unknown } | null;
  try {
    parsed = JSON.parse(readFileSync(name, 'utf8'));
  } catch (error) {
    throw new Error(`'${name}' is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof parsed !== 'object' || parsed === null || !('schema' in parsed)) return undefined;
  if (parsed.kind !== 'plan')
    throw new Error(
      `'${name}' is a result of ${parsed.kind === undefined ? 'the demo' : `'${parsed.kind}'`}, not of a plan; only those hold what it takes to run them again`,
    );
  if (parsed.world !== 'simulated') throw new Error(`'${name}' has runs over real sockets; simulated ones alone can be had again`);
  return parsed as PlanJson;
}

/** The run of that key; else the one in the middle by page load, of those that the options leave. */
function chosenRun({ runs }: PlanJson, { run: key, model, seed, variant }: RunOptions, name: string): PlanRun {
  if (key !== undefined) {
    const found = runs.find((run) => run.key === key);
    if (found === undefined)
      throw new Error(
        `--run: ${unknownName(
          key,
          `a run of ${name}`,
          runs.map((run) => run.key),
        ).slice(0, 300)}`,
      );
    return found;
  }
  const done = runs
    .filter((run) => model === undefined || run.model === model)
    .filter((run) => seed === undefined || run.seed === seed)
    .filter((run) => variant === undefined || run.variant === variant - 1)
    .filter(({ figures }) => figures.pageLoad !== undefined)
    .sort((a, b) => a.figures.pageLoad! - b.figures.pageLoad!);
  const middle = done[Math.floor((done.length - 1) / 2)];
  if (middle === undefined)
    throw new Error(
      `'${name}' has no such run of a page; there are ${runs
        .map((run) => run.key)
        .join(', ')
        .slice(0, 200)}`,
    );
  return middle;
}

function ofPlan(plan: PreparedPlan, { variant: nth = 1, model: asked, seed = plan.firstSeed }: RunOptions): RunSource {
  const { variants, document } = plan;
  const variant = variants[nth - 1];
  if (variant === undefined) throw new Error(`--variant ${nth}: the plan has ${variants.length}`);
  const { load, gateway } = variant.setup;
  if (load.kind !== 'page') throw new Error('the plan is about bulk transfers: pages alone can be had again, so far');
  if (gateway !== undefined) throw new Error('the plan has a gateway: what befalls datagrams is recorded on one hop alone, so far');
  const model = asked ?? load.models[0]!;
  const under = (other: ModelName): SimulatedRun => simulatedRun(variant.setup, load, { model: other, seed });
  return {
    run: under(model),
    text: `${variant.workload}; ${model}; ${variant.path}; seed ${seed}`,
    scene: `${variant.workload}; ${load.profile.name} profile; ${variant.path}`,
    pageLoad: undefined,
    models: load.models,
    under,
    planWith: (question, drops, models = [model]) => planWith(variantOf(document.plan, nth), { question, drops, models, seed }),
  };
}

interface Narrowed {
  readonly question: string;
  readonly drops: Readonly<Record<Direction, readonly number[]>>;
  readonly models: readonly ModelName[];
  readonly seed: number;
}

/** A plan of one run: nothing varies, and exactly these datagrams are lost. */
function planWith(plan: RawPlan, { question, drops, models, seed }: Narrowed): RawPlan {
  const { reference: _reference, outputs: _outputs, repeats: _repeats, firstSeed: _firstSeed, ...rest } = plan;
  const { both, up, down, ...topology } = rest.topology as Record<string, Record<string, unknown>>;
  const without = ({ loss: _loss, ...link }: Record<string, unknown> = {}): Record<string, unknown> => link;
  const link = (own: Record<string, unknown> | undefined, drop: readonly number[]) => {
    const all = { ...without(own), ...(drop.length > 0 && { loss: { model: 'list', drop } }) };
    return Object.keys(all).length === 0 ? undefined : all;
  };
  const [lostUp, lostDown] = [link(up, drops.up), link(down, drops.down)];
  return {
    ...rest,
    question,
    topology: { ...topology, ...(both && { both: without(both) }), ...(lostUp && { up: lostUp }), ...(lostDown && { down: lostDown }) },
    models,
    repeats: 1,
    firstSeed: seed,
  };
}

/** The nth combination of what a plan varies, as a plan of its own. */
function variantOf(plan: RawPlan, nth: number): RawPlan {
  let left = nth;
  for (const combination of combinations(plan, variablesOf(plan, []))) if (--left === 0) return combination.plan;
  return plan;
}
