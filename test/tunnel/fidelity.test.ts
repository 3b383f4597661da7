import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { MODELS } from '../../scripts/tunnel/fidelity/plan.ts';
import { wanted } from '../../scripts/tunnel/fidelity/real.ts';
import { type RealRun, readRecord, writeRecord } from '../../scripts/tunnel/fidelity/record.ts';
import { fidelityTable } from '../../scripts/tunnel/fidelity/table.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const run = (of: Partial<RealRun>): RealRun => ({
  model: 'h2',
  loss: 0.01,
  seed: 1,
  pageLoad: 3_000_000,
  medianCompletion: 1_000_000,
  up: [800, 8, 0],
  down: [1_500, 15, 20],
  connections: 1,
  late: 1_000,
  repeated: 0,
  ...of,
});

test('what is wanted goes round the models, so that whatever breaks it off leaves as many of each', () => {
  const todo = wanted([], 60);
  expect(todo.length).toBe(MODELS.length * (10 + 60 + 60));
  for (let done = 0; done <= todo.length; done++) {
    const counts = MODELS.map((model) => todo.slice(0, done).filter((one) => one.model === model).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  }
});

test('what is there is not wanted again', () => {
  const first = wanted([], 2);
  const [done, ...others] = first;
  expect(wanted([run(done!)], 2)).toEqual(others);
  expect(wanted(first.map(run), 2)).toEqual([]);
});

test('a record is read as it was written, and there is none before the first', () => {
  const directory = mkdtempSync(join(tmpdir(), 'quiclab-fidelity-'));
  directories.push(directory);
  const file = join(directory, 'record.jsonl');
  expect(readRecord(file)).toEqual({ real: [], simulated: [] });
  const record = {
    real: [run({}), run({ seed: 2 })],
    simulated: [{ model: 'h2' as const, loss: 0.01, pageLoads: [3_100_000, 2_900_000], up: 900, down: 1_510, dropped: 22 }],
  };
  writeRecord(record, file);
  expect(readRecord(file)).toMatchObject(record);
});

test('the table says what is within and what is not, and pairs runs by their seeds', () => {
  const runs = (factor: number): RealRun[] =>
    Array.from({ length: 60 }, (_, i) => run({ seed: i + 1, pageLoad: factor * (2_000_000 + 10_000 * i) }));
  const pageLoads = Array.from({ length: 60 }, (_, i) => 2_000_000 + 10_000 * i);
  const simulated = [{ model: 'h2' as const, loss: 0.01, pageLoads, up: 900, down: 1_510, dropped: 22 }];
  const row = (factor: number): string =>
    fidelityTable({ real: runs(factor), simulated })
      .split('\n')
      .find((line) => line.startsWith('| 1% | h2'))!;
  expect(row(1.01)).toContain('| yes | 1.010 (1.010 to 1.010) | 1500 / 1510 | 20 / 22 | 800 / 900 |');
  expect(row(1.2)).toContain('| no | 1.200 (1.200 to 1.200) |');
});
