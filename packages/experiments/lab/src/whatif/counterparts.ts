import { type Contents, type ContentsCounter, parseBinding } from './contents.ts';
import type { BoundFate } from './fates.ts';

/**
 * Finds the fate that a datagram had in another run. Octets find it again however packets are cut there: of a datagram with octets of streams
 * it is the fate that is bound to its own first octet, sent so often; else the first that is bound to an octet within it. So no fate is met
 * twice, as an octet is sent for the nth time once.
 */
export class Counterparts {
  readonly #bySpaces = new Map<string, BoundFate>();
  readonly #byStream = new Map<string, Bound[]>(); // in the order of their octets

  constructor(fates: readonly BoundFate[]) {
    for (const fate of fates) {
      const bound = parseBinding(fate.binding);
      if ('spaces' in bound) {
        this.#bySpaces.set(`${bound.connection}/${bound.spaces}:${bound.nth}`, fate);
        continue;
      }
      const key = `${bound.connection}/${bound.stream}`;
      const own = this.#byStream.get(key);
      const entry = { from: bound.from, nth: bound.nth, fate };
      if (own === undefined) this.#byStream.set(key, [entry]);
      else own.push(entry);
    }
    for (const own of this.#byStream.values()) own.sort((a, b) => a.from - b.from || a.nth - b.nth);
  }

  /** @param sendings  what has entered so far, this datagram too */
  of({ connection, pieces, spaces, nth }: Contents, sendings: ContentsCounter): BoundFate | undefined {
    if (pieces.length === 0) return this.#bySpaces.get(`${connection}/${spaces}:${nth}`);
    const [{ stream, from }] = pieces as [(typeof pieces)[number]];
    return this.#within(connection, stream, from, from + 1, sendings) ?? this.#first(connection, pieces, sendings);
  }

  #first(connection: number, pieces: Contents['pieces'], sendings: ContentsCounter): BoundFate | undefined {
    for (const { stream, from, to } of pieces) {
      const found = this.#within(connection, stream, from, to, sendings);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #within(connection: number, stream: number, from: number, to: number, sendings: ContentsCounter): BoundFate | undefined {
    const bound = this.#byStream.get(`${connection}/${stream}`);
    if (bound === undefined) return undefined;
    for (let i = firstFrom(bound, from); i < bound.length && bound[i]!.from < to; i++)
      if (bound[i]!.nth === sendings.timesSent(connection, stream, bound[i]!.from)) return bound[i]!.fate;
    return undefined;
  }
}

interface Bound {
  readonly from: number;
  readonly nth: number;
  readonly fate: BoundFate;
}

/** The first that is bound to this octet or a later one. */
function firstFrom(bound: readonly Bound[], octet: number): number {
  let low = 0;
  let high = bound.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bound[middle]!.from < octet) low = middle + 1;
    else high = middle;
  }
  return low;
}
