import { Presets, SingleBar } from 'cli-progress';

/** How many runs of a plan are done: a bar with the time left on a terminal, ten lines elsewhere. On stderr, so that stdout is the result's. */
export class RunProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #bar: SingleBar | undefined;
  readonly #began = performance.now();
  readonly #before: number;
  #total: number;
  #lines = 0;

  /** @param before  runs that were done before this process */
  constructor(total: number, before: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#before = before;
    this.#stream = stream;
    if (stream.isTTY) {
      this.#bar = new SingleBar(
        {
          format: '{bar} {percentage}%  {value} of {total} runs, {eta_formatted} left  {what}',
          stream,
          hideCursor: true,
          clearOnComplete: true,
          etaBuffer: 50,
        },
        Presets.shades_classic,
      );
      this.#bar.start(total, before, { what: '' });
    } else stream.write(`${total} runs${before > 0 ? `, ${before} of them done before` : ''} …\n`);
  }

  /** @param total  may have changed: what is known about it grows. */
  done(runs: number, total: number, what: string): void {
    if (this.#bar !== undefined) {
      if (total !== this.#total) this.#bar.setTotal(total);
      this.#total = total;
      this.#bar.update(runs, { what });
      return;
    }
    this.#total = total;
    const tenth = Math.floor((10 * runs) / total);
    if (tenth <= this.#lines || runs === total) return;
    this.#lines = tenth;
    const left = ((performance.now() - this.#began) / (runs - this.#before)) * (total - runs);
    this.#stream.write(`${runs} of ${total} runs, about ${Math.ceil(left / 1_000)} s left\n`);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
