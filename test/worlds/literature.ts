import { nullProtection } from '@quiclab/crypto';
import { nodeProvider } from '@quiclab/crypto/node';
import { bernoulli, type LinkConfig } from '@quiclab/impair';
import { DEFAULT_PROFILE, type ModelName, type RunRecord, runSimulated } from '@quiclab/lab';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { definePage, type Page } from '@quiclab/workload';

// What was published about ways to manage HTTP connections, done again in the simulator, as the protocols are used (the default profile).

const crypto = nullProtection(nodeProvider);
const CONTENT = new Uint8Array(1 << 23);

/** 50 ms of round trip, 10 Mbit/s and 64 packets, both ways. */
const link = (loss: number): LinkConfig => ({
  rate: 10_000_000,
  delay: 25 * MILLISECOND,
  queue: { packets: 64 },
  ...(loss > 0 && { loss: bernoulli(loss) }),
});

/** As many objects of one size, all asked for at once. */
export const equalObjects = (objects: number, size: number): Page =>
  definePage({ name: `${objects} × ${size}`, objects: Array.from({ length: objects }, (_, i) => ({ path: `/${i}`, size })) });

/** A document, and when it is there, images: the site that HTTP/1.1's authors measured pipelining with (42 KB and 42 of 3 KB). */
export const documentWithImages = (): Page =>
  definePage({
    name: 'a document of 42 KB with 42 images of 3 KB',
    objects: [{ path: '/', size: 42_000 }, ...Array.from({ length: 42 }, (_, i) => ({ path: `/${i}`, size: 3_000, after: ['/'] }))],
  });

export function load(model: ModelName, page: Page, loss: number, seed: number): RunRecord {
  const sizes = new Map(page.objects.map(({ path, size }) => [path, size]));
  return runSimulated({
    model,
    seed,
    page,
    source: (path) => CONTENT.subarray(0, sizes.get(path)!),
    links: { up: link(loss), down: link(loss) },
    profile: DEFAULT_PROFILE,
    ends: { crypto },
  });
}

export const pageLoad = ({ startedAt, finishedAt }: RunRecord): Micros => finishedAt - startedAt;

/** All that entered either link, pure acknowledgements and the packets that end a connection included. */
export const packets = ({ up, down }: RunRecord): number => up.entered + down.entered;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** One model's page loads over so many seeds, µs. */
export const pageLoads = (model: ModelName, page: Page, loss: number, seeds: number): Micros[] =>
  Array.from({ length: seeds }, (_, i) => pageLoad(load(model, page, loss, i + 1)));

/** The median of the differences between two models, seed by seed, µs. */
export function pairedDifference(a: readonly Micros[], b: readonly Micros[]): Micros {
  return median(a.map((time, i) => time - b[i]!));
}
