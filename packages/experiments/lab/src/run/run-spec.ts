import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import type { PlanFigures, PlanFlow, PlanRun } from '@quiclab/report';
import { sizedSource } from '../apps/file-server.ts';
import { type FlowRecord, runFlows } from '../flows/flows.ts';
import type { ModelName } from '../models/model.ts';
import { quicPolicies } from '../plan/ends.ts';
import type { BulkLoad, PageLoad, PreparedPlan, VariantSetup } from '../plan/prepare.ts';
import { runSimulated, type SimulatedRun } from '../worlds/simulated.ts';
import { type GatewayRecord, type GatewayRun, runThroughGateway } from '../worlds/through-gateway.ts';
import { figuresOf, perSecond, timesOf } from './figures.ts';
import type { RunSpec } from './specs.ts';

const crypto = nullProtection(nodeProvider);

/** One run of a plan in virtual time. A run that comes to nothing says why. */
export function runSpec(plan: PreparedPlan, spec: RunSpec): PlanRun {
  const { setup } = plan.variants[spec.variant]!;
  try {
    return { ...spec, ...outcome(setup, spec) };
  } catch (problem) {
    return { ...spec, figures: {}, failed: reasonOf(problem as Error, spec) };
  }
}

/** Without what the key says, so that the same reason is the same text whatever the seed. */
function reasonOf({ message }: Error, { seed }: RunSpec): string {
  const named = `seed ${seed}: `;
  const at = message.indexOf(named);
  return at < 0 ? message : message.slice(at + named.length);
}

type Outcome = Pick<PlanRun, 'figures' | 'states' | 'gaps' | 'flows'>;

function outcome(setup: VariantSetup, spec: RunSpec): Outcome {
  const { load, gateway } = setup;
  if (load.kind === 'flows') return ofFlows(setup, load, spec.seed);
  if (gateway === undefined) return figuresOf(runSimulated(simulatedRun(setup, load, spec)));
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

/** What the client sees; no account is kept of what goes through a gateway. */
function ofGateway(record: GatewayRecord): Outcome {
  const { front, back } = record;
  const both = (direction: 'up' | 'down', figure: 'entered' | 'injectedDrops' | 'queueDrops'): number =>
    front[direction][figure] + back[direction][figure];
  return {
    figures: {
      ...timesOf(record),
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
