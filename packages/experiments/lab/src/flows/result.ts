import type { Observer } from '@quiclab/quic';
import type { FlowResult, FlowsRun } from '@quiclab/report';
import type { Micros } from '@quiclab/sansio';
import { TeeObserver } from '@quiclab/trace';
import { LinkLog, linkResult } from '../worlds/links.ts';
import { ArrivalCurve, type Curve, QueueCurve, rateOf, SenderCurves, thinned } from './curves.ts';
import { type FlowRecord, type FlowsPlan, type FlowsRecord, runFlows } from './flows.ts';

/** Spans of time of which four points of a curve are kept at most. */
const BUCKETS = 2_000;
/** Goodput is told in steps of the run's hundredth, or of so many µs where that is less: below it, packets are what one sees. */
const GOODPUT_STEPS = 100;
const LEAST_GOODPUT_STEP = 20_000;

/** Runs flows and keeps, besides their record, what one wants to see. */
export function watchFlows(plan: Omit<FlowsPlan, 'linkLogs'>): { readonly record: FlowsRecord; readonly result: FlowsRun } {
  const senders = plan.flows.map(() => new SenderCurves());
  const receivers = plan.flows.map(() => new ArrivalCurve());
  const down = new QueueCurve();
  const record = runFlows({
    ...plan,
    linkLogs: { up: new LinkLog(), down },
    observers: (flow) => {
      const more = plan.observers?.(flow);
      return {
        sender: (connection) => beside(senders[flow]!, more?.sender?.(connection)),
        receiver: (connection) => beside(receivers[flow]!, more?.receiver?.(connection)),
      };
    },
  });
  const { endedAt } = record;
  const drops = (kind: string): Micros[] =>
    record.down.drops.filter((drop) => (drop.kind === 'injected') === (kind === 'injected')).map(({ at }) => at);
  const result: FlowsRun = {
    endedAt,
    flows: record.flows.map((flow, i) => flowResult(flow, senders[i]!, receivers[i]!, endedAt)),
    links: { up: linkResult(record.up), down: linkResult(record.down) },
    queue: thinned(down.waiting, endedAt, BUCKETS),
    injectedDrops: drops('injected'),
    queueDrops: drops('queue'),
  };
  return { record, result };
}

function flowResult(flow: FlowRecord, sender: SenderCurves, { arrived }: ArrivalCurve, endedAt: Micros): FlowResult {
  const { repairs, timeouts: _timeouts, ...figures } = flow;
  const curve = (of: Curve): readonly number[] => thinned(of, endedAt, BUCKETS);
  const step = Math.max(LEAST_GOODPUT_STEP, Math.ceil(endedAt / GOODPUT_STEPS));
  return {
    ...figures,
    repairs: repairs.packets,
    spuriousRepairs: repairs.spurious,
    curves: {
      window: curve(sender.window),
      threshold: curve(sender.threshold),
      inFlight: curve(sender.inFlight),
      pacingRate: curve(sender.pacingRate),
      goodput: rateOf(arrived, step, endedAt),
      latestRtt: curve(sender.latestRtt),
      smoothedRtt: curve(sender.smoothedRtt),
      minRtt: curve(sender.minRtt),
    },
    marks: { lost: sender.lost, spurious: sender.spurious, timeouts: sender.timeouts },
    phases: sender.phases,
  };
}

const beside = (curves: Observer, other: Observer | undefined): Observer =>
  other === undefined ? curves : new TeeObserver([curves, other]);
