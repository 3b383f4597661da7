/** An event of one log, of the other, or of both: its place in each, -1 for none. */
export interface Pair {
  readonly a: number;
  readonly b: number;
}

/** So far behind the parting two logs are laid side by side. */
export const REACH = 600;

/**
 * Lays two lists side by side: the longest sequence that both have stands in pairs (their order kept), the rest alone, a's before b's.
 * @param left, right  what is the same thing has the same text; their lengths are multiplied
 */
export function aligned(left: readonly string[], right: readonly string[]): Pair[] {
  const width = right.length + 1;
  // length of the longest common sequence of what is left of both
  const longest = new Uint16Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--)
      longest[i * width + j] =
        left[i] === right[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) pairs.push({ a: i++, b: j++ });
    else if (j >= right.length || (i < left.length && longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!))
      pairs.push({ a: i++, b: -1 });
    else pairs.push({ a: -1, b: j++ });
  }
  return pairs;
}
