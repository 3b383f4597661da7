/** Starting, watching and ending the programs at the two ends of a path. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Finished {
  /** undefined when it was killed for taking too long. */
  readonly code: number | undefined;
  /** What it said on stderr, shortened: for the result's detail. */
  readonly complaint: string;
}

export interface RunningServer {
  readonly port: number;
  /** SIGTERM, and after a second SIGKILL. */
  stop(): Promise<Finished>;
}

/** A server that ended before it served. */
export class EndedEarly extends Error {
  readonly code: number | undefined;

  constructor(finished: Finished) {
    super(`the server did not start: ${finished.complaint}`);
    this.code = finished.code;
  }
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program that prints `listening PORT` once it serves. Throws EndedEarly when it ends before. */
export async function startServer(command: readonly string[], cwd: string): Promise<RunningServer> {
  const program = start(command, cwd);
  const port = new Promise<number>((resolve) => {
    createInterface({ input: program.child.stdout! }).on('line', (line) => {
      const match = /^listening (\d+)$/.exec(line);
      if (match !== null) resolve(Number(match[1]));
    });
  });
  const ready = await withTimeout(Promise.race([port, program.finished]), 20_000);
  if (typeof ready !== 'number') {
    program.child.kill('SIGKILL');
    throw new EndedEarly(ready ?? { code: undefined, complaint: 'it said nothing for 20 s' });
  }
  return {
    port: ready,
    stop: async () => {
      program.child.kill('SIGTERM');
      const impatience = setTimeout(() => program.child.kill('SIGKILL'), 1_000);
      const finished = await program.finished;
      clearTimeout(impatience);
      return finished;
    },
  };
}

/** @param onLine  takes each line of what it prints */
export async function runClient(
  command: readonly string[],
  cwd: string,
  timeoutMs: number,
  onLine: (line: string) => void,
): Promise<Finished> {
  const program = start(command, cwd);
  createInterface({ input: program.child.stdout! }).on('line', onLine);
  const finished = await withTimeout(program.finished, timeoutMs);
  if (finished !== undefined) return finished;
  program.child.kill('SIGKILL');
  const { complaint } = await program.finished;
  return { code: undefined, complaint: `no end after ${timeoutMs / 1000} s${complaint === '' ? '' : `: ${complaint}`}` };
}

function start(command: readonly string[], cwd: string): { child: ChildProcess; finished: Promise<Finished> } {
  const child = spawn(command[0], command.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4_000);
  });
  const finished = new Promise<Finished>((resolve) => {
    child.once('error', (error) => resolve({ code: 126, complaint: error.message }));
    child.once('close', (code) => resolve({ code: code ?? undefined, complaint: shortened(stderr) }));
  }).finally(() => running.delete(child));
  return { child, finished };
}

/** The error of a stack trace where there is one, else the last lines. */
function shortened(text: string): string {
  const lines = text.trim().split('\n');
  const error = lines.findLast((line) => /^\S*(error|exception)\b/i.test(line));
  return (error ?? lines.slice(-3).join(' | ')).slice(0, 400);
}

async function withTimeout<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
