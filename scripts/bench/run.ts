import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ContestOptions, type Entry, entryId, type Served } from './contest.ts';
import type { Message } from './end.ts';

/** One run of one entry. CPU time in seconds; 0 for a server that there is not. */
export interface Run {
  readonly value: number;
  readonly cpuSeconds: { readonly client: number; readonly server: number };
  readonly notes: Readonly<Record<string, number>>;
}

/** Longer than any run takes on a machine that is worth measuring. */
const TIMEOUT_SECONDS = 120;
const END = fileURLToPath(new URL('./end.ts', import.meta.url));

/** @param profiles  a directory for CPU profiles of both ends; '' for none */
export async function runOnce(entry: Entry, bytes: number, profiles: string): Promise<Run> {
  const options: ContestOptions = { bytes, datagramSize: entry.datagramSize, mtuDiscovery: entry.mtuDiscovery ?? false };
  const started: ChildProcess[] = [];
  const start = (side: 'client' | 'server', ...more: string[]): ChildProcess => {
    // the loader's thread has a profile, too: names are Node's own, so that it does not take the place of the one that matters
    const profile = profiles === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profiles, entryId(entry).replace('/', '-'), side)}`];
    const child = fork(END, [side, entryId(entry), JSON.stringify(options), ...more], { execArgv: ['--import', 'tsx', ...profile] });
    started.push(child);
    return child;
  };
  const timer = setTimeout(() => started.forEach((child) => void child.kill('SIGKILL')), TIMEOUT_SECONDS * 1000);
  try {
    if ((await entry.load()).serve === undefined) {
      const { value, cpuSeconds, notes = {} } = await told(start('client'), 'reading');
      return { value, cpuSeconds: { client: cpuSeconds, server: 0 }, notes };
    }
    const server = start('server');
    const served = await told(server, 'served');
    const reading = await told(start('client', JSON.stringify(served satisfies Omit<Served, 'notes'>)), 'reading');
    const reported = told(server, 'report');
    server.send('stop');
    const report = await reported;
    return {
      value: reading.value,
      cpuSeconds: { client: reading.cpuSeconds, server: report.cpuSeconds },
      notes: { ...reading.notes, ...report.notes },
    };
  } finally {
    clearTimeout(timer);
    await Promise.all(started.map(ended));
  }
}

type Said<Key extends string> = Extract<Message, Record<Key, unknown>> extends Record<Key, infer Value> ? Value : never;

/** The child's next message, which must be of this kind. Rejects when the child ends instead. */
function told<Key extends 'served' | 'reading' | 'report'>(child: ChildProcess, key: Key): Promise<Said<Key>> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve((message as Record<Key, Said<Key>>)[key]));
    child.once('exit', (code, signal) => reject(new Error(`the process ended without a result (${signal ?? `exit code ${code}`})`)));
  });
}

/** A child that has said its last word leaves by itself; one that waits for more does not. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  if (child.connected) child.disconnect();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
