import type { PlanWorld } from '@quiclab/report';
import type { Page } from '@quiclab/workload';
import { isOverQuic, type Model, modelOf } from '../models/model.ts';
import type { PageLoad, PreparedPlan } from '../plan/prepare.ts';
import { combinations, variablesOf } from '../plan/variants.ts';
import { missing } from '../tunnel/ip.ts';

// What of a plan can be run over real sockets, and in which of the two worlds. EXPERIMENTS §2

/** Linux's controllers by the names that plans have for them; as they are, without switches. */
const KERNEL_CONTROLLERS: Readonly<Record<string, string>> = { cubic: 'cubic', newReno: 'reno' };

/** What the kernel's TCP is to go by; what it does by itself where the plan says nothing. */
export const kernelController = ({ names }: PageLoad): string => KERNEL_CONTROLLERS[names.controller ?? 'cubic']!;

/**
 * In which world a plan is run over real sockets, whatever this machine has: through the relay on loopback where all models are QUIC's, and in the tunnel
 * where one is TCP's (or needs an earlier connection), then all of them, so that they have one path.
 * @throws Error with what of the plan real sockets cannot do
 */
export function realWorld(plan: PreparedPlan): Exclude<PlanWorld, 'simulated'> {
  let world: 'relay' | 'tunnel' = 'relay';
  for (const { setup } of plan.variants) {
    const { load, gateway } = setup;
    if (load.kind === 'flows') throw new Error('--real: bulk transfers are run in virtual time only');
    if (gateway !== undefined) throw new Error('--real: a gateway is run in virtual time only');
    for (const model of load.models.map(modelOf)) {
      if (!isOverQuic(model)) checkKernel(load, model);
      if (!isOverQuic(model) || model.earlyData) world = 'tunnel';
    }
  }
  for (const { plan: one } of combinations(plan.document.plan, variablesOf(plan.document.plan, []))) {
    const marks = keyOf(one.topology, 'ecn', 'topology');
    if (marks !== undefined) throw new Error(`--real: ${marks}: sockets do not show ECN bits to the relay`);
  }
  return world;
}

/** Throws where the plan asks of a TCP model what the kernel's TCP and Node's HTTP do not do. */
function checkKernel({ page, names: { profile, controller, scheduler } }: PageLoad, { name, protocol, exchanges }: Model): void {
  const refuse = (what: string): never => {
    throw new Error(`--real: ${what}; '${name}' is over the kernel's TCP and Node's HTTP`);
  };
  if (profile !== undefined && profile !== 'default') refuse(`the profile ${profile} sets up TCP as no kernel does`);
  if (controller !== undefined && !Object.hasOwn(KERNEL_CONTROLLERS, controller))
    refuse(`the controller ${controller} is not the kernel's, which has ${Object.keys(KERNEL_CONTROLLERS).join(' and ')} without switches`);
  if (scheduler !== undefined && protocol === 'h2') refuse(`the scheduler ${scheduler} is not that of a server of Node's`);
  if (protocol === 'h2' || exchanges === 1) {
    const upload = uploadOf(page);
    if (upload !== undefined) refuse(`the request of '${upload}' has content, which the client there does not send`);
  }
}

const uploadOf = ({ objects }: Page): string | undefined => objects.find(({ upload }) => upload > 0)?.id;

/** 'topology.down.ecn': where in a part of a plan something is set by this key. */
function keyOf(part: unknown, wanted: string, at: string): string | undefined {
  if (typeof part !== 'object' || part === null) return undefined;
  for (const [key, value] of Object.entries(part)) {
    const found = key === wanted && value !== false ? `${at}.${key}` : keyOf(value, wanted, `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Throws an Error that says what this machine lacks for the tunnel in which a plan is to be run. */
export function checkTunnel({ variants }: PreparedPlan): void {
  const loads = variants.flatMap(({ setup: { load } }) => (load.kind === 'page' ? [load] : []));
  const lacks = missing([...new Set(loads.map(kernelController))]);
  if (lacks.length === 0) return;
  const model = loads.flatMap(({ models }) => models).find((name) => !isOverQuic(modelOf(name)) || modelOf(name).earlyData)!;
  throw new Error(
    `--real: '${model}' is run in a tunnel of network namespaces, and there is none here; missing:\n${lacks.map((one) => `- ${one}`).join('\n')}`,
  );
}
