import { createHash } from 'node:crypto';
import { bernoulli, listed } from '@quiclab/impair';
import { type GatewayRecord, type ModelName, runThroughGateway } from '@quiclab/lab';
import { filesWorkload } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';

const link = { delay: 20_000, rate: 20e6, queue: { packets: 200 } };
const lossy = { ...link, loss: bernoulli(0.01) };

/** Content that says which file it belongs to. */
const contentOf = (path: string, size: number): Uint8Array =>
  new Uint8Array(size).map((_, i) => (i * 31 + path.length * 7 + path.charCodeAt(path.length - 1)) & 0xff);

describe('client, gateway and origin, each hop with its own model, its own network and its own losses (EXPERIMENTS §1)', () => {
  const SIZE = 30_000;
  const page = filesWorkload(Array.from({ length: 20 }, (_, i) => ({ path: `file-${i}`, size: SIZE })));
  const run = (front: ModelName, back: ModelName, seed: number): GatewayRecord =>
    runThroughGateway({
      seed,
      page,
      source: (path) => contentOf(path, SIZE),
      front: { model: front, links: { up: lossy, down: lossy } },
      back: { model: back, links: { up: lossy, down: lossy } },
    });
  const fronts: ModelName[] = ['h1-short:4', 'h1-pipelined', 'h1-parallel', 'h2', 'h3', 'h3-single'];
  const backs: ModelName[] = ['h1-short:6', 'h1-parallel', 'h2', 'h3'];

  test.each(fronts.flatMap((front) => backs.map((back) => [front, back] as const)))(
    '%s in front, %s behind: every object arrives as it is',
    (front, back) => {
      const { objects, passages, ...hops } = run(front, back, 3);
      expect(objects.map(({ status, sha256 }) => [status, sha256])).toEqual(
        page.objects.map(({ path }) => [200, createHash('sha256').update(contentOf(path, SIZE)).digest('hex')]),
      );
      expect(passages.map(({ outcome, octetsDown }) => [outcome, octetsDown])).toEqual(page.objects.map(() => ['complete', SIZE]));
      const atOnce = { 'h1-short:4': 4, 'h1-parallel': 6 }[front as string] ?? page.objects.length; // what the gateway is asked at the same time
      const made = (model: ModelName, most: number): number =>
        ({ 'h1-short:4': 20, 'h1-short:6': 20, 'h1-parallel': Math.min(6, most) })[model as string] ?? 1;
      expect([hops.front.connections, hops.back.connections]).toEqual([made(front, 6), made(back, atOnce)]);
      for (const hop of [hops.front, hops.back]) expect(hop.down.injectedDrops).toBeGreaterThan(0);
    },
  );

  test('the same seed gives the same run, and another seed another one', () => {
    const first = run('h3', 'h2', 7);
    expect(run('h3', 'h2', 7)).toEqual(first);
    expect(run('h3', 'h2', 8).finishedAt).not.toBe(first.finishedAt);
  });
});

describe('one lost packet, and who is late by it', () => {
  const SIZE = 12_000;
  const page = filesWorkload(Array.from({ length: 10 }, (_, i) => ({ path: `file-${i}`, size: SIZE })));
  /** The objects that are later than without that loss, by more than a fifth of a round trip. */
  const late = (front: ModelName, back: ModelName, hop: 'front' | 'back'): number[] => {
    const run = (nth: number | undefined): GatewayRecord => {
      const down = nth === undefined ? link : { ...link, loss: listed(nth) };
      return runThroughGateway({
        seed: 3,
        page,
        source: (path) => contentOf(path, SIZE),
        front: { model: front, links: { up: link, down: hop === 'front' ? down : link } },
        back: { model: back, links: { up: link, down: hop === 'back' ? down : link } },
      });
    };
    const clean = run(undefined);
    const hurt = run(60);
    expect([hurt.front.down.injectedDrops, hurt.back.down.injectedDrops]).toEqual(hop === 'front' ? [1, 0] : [0, 1]);
    return hurt.objects.flatMap((object, i) => (object.completedAt - clean.objects[i]!.completedAt > 8_000 ? [i] : []));
  };

  test('between client and gateway, over HTTP/3, it is one object', () => {
    expect(late('h3', 'h2', 'front')).toHaveLength(1);
  });

  test('over HTTP/2 it is those behind it on the connection, too', () => {
    expect(late('h2', 'h2', 'front').length).toBeGreaterThan(1);
  });

  test('between gateway and origin, over HTTP/2, it is those behind it as well: that the client speaks HTTP/3 changes nothing', () => {
    expect(late('h3', 'h2', 'back').length).toBeGreaterThan(1);
  });
});
