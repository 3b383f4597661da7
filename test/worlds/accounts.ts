import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { bernoulli, duplicate, gilbertElliottByTime, type LinkConfig, reorder, uniformJitter } from '@quiclab/impair';
import {
  accountRun,
  DEFAULT_PROFILE,
  type Model,
  type ModelName,
  modelOf,
  PARITY_PROFILE,
  type Profile,
  type RunRecord,
  runSimulated,
  type SimulatedRun,
} from '@quiclab/lab';
import { criticalChain, type ExchangeRecord, STATES, type State, totalOf } from '@quiclab/ledger';
import { integerBelow, MILLISECOND, type Random, SECOND, seededRandom } from '@quiclab/sansio';
import { generatePage, type PageObject } from '@quiclab/workload';

// Random pages over random paths: whatever happened, every microsecond of every exchange is explained. EXPERIMENTS §4.

export interface Accounted {
  readonly record: RunRecord;
  readonly exchanges: readonly ExchangeRecord[];
}

/** A page, a path and settings drawn from the seed, fetched once. Throws an Error that names the seed and what did not hold. */
export function accountPage(model: ModelName, seed: number): Accounted {
  const run = drawRun(model, seed);
  const record = runSimulated(run);
  try {
    const exchanges = accountRun(record).map(({ life }) => life); // throws where accounts part
    const problems = problemsOf(run, record, exchanges);
    if (problems.length > 0) throw new Error(problems.slice(0, 5).join('; '));
    return { record, exchanges };
  } catch (error) {
    throw new Error(`${model}, seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

export function drawRun(model: ModelName, seed: number): SimulatedRun {
  const random = seededRandom(seed).fork('accounts');
  const below = (n: number): number => integerBelow(random, n);
  const page = generatePage(random.fork('page'), {
    objects: 1 + below(25),
    smallest: 1,
    largest: 1 + below(100_000),
    depth: below(5),
    maxServerTime: below(2) * below(100 * MILLISECOND),
  });
  // every third seed: the others are what they were before uploads were drawn
  const objects = seed % 3 === 1 ? withUploads(page.objects, random.fork('uploads')) : page.objects;
  const sizes = new Map(page.objects.map(({ path, size }) => [path, size]));
  const credit = below(3) === 0 ? { initialMaxData: 4_000 + below(60_000), initialMaxStreamData: 2_000 + below(30_000) } : {};
  return {
    model,
    seed,
    page: { ...page, objects },
    source: (path) => new Uint8Array(sizes.get(path)!),
    nameLookup: below(2) * below(50 * MILLISECOND),
    links: { up: drawLink(random.fork('up')), down: drawLink(random.fork('down')) },
    ends: { crypto: nullProtection(nodeProvider), config: { maxIdleTimeout: 1_000 * SECOND, ...credit } },
    tcp: drawTcp(random.fork('tcp')),
    profile: drawProfile(random.fork('profile')),
  };
}

/** Some are asked for with content: of those that may be sent again and may be piped, and of those that may not. */
function withUploads(objects: readonly PageObject[], random: Random): PageObject[] {
  return objects.map((object) => {
    const upload = integerBelow(random, 40_000);
    const method = (['GET', 'GET', 'POST', 'PUT'] as const)[integerBelow(random, 4)]!;
    return method === 'GET' ? object : { ...object, method, upload };
  });
}

/** Buffers that bind, no selective acknowledgements: all that changes what is held, or stalled. */
function drawTcp(random: Random): SimulatedRun['tcp'] & object {
  const below = (n: number): number => integerBelow(random, n);
  const receiveBuffer = 4_000 + below(30_000);
  return {
    config: {
      retries: 100,
      synRetries: 20,
      synAckRetries: 20,
      nagle: below(5) === 0,
      sack: below(4) > 0,
      tailLossProbes: below(4) > 0,
      ...(below(3) === 0 && { receiveBuffer, maxReceiveBuffer: receiveBuffer }),
      ...(below(3) === 0 && { sendBuffer: 20_000 + below(100_000), sendAhead: 1_000 + below(20_000) }),
    },
  };
}

/** One of those that there are; with records of a few octets or more, and windows of HTTP/2 that bind, or not, and tables of HTTP/3. */
function drawProfile(random: Random): Profile {
  const below = (n: number): number => integerBelow(random, n);
  const base = below(3) === 0 ? PARITY_PROFILE : DEFAULT_PROFILE;
  const window = 1_000 + below(60_000);
  return {
    ...base,
    http3: [{}, base.http3, { tableCapacity: below(1_000), blockedStreams: below(4) }][below(3)]!,
    records: [{}, { maxRecord: 1_448 }, { maxRecord: 30 + below(5_000) }][below(3)]!,
    http2:
      below(2) === 0
        ? base.http2
        : { streamWindow: window, maxStreamWindow: window, connectionWindow: 65_535, maxConnectionWindow: 65_535 },
  };
}

function drawLink(random: Random): LinkConfig {
  const below = (n: number): number => integerBelow(random, n);
  return {
    delay: below(80 * MILLISECOND),
    ...(below(4) > 0 && { rate: 500_000 * (1 + below(40)), queue: { packets: 5 + below(100) } }),
    ...(below(4) > 0 && {
      loss: below(2) === 0 ? bernoulli(0.05) : gilbertElliottByTime({ meanGood: 300 * MILLISECOND, meanBad: 20 * MILLISECOND }),
    }),
    ...(below(3) === 0 && { jitter: uniformJitter(below(5 * MILLISECOND)), reorder: reorder(0.03, below(20 * MILLISECOND)) }),
    ...(below(4) === 0 && { duplicate: duplicate(0.05) }),
  };
}

/**
 * Waiting that does not happen in virtual time: a link always has a slot, so that the outlet is full only where TCP's send buffer is small;
 * and an application reads at once, but that a server of HTTP/1 leaves requests where they are that too many others wait before.
 */
const neverSeen = ({ tcp }: SimulatedRun, { protocol, exchanges }: Model): readonly State[] => [
  ...(tcp?.config?.sendBuffer === undefined ? (['stalled(outlet)'] as const) : []),
  ...(protocol === 'http/1.1' && exchanges > 1 ? [] : (['held(application)'] as const)),
];

function problemsOf(run: SimulatedRun, record: RunRecord, exchanges: readonly ExchangeRecord[]): string[] {
  const problems: string[] = [];
  const check = (holds: boolean, what: () => string): void => void (holds || problems.push(what()));
  const { page } = run;
  const model = modelOf(record.model);
  const { protocol } = model;
  const absent = neverSeen(run, model);
  for (const [i, life] of exchanges.entries()) {
    const object = record.objects[i]!;
    const name = `'${object.id}'`;
    const lived = object.completedAt - object.requestedAt;
    check(totalOf(life.sums) === lived, () => `${name} lived ${lived} µs, its states sum to ${totalOf(life.sums)}`);
    check(life.issued === object.requestedAt, () => `${name} was issued at ${life.issued} and ${object.requestedAt}`);
    check(life.completed === object.completedAt, () => `${name} was there at ${life.completed} and ${object.completedAt}`);
    check(life.firstHeader === object.headersAt, () => `the header of ${name} was there at ${life.firstHeader} and ${object.headersAt}`);
    check(life.attempts === object.attempts, () => `${name} was sent ${life.attempts} and ${object.attempts} times`);
    for (const state of absent) check(life.sums[state] === undefined, () => `${name} was ${state} for ${life.sums[state]} µs`);
    const { serverTime } = page.objects.find(({ id }) => id === object.id)!;
    if (object.attempts === 1)
      check((life.sums.server ?? 0) === serverTime, () => `the server of ${name} took ${life.sums.server} instead of ${serverTime} µs`);
    if (protocol === 'h3')
      check(life.sums['held(other)'] === undefined && life.blocked.other === 0, () => `${name} waited for another stream`);
    if (protocol !== 'http/1.1') check(life.sums.order === undefined, () => `${name} waited for its turn`);
  }
  const chain = criticalChain(exchanges);
  const load = record.finishedAt - record.startedAt;
  check(
    chain?.pageLoad === load && chain.gaps === 0,
    () => `the page took ${load} µs, the chain ${chain?.pageLoad}, ${chain?.gaps} of them in gaps`,
  );
  return problems;
}

/** Adds up how long exchanges were in each state. */
export function sumStates(exchanges: readonly ExchangeRecord[], into: Map<State, number>): void {
  for (const { sums } of exchanges)
    for (const state of STATES) if (sums[state] !== undefined) into.set(state, (into.get(state) ?? 0) + sums[state]);
}
