/** What was measured, on disk: a run that is broken off is gone on with. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Micros } from '@quiclab/sansio';
import type { FidelityModel } from './plan.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const RECORD = join(ROOT, 'test/tunnel/fidelity.json');
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
  readonly schema: 1;
  readonly real: readonly RealRun[];
  readonly simulated: readonly SimulatedRuns[];
}

export const readRecord = (file = RECORD): FidelityRecord =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FidelityRecord) : { schema: 1, real: [], simulated: [] };

/** One run a line, so that a difference can be read. What was there stays until all of it is written. */
export function writeRecord({ schema, real, simulated }: FidelityRecord, file = RECORD): void {
  const lines = (rows: readonly unknown[]): string => rows.map((row) => `\n    ${JSON.stringify(row)}`).join(',');
  const text = `{\n  "schema": ${schema},\n  "real": [${lines(real)}\n  ],\n  "simulated": [${lines(simulated)}\n  ]\n}\n`;
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
