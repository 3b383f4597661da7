/** What was measured, on disk: a run that is broken off is gone on with. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Micros } from '@quiclab/sansio';
import type { FidelityModel } from './plan.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const RECORD = join(ROOT, 'test/tunnel/fidelity.jsonl');
export const TABLE = join(ROOT, 'test/tables/fidelity.md');

/** One page over sockets. */
export interface RealRun {
  readonly model: FidelityModel;
  readonly loss: number;
  readonly seed: number;
  readonly pageLoad: Micros;
  readonly medianCompletion: Micros;
  /** That entered the link, injected losses, and what the queue dropped. */
  readonly up: readonly [entered: number, lost: number, dropped: number];
  readonly down: readonly [entered: number, lost: number, dropped: number];
  readonly connections: number;
  /** The relay in its worse direction, for a hundredth of the packets. */
  readonly late: Micros;
  /** Runs before it in which the relay was too late, or did not read everything. */
  readonly repeated: number;
}

/** Page loads by seed, from 1. */
export interface SimulatedRuns {
  readonly model: FidelityModel;
  readonly loss: number;
  readonly pageLoads: Micros[];
  /** Of all runs, per page: packets and what the queue dropped, on the way down; and packets up. */
  readonly down: number;
  readonly dropped: number;
  readonly up: number;
}

export interface FidelityRecord {
  readonly real: readonly RealRun[];
  readonly simulated: readonly SimulatedRuns[];
}

/** A run on sockets, or all simulated runs of a model and a rate, a line. */
export function readRecord(file = RECORD): FidelityRecord {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const rows = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as { readonly world: 'real' | 'simulated' });
  const of = <T>(world: 'real' | 'simulated'): T[] => rows.filter((row) => row.world === world) as T[];
  return { real: of('real'), simulated: of('simulated') };
}

/** What was there stays until all of it is written. */
export function writeRecord({ real, simulated }: FidelityRecord, file = RECORD): void {
  const lines = [...simulated.map((row) => ({ world: 'simulated', ...row })), ...real.map((row) => ({ world: 'real', ...row }))];
  writeFileSync(`${file}.new`, lines.map((row) => `${JSON.stringify(row)}\n`).join(''));
  renameSync(`${file}.new`, file);
}
