import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { median, type PlanFigures, type PlanFlow, type PlanRun } from '@quiclab/report';
import { NEVER, SECOND } from '@quiclab/sansio';
import { sizedSource } from '../apps/file-server.ts';
import { figuresOf } from '../compare/figures.ts';
import { type FlowRecord, runFlows } from '../flows/flows.ts';
import type { ModelName } from '../models/model.ts';
import { quicPolicies } from '../plan/ends.ts';
import type { BulkLoad, PageLoad, PreparedPlan, VariantSetup } from '../plan/prepare.ts';
import { accountRun, type RunRecord } from '../record.ts';
import { runSimulated, type SimulatedRun } from '../worlds/simulated.ts';
import { type GatewayRecord, type GatewayRun, runThroughGateway } from '../worlds/through-gateway.ts';
import type { RunSpec } from './specs.ts';

const crypto = nullProtection(nodeProvider);

/** One run of a plan in virtual time. A run that comes to nothing says why. */
export function runSpec(plan: PreparedPlan, spec: RunSpec): PlanRun {
  const { setup } = plan.variants[spec.variant]!;
  try {
    return { ...spec, ...outcome(setup, spec) };
  } catch (problem) {
    return { ...spec, figures: {}, failed: (problem as Error).message };
  }
}

type Outcome = Pick<PlanRun, 'figures' | 'states' | 'gaps' | 'flows'>;

function outcome(setup: VariantSetup, spec: RunSpec): Outcome {
  const { load, gateway } = setup;
  if (load.kind === 'flows') return ofFlows(setup, load, spec.seed);
  if (gateway === undefined) return ofPage(runSimulated(simulatedRun(setup, load, spec)));
  return ofGateway(runThroughGateway(gatewayRun(setup, load, spec)));
}

/** And of a plan with one. */
export function gatewayRun(
  { links, gateway }: VariantSetup,
  { page, profile }: PageLoad,
  { model, seed }: Pick<RunSpec, 'model' | 'seed'>,
): GatewayRun {
  return { seed, page, profile, source: sizedSource(page), crypto, front: { model: model as ModelName, links }, back: gateway! };
}

/** What a spec of a plan without a gateway is, in virtual time: for whoever wants more of the run than its figures. */
export function simulatedRun({ links }: VariantSetup, load: PageLoad, { model, seed }: Pick<RunSpec, 'model' | 'seed'>): SimulatedRun {
  const { page, profile, nameLookup, controller } = load;
  return {
    model: model as ModelName,
    seed,
    page,
    profile,
    nameLookup,
    links,
    source: sizedSource(page),
    digests: false,
    ends: { crypto, policies: quicPolicies(load) },
    // whether TCP has a pacer is the profile's affair
    ...(controller && {
      tcp: { policies: { congestion: ({ maxSegmentSize }) => controller.controller({ maxDatagramSize: maxSegmentSize }) } },
    }),
  };
}

/** The figures of a page's run, whichever world it was in. */
export function ofPage(record: RunRecord): Outcome {
  const objects = accountRun(record);
  const { model: _model, seed: _seed, states, gaps, ...figures } = figuresOf(record, objects);
  return {
    figures: {
      ...figures,
      ttfb: median(objects.flatMap(({ life }) => (life.firstHeader === NEVER ? [] : [life.firstHeader - life.issued]))),
      goodput: goodputOf(record),
    },
    states,
    gaps,
  };
}

/** Content over the time since requests could be sent, bit/s. */
export function goodputOf({ objects, connections, finishedAt }: Pick<RunRecord, 'objects' | 'connections' | 'finishedAt'>): number {
  const ready = connections.flatMap(({ readyAt }) => (readyAt >= 0 ? [readyAt] : []));
  return perSecond(
    objects.reduce((sum, { bytes }) => sum + bytes, 0),
    finishedAt - Math.min(...ready),
  );
}

/** bit/s. */
const perSecond = (octets: number, time: number): number => (time > 0 ? Math.round((8 * octets * SECOND) / time) : 0);

/** What the client sees; no account is kept of what goes through a gateway. */
function ofGateway({ startedAt, finishedAt, objects, front, back }: GatewayRecord): Outcome {
  const both = (direction: 'up' | 'down', figure: 'entered' | 'injectedDrops' | 'queueDrops'): number =>
    front[direction][figure] + back[direction][figure];
  return {
    figures: {
      pageLoad: finishedAt - startedAt,
      medianCompletion: median(objects.map(({ completedAt, requestedAt }) => completedAt - requestedAt)),
      ttfb: median(objects.map(({ headersAt, requestedAt }) => headersAt - requestedAt)),
      connections: front.connections + back.connections,
      packetsUp: both('up', 'entered'),
      packetsDown: both('down', 'entered'),
      lost: both('down', 'injectedDrops'),
      queueDropped: both('down', 'queueDrops'),
    },
  };
}

function ofFlows({ links }: VariantSetup, { flows, names, octets, until, stagger }: BulkLoad, seed: number): Outcome {
  const record = runFlows({ seed, links, octets, until, flows: flows.map((policy, i) => ({ policy, start: i * stagger })) });
  const own = record.flows.map((flow, i): PlanFlow => ({ name: names[i]!, figures: flowFigures(flow, record.endedAt) }));
  const goodputs = own.map(({ figures }) => figures.goodput ?? 0);
  const total = goodputs.reduce((sum, goodput) => sum + goodput, 0);
  const squares = goodputs.reduce((sum, goodput) => sum + goodput * goodput, 0);
  const { up, down } = record;
  return {
    figures: {
      goodput: total,
      fairness: squares === 0 ? 0 : Math.round((1e6 * total * total) / (goodputs.length * squares)),
      connections: own.length,
      packetsUp: up.entered,
      packetsDown: down.entered,
      lost: down.injectedDrops,
      queueDropped: down.queueDrops,
    },
    flows: own,
  };
}

function flowFigures(
  { startedAt, requestedAt, completedAt, octets, repairs, timeouts, lost, persistentCongestions }: FlowRecord,
  endedAt: number,
): PlanFigures {
  return {
    ...(completedAt >= 0 && { completion: completedAt - startedAt }),
    goodput: requestedAt < 0 ? 0 : perSecond(octets, (completedAt < 0 ? endedAt : completedAt) - requestedAt),
    repairs: repairs.packets,
    spuriousRepairs: repairs.spurious,
    declaredLost: lost,
    timeouts,
    persistentCongestions,
  };
}
