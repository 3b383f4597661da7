import type { PlanRun } from '@quiclab/report';
import { type ModelName, modelOf } from '../models/model.ts';
import type { PreparedPlan } from '../plan/prepare.ts';
import { runOverRelay } from '../worlds/relay.ts';
import type { RunExecutor } from './executor.ts';
import { ofPage } from './run-spec.ts';
import type { RunSpec } from './specs.ts';

/** Throws an Error that says why, where a plan cannot be run over real sockets. */
export function checkReal({ variants }: PreparedPlan): void {
  for (const { setup } of variants) {
    if (setup.load.kind === 'flows') throw new Error('--real: bulk transfers are run in virtual time only');
    if (setup.gateway !== undefined) throw new Error('--real: a gateway is run in virtual time only');
    for (const name of setup.load.models) {
      const { protocol, earlyData } = modelOf(name);
      if (earlyData || (protocol !== 'h3' && protocol !== 'h3-single'))
        throw new Error(`--real: runs h3 and h3-single; for '${name}' over the kernel's TCP there is pnpm tunnel`);
    }
  }
}

/** Over real sockets: each run a server and a client process, and the relay here between them. What comes out varies from run to run, and says how late the relay was. */
export const overRelay = (plan: PreparedPlan): RunExecutor => ({
  async *run(specs, signal) {
    for (const spec of specs) {
      if (signal.aborted) return;
      yield await runReal(plan, spec);
    }
  },
  close: async () => {},
});

const NO_TRACES = { qlogDir: '', keyLog: '', name: '', dialect: 'current' } as const;

async function runReal({ variants }: PreparedPlan, spec: RunSpec): Promise<PlanRun> {
  const { load, links } = variants[spec.variant]!.setup;
  if (load.kind === 'flows') throw new Error('no bulk transfers over real sockets'); // checkReal has said so
  try {
    const record = await runOverRelay({
      model: spec.model as ModelName,
      seed: spec.seed,
      page: load.page,
      links,
      content: 'zeros',
      traces: NO_TRACES,
      ends: load.names,
      nameLookup: load.nameLookup,
    });
    return { ...spec, ...ofPage(record), ...(record.lateness && { lateness: record.lateness }) };
  } catch (problem) {
    return { ...spec, figures: {}, failed: (problem as Error).message };
  }
}
