import { workerData } from 'node:worker_threads';
import type { PlanDocument, PlanRun } from '@quiclab/report';
import { prepareDocument } from '../plan/prepare.ts';
import { runSpec } from './run-spec.ts';
import type { RunSpec } from './specs.ts';

// A worker thread of the pool: is given the plan once, and makes one run after the other.

const plan = prepareDocument(workerData as PlanDocument);

export default (spec: RunSpec): PlanRun => runSpec(plan, spec);
