/** A process of ours at a place in the tunnel, and what it says: JSON, over Node's channel. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inOneLine } from './complaint.ts';
import type { Place, Tunnel } from './namespaces.ts';

/** What any of them may say beside what it is asked for. */
export interface Failed {
  readonly type: 'failed';
  readonly reason: string;
}

const STOP_MS = 2_000;
const KEPT_COMPLAINT = 2_000;
const LAST_WORDS_MS = 200;

/** One question is under way at a time, and has one answer. A process that fails, or ends before it has answered, rejects. */
export class Child<Ask, Answer extends { readonly type: string }> {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #heard: (Answer | Failed)[] = [];
  readonly #ended: Promise<void>;
  #over: string | undefined = undefined;
  #complaint = '';
  #wake: () => void = () => {};

  /** @param program  a module that calls `answering` */
  constructor(tunnel: Tunnel, place: Place, program: URL) {
    const module = fileURLToPath(program);
    this.#name = basename(module, extname(module));
    const [command, ...words] = tunnel.command(place);
    // sources are what runs in development
    const loader = module.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
    // `ip netns exec` becomes the program: its number, its channel and its end are those of the process that was started
    this.#process = spawn(command!, [...words, process.execPath, ...loader, module], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      this.#complaint = (this.#complaint + text).slice(-KEPT_COMPLAINT);
    });
    this.#process.on('message', (message) => {
      this.#heard.push(message as Answer | Failed);
      this.#wake();
    });
    this.#ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#over ??= `the ${this.#name} process ${how}${this.#complaint === '' ? '' : `: ${inOneLine(this.#complaint)}`}`;
        this.#wake();
        resolve();
      };
      this.#process.once('error', (error) => end(`did not start: ${error.message}`));
      // 'close' would be later than the last of its complaint, but does not come where the channel was closed from here
      this.#process.once('exit', (code, signal) => {
        const over = (): void => end(`has ended with ${signal ?? `code ${code}`}`);
        this.#process.stderr!.once('close', over);
        setTimeout(over, LAST_WORDS_MS);
      });
    });
  }

  async ask<T extends Answer['type']>(question: Ask, answer: T): Promise<Extract<Answer, { type: T }>> {
    this.#process.send(question as object, () => {});
    for (;;) {
      const heard = this.#heard.shift();
      if (heard?.type === 'failed') throw new Error(`the ${this.#name}: ${(heard as Failed).reason}`);
      if (heard?.type === answer) return heard as Extract<Answer, { type: T }>;
      if (heard !== undefined) throw new Error(`the ${this.#name} says '${heard.type}' where '${answer}' was asked for`);
      if (this.#over !== undefined) throw new Error(this.#over);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The channel is closed, by which it knows that it is time; after two seconds it is killed. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const impatience = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    await this.#ended;
    clearTimeout(impatience);
  }
}

/**
 * The other side of it: answers questions one at a time, and ends with the channel. It runs in real time from here on, where that
 * is allowed: what else the machine does would show in a QUIC whose ends are processes. Only now: while programs are loaded, threads wait
 * for each other in turns that real time does not give. All of its threads: the one that speaks waits for those that collect garbage.
 */
export function answering<Ask, Answer extends { readonly type: string }>(answer: (question: Ask) => Promise<Answer>): void {
  spawnSync('chrt', ['--rr', '--all-tasks', '--pid', '20', `${process.pid}`]); // where it cannot be, niceness is what is left
  const say = (message: Answer | Failed): void => void process.send?.(message);
  process.on('message', (question: Ask) => {
    answer(question).then(say, (error: unknown) =>
      say({ type: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
