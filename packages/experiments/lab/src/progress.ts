import { Presets, SingleBar } from 'cli-progress';

/** How far a command is, in octets of pages or in runs: a bar on a terminal, a line for each part elsewhere. Writes to stderr, so that stdout is the result's. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #stream: NodeJS.WriteStream;
  #done = 0;

  constructor(total: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#bar = stream.isTTY
      ? new SingleBar({ format: '{bar} {percentage}%  {what}', stream, hideCursor: true, clearOnComplete: true }, Presets.shades_classic)
      : undefined;
    this.#bar?.start(total, 0, { what: '' });
  }

  /** A part begins. */
  begin(what: string): void {
    if (this.#bar === undefined) this.#stream.write(`${what} …\n`);
    else this.#bar.update(this.#done, { what });
  }

  /** So much of the present part is done. */
  at(octets: number): void {
    this.#bar?.update(this.#done + octets);
  }

  /** The present part is done, and was so much. */
  end(octets: number): void {
    this.#done += octets;
    this.#bar?.update(this.#done);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
