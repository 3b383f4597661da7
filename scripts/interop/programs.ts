/** Starting, watching and ending the programs at the two ends of a path: none outlives the runner, and none fills its memory. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface Finished {
  /** undefined when it was killed for taking too long, or for too much. */
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
  readonly complaint: string;

  constructor(finished: Finished) {
    super(`the server did not start: ${finished.complaint}`);
    this.code = finished.code;
    this.complaint = finished.complaint;
  }
}

/** Fifty handshakes are fifty lines; who prints so much is in a loop. */
const MOST_OUTPUT = 16 << 20;
const LONGEST_LINE = 4_096;
const KEPT_COMPLAINT = 4_000;
const START_MS = 20_000;
const SERVER_FAREWELL_MS = 1_000;
/** For what a program leaves behind and that holds its pipes. */
const PIPES_FAREWELL_MS = 1_000;

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program that prints `listening PORT` once it serves. Throws EndedEarly when it ends before. */
export async function startServer(command: readonly string[], cwd: string): Promise<RunningServer> {
  let listening: (port: number) => void;
  const port = new Promise<number>((resolve) => {
    listening = resolve;
  });
  const program = start(command, cwd, (line) => {
    const match = /^listening (\d+)$/.exec(line);
    if (match !== null) listening(Number(match[1]));
  });
  const ready = await withTimeout(Promise.race([port, program.finished]), START_MS);
  if (typeof ready !== 'number') {
    program.child.kill('SIGKILL');
    throw new EndedEarly(ready ?? { code: undefined, complaint: `it said nothing for ${START_MS / 1_000} s` });
  }
  return {
    port: ready,
    stop: async () => {
      program.child.kill('SIGTERM');
      const impatience = setTimeout(() => program.child.kill('SIGKILL'), SERVER_FAREWELL_MS);
      const finished = await program.finished;
      clearTimeout(impatience);
      return finished;
    },
  };
}

/**
 * @param onLine  takes each line of what it prints
 * @param enough  ends it before its time
 */
export async function runClient(
  command: readonly string[],
  cwd: string,
  timeoutMs: number,
  onLine: (line: string) => void,
  enough?: AbortSignal,
): Promise<Finished> {
  const program = start(command, cwd, onLine);
  const kill = () => program.child.kill('SIGKILL');
  if (enough?.aborted) kill();
  enough?.addEventListener('abort', kill, { once: true });
  const finished = await withTimeout(program.finished, timeoutMs);
  if (finished !== undefined) return finished;
  program.child.kill('SIGKILL');
  const { complaint } = await program.finished;
  return { code: undefined, complaint: `no end after ${timeoutMs / 1000} s${complaint === '' ? '' : `: ${complaint}`}` };
}

function start(
  command: readonly string[],
  cwd: string,
  onLine: (line: string) => void,
): { readonly child: ChildProcess; readonly finished: Promise<Finished> } {
  const child = spawn(command[0], command.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const dismiss = keep(child);
  let octets = 0;
  let stderr = '';
  let begunLine = '';
  const within = (text: string): boolean => {
    octets += text.length;
    if (octets > MOST_OUTPUT) child.kill('SIGKILL');
    return octets <= MOST_OUTPUT;
  };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    if (!within(text)) return;
    const lines = (begunLine + text).split('\n');
    begunLine = lines.pop()!.slice(0, LONGEST_LINE);
    for (const line of lines) onLine(line);
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    if (within(text)) stderr = (stderr + text).slice(-KEPT_COMPLAINT);
  });
  const finished = new Promise<Finished>((resolve) => {
    child.once('error', (error) => resolve({ code: 126, complaint: error.message }));
    child.once('exit', () => {
      setTimeout(() => {
        child.stdout!.destroy();
        child.stderr!.destroy();
      }, PIPES_FAREWELL_MS).unref();
    });
    child.once('close', (code) => {
      if (octets > MOST_OUTPUT) resolve({ code: undefined, complaint: `it printed more than ${MOST_OUTPUT >> 20} MiB` });
      else resolve({ code: code ?? undefined, complaint: shortened(stderr) });
    });
  }).finally(() => {
    running.delete(child);
    dismiss();
  });
  return { child, finished };
}

/** Has a shell end the program when this process is gone, however it went. Returns what to call when the program has ended. */
function keep(child: ChildProcess): () => void {
  if (child.pid === undefined) return () => {};
  const script = `trap '' INT TERM HUP; read -r ended || kill -9 "$1"`; // at the end of a pipe that nobody holds any more, read fails
  const keeper = spawn('/bin/sh', ['-c', script, 'keeper', `${child.pid}`], { stdio: ['pipe', 'ignore', 'ignore'] });
  keeper.on('error', () => {}); // without a shell, what is killed by 'exit' is all that is
  keeper.stdin!.on('error', () => {});
  return () => keeper.stdin!.end('ended\n');
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
