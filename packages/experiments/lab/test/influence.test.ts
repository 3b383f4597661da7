import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sizedSource } from '../src/apps/file-server.ts';
import { heatMaps } from '../src/influence/heat-map.ts';
import { type InfluenceMatrices, influenceMatrices } from '../src/influence/matrices.ts';
import { IDEAL, makePictures, TEN_STREAMS } from '../src/influence/pictures.ts';
import { influenceTable } from '../src/influence/table.ts';
import { optionsSource } from '../src/whatif/source.ts';

// Influence of each lost packet on each of ten streams: EXPERIMENTS §4. What the sentences of that section say is checked cell by cell.

const matricesOf = (options: typeof TEN_STREAMS, model: 'h2' | 'h3'): InfluenceMatrices =>
  influenceMatrices(optionsSource(options).under(model));

describe.each([
  ['10 Mbit/s', TEN_STREAMS],
  ['the ideal path', IDEAL],
] as const)('ten streams, %s (EXPERIMENTS §4)', (name, options) => {
  test('h3: wait off the diagonal is 0 µs, on the ideal path completion too', { timeout: 300_000 }, () => {
    const { rows, streams, failed, queueDrops } = matricesOf(options, 'h3');
    expect([streams.length, failed.length, queueDrops]).toEqual([10, 0, 0]);
    const wrong: string[] = [];
    let own = 0;
    for (const { lost, carried, wait, largestWait, completion } of rows)
      for (const [i, { id }] of streams.entries())
        if (carried.includes(i)) own += largestWait[i]! > 0 ? 1 : 0;
        else if (wait[i] !== 0 || largestWait[i] !== 0 || (options === IDEAL && carried.length > 0 && completion[i] !== 0))
          wrong.push(`${name}: packet ${lost} lost, ${id} waits ${largestWait[i]} µs and completes ${completion[i]} µs later`);
    expect(wrong).toEqual([]);
    expect(own).toBeGreaterThan(30);
  });

  test('h2: wait is above 0 for every stream with a byte between the hole and its repair, and 0 for the others', {
    timeout: 300_000,
  }, () => {
    const { rows, streams, failed, queueDrops } = matricesOf(options, 'h2');
    expect([streams.length, failed.length, queueDrops]).toEqual([10, 0, 0]);
    const wrong: string[] = [];
    let others = 0;
    for (const { lost, carried, between, wait, largestWait } of rows)
      for (const [i, { id }] of streams.entries()) {
        if (largestWait[i]! > 0 !== between.includes(i) || (between.includes(i) && wait[i]! <= 0))
          wrong.push(`${name}: segment ${lost} lost, ${id} waits ${largestWait[i]} µs`);
        if (largestWait[i]! > 0 && !carried.includes(i)) others++;
      }
    expect(wrong).toEqual([]);
    expect(others).toBeGreaterThan(100);
  });
});

test('an object is compared with itself where a loss changes the order in which objects are asked for', () => {
  const object = (id: string, size: number, after: readonly string[] = []) => ({
    id,
    host: 'a.test',
    method: 'GET',
    path: `/${id}`,
    size,
    upload: 0,
    priority: { urgency: 3, incremental: true },
    serverTime: 0,
    after,
  });
  // first and second are there at nearly the same time: which of the two followers is issued first hangs on what is lost
  const page = {
    name: 'followers',
    requestFields: [],
    responseFields: [],
    objects: [
      object('first', 6_000),
      object('second', 6_000),
      object('after-first', 3_000, ['first']),
      object('after-second', 30_000, ['second']),
    ],
  };
  const { under } = optionsSource({ ...TEN_STREAMS, rtt: '40ms' });
  const { rows, failed, streams } = influenceMatrices({ ...under('h3'), page, source: sizedSource(page) });
  expect(failed).toEqual([]);
  expect(streams.map(({ id }) => id)).toEqual(['first', 'second', 'after-first', 'after-second']);
  const ofFirst = rows.filter(({ carried }) => carried.length === 1 && carried[0] === 0);
  expect(ofFirst.length).toBeGreaterThan(2);
  for (const { wait, completion } of ofFirst) {
    expect(completion[2]).toBeGreaterThan(0); // it is asked for later
    expect(wait.slice(1)).toEqual([0, 0, 0]);
  }
});

test("the pictures of the project's page are what the command makes, to the byte", { timeout: 300_000 }, () => {
  for (const [path, text] of makePictures()) expect(readFileSync(path, 'utf8') === text, path).toBe(true);
});

const small: InfluenceMatrices = {
  model: 'h2',
  streams: [
    { id: '/a<b', exchange: 0 },
    { id: '/c', exchange: 1 },
  ],
  rows: [
    { lost: 1, completion: [0, 0], slot: [0, 0], wait: [0, 0], largestWait: [0, 0], carried: [], between: [] },
    {
      lost: 7,
      completion: [9_000, -2_000],
      slot: [1_000, 0],
      wait: [4_500, 1_250],
      largestWait: [9_000, 2_000],
      carried: [0],
      between: [0, 1],
    },
  ],
  failed: [],
  packets: 2,
  pageLoad: 1,
  queueDrops: 0,
};

test('the table marks the streams in the packet, leaves out packets that did nothing, and counts what is off the diagonal', () => {
  const text = influenceTable(small, 'wait');
  expect(text).toMatch(/│ +7 +\[4\.5\] +1\.3 │/);
  expect(text).not.toMatch(/│ +1 +/);
  expect(text).toContain('in 1 of 1 cells bytes waited (2.0 ms at most), in 0 the stream completed later');
});

test('the picture names its axes and every cell, in either direction, and needs nothing else', () => {
  const picture = heatMaps([small], 'completion');
  for (const part of [
    'dropped packet',
    'stream',
    'packet 7 lost, /a&lt;b (in it): 9.0 ms',
    'packet 7 lost, /c: −2.0 ms',
    'earlier',
    'prefers-color-scheme:dark',
  ])
    expect(picture).toContain(part);
  expect(picture.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|NaN|undefined/);
});
