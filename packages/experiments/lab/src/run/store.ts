import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { PlanDocument, PlanRun, PlanWorld } from '@quiclab/report';
import { VERSION } from '../version.ts';
import type { Shard } from './specs.ts';

/** What runs in a directory are of. Runs of another plan, version or world never come beside them. */
export interface StoreHead {
  readonly schema: 1;
  readonly kind: 'runs';
  readonly version: string;
  readonly world: PlanWorld;
  readonly shard: Shard | null;
  readonly document: PlanDocument;
}

export const headOf = (document: PlanDocument, world: PlanWorld, shard: Shard | null): StoreHead => ({
  schema: 1,
  kind: 'runs',
  version: VERSION,
  world,
  shard,
  document,
});

/** plan.json: what the runs are of; runs.jsonl: one a line, in their order, added as they come. None is kept in memory. */
export class RunStore {
  readonly dir: string;
  readonly #file: number;
  #count: number;

  private constructor(dir: string, count: number) {
    this.dir = dir;
    this.#count = count;
    this.#file = openSync(runsFile(dir), 'a');
  }

  /** Begins anew: what is in the directory of an earlier run is gone. */
  static create(dir: string, head: StoreHead): RunStore {
    mkdirSync(dir, { recursive: true });
    for (const old of ['result.json', 'runs.csv']) rmSync(join(dir, old), { force: true });
    removeTables(dir);
    writeFileSync(runsFile(dir), '');
    writeFileSync(planFile(dir), `${JSON.stringify(head)}\n`);
    return new RunStore(dir, 0);
  }

  /** Goes on where an earlier run was stopped, or begins where there was none. Throws an Error that says what differs, where it was another plan. */
  static resume(dir: string, head: StoreHead): RunStore {
    const before = readHead(dir);
    if (before === undefined) return RunStore.create(dir, head);
    const differences = difference(before, JSON.parse(JSON.stringify(head)), '');
    if (differences.length > 0)
      throw new Error(
        `'${dir}' holds runs of something else, which these cannot go on with:\n${differences.map((line) => `  ${line}`).join('\n')}`,
      );
    let count = 0;
    let octets = 0;
    for (const line of linesOf(runsFile(dir))) {
      count++;
      octets += line.length + 1;
    }
    truncateSync(runsFile(dir), octets); // a line that was half written is gone
    removeTables(dir); // what is there is always of all runs
    return new RunStore(dir, count);
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Those that were there, and those that were added: read anew each time somebody goes through them. */
  get runs(): Iterable<PlanRun> {
    return readRuns(this.dir);
  }

  add(run: PlanRun): void {
    writeSync(this.#file, `${JSON.stringify(run)}\n`);
    this.#count++;
  }

  close(): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
  }
}

/** What is made of runs.jsonl for those who ask in SQL. */
export const TABLES = { database: 'results.duckdb', runs: 'runs.parquet', flows: 'flows.parquet' } as const;

export function removeTables(dir: string): void {
  for (const name of Object.values(TABLES)) rmSync(join(dir, name), { force: true });
}

const planFile = (dir: string): string => join(dir, 'plan.json');
export const runsFile = (dir: string): string => join(dir, 'runs.jsonl');

/** undefined where nothing was run. Throws an Error where what is there cannot be read. */
export function readHead(dir: string): StoreHead | undefined {
  let text: string;
  try {
    text = readFileSync(planFile(dir), 'utf8');
  } catch (problem) {
    if (['ENOENT', 'ENOTDIR'].includes((problem as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw problem;
  }
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch {
    throw new Error(`'${planFile(dir)}' is not JSON`);
  }
  const { schema, kind, document } = (head ?? {}) as Partial<StoreHead>;
  if (schema !== 1 || kind !== 'runs' || typeof document !== 'object') throw new Error(`'${planFile(dir)}' is not what quiclab run writes`);
  return head as StoreHead;
}

/**
 * The runs of a directory, read as they are asked for, and anew each time somebody goes through them.
 * @param most  the first of them: where more are being added, they are the same each time
 */
export const readRuns = (dir: string, most = Number.POSITIVE_INFINITY): Iterable<PlanRun> => ({
  *[Symbol.iterator]() {
    let count = 0;
    for (const { run } of parsedLines(dir)) {
      if (++count > most) return;
      yield run;
    }
  },
});

/** @returns each run, and how many octets its line takes with its end */
function* parsedLines(dir: string): Generator<{ readonly run: PlanRun; readonly octets: number }> {
  let number = 0;
  for (const line of linesOf(runsFile(dir))) {
    number++;
    let run: PlanRun;
    try {
      run = JSON.parse(line.toString('utf8')) as PlanRun;
    } catch {
      throw new Error(`'${runsFile(dir)}', line ${number}: is not JSON`);
    }
    yield { run, octets: line.length + 1 };
  }
}

/**
 * The lines of a directory's runs, with their ends, sorted by key: the same octets however, where and in which order they were made. Only keys are in memory.
 * Throws an Error where there are none.
 */
export function* runLinesByKey(dir: string): Generator<string> {
  if (readHead(dir) === undefined) throw new Error(`'${dir}' holds no runs`);
  const lines: { readonly key: string; readonly from: number; readonly length: number }[] = [];
  let from = 0;
  for (const { run, octets } of parsedLines(dir)) {
    lines.push({ key: run.key, from, length: octets });
    from += octets;
  }
  lines.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const file = openSync(runsFile(dir), 'r');
  try {
    for (const { from, length } of lines) {
      const line = Buffer.allocUnsafe(length);
      readSync(file, line, 0, length, from);
      yield line.toString('utf8');
    }
  } finally {
    closeSync(file);
  }
}

const CHUNK = 1 << 16;

/** All whole lines, without their ends. A last line without its end was being written when a process was stopped, and is left out. */
function* linesOf(name: string): Generator<Buffer> {
  const file = openSync(name, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    let begun: Buffer[] = [];
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      let from = 0;
      for (let end = chunk.indexOf(0x0a); end >= 0 && end < read; end = chunk.indexOf(0x0a, from)) {
        const rest = chunk.subarray(from, end);
        yield begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
        begun = [];
        from = end + 1;
      }
      if (from < read) begun.push(Buffer.from(chunk.subarray(from, read)));
    }
  } finally {
    closeSync(file);
  }
}

const MOST_DIFFERENCES = 10;

/** 'document.plan.topology.down.loss was 1%, is 2%' */
export function difference(before: unknown, now: unknown, key: string): string[] {
  const name = key === '' ? 'it' : key.replace(/^document\.(plan\.)?/, '');
  if (!isObject(before) || !isObject(now) || Array.isArray(before) !== Array.isArray(now))
    return before === now ? [] : [`${name} was ${shown(before)}, is ${shown(now)}`];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const found = keys.flatMap((part) => difference(before[part], now[part], key === '' ? part : `${key}.${part}`));
  // in which order values are crossed is in the order of these keys
  if (found.length === 0 && key.endsWith('.vary') && Object.keys(before).join() !== Object.keys(now).join())
    return [`${name} was in the order ${Object.keys(before).join(', ')}, is in the order ${Object.keys(now).join(', ')}`];
  return found.slice(0, MOST_DIFFERENCES);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

function shown(value: unknown): string {
  if (value === undefined) return 'not there';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
