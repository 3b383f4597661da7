import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ModelName, type PreparedPlan, parsePlan, planJson, preparePlan, runSpec } from '@quiclab/lab';
import { STATES, type State } from '@quiclab/ledger';
import { modelsTable, type PlanFigure, type PlanJson, type PlanRun, type PlanSummary, seedsWanted } from '@quiclab/report';
import { medianPage } from '@quiclab/workload';

// The median page under all models: every run's figures are stored (median-page.json), and the text is made of them (median-page.md).

export const LOSSES: readonly number[] = [0, 0.001, 0.005, 0.01, 0.02, 0.05];
/** So well a median is to be known: half of its 95% interval, as a share of it, of the model where page loads vary most. */
const PRECISION = 0.15;
/** What the variation is measured on. Where nothing is lost, page loads vary by next to nothing. */
const PILOT = 20;
const WITHOUT_LOSS = 5;

export const PLAN = fileURLToPath(new URL('median-page.yaml', import.meta.url));
const noFile = (name: string): never => {
  throw new Error(`there is no file '${name}'`);
};
const asWritten = parsePlan(readFileSync(PLAN, 'utf8'), 'median-page.yaml', noFile);
const PARITY: readonly ModelName[] = ['h1-pipelined', 'h1-parallel', 'h2', 'h3', 'h3-single'];

/** The plan that is a file, and the same under parity. */
export const PLANS = {
  default: asWritten,
  parity: preparePlan({ ...asWritten.document.plan, profile: 'parity', models: PARITY }, noFile, { source: 'median-page.yaml' }),
} as const satisfies Record<string, PreparedPlan>;

const loadOf = (profile: ProfileName) => {
  const { load } = PLANS[profile].variants[0]!.setup;
  if (load.kind !== 'page') throw new Error('not a page');
  return load;
};
export const modelsOf = (profile: ProfileName): readonly ModelName[] => loadOf(profile).models;
export type ProfileName = keyof typeof PLANS;
export const PROFILES = Object.keys(PLANS) as ProfileName[];

// ---- what is stored ----------------------------------------------------------------------------------------------------

/** What is stored of a run, in this order. */
const FIGURES: readonly PlanFigure[] = [
  'pageLoad',
  'medianCompletion',
  'blockedOwn',
  'blockedOther',
  'blockedConnection',
  'blockedByteTime',
  'connections',
  'handshakes',
  'headerOctets',
  'repairs',
  'packetsUp',
  'packetsDown',
  'lost',
  'queueDropped',
];

/** A run's figures, the gaps along its critical chain and the states there, as `columns` names them. */
export type Row = readonly number[];

/** One profile at one loss rate: rows by model and seed, from 1. */
interface StoredRound {
  readonly profile: ProfileName;
  readonly loss: number;
  readonly rows: { readonly [model: string]: readonly Row[] };
}

export interface MedianRecord {
  readonly columns: readonly string[];
  readonly rounds: readonly StoredRound[];
}

export const COLUMNS: readonly string[] = [...FIGURES, 'gaps', ...STATES];

const rowOf = ({ figures, gaps = 0, states = {} }: PlanRun): Row => [
  ...FIGURES.map((figure) => figures[figure]!),
  gaps,
  ...STATES.map((state) => states[state] ?? 0),
];

function runOfRow(variant: number, model: string, seed: number, row: Row): PlanRun {
  const states: Partial<Record<State, number>> = {};
  STATES.forEach((state, i) => {
    const time = row[FIGURES.length + 1 + i]!;
    if (time > 0) states[state] = time;
  });
  const figures = Object.fromEntries(FIGURES.map((figure, i) => [figure, row[i]!]));
  return { key: `${variant} ${model} ${seed}`, variant, model, seed, figures, gaps: row[FIGURES.length]!, states };
}

export function measure(profile: ProfileName, loss: number, model: ModelName, seed: number): Row {
  const run = runSpec(PLANS[profile], { key: '', variant: LOSSES.indexOf(loss), model, seed });
  if (run.failed !== undefined) throw new Error(run.failed);
  return rowOf(run);
}

/** How many seeds a round has, by what its first ones showed. */
function seedsNeeded(loss: number, pilot: readonly PlanRun[]): number {
  if (loss === 0) return WITHOUT_LOSS;
  return Math.max(PILOT, 10 * Math.ceil(seedsWanted(pilot, 'pageLoad', PRECISION) / 10));
}

/** Runs everything, or takes what `rows` has of it. */
export function makeRecord(rows: typeof measure = measure): MedianRecord {
  const rounds: StoredRound[] = [];
  for (const profile of PROFILES)
    for (const loss of LOSSES) {
      const models = modelsOf(profile);
      const own: Record<string, Row[]> = Object.fromEntries(models.map((model) => [model, []]));
      const pilot: PlanRun[] = [];
      let wanted = loss === 0 ? WITHOUT_LOSS : PILOT;
      for (let seed = 1; seed <= wanted; seed++) {
        for (const model of models) {
          const row = rows(profile, loss, model, seed);
          own[model]!.push(row);
          if (seed <= PILOT) pilot.push(runOfRow(LOSSES.indexOf(loss), model, seed, row));
        }
        if (seed === PILOT) wanted = seedsNeeded(loss, pilot);
      }
      rounds.push({ profile, loss, rows: own });
    }
  return { columns: COLUMNS, rounds };
}

/** One line for each run: a change is seen where it is. */
export function recordText({ columns, rounds }: MedianRecord): string {
  const modelText = ([model, rows]: [string, readonly Row[]]): string =>
    `${JSON.stringify(model)}:[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}]`;
  const roundText = ({ profile, loss, rows }: StoredRound): string =>
    `{"profile":"${profile}","loss":${loss},"rows":{\n${Object.entries(rows).map(modelText).join(',\n')}}}`;
  return `{"columns":${JSON.stringify(columns)},\n"rounds":[\n${rounds.map(roundText).join(',\n')}]}\n`;
}

export const RECORD = fileURLToPath(new URL('median-page.json', import.meta.url));
export const TEXT = fileURLToPath(new URL('median-page.md', import.meta.url));
export const readRecord = (): MedianRecord => JSON.parse(readFileSync(RECORD, 'utf8'));

// ---- what is made of it ------------------------------------------------------------------------------------------------

/** With its intervals, which take some seconds. */
function resultOf({ rounds }: MedianRecord, profile: ProfileName): PlanJson {
  const runs = rounds
    .filter((round) => round.profile === profile)
    .flatMap(({ loss, rows }) =>
      Object.entries(rows).flatMap(([model, own]) => own.map((row, i) => runOfRow(LOSSES.indexOf(loss), model, i + 1, row))),
    );
  return planJson(PLANS[profile], 'simulated', runs, true, 'models');
}

function tableOf(result: PlanJson, profile: ProfileName): string {
  const { objects, name } = loadOf(profile).page;
  const octets = objects.reduce((sum, { size }) => sum + size, 0);
  return modelsTable(
    result,
    `Simulated, in virtual time: page '${name}' (${objects.length} objects, ${(octets / 1_000).toLocaleString('en', { maximumFractionDigits: 0 })} kB), ` +
      `50.0 ms round trip, 10 Mbit/s, queue of 64 packets, profile '${profile}'.`,
  );
}

export type Results = { readonly [profile in ProfileName]: PlanJson };
export const allResults = (record: MedianRecord): Results => ({ default: resultOf(record, 'default'), parity: resultOf(record, 'parity') });

/** The stored text: both tables, and what they say. */
export function medianText(results: Results): string {
  return [
    '# The median page, all models',
    '',
    'test/tables/median-page.yaml: 73 objects, 2.0 MB, 50 ms, 10 Mbit/s, 64 packets. Simulated. Written by test/tables/median-page.test.ts, from the figures of',
    `every run in median-page.json. Seeds: as many as make the median page load of the model that varies most known to ±${100 * PRECISION}%, by the variation of the first ${PILOT}; ${PILOT} at`,
    `least, and ${WITHOUT_LOSS} where nothing is lost. The default profile has all models, the parity profile those that differ in the order of octets.`,
    '',
    '## The default profile: as the protocols are used',
    '',
    '```text',
    tableOf(results.default, 'default'),
    '```',
    '',
    '## The parity profile: nothing differs but the order',
    '',
    '```text',
    tableOf(results.parity, 'parity'),
    '```',
    '',
    '## What the figures say',
    '',
    ...findings(new Figures(results.default), new Figures(results.parity)).map((line) => `- ${line}`),
    '',
  ].join('\n');
}

/** Finds what there is of one model at one loss rate. */
export class Figures {
  readonly #summaries: readonly PlanSummary[];

  constructor({ summaries }: PlanJson) {
    this.#summaries = summaries;
  }

  of(loss: number, model: string): PlanSummary {
    return this.#at(loss).find(({ subject }) => subject === model)!;
  }

  median(loss: number, model: ModelName, figure: PlanFigure): number {
    return this.of(loss, model).medians[figure]!;
  }

  load(loss: number, model: ModelName): number {
    return this.median(loss, model, 'pageLoad');
  }

  completion(loss: number, model: ModelName): number {
    return this.median(loss, model, 'medianCompletion');
  }

  fastest(loss: number): string {
    return this.#at(loss).reduce((best, one) => (one.medians.pageLoad! < best.medians.pageLoad! ? one : best)).subject;
  }

  packets(loss: number, model: ModelName): number {
    return this.median(loss, model, 'packetsDown');
  }

  /** This model's figure less that of h3, with its interval. */
  difference(loss: number, model: ModelName, figure: 'pageLoad' | 'medianCompletion' = 'pageLoad'): string {
    const { median, interval } = this.of(loss, model).differences![figure]!;
    return `${millis(median)} [${millis(interval!.low)}, ${millis(interval!.high)}]`;
  }

  #at(loss: number): readonly PlanSummary[] {
    return this.#summaries.filter(({ variant }) => LOSSES[variant] === loss);
  }
}

const seconds = (time: number): string => `${(time / 1e6).toFixed(2)} s`;
const millis = (time: number): string => `${(time / 1e3).toFixed(0)} ms`;
const kilo = (octets: number): string => `${(octets / 1e3).toFixed(1)} kB`;
const percent = (loss: number): string => `${Number((100 * loss).toFixed(1))}%`;
const each = (losses: readonly number[], text: (loss: number) => string): string =>
  losses.map((loss) => `${text(loss)} at ${percent(loss)}`).join(', ');

const LOSSY = LOSSES.slice(2);

/** Sentences; their figures come from the tables. */
function findings(usual: Figures, parity: Figures): string[] {
  const octets = medianPage.objects.reduce((sum, { size }) => sum + size, 0);
  const together: readonly ModelName[] = ['h1-pipelined', 'h1-parallel', 'h1-sharded', 'h2', 'h3', 'h3-single', 'h3-0rtt'];
  const loads = together.map((model) => usual.load(0, model));
  const times = (loss: number, model: ModelName, of: ModelName): string => (usual.load(loss, model) / usual.load(loss, of)).toFixed(2);
  const fastest = usual.fastest(0.05);
  const chain = usual.of(0.02, 'h2');
  const window = chain.states['stalled(window)'] ?? 0;
  const other = chain.states['held(other)'] ?? 0;
  return [
    `**Without loss the link decides**: the content alone takes ${seconds((8 * octets) / 10)}, and whatever pipes, multiplexes or has several connections is done after ${seconds(Math.min(...loads))} to ${seconds(Math.max(...loads))}. One exchange at a time (h1-persistent) takes ${times(0, 'h1-persistent', 'h2')} times as long as h2, a handshake for each of the 73 objects ${times(0, 'h1-short', 'h2')} times.`,
    `**Page load does not tell who waits**: without loss h1-pipelined is ${millis(usual.load(0, 'h1-pipelined') - usual.load(0, 'h2'))} behind h2 with the page, but its median object takes ${millis(usual.completion(0, 'h1-pipelined'))} instead of ${millis(usual.completion(0, 'h2'))}: responses are in the order of requests, not of urgency.`,
    `**Under loss the number of windows decides**, more than anything that HTTP does: h1-parallel takes ${each(LOSSY, (loss) => seconds(usual.load(loss, 'h1-parallel')))}; h2 ${each(LOSSY, (loss) => seconds(usual.load(loss, 'h2')))}. At 2% even four short-lived connections at a time (${seconds(usual.load(0.02, 'h1-short:4'))}) are faster than one that lasts.`,
    `**It is the window, not the head of the line**: of the ${seconds(usual.load(0.02, 'h2'))} of h2 at 2%, the critical chain waits ${seconds(window)} for the congestion window, and ${millis(other)} for a missing octet of another stream (means).`,
    `**h3 against h2, as used**: h3 takes ${each(LOSSY, (loss) => `${times(loss, 'h3', 'h2')} times as long`)}. Its datagrams of 1,200 octets carry less than segments of 1,460: ${(usual.packets(0.02, 'h3') / usual.packets(0.02, 'h2')).toFixed(2)} times as many packets at 2%, and a loss rate allows a window of so many packets.`,
    `**h3 against h2, under parity**: h2 less h3, paired: ${each(LOSSES, (loss) => parity.difference(loss, 'h2'))}. A round trip of 50 ms of that is TCP's handshake before that of TLS.`,
    `**Independent streams alone**, h3-single less h3 under parity: page load ${each(LOSSES, (loss) => parity.difference(loss, 'h3-single'))}; the median object ${each(LOSSES, (loss) => parity.difference(loss, 'h3-single', 'medianCompletion'))}. It is the objects that gain, not the page, whose end is the end of everything.`,
    `**Nobody waits for another stream under h3**: blocked time with another's octet missing is 0 in every run. Under parity at 2%, where streams take turns, it is ${seconds(parity.median(0.02, 'h2', 'blockedOther'))} over all objects of h2, and ${seconds(parity.median(0.02, 'h3-single', 'blockedOther'))} of h3-single.`,
    `**0-RTT** saves ${millis(usual.load(0, 'h3') - usual.load(0, 'h3-0rtt'))} of a round trip of 50 ms without loss (h3-0rtt less h3 at 1%: ${usual.difference(0.01, 'h3-0rtt')}; at 5%: ${usual.difference(0.05, 'h3-0rtt')}).`,
    `**Sharding** without loss has the median object earlier than six connections do (${millis(usual.completion(0, 'h1-sharded'))}, ${millis(usual.completion(0, 'h1-parallel'))}) and the page later (${seconds(usual.load(0, 'h1-sharded'))}, ${seconds(usual.load(0, 'h1-parallel'))}): twelve windows overflow the queue (${usual.median(0, 'h1-sharded', 'queueDropped')} packets dropped there, ${usual.median(0, 'h1-parallel', 'queueDropped')}). At 5% ${fastest} is the fastest of all.`,
    `**Header sections**: ${kilo(usual.median(0, 'h1-parallel', 'headerOctets'))} in HTTP/1.1, ${kilo(usual.median(0, 'h2', 'headerOctets'))} with HPACK, ${kilo(usual.median(0, 'h3', 'headerOctets'))} with QPACK, insertions included; without tables (parity) ${kilo(parity.median(0, 'h2', 'headerOctets'))} and ${kilo(parity.median(0, 'h3', 'headerOctets'))}: HPACK's static table is the smaller one, and its frame headers are longer.`,
  ];
}
