import type { Priority } from '@quiclab/http-semantics';
import { fraction, integerBelow, type Micros, type Random } from '@quiclab/sansio';
import { definePage, type ObjectDraft, type Page } from './page.ts';

export interface GeneratorOptions {
  /** How many objects, the document included. */
  readonly objects: number;
  /** Octets of the smallest and the largest object. Sizes are drawn evenly over their octaves: many small, few large. */
  readonly smallest: number;
  readonly largest: number;
  /** How many objects may wait one for another: 1 is a document and what it names, 0 everything at once. */
  readonly depth: number;
  /** How many hosts the objects are spread over. */
  readonly hosts: number;
  /** Server times are drawn evenly from 0 to this. */
  readonly maxServerTime: Micros;
}

export const defaultGeneratorOptions: GeneratorOptions = {
  objects: 40,
  smallest: 500,
  largest: 500_000,
  depth: 3,
  hosts: 1,
  maxServerTime: 0,
};

/** What a page is made of: how many in a hundred, the ending of their paths, and how browsers rank them (RFC 9218 §4). */
const KINDS: readonly { readonly share: number; readonly ending: string; readonly priority: Priority }[] = [
  { share: 10, ending: 'css', priority: { urgency: 1, incremental: false } },
  { share: 25, ending: 'js', priority: { urgency: 2, incremental: false } },
  { share: 55, ending: 'jpg', priority: { urgency: 5, incremental: true } },
  { share: 10, ending: 'woff2', priority: { urgency: 3, incremental: false } },
];

/** A page drawn at random: a document, and a tree of what it needs. The same draws give the same page. */
export function generatePage(random: Random, options: Partial<GeneratorOptions> = {}): Page {
  const settings = { ...defaultGeneratorOptions, ...options };
  check(settings);
  const depths: number[] = [];
  const objects: ObjectDraft[] = [];
  for (let i = 0; i < settings.objects; i++) {
    const draw = random.at(i); // one more draw for one object must not change the others
    const document = i === 0;
    const kind = kindAt(integerBelow(draw, 100));
    const path = document ? '/' : `/${i}.${kind.ending}`;
    const parents = depths.flatMap((depth, parent) => (depth < settings.depth ? [parent] : []));
    const parent = parents.length === 0 ? -1 : parents[integerBelow(draw, parents.length)]!;
    depths.push(parent < 0 ? 0 : depths[parent]! + 1);
    objects.push({
      path,
      host: settings.hosts === 1 || document ? 'localhost' : `host${integerBelow(draw, settings.hosts)}.localhost`,
      size: sizeBetween(draw, settings.smallest, settings.largest),
      priority: document ? { urgency: 0, incremental: false } : kind.priority,
      serverTime: Math.floor(fraction(draw) * (settings.maxServerTime + 1)),
      after: parent < 0 ? [] : [objects[parent]!.path],
    });
  }
  return definePage({ name: `generated-${settings.objects}`, objects });
}

/** First an octave, then a size within it: a heavy tail from + − × ÷ alone, the same on any machine. */
function sizeBetween(random: Random, smallest: number, largest: number): number {
  const octaves: number[] = [];
  for (let from = smallest; from <= largest; from *= 2) octaves.push(from);
  const from = octaves[integerBelow(random, octaves.length)]!;
  return from + Math.floor(fraction(random) * (Math.min(2 * from - 1, largest) - from + 1));
}

function kindAt(percentile: number): (typeof KINDS)[number] {
  let sum = 0;
  return KINDS.find((kind) => (sum += kind.share) > percentile)!;
}

function check(options: GeneratorOptions): void {
  const bounds: readonly (readonly [keyof GeneratorOptions, number])[] = [
    ['objects', 1],
    ['smallest', 1],
    ['largest', options.smallest],
    ['depth', 0],
    ['hosts', 1],
    ['maxServerTime', 0],
  ];
  for (const [name, least] of bounds)
    if (!Number.isSafeInteger(options[name]) || options[name] < least)
      throw new RangeError(`${name} is ${options[name]}; it must be a whole number from ${least} on`);
}
