import type { PlanRun } from '@quiclab/report';
import type { ModelName } from '../models/model.ts';
import type { PreparedPlan } from '../plan/prepare.ts';
import { runOverRelay } from '../worlds/relay.ts';
import type { RunExecutor } from './executor.ts';
import { figuresOf } from './figures.ts';
import type { RunSpec } from './specs.ts';

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
  if (load.kind === 'flows') throw new Error('no bulk transfers over real sockets'); // realWorld has said so
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
    return { ...spec, ...figuresOf(record), ...(record.lateness && { lateness: record.lateness }) };
  } catch (problem) {
    return { ...spec, figures: {}, failed: (problem as Error).message };
  }
}
