/** Lets so many run at once; the others wait, and may leave while they do. */
export class Turnstile {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs it now, or when others have left. Whoever ran has to `leave`. */
  enter(run: () => void): void {
    if (this.#inside < this.#most) {
      this.#inside++;
      run();
    } else this.#waiting.add(run);
  }

  /** It is to run no more, if it did not yet. */
  giveUp(run: () => void): void {
    this.#waiting.delete(run);
  }

  leave(): void {
    this.#inside--;
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.enter(next);
      return;
    }
  }
}
