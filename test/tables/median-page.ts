import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ComparisonPlan, DEFAULT_PROFILE, figuresOf, type ModelName, PARITY_PROFILE, roundOf, runOf } from '@quiclab/lab';
import { STATES, type State } from '@quiclab/ledger';
import {
  type Estimate,
  MODEL_FIGURES,
  type ModelFigure,
  type ModelRun,
  type ModelSummary,
  type ModelsRound,
  modelsTable,
  seedsFor,
  variationOf,
} from '@quiclab/report';
import { MILLISECOND } from '@quiclab/sansio';
import { medianPage } from '@quiclab/workload';

// The median page under all models: every run's figures are stored (median-page.json), and the text is made of them (median-page.md).

export const LOSSES: readonly number[] = [0, 0.001, 0.005, 0.01, 0.02, 0.05];
const REFERENCE: ModelName = 'h3';
/** So well a median is to be known: half of its 95% interval, as a share of it, of the model where page loads vary most. */
const PRECISION = 0.15;
/** What the variation is measured on. Where nothing is lost, page loads vary by next to nothing. */
const PILOT = 20;
const WITHOUT_LOSS = 5;

const plan = (more: Pick<ComparisonPlan, 'profile' | 'models'>): ComparisonPlan => ({
  page: medianPage,
  reference: REFERENCE,
  losses: LOSSES,
  delay: 25 * MILLISECOND,
  rate: 10e6,
  queue: 64,
  nameLookup: 0,
  firstSeed: 1,
  seeds: 0,
  ...more,
});

export const PLANS = {
  default: plan({
    profile: DEFAULT_PROFILE,
    models: ['h1-short', 'h1-short:4', 'h1-persistent', 'h1-pipelined', 'h1-parallel', 'h1-sharded', 'h2', 'h3', 'h3-single', 'h3-0rtt'],
  }),
  parity: plan({ profile: PARITY_PROFILE, models: ['h1-pipelined', 'h1-parallel', 'h2', 'h3', 'h3-single'] }),
} as const satisfies Record<string, ComparisonPlan>;
export type ProfileName = keyof typeof PLANS;
export const PROFILES = Object.keys(PLANS) as ProfileName[];

// ---- what is stored ----------------------------------------------------------------------------------------------------

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

export const COLUMNS: readonly string[] = [...MODEL_FIGURES, 'gaps', ...STATES];

export const rowOf = (run: ModelRun): Row => [
  ...MODEL_FIGURES.map((figure) => run[figure]),
  run.gaps,
  ...STATES.map((state) => run.states[state] ?? 0),
];

function runOfRow(model: string, seed: number, row: Row): ModelRun {
  const figures = Object.fromEntries(MODEL_FIGURES.map((figure, i) => [figure, row[i]!])) as Record<ModelFigure, number>;
  const states: Partial<Record<State, number>> = {};
  STATES.forEach((state, i) => {
    const time = row[MODEL_FIGURES.length + 1 + i]!;
    if (time > 0) states[state] = time;
  });
  return { model, seed, ...figures, gaps: row[MODEL_FIGURES.length]!, states };
}

export const measure = (profile: ProfileName, loss: number, model: ModelName, seed: number): Row =>
  rowOf(figuresOf(runOf(PLANS[profile], loss, model, seed)));

/** How many seeds a round has, by what its first ones showed. */
function seedsNeeded(loss: number, pilot: readonly ModelRun[]): number {
  if (loss === 0) return WITHOUT_LOSS;
  return Math.max(PILOT, 10 * Math.ceil(seedsFor(variationOf(pilot), PRECISION) / 10));
}

/** Runs everything, or takes what `rows` has of it. */
export function makeRecord(rows: typeof measure = measure): MedianRecord {
  const rounds: StoredRound[] = [];
  for (const profile of PROFILES)
    for (const loss of LOSSES) {
      const { models } = PLANS[profile];
      const own: Record<string, Row[]> = Object.fromEntries(models.map((model) => [model, []]));
      const pilot: ModelRun[] = [];
      let wanted = loss === 0 ? WITHOUT_LOSS : PILOT;
      for (let seed = 1; seed <= wanted; seed++) {
        for (const model of models) {
          const row = rows(profile, loss, model, seed);
          own[model]!.push(row);
          if (seed <= PILOT) pilot.push(runOfRow(model, seed, row));
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
export const PLAN = fileURLToPath(new URL('median-page.yaml', import.meta.url));
export const TEXT = fileURLToPath(new URL('median-page.md', import.meta.url));
export const readRecord = (): MedianRecord => JSON.parse(readFileSync(RECORD, 'utf8'));

// ---- what is made of it ------------------------------------------------------------------------------------------------

function roundsOf({ rounds }: MedianRecord, profile: ProfileName): ModelsRound[] {
  return rounds
    .filter((round) => round.profile === profile)
    .map(({ loss, rows }) => {
      const runs = Object.entries(rows).flatMap(([model, own]) => own.map((row, i) => runOfRow(model, i + 1, row)));
      return roundOf(PLANS[profile], loss, runs);
    });
}

function tableOf(rounds: readonly ModelsRound[], profile: ProfileName): string {
  const { page, delay, rate, queue, reference } = PLANS[profile];
  return modelsTable({
    schema: 1,
    kind: 'models',
    world: 'simulated',
    version: '',
    arguments: [],
    page: { name: page.name, objects: page.objects.length, octets: page.objects.reduce((sum, { size }) => sum + size, 0) },
    path: { rtt: 2 * delay, rate, queue },
    profile,
    reference,
    rounds,
  });
}

export type Rounds = { readonly [profile in ProfileName]: readonly ModelsRound[] };

/** With its intervals, which take some seconds. */
export const allRounds = (record: MedianRecord): Rounds => ({ default: roundsOf(record, 'default'), parity: roundsOf(record, 'parity') });

/** The stored text: both tables, and what they say. */
export function medianText(rounds: Rounds): string {
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
    tableOf(rounds.default, 'default'),
    '```',
    '',
    '## The parity profile: nothing differs but the order',
    '',
    '```text',
    tableOf(rounds.parity, 'parity'),
    '```',
    '',
    '## What the figures say',
    '',
    ...findings(new Figures(rounds.default), new Figures(rounds.parity)).map((line) => `- ${line}`),
    '',
  ].join('\n');
}

/** Finds what there is of one model at one loss rate. */
class Figures {
  readonly #rounds: readonly ModelsRound[];

  constructor(rounds: readonly ModelsRound[]) {
    this.#rounds = rounds;
  }

  of(loss: number, model: ModelName): ModelSummary {
    return this.#rounds.find((round) => round.loss === loss)!.models.find((summary) => summary.model === model)!;
  }

  load(loss: number, model: ModelName): number {
    return this.of(loss, model).pageLoad.median;
  }

  completion(loss: number, model: ModelName): number {
    return this.of(loss, model).medianCompletion.median;
  }

  fastest(loss: number): string {
    const { models } = this.#rounds.find((round) => round.loss === loss)!;
    return models.reduce((best, model) => (model.pageLoad.median < best.pageLoad.median ? model : best)).model;
  }

  packets(loss: number, model: ModelName): number {
    return this.of(loss, model).figures.packetsDown;
  }

  /** This model's page load less that of h3, with its interval. */
  difference(loss: number, model: ModelName): string {
    return interval(this.of(loss, model).difference!.pageLoad);
  }
}

const seconds = (time: number): string => `${(time / 1e6).toFixed(2)} s`;
const millis = (time: number): string => `${(time / 1e3).toFixed(0)} ms`;
const kilo = (octets: number): string => `${(octets / 1e3).toFixed(1)} kB`;
const percent = (loss: number): string => `${Number((100 * loss).toFixed(1))}%`;
const interval = ({ median, low, high }: Estimate): string => `${millis(median)} [${millis(low)}, ${millis(high)}]`;
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
    `**It is the window, not the head of the line**: of the ${seconds(usual.of(0.02, 'h2').pageLoad.median)} of h2 at 2%, the critical chain waits ${seconds(window)} for the congestion window, and ${millis(other)} for a missing octet of another stream (means).`,
    `**h3 against h2, as used**: h3 takes ${each(LOSSY, (loss) => `${times(loss, 'h3', 'h2')} times as long`)}. Its datagrams of 1,200 octets carry less than segments of 1,460: ${(usual.packets(0.02, 'h3') / usual.packets(0.02, 'h2')).toFixed(2)} times as many packets at 2%, and a loss rate allows a window of so many packets.`,
    `**h3 against h2, under parity**: h2 less h3, paired: ${each(LOSSES, (loss) => parity.difference(loss, 'h2'))}. A round trip of 50 ms of that is TCP's handshake before that of TLS.`,
    `**Independent streams alone**, h3-single less h3 under parity: page load ${each(LOSSES, (loss) => parity.difference(loss, 'h3-single'))}; the median object ${each(LOSSES, (loss) => interval(parity.of(loss, 'h3-single').difference!.medianCompletion))}. It is the objects that gain, not the page, whose end is the end of everything.`,
    `**Nobody waits for another stream under h3**: blocked time with another's octet missing is 0 in every run. Under parity at 2%, where streams take turns, it is ${seconds(parity.of(0.02, 'h2').figures.blockedOther)} over all objects of h2, and ${seconds(parity.of(0.02, 'h3-single').figures.blockedOther)} of h3-single.`,
    `**0-RTT** saves ${millis(usual.load(0, 'h3') - usual.load(0, 'h3-0rtt'))} of a round trip of 50 ms without loss (h3-0rtt less h3 at 1%: ${usual.difference(0.01, 'h3-0rtt')}; at 5%: ${usual.difference(0.05, 'h3-0rtt')}).`,
    `**Sharding** without loss has the median object earlier than six connections do (${millis(usual.completion(0, 'h1-sharded'))}, ${millis(usual.completion(0, 'h1-parallel'))}) and the page later (${seconds(usual.load(0, 'h1-sharded'))}, ${seconds(usual.load(0, 'h1-parallel'))}): twelve windows overflow the queue (${usual.of(0, 'h1-sharded').figures.queueDropped} packets dropped there, ${usual.of(0, 'h1-parallel').figures.queueDropped}). At 5% ${fastest} is the fastest of all.`,
    `**Header sections**: ${kilo(usual.of(0, 'h1-parallel').figures.headerOctets)} in HTTP/1.1, ${kilo(usual.of(0, 'h2').figures.headerOctets)} with HPACK, ${kilo(usual.of(0, 'h3').figures.headerOctets)} with QPACK, insertions included; without tables (parity) ${kilo(parity.of(0, 'h2').figures.headerOctets)} and ${kilo(parity.of(0, 'h3').figures.headerOctets)}: HPACK's static table is the smaller one, and its frame headers are longer.`,
  ];
}
