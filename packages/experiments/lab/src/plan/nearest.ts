import { closest, distance } from 'fastest-levenshtein';

/** The name that was meant, if one is near enough to be it. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const found = closest(
    name.toLowerCase(),
    names.map((one) => one.toLowerCase()),
  ); // prettier names keep their place
  const index = names.findIndex((one) => one.toLowerCase() === found);
  return distance(name.toLowerCase(), found) <= Math.max(2, Math.floor(name.length / 3)) ? names[index] : undefined;
}

/** 'is not a model; did you mean h3?', and all there are where none is near. */
export function unknownName(name: string, what: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  return meant === undefined
    ? `'${name}' is not ${what}; there are ${names.join(', ')}`
    : `'${name}' is not ${what}; did you mean '${meant}'?`;
}
