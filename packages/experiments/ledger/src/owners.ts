import type { ExchangeId, Owner } from './account.ts';

/** Stretches of one carrier in ascending order, without gaps, the last one without end. */
export class OwnerMap {
  readonly #starts: number[] = [0];
  readonly #owners: Owner[];
  readonly #whole: Owner;
  readonly #unassigned: boolean[] = [true];

  /** @param whole  who owns what nobody else is given */
  constructor(whole: Owner) {
    this.#owners = [whole];
    this.#whole = whole;
  }

  get count(): number {
    return this.#starts.length;
  }
  start(index: number): number {
    return this.#starts[index]!;
  }
  end(index: number): number {
    return index + 1 < this.#starts.length ? this.#starts[index + 1]! : Number.POSITIVE_INFINITY;
  }
  owner(index: number): Owner {
    return this.#owners[index]!;
  }

  /** The stretch that holds the offset. */
  indexOf(offset: number): number {
    const starts = this.#starts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  ownerOf(offset: number): Owner {
    return this.#owners[this.indexOf(offset)]!;
  }

  /** Gives [from, to) to an owner. Said again it changes nothing; octets that another was given throw. */
  assign(from: number, to: number, owner: Owner): void {
    if (from >= to) return;
    if (this.#append(from, to, owner)) return;
    for (let i = this.indexOf(from); i < this.#starts.length && this.#starts[i]! < to; i++)
      if (!this.#unassigned[i]! && this.#owners[i] !== owner)
        throw new Error(
          `ledger: octets ${Math.max(from, this.start(i))} to ${Math.min(to, this.end(i))} belong to ${this.#owners[i]}, not to ${owner}`,
        );
    const first = this.#cut(from);
    const after = this.#cut(to);
    this.#starts.splice(first, after - first, from);
    this.#owners.splice(first, after - first, owner);
    this.#unassigned.splice(first, after - first, false);
    this.#joinAt(first + 1);
    this.#joinAt(first);
  }

  /** What lies beyond all that was assigned, as what is laid out in order does. False: it does not. */
  #append(from: number, to: number, owner: Owner): boolean {
    const last = this.#starts.length - 1;
    const start = this.#starts[last]!;
    if (!this.#unassigned[last]! || from < start) return false;
    if (from === start && last > 0 && this.#owners[last - 1] === owner && !this.#unassigned[last - 1]!) {
      this.#starts[last] = to;
      return true;
    }
    if (from === start) {
      this.#owners[last] = owner;
      this.#unassigned[last] = false;
    } else {
      this.#starts.push(from);
      this.#owners.push(owner);
      this.#unassigned.push(false);
    }
    this.#starts.push(to);
    this.#owners.push(this.#whole);
    this.#unassigned.push(true);
    return true;
  }

  /** Makes a stretch begin at the offset; returns its index. */
  #cut(offset: number): number {
    const index = this.indexOf(offset);
    if (this.#starts[index] === offset) return index;
    this.#starts.splice(index + 1, 0, offset);
    this.#owners.splice(index + 1, 0, this.#owners[index]!);
    this.#unassigned.splice(index + 1, 0, this.#unassigned[index]!);
    return index + 1;
  }

  #joinAt(index: number): void {
    if (index === 0 || index >= this.#starts.length) return;
    if (this.#owners[index] !== this.#owners[index - 1] || this.#unassigned[index] !== this.#unassigned[index - 1]) return;
    this.#starts.splice(index, 1);
    this.#owners.splice(index, 1);
    this.#unassigned.splice(index, 1);
  }

  /** For each exchange the indexes of its stretches, ascending. */
  byExchange(): Map<ExchangeId, number[]> {
    const indexes = new Map<ExchangeId, number[]>();
    this.#owners.forEach((owner, index) => {
      if (owner === 'connection') return;
      const own = indexes.get(owner);
      if (own === undefined) indexes.set(owner, [index]);
      else own.push(index);
    });
    return indexes;
  }
}
