import { createHash } from 'node:crypto';
import type { PlanDocument, PlanRun } from '@quiclab/report';
import type { RunSpec } from '../run/specs.ts';
import { BLOCK_MS } from './connection.ts';

// What is in Redis, all of it below one prefix: a queue of BullMQ's with a job for each run that is asked for, and each plan's document.

export const PREFIX = 'quiclab';
export const QUEUE = 'runs';

/** A run that somebody asks for. */
export interface RunJob {
  /** Of quiclab: another one's figures may differ. */
  readonly version: string;
  /** Its document's hash. */
  readonly plan: string;
  readonly spec: RunSpec;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A plan's document as it is in Redis. */
export interface StoredPlan {
  readonly hash: string;
  readonly text: string;
}

export function storedPlan(document: PlanDocument): StoredPlan {
  const text = JSON.stringify(document);
  return { hash: sha256(text), text };
}

export const isPlan = (hash: string, text: string): boolean => sha256(text) === hash;

export const planKey = (hash: string): string => `${PREFIX}:plan:${hash}`;

/** A plan that nobody runs any more is forgotten after that. Who runs one says so every minute. */
export const PLAN_SECONDS = 3_600;
export const PLAN_REFRESH_MS = 60_000;

/** The same run of the same plan has the same name, so that it is there once however often it is asked for. BullMQ allows no ':' in it. */
export const jobIdOf = ({ version, plan, spec }: RunJob): string => `run-${sha256(JSON.stringify([version, plan, spec.key]))}`;

/** Results that nobody collects, as he was killed, are kept so long: whoever goes on with the plan finds them. */
const UNCOLLECTED = { age: 3_600, count: 20_000 };

export const JOB_OPTIONS = { attempts: 2, removeOnComplete: UNCOLLECTED, removeOnFail: UNCOLLECTED } as const;

/** Of the events' stream, which has each result once more. */
export const EVENTS_KEPT = 2_000;

/**
 * A worker's process holds the lock of the run that it makes and renews it while it lives, however long the run takes: runs are made in threads, so that
 * they do not keep the process from it. A lock that is not renewed for LOCK_MS was of one that is gone, and whoever looks next (STALLED_MS) puts the run back.
 * Where that was wrong (a process that was stopped, a network that was away) the run is made twice and counted once, as it comes to the same; but one
 * that ends its worker each time is given up after so many.
 */
export const LOCK_MS = 6_000;
export const STALLED_MS = 3_000;
export const MOST_STALLED = 4;

/** How BullMQ's worker is to wait for jobs, in seconds. */
export const DRAIN_SECONDS = BLOCK_MS / 1_000;

/** What came back for a spec, if it is a run of that. Throws an Error if it is something else. */
export function resultOf(spec: RunSpec, value: unknown): PlanRun {
  const run = (typeof value === 'object' && value !== null ? value : {}) as Partial<PlanRun>;
  const isOf = run.key === spec.key && run.variant === spec.variant && run.model === spec.model && run.seed === spec.seed;
  if (!isOf || typeof run.figures !== 'object' || run.figures === null) throw new Error('what came back is not this run');
  return run as PlanRun;
}
