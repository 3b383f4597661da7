import type { DropKind, LinkPacket } from '@quiclab/impair';
import { connectionOf, directionOf, RESPONSE, STATES } from '@quiclab/ledger';
import type { Policies } from '@quiclab/quic';
import {
  type DetailedCurves,
  type DetailedPage,
  FIGURE_DEFINITIONS,
  type PlanCell,
  PlanCells,
  type PlanDetail,
  type PlanFigure,
  type PlanInfluence,
  type PlanResult,
  type PlanRun,
  RANKS,
  type Rank,
} from '@quiclab/report';
import { type Micros, NEVER } from '@quiclab/sansio';
import type { Policies as TcpPolicies } from '@quiclab/tcp';
import { Curve, rateOf, SenderCurves, thinned } from '../flows/curves.ts';
import { watchFlows } from '../flows/result.ts';
import { DatagramWatch } from '../observe/datagram-watch.ts';
import { quicKey, tcpKey } from '../observe/run-notes.ts';
import { TcpSenderCurves } from '../observe/tcp-curves.ts';
import { type PageLoad, type PreparedPlan, prepareDocument, type VariantSetup } from '../plan/prepare.ts';
import { accountRun, type RunRecord } from '../record.ts';
import { gatewayRun, simulatedRun } from '../run/run-spec.ts';
import { VERSION } from '../version.ts';
import { linkResult } from '../worlds/links.ts';
import { runSimulated } from '../worlds/simulated.ts';
import { runThroughGateway } from '../worlds/through-gateway.ts';
import { influenceMissing, influencesOf } from './influences.ts';

/** So many octets of JSON: the page is to have 10 MB at most, and echarts and the figures have their part of it. */
const MOST_OCTETS = 5_000_000;
const MOST_MATRIX_OCTETS = 1_000_000;
const MOST_RUNS = 96;
/** Of a page's connections. */
const MOST_CONNECTIONS = 6;
/** Spans of time of which four points of a curve are kept at most. */
const BUCKETS = 250;
const GOODPUT_STEPS = 100;
const LEAST_GOODPUT_STEP = 20_000;

export interface Details {
  readonly details: readonly PlanDetail[];
  readonly influences?: readonly PlanInfluence[];
  /** What is not there, and why; empty where nothing is missing. */
  readonly missing: string;
  readonly influenceMissing?: string;
}

/**
 * Makes the median, the 95th percentile and the worst run of each variant and model again, to look at: all medians first, then the worst, so far as there is room.
 * @param onRun      told before each
 * @param influence  packets to drop for influence matrices, instead of what the plan asks for
 */
export function detailsOf(result: PlanResult, onRun: (done: number, total: number) => void = () => {}, influence?: number): Details {
  if (result.world !== 'simulated')
    return { details: [], missing: 'Runs over real sockets cannot be made again, to look at or with one packet less.' };
  const plan = prepareDocument(result.plan);
  const chosen = chosenRuns(result);
  const details: PlanDetail[] = [];
  let octets = 0;
  let full = Math.max(0, chosen.length - MOST_RUNS);
  let other = 0;
  for (const [i, { run, ranks }] of chosen.slice(0, MOST_RUNS).entries()) {
    onRun(i, Math.min(MOST_RUNS, chosen.length));
    if (octets > MOST_OCTETS) {
      full++;
      continue;
    }
    const made = detailOf(plan, run, ranks);
    if (made === undefined || (made.page !== undefined && made.page.pageLoad !== run.figures.pageLoad)) {
      other++; // an earlier quiclab's run
      continue;
    }
    const size = JSON.stringify(made).length;
    if (octets + size > MOST_OCTETS) full++;
    else {
      octets += size;
      details.push(made);
    }
  }
  const found = influencesOf(plan, influence ?? plan.influence, MOST_MATRIX_OCTETS, onRun);
  return {
    details,
    influences: found.influences,
    influenceMissing: influenceMissing(found),
    missing: [
      ...(full > 0
        ? [
            `${full === 1 ? '1 run that would belong here is' : `${full} runs that would belong here are`} left out, so that the page stays small.`,
          ]
        : []),
      ...(other > 0
        ? [
            `${other === 1 ? '1 run is' : `${other} runs are`} left out: made again by this quiclab (${VERSION}), ${other === 1 ? 'it comes' : 'they come'} out in another way than in the result, which quiclab ${result.version} made.`,
          ]
        : []),
    ].join(' '),
  };
}

/** By the plan's first figure. One run can be several things. */
function chosenRuns({ runs, figures }: PlanResult): { readonly run: PlanRun; readonly ranks: readonly Rank[] }[] {
  const cells = PlanCells.of(runs, ({ model, figures: own }) => [{ name: model, figures: own }]);
  const chosen = [...cells].flatMap((cell) => chosenOf(cell, figures)).sort((a, b) => a.first - b.first);
  const byRun = new Map(chosen.map((one) => [one.run, one]));
  const found = new Map<string, PlanRun>();
  for (const run of runs) if (byRun.has(runName(run))) found.set(runName(run), run);
  return chosen.map(({ run, ranks }) => ({ run: found.get(run)!, ranks }));
}

const runName = ({ variant, model, seed }: Pick<PlanRun, 'variant' | 'model' | 'seed'>): string => `${variant} ${model} ${seed}`;

interface Chosen {
  readonly run: string;
  readonly ranks: readonly Rank[];
  /** Its place among all. */
  readonly first: number;
}

function chosenOf(cell: PlanCell, figures: readonly PlanFigure[]): Chosen[] {
  if (cell.length === 0) return [];
  const figure = figures.find((name) => cell.values(name).length > 0) ?? 'goodput';
  const better = FIGURE_DEFINITIONS[figure].unit === 'bit/s' || figure === 'fairness' ? -1 : 1;
  const value = (at: number): number => cell.value(figure, at) || 0;
  const sorted = Array.from({ length: cell.length }, (_, at) => at).sort(
    (a, b) => better * (value(a) - value(b)) || cell.seed(a) - cell.seed(b),
  );
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  const byRun = new Map<number, Rank[]>();
  for (const [rank, run] of [
    ['median', at(0.5)],
    ['p95', at(0.95)],
    ['worst', at(1)],
  ] as const)
    byRun.set(run, [...(byRun.get(run) ?? []), rank]);
  return [...byRun].map(([run, ranks]) => ({
    run: runName({ variant: cell.variant, model: cell.subject, seed: cell.seed(run) }),
    ranks,
    first: ranks.includes('worst') && !ranks.includes('median') ? 1 : RANKS.indexOf(ranks[0]!) * 2,
  }));
}

/** Nothing where a run that came to its end does not any more. */
function detailOf(plan: PreparedPlan, run: PlanRun, ranks: readonly Rank[]): PlanDetail | undefined {
  const { key, variant, model, seed } = run;
  const { setup } = plan.variants[variant]!;
  try {
    return { key, variant, model, seed, ranks, ...watched(setup, run) };
  } catch {
    return undefined;
  }
}

function watched(setup: VariantSetup, run: PlanRun): Pick<PlanDetail, 'page' | 'curves'> {
  const { load, links } = setup;
  if (load.kind === 'page') return setup.gateway === undefined ? watchedPage(setup, load, run) : { page: throughGateway(setup, load, run) };
  const { flows, names, octets, until, stagger } = load;
  const { result } = watchFlows({
    seed: run.seed,
    links,
    octets,
    until,
    flows: flows.map((policy, i) => ({ policy, start: i * stagger })),
  });
  const few = (points: readonly number[]): readonly number[] => thinned({ points }, result.endedAt, BUCKETS);
  return {
    curves: {
      endedAt: result.endedAt,
      flows: result.flows.map(({ curves, marks, phases }, i) => ({
        name: names[i]!,
        marks,
        phases,
        curves: {
          window: few(curves.window),
          threshold: few(curves.threshold),
          inFlight: few(curves.inFlight),
          pacingRate: few(curves.pacingRate),
          goodput: curves.goodput,
          latestRtt: few(curves.latestRtt),
          smoothedRtt: few(curves.smoothedRtt),
          minRtt: few(curves.minRtt),
        },
      })),
      more: 0,
      queue: few(result.queue),
      queueDrops: result.queueDrops,
    },
  };
}

function watchedPage(setup: VariantSetup, load: PageLoad, run: PlanRun): Required<Pick<PlanDetail, 'page' | 'curves'>> {
  // connections have the numbers in which the client opened them
  const opened: string[] = [];
  const senders = new Map<string, SenderCurves>();
  const sender = (key: string): SenderCurves => {
    const curves = new SenderCurves();
    senders.set(key, curves);
    return curves;
  };
  const open = (key: string): void => void opened.push(key);
  const quic: { readonly client: Policies['observer']; readonly server: Policies['observer'] } = {
    client: (facts) => {
      open(quicKey(facts));
      return new SenderCurves();
    },
    server: (facts) => sender(quicKey(facts)),
  };
  const tcp: { readonly client: TcpPolicies['observer']; readonly server: TcpPolicies['observer'] } = {
    client: ({ local }) => {
      open(tcpKey(local));
      return new TcpSenderCurves(new SenderCurves());
    },
    server: ({ remote }) => new TcpSenderCurves(sender(tcpKey(remote))),
  };
  const down = new QueueWatch();
  const watch = { up: new QueueWatch(), down };
  const record = runSimulated({ ...simulatedRun(setup, load, run), observers: quic, tcpObservers: tcp, watch });
  return { page: pageOf(record), curves: curvesOf(record, opened, senders, down) };
}

/** How many packets wait for a link, and when there was no room for one. */
class QueueWatch extends DatagramWatch {
  readonly waiting = new Curve();
  readonly full: Micros[] = [];

  override entered(now: Micros, _packet: LinkPacket, waiting: number): void {
    this.waiting.add(now, waiting);
  }
  override dropped(at: Micros, _packet: LinkPacket, kind: DropKind): void {
    if (kind !== 'injected') this.full.push(at);
  }
}

/** What a page's run came to, stream by stream. */
function pageOf(record: RunRecord): DetailedPage {
  const since = (at: Micros): Micros => at - record.startedAt;
  return {
    pageLoad: since(record.finishedAt),
    streams: accountRun(record).map(({ life, ...object }) => ({
      id: object.exchange,
      file: object.id,
      bytes: object.bytes,
      requested: since(life.issued),
      firstByte: (life.firstHeader === NEVER ? life.completed : life.firstHeader) - life.issued,
      completion: life.completed - life.issued,
      lostPackets: object.lostPackets,
      lostAt: object.lostAt.map(since),
      blocked: object.blocked,
      blockedByteTime: object.blockedByteTime,
      intervals: object.intervals.map(({ from, to, blame }) => ({ from: since(from), to: since(to), blame })),
      states: life.intervals.flatMap(({ from, to, state }) => [since(from), since(to), STATES.indexOf(state)]),
    })),
    drops: { up: record.up.drops.map(({ at }) => since(at)), down: record.down.drops.map(({ at }) => since(at)) },
    links: { up: linkResult(record.up), down: linkResult(record.down) },
  };
}

/** What the client sees of it: through a gateway no account is kept. */
function throughGateway(setup: VariantSetup, load: PageLoad, run: PlanRun): DetailedPage {
  const { startedAt, finishedAt, objects, front } = runThroughGateway(gatewayRun(setup, load, run));
  const since = (at: Micros): Micros => at - startedAt;
  return {
    pageLoad: since(finishedAt),
    streams: objects.map(({ exchange, id, bytes, requestedAt, headersAt, completedAt }) => ({
      id: exchange,
      file: id,
      bytes,
      requested: since(requestedAt),
      firstByte: headersAt - requestedAt,
      completion: completedAt - requestedAt,
      lostPackets: 0,
      lostAt: [],
      blocked: { own: 0, other: 0 },
      blockedByteTime: 0,
      intervals: [],
      states: [],
    })),
    drops: { up: front.up.drops.map(({ at }) => since(at)), down: front.down.drops.map(({ at }) => since(at)) },
    links: { up: linkResult(front.up), down: linkResult(front.down) },
  };
}

/** Of the connections that carried most. Instants count from the first request, too. */
function curvesOf(
  { startedAt, finishedAt, log: { receipts } }: RunRecord,
  opened: readonly string[],
  senders: ReadonlyMap<string, SenderCurves>,
  queue: QueueWatch,
): DetailedCurves {
  const endedAt = finishedAt - startedAt;
  const since = (at: Micros): Micros => at - startedAt;
  const arrived = opened.map(() => new Curve());
  const octets = opened.map(() => 0);
  for (let i = 0; i < receipts.length; i += 4) {
    const connection = connectionOf(receipts[i + 1]!);
    if (directionOf(receipts[i + 1]!) !== RESPONSE || arrived[connection] === undefined) continue;
    octets[connection]! += receipts[i + 3]!;
    arrived[connection].add(since(receipts[i]!), octets[connection]!);
  }
  const all = opened.flatMap((key, i) => {
    const curves = senders.get(key);
    return curves === undefined ? [] : [{ curves, i }];
  });
  const most = [...all].sort((a, b) => octets[b.i]! - octets[a.i]! || a.i - b.i).slice(0, MOST_CONNECTIONS);
  const shifted = ({ points }: Curve): readonly number[] =>
    thinned({ points: points.map((value, i) => (i % 2 === 0 ? since(value) : value)) }, endedAt, BUCKETS);
  const step = Math.max(LEAST_GOODPUT_STEP, Math.ceil(endedAt / GOODPUT_STEPS));
  return {
    endedAt,
    flows: most
      .sort((a, b) => a.i - b.i)
      .map(({ curves, i }) => ({
        name: `connection ${i + 1}`,
        curves: {
          window: shifted(curves.window),
          threshold: shifted(curves.threshold),
          inFlight: shifted(curves.inFlight),
          pacingRate: shifted(curves.pacingRate),
          goodput: rateOf(arrived[i]!, step, endedAt),
          latestRtt: shifted(curves.latestRtt),
          smoothedRtt: shifted(curves.smoothedRtt),
          minRtt: shifted(curves.minRtt),
        },
        marks: { lost: curves.lost.map(since), spurious: curves.spurious.map(since), timeouts: curves.timeouts.map(since) },
        phases: curves.phases.map(({ at, phase }) => ({ at: since(at), phase })),
      })),
    more: all.length - most.length,
    queue: shifted(queue.waiting),
    queueDrops: queue.full.map(since),
  };
}
