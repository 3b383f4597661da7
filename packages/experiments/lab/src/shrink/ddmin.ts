/** What came of a search for fewer. */
export interface Smaller<T> {
  readonly items: readonly T[];
  /** How many subsets were tried. */
  readonly tries: number;
  /** None of the items can be left out by itself; false where the tries were used up before that was known. */
  readonly minimal: boolean;
}

/**
 * Delta debugging: fewer and fewer items that still show it, until no single one can be left out (Zeller and Hildebrandt, 2002, ddmin).
 * Items keep their order. A subset is tried once.
 * @param shows  of a subset; of all items it must be true
 * @param most   how many subsets are tried at most
 */
export function ddmin<T>(all: readonly T[], shows: (items: readonly T[]) => boolean, most: number): Smaller<T> {
  const known = new Map<string, boolean>();
  let tries = 0;
  let used = false;
  const holds = (chosen: readonly number[]): boolean => {
    const key = chosen.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    if (tries >= most) {
      used = true;
      return false;
    }
    tries++;
    const result = shows(chosen.map((i) => all[i]!));
    known.set(key, result);
    return result;
  };
  let chosen = all.map((_, i) => i);
  if (chosen.length > 0 && holds([])) chosen = [];
  for (let parts = 2; chosen.length > 0 && !used; ) {
    const pieces = split(chosen, Math.min(parts, chosen.length));
    const rests = pieces.map((piece) => chosen.filter((i) => !piece.includes(i)));
    const smaller = pieces.find(holds);
    const rest = smaller === undefined && chosen.length > 1 ? rests.find(holds) : undefined;
    if (smaller !== undefined && smaller.length < chosen.length) {
      chosen = smaller;
      parts = 2;
    } else if (rest !== undefined) {
      chosen = rest;
      parts = Math.max(2, Math.min(parts, pieces.length) - 1);
    } else if (parts >= chosen.length) break;
    else parts = Math.min(chosen.length, 2 * parts);
  }
  return { items: chosen.map((i) => all[i]!), tries, minimal: !used };
}

/** So many pieces, as equal as can be. */
function split(items: readonly number[], parts: number): number[][] {
  return Array.from({ length: parts }, (_, i) =>
    items.slice(Math.floor((i * items.length) / parts), Math.floor(((i + 1) * items.length) / parts)),
  );
}
