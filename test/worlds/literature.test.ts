import type { ModelName } from '@quiclab/lab';
import { describe, expect, test } from 'vitest';
import { documentWithImages, equalObjects, load, median, packets, pageLoad, pageLoads } from './literature.ts';

// What was published, with few seeds; test/tables has the tables.

describe('a document of 42 KB with 42 images of 3 KB from one host, without loss', () => {
  const runs = new Map(
    (['h1-pipelined', 'h1-parallel', 'h1-short:4', 'h1-persistent'] as const satisfies ModelName[]).map((model) => [
      model,
      load(model, documentWithImages(), 0, 1),
    ]),
  );

  test('pipelined is faster than six connections, those than four for each object anew, those than one after the other', () => {
    const times = [...runs.values()].map(pageLoad);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('a connection for each object costs at least twice the packets of the pipe, acknowledgements included', () => {
    expect(packets(runs.get('h1-short:4')!)).toBeGreaterThanOrEqual(2 * packets(runs.get('h1-pipelined')!));
  });
});

describe('h1-parallel and h2 at 2% loss', () => {
  test('twelve objects of 200 KB: six connections take at most 0.6 of the time of one', () => {
    const large = equalObjects(12, 200_000);
    expect(median(pageLoads('h1-parallel', large, 0.02, 15))).toBeLessThanOrEqual(0.6 * median(pageLoads('h2', large, 0.02, 15)));
  });

  test('43 objects of 4 KB: one connection is faster', () => {
    const small = equalObjects(43, 4_000);
    expect(median(pageLoads('h2', small, 0.02, 15))).toBeLessThan(median(pageLoads('h1-parallel', small, 0.02, 15)));
  });
});
