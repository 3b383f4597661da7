import { mean, sampleStandardDeviation } from 'simple-statistics';

/** Standard deviation of a figure as a share of its mean, of the subject where that is largest. */
export function variationOf(values: readonly { readonly subject: string; readonly value: number }[]): number {
  const bySubject = new Map<string, number[]>();
  for (const { subject, value } of values) bySubject.set(subject, [...(bySubject.get(subject) ?? []), value]);
  return Math.max(0, ...[...bySubject.values()].map((own) => (own.length < 2 ? 0 : sampleStandardDeviation(own) / mean(own))));
}

/** Half of a 95% interval of a median, as a share of it, where values vary so much: 1.253 is what a median costs beside a mean. */
export const precision = (variation: number, seeds: number): number => (1.96 * 1.2533 * variation) / Math.sqrt(seeds);

/** How many seeds it takes to know a median that well. */
export function seedsFor(variation: number, wanted: number): number {
  const times = precision(variation, 1) / wanted;
  return Math.ceil(times * times);
}
