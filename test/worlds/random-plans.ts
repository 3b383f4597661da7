import {
  accountRun,
  type ModelName,
  type PlanInput,
  type PreparedPlan,
  preparePlan,
  type RunRecord,
  type RunSpec,
  runSimulated,
  Schedule,
  simulatedRun,
} from '@quiclab/lab';
import { criticalChain, type ExchangeRecord, totalOf } from '@quiclab/ledger';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { type Blocked, blockedByArrivals } from './blocked-by-arrivals.ts';

// Plans as people could write them, drawn at random: whatever one says, every microsecond of every exchange is explained, and what the ledger
// calls blocked is what the arrivals say. EXPERIMENTS §4. Of bulk transfers and of hops behind a gateway there is no such account.

export interface RandomPlan {
  readonly plan: PlanInput;
  /** The files that it names. */
  readonly files: Readonly<Record<string, string>>;
}

/** One of the runs that a plan asks for. */
export interface PlannedRun {
  readonly plan: PreparedPlan;
  readonly spec: RunSpec;
}

export interface Outcome extends PlannedRun {
  readonly exchanges: readonly ExchangeRecord[];
  /** Why the page is not there, which a plan may well come to; '' where it is. */
  readonly failed: string;
}

/** Of the plan drawn from the seed, a run under this model. */
export function planned(model: ModelName, seed: number): PlannedRun {
  const { plan: raw, files } = drawPlan(model, seed);
  const plan = preparePlan(raw, (name) => files[name]!, { source: `plan ${seed}` });
  const specs = [...new Schedule(plan).next().specs];
  return { plan, spec: specs[seed % specs.length]! };
}

/** Makes that run and holds its accounts against each other. Throws an Error that names the seed and what did not hold. */
export function accountPlan(model: ModelName, seed: number): Outcome {
  try {
    const run = planned(model, seed);
    const { setup } = run.plan.variants[run.spec.variant]!;
    if (setup.load.kind !== 'page') throw new Error('its workload is no page');
    let record: RunRecord;
    try {
      record = runSimulated(simulatedRun(setup, setup.load, run.spec));
    } catch (error) {
      return { ...run, exchanges: [], failed: (error as Error).message };
    }
    const exchanges = accountRun(record).map(({ life }) => life); // throws where accounts part
    const problems = problemsOf(record, exchanges);
    if (problems.length > 0) throw new Error(problems.slice(0, 5).join('; '));
    return { ...run, exchanges, failed: '' };
  } catch (error) {
    throw new Error(`${model}, plan ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function problemsOf(record: RunRecord, exchanges: readonly ExchangeRecord[]): string[] {
  const problems: string[] = [];
  const check = (holds: boolean, what: () => string): void => void (holds || problems.push(what()));
  const byArrivals = blockedByArrivals(record);
  for (const [i, { exchange, sums, blocked }] of exchanges.entries()) {
    const { id, requestedAt, completedAt } = record.objects[i]!;
    const lived = completedAt - requestedAt;
    check(totalOf(sums) === lived, () => `'${id}' lived ${lived} µs, its states sum to ${totalOf(sums)}`);
    const own = byArrivals.get(exchange) ?? [];
    const sum = (whose: (blame: Blocked['blame']) => boolean): number =>
      own.reduce((time, { from, to, blame }) => (whose(blame) ? time + to - from : time), 0);
    const [mine, others] = [sum((blame) => blame === 'own'), sum((blame) => blame !== 'own')];
    check(
      totalOf(blocked.sums) === mine + others,
      () => `'${id}' was blocked for ${mine + others} µs by arrivals, its states say ${totalOf(blocked.sums)}`,
    );
    check(
      blocked.own === mine && blocked.other === others,
      () => `'${id}' was blocked by itself for ${mine} µs and by others for ${others}, the ledger says ${blocked.own} and ${blocked.other}`,
    );
    const texts = [own, blocked.intervals].map((intervals) => intervals.map(({ from, to, blame }) => `${from}-${to} ${blame}`).join(', '));
    check(texts[0] === texts[1], () => `'${id}' was blocked ${texts[0]}, the ledger says ${texts[1]}`);
  }
  const chain = criticalChain(exchanges);
  const load = record.finishedAt - record.startedAt;
  check(chain?.pageLoad === load, () => `the page took ${load} µs, the chain ${chain?.pageLoad}`);
  check(
    chain !== undefined && totalOf(chain.sums) + chain.gaps === load,
    () => `the chain's states and gaps sum to another time than the page load, ${load} µs`,
  );
  return problems;
}

// ---- plans ---------------------------------------------------------------------------------------------------------------

type Topology = PlanInput['topology'];
type Link = NonNullable<Topology['both']>;

/** The plan of a seed; its models are the one that is wanted. */
export function drawPlan(model: ModelName, seed: number): RandomPlan {
  const random = seededRandom(seed).fork('plan');
  const draw = new Draw(random);
  const files: Record<string, string> = {};
  const topology: Topology = {
    ...(draw.oneIn(8) && { preset: draw.of(['dsl', 'cable', '3g', 'lte', 'starlink', 'corporate-wifi']) }),
    both: { delay: draw.micros(1_000, 80_000), ...(draw.oneIn(2) && { rate: draw.rate() }) },
    ...(draw.oneIn(2) && { up: drawLink(new Draw(random.fork('up')), files, 'up') }),
    ...(!draw.oneIn(5) && { down: drawLink(new Draw(random.fork('down')), files, 'down') }),
    ...(draw.oneIn(4) && { nameLookup: draw.micros(0, 50_000) }),
  };
  const workload = drawWorkload(new Draw(random.fork('workload')), files);
  const plan: PlanInput = {
    question: `What does plan ${seed} come to?`,
    workload,
    topology,
    models: [model],
    ...(draw.oneIn(3) && { profile: draw.of(['default', 'parity']) }),
    ...(draw.oneIn(3) && {
      controller: draw.of([
        'cubic',
        'newReno',
        'cubic:no-prr:no-hystart',
        'newReno:hystart:no-pacing',
        'fixed:16KB',
        'cubic:idle-restart:no-undo',
        'fixed:64KB:no-pacing',
      ]),
    }),
    ...(draw.oneIn(2) && {
      scheduler: draw.of([
        'strict-urgency',
        'round-robin-by-byte',
        'round-robin-by-packet',
        'sequential',
        'weighted-fair',
        'one-stream-per-packet',
      ]),
    }),
    ...(draw.oneIn(3) && { vary: drawVariables(new Draw(random.fork('vary'))) }),
    repeats: 1,
    firstSeed: seed,
  };
  return { plan, files };
}

function drawVariables(draw: Draw): NonNullable<PlanInput['vary']> {
  return draw.oneIn(2)
    ? { 'topology.down.loss': ['none', '3%', { label: 'bursts', value: { model: 'bursts', share: '3%', mean: '2 packets' } }] }
    : { 'topology.both.delay': ['5ms', '40ms'], 'topology.both.queue': ['20 packets', '40KB'] };
}

function drawWorkload(draw: Draw, files: Record<string, string>): PlanInput['workload'] {
  const kind = draw.below(5);
  if (kind === 0) return { files: { count: 1 + draw.below(7), size: `${1 + draw.below(12_000)}B` } };
  if (kind === 1) {
    files['./page.json'] = drawPage(draw);
    return draw.oneIn(2) ? './page.json' : { page: './page.json' };
  }
  return {
    generate: {
      objects: 1 + draw.below(8),
      smallest: '1B',
      largest: `${1 + draw.below(20_000)}B`,
      depth: draw.below(4),
      hosts: 1 + (draw.oneIn(3) ? draw.below(3) : 0),
      maxServerTime: draw.oneIn(2) ? draw.micros(0, 60_000) : '0ms',
      seed: draw.below(1_000_000),
    },
  };
}

/** A page of one's own, of which some is sent to the server. */
function drawPage(draw: Draw): string {
  const paths = Array.from({ length: 1 + draw.below(7) }, (_, i) => `/${i}`);
  const objects = paths.map((path, i) => {
    const method = draw.of(['GET', 'GET', 'HEAD', 'POST', 'PUT']);
    return {
      path,
      size: draw.below(15_000),
      method,
      ...((method === 'POST' || method === 'PUT') && { upload: draw.below(12_000) }),
      priority: { urgency: draw.below(8), incremental: draw.oneIn(2) },
      serverTime: draw.oneIn(3) ? draw.below(40_000) : 0,
      after: i > 0 && draw.oneIn(2) ? [paths[draw.below(i)]!] : [],
    };
  });
  return JSON.stringify({ name: 'a page of its own', objects, requestFields: [['x-cookie', 'c'.repeat(draw.below(900))]] });
}

function drawLink(draw: Draw, files: Record<string, string>, name: string): Link {
  const file = (what: string, text: string): string => {
    files[`./${name}-${what}`] = text;
    return `./${name}-${what}`;
  };
  return {
    ...(draw.oneIn(2) && { delay: draw.micros(0, 60_000) }),
    ...(draw.oneIn(2) && { rate: draw.oneIn(6) ? { trace: file('rate.trace', drawRateTrace(draw)) } : draw.rate() }),
    ...(draw.oneIn(2) && { queue: drawQueue(draw) }),
    ...(draw.oneIn(3) && { jitter: drawJitter(draw, file) }),
    ...(!draw.oneIn(4) && { loss: draw.oneIn(6) ? [drawLoss(draw, file), drawLoss(draw, file)] : drawLoss(draw, file) }),
    ...(draw.oneIn(4) && { reorder: { ...(draw.oneIn(2) ? { share: '3%' } : { every: 7 + draw.below(40) }), by: draw.micros(0, 20_000) } }),
    ...(draw.oneIn(5) && { duplicate: draw.percent(5) }),
    ...(draw.oneIn(6) && { corrupt: draw.percent(3) }),
    ...(draw.oneIn(8) && { mtu: 1_500 + draw.below(500) }),
    ...(draw.oneIn(6) && {
      ecn: { mark: `${1 + draw.below(20)} packets`, ...(draw.oneIn(3) && { bleach: '30%' }), ...(draw.oneIn(4) && { dropMarked: true }) },
    }),
    ...(draw.oneIn(4) && { judged: draw.of(['leaving', 'entering']) }),
    ...(draw.oneIn(6) && { overhead: draw.of([20, 28, 48, 60]) }),
    ...(draw.oneIn(5) && {
      schedule: Array.from({ length: 1 + draw.below(3) }, (_, i) => ({
        at: `${100 * (i + 1) + draw.below(100)}ms`,
        ...(draw.oneIn(2) ? { rate: draw.rate() } : { delay: draw.micros(0, 60_000) }),
      })),
    }),
  };
}

function drawQueue(draw: Draw): NonNullable<Link['queue']> {
  const kind = draw.below(3);
  if (kind === 0) return `${4 + draw.below(60)} packets`;
  if (kind === 1) return `${6_000 + draw.below(60_000)}B`;
  return {
    codel: {
      ...(draw.oneIn(2) && { target: '5ms', interval: '100ms' }),
      ...(draw.oneIn(2) && { ecn: true }),
      packets: `${20 + draw.below(100)} packets`,
    },
  };
}

function drawJitter(draw: Draw, file: (what: string, text: string) => string): NonNullable<Link['jitter']> {
  const kind = draw.below(4);
  const reorders = draw.oneIn(3) ? { reorders: true } : {};
  if (kind === 0) return draw.micros(0, 8_000);
  if (kind === 1) return { uniform: draw.micros(0, 8_000), ...reorders };
  if (kind === 2) return { normal: draw.micros(0, 4_000), ...reorders };
  const lines = Array.from({ length: 20 }, (_, i) => `${50 * i},${draw.below(10_000) / 1_000}`);
  return { trace: file('delay.csv', `${lines.join('\n')}\n`), ...reorders };
}

function drawLoss(draw: Draw, file: (what: string, text: string) => string): Exclude<NonNullable<Link['loss']>, readonly unknown[]> {
  const numbers = (): number[] => [...new Set(Array.from({ length: 1 + draw.below(6) }, () => 1 + draw.below(60)))].sort((a, b) => a - b);
  switch (draw.below(9)) {
    case 0:
      return 'none';
    case 1:
      return draw.percent(8);
    case 2:
      return { model: 'bernoulli', share: draw.percent(12), most: 1 + draw.below(3) };
    case 3:
      return { model: 'bursts', share: draw.percent(5), mean: `${1 + draw.below(4)} packets` };
    case 4:
      return { model: 'gilbert-elliott', toBad: '2%', toGood: '40%', ...(draw.oneIn(2) && { lossInBad: '70%', lossInGood: '0.5%' }) };
    case 5:
      return {
        model: 'gilbert-elliott-by-time',
        meanGood: '300ms',
        meanBad: draw.micros(1_000, 30_000),
        ...(draw.oneIn(2) && { most: 5 }),
      };
    case 6:
      return { model: 'list', drop: numbers() };
    case 7:
      return { trace: file('losses.csv', `${numbers().join('\n')}\n`) };
    default: {
      const from = draw.below(400);
      return { model: 'blackout', from: `${from}ms`, to: `${from + 1 + draw.below(150)}ms` };
    }
  }
}

/** Milliseconds at which 1,500 octets may leave, over and over: Mahimahi's. */
function drawRateTrace(draw: Draw): string {
  let at = 0;
  return `${Array.from({ length: 40 }, () => (at += draw.below(6)))
    .concat(at + 1)
    .join('\n')}\n`;
}

class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(n: number): number {
    return integerBelow(this.#random, n);
  }
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
  of<const T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
  micros(least: number, most: number): string {
    return `${least + this.below(most - least + 1)}us`;
  }
  percent(most: number): string {
    return `${this.below(most * 10) / 10}%`;
  }
  rate(): string {
    return `${300 + this.below(12_000)}kbit`;
  }
}
