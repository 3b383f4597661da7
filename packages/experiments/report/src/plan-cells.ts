import type { PlanFigure, PlanFigures } from './plan-figures.ts';
import type { PlanRun } from './plan-schema.ts';

// What is kept of a plan's runs to summarise them: eight octets a figure, as a sweep may have a million.

/** What one can compare of a run: its model, or each of its transfers. */
export const subjectsOf = (run: PlanRun): readonly { readonly name: string; readonly figures: PlanFigures }[] =>
  run.flows ?? [{ name: run.model, figures: run.figures }];

/** Runs of one subject in one variant, those that came to nothing only counted. */
export class PlanCell {
  readonly variant: number;
  readonly subject: string;
  readonly #seeds = new Column();
  readonly #figures = new Map<PlanFigure, Column>();
  readonly #states: { [state: string]: number } = {};
  failed = 0;

  constructor(variant: number, subject: string) {
    this.variant = variant;
    this.subject = subject;
  }

  /** @param run  what they are of: its states are the cell's, too */
  add(run: PlanRun, figures: PlanFigures): void {
    const at = this.#seeds.length;
    this.#seeds.set(at, run.seed);
    for (const [figure, value] of Object.entries(figures) as [PlanFigure, number][]) {
      let column = this.#figures.get(figure);
      if (column === undefined) {
        column = new Column();
        this.#figures.set(figure, column);
      }
      column.set(at, value);
    }
    for (const [state, time] of Object.entries(run.states ?? {})) this.#states[state] = (this.#states[state] ?? 0) + time;
  }

  get length(): number {
    return this.#seeds.length;
  }

  seed(at: number): number {
    return this.#seeds.at(at);
  }

  /** NaN where it is not known. */
  value(figure: PlanFigure, at: number): number {
    return this.#figures.get(figure)?.at(at) ?? Number.NaN;
  }

  /** Of all runs that have it, in their order: a transfer that did not come to its end has no completion. */
  values(figure: PlanFigure): number[] {
    const column = this.#figures.get(figure);
    const values: number[] = [];
    for (let at = 0; column !== undefined && at < column.length; at++) if (!Number.isNaN(column.at(at))) values.push(column.at(at));
    return values;
  }

  /** Means over the runs. */
  meanStates(): { [state: string]: number } {
    return Object.fromEntries(Object.entries(this.#states).map(([state, time]) => [state, time / this.length]));
  }

  /** Where the run with a seed is, and −1 where there is none. All at once, as a loop asks for all of them. */
  indexBySeed(): (seed: number, near: number) => number {
    let index: Map<number, number> | undefined;
    return (seed, near) => {
      if (near < this.length && this.seed(near) === seed) return near; // as it is but where a run failed
      index ??= new Map(Array.from({ length: this.length }, (_, at) => [this.seed(at), at]));
      return index.get(seed) ?? -1;
    };
  }
}

/** Numbers that grow in number; NaN where none was set. */
class Column {
  #values = new Float64Array(16);
  length = 0;

  set(at: number, value: number): void {
    if (at >= this.#values.length) {
      const before = this.#values;
      this.#values = new Float64Array(2 * at);
      this.#values.set(before);
    }
    this.#values.fill(Number.NaN, this.length, at);
    this.#values[at] = value;
    this.length = at + 1;
  }

  /** NaN beyond the last one, too. */
  at(at: number): number {
    return at < this.length ? this.#values[at]! : Number.NaN;
  }
}

export class PlanCells {
  readonly #cells = new Map<string, PlanCell>();

  /** @param subjects  what of a run is a cell's */
  static of(runs: Iterable<PlanRun>, subjects: typeof subjectsOf = subjectsOf): PlanCells {
    const cells = new PlanCells();
    for (const run of runs)
      for (const { name, figures } of subjects(run)) {
        const cell = cells.#cellOf(run.variant, name);
        if (run.failed !== undefined) cell.failed++;
        else cell.add(run, figures);
      }
    return cells;
  }

  #cellOf(variant: number, subject: string): PlanCell {
    const key = `${variant} ${subject}`;
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = new PlanCell(variant, subject);
      this.#cells.set(key, cell);
    }
    return cell;
  }

  get(variant: number, subject: string): PlanCell | undefined {
    return this.#cells.get(`${variant} ${subject}`);
  }

  /** In the order in which they occurred. */
  [Symbol.iterator](): Iterator<PlanCell> {
    return this.#cells.values();
  }
}
