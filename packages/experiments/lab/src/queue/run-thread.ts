import type { PlanDocument, PlanRun } from '@quiclab/report';
import { type PreparedPlan, prepareDocument } from '../plan/prepare.ts';
import { runSpec } from '../run/run-spec.ts';
import type { RunSpec } from '../run/specs.ts';
import type { StoredPlan } from './jobs.ts';

// A worker's thread: makes runs of whichever plan they are, one after the other.

const MOST_PLANS = 4;
const plans = new Map<string, PreparedPlan>();

function planOf({ hash, text }: StoredPlan): PreparedPlan {
  let plan = plans.get(hash);
  if (plan === undefined) {
    plan = prepareDocument(JSON.parse(text) as PlanDocument);
    if (plans.size === MOST_PLANS) for (const [oldest] of [...plans].slice(0, 1)) plans.delete(oldest);
    plans.set(hash, plan);
  }
  return plan;
}

export default ({ plan, spec }: { readonly plan: StoredPlan; readonly spec: RunSpec }): PlanRun => {
  const prepared = planOf(plan);
  if (prepared.variants[spec.variant] === undefined) throw new Error(`the plan has no variant ${spec.variant}`);
  return runSpec(prepared, spec);
};
