import {
  bitRate,
  bootstrapMedian,
  compare,
  htmlReport,
  median,
  milliseconds,
  parseResult,
  percent,
  type ResultError,
  ratioOfMedians,
  terminalTable,
} from '@quiclab/report';
import { fraction, seededRandom } from '@quiclab/sansio';
import { medianSorted, quantileSorted } from 'simple-statistics';
import { describe, expect, test } from 'vitest';
import { sampleResult, sampleRun } from './sample.ts';

/** What a program reads back from result.json, to be spoiled. */
const read = (options = {}) => JSON.parse(JSON.stringify(sampleResult(options)));
const problems = (value: unknown): readonly string[] => {
  try {
    parseResult(value);
  } catch (error) {
    return (error as ResultError).problems;
  }
  return [];
};

describe('a result', () => {
  test('that was written is read back the same, with fields that are not known yet', () => {
    const written = { ...read(), later: { added: true } };
    expect(parseResult(written)).toEqual(written);
  });

  test('of another schema is refused at once', () => {
    expect(problems({ schema: 2 })).toEqual(['schema is 2; this version of quiclab reads schema 1']);
  });

  test('is refused with every problem at its place', () => {
    const result = read();
    result.world = 'real';
    result.plan.loss = 2;
    delete result.runs[0].links.up;
    result.runs[1].streams[2].blocked.own = 1.5;
    result.runs[1].streams[3].intervals[0].blame = 'nobody';
    expect(problems(result)).toEqual([
      'world must be "simulated" or "relay", it is "real"',
      'plan.loss must be a number from 0 to 1, it is 2',
      'runs[0].links.up must be an object, it is missing',
      'runs[1].streams[2].blocked.own must be a whole number from 0 on, it is 1.5',
      "runs[1].streams[3].intervals[0].blame must be 'own', 'connection' or the id of a stream, it is \"nobody\"",
    ]);
  });

  test('whose sums are wrong is refused', () => {
    const result = read();
    const stream = result.runs[1].streams[1];
    const { own, other } = stream.blocked;
    stream.blocked.own += 1;
    stream.lostAt = [];
    stream.intervals[0].blame = 3;
    stream.firstByte = stream.completion + 1;
    result.runs[1].streams[0].id = 8;
    expect(problems(result)).toEqual([
      'runs[1]: two streams have id 8',
      'runs[1], stream 4: stream 3 is blamed, which there is not',
      `runs[1], stream 4: blocked says own ${own + 1}, other ${other}; the intervals sum to ${own} and ${other}`,
      'runs[1], stream 4: lostPackets says 1, lostAt has 0',
      `runs[1], stream 4: the first byte (${stream.firstByte}) is after completion (${stream.completion})`,
    ]);
  });
});

describe('the comparison', () => {
  test('of one seed states what was, and that it proves nothing', () => {
    expect(sampleResult().comparison!.sentence).toMatch(
      /^streams waited 0\.0 ms under h3 and [\d,.]+ ms under h3-single in sum for losses that were not theirs; the median stream took .* less under h3; the page took .*; one seed proves nothing\.$/,
    );
  });

  test('of runs without loss says that there was no difference', () => {
    expect(sampleResult({ loss: 0 }).comparison!.sentence).toBe(
      'nothing was ever blocked, under h3 or under h3-single: no difference in waiting; the median stream took 212.1 ms and 212.1 ms: no difference; the page took 271.9 ms and 271.9 ms: no difference; one seed proves nothing.',
    );
  });

  test('of several seeds claims a difference only where the interval does not hold 0', () => {
    const { figures, sentence } = sampleResult({ seeds: 12 }).comparison!;
    expect(figures.blockedOther.interval!.low).toBeGreaterThan(0);
    expect(figures.medianCompletion.interval!.low).toBeGreaterThan(0);
    expect(figures.pageLoad).toMatchObject({ difference: 0, interval: { low: 0, high: 0 } });
    expect(sentence).toMatch(
      /^over 12 seeds \(medians\), streams waited .* \(difference with 95%: .* ms to .* ms\); the median stream .* less under h3 \(.*\); the page took .*: no difference\.$/,
    );
  });

  test('does not call a difference what chance would do', () => {
    const runs = Array.from({ length: 20 }, (_, seed) => {
      const run = sampleRun('h3', seed, 3, 0);
      return [run, { ...run, model: 'h3-single', pageLoad: run.pageLoad + (seed % 2 === 0 ? 500 : -500) }];
    }).flat();
    expect(compare(runs, seededRandom(1))!.sentence).toContain('ms to 0.5 ms), which shows no difference');
  });

  test('of two to four seeds shows no interval and claims nothing', () => {
    const { figures, sentence } = sampleResult({ seeds: 3 }).comparison!;
    expect(figures.blockedOther.interval).toBeNull();
    expect(sentence).toMatch(/3 seeds are too few for an interval\.$/);
    expect(sentence).not.toContain('less under');
  });

  test('pairs runs by seed, and there is none of one model', () => {
    const [a, b, c] = [sampleRun('h3', 1, 3, 0.1), sampleRun('h3-single', 2, 3, 0.1), sampleRun('h3-single', 1, 3, 0.1)];
    expect(compare([a, b, c], seededRandom(1))!.pairs).toBe(1);
    expect(compare([a, b], seededRandom(1))).toBeNull();
    expect(compare([a], seededRandom(1))).toBeNull();
  });

  test('a bootstrap interval holds the median, is the same for the same draws, and narrows with more values', () => {
    const values = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 37) % 101) * 10);
    const few = bootstrapMedian(values(10), seededRandom(3));
    const many = bootstrapMedian(values(1_000), seededRandom(3));
    expect(bootstrapMedian(values(10), seededRandom(3))).toEqual(few);
    expect(many.low).toBeLessThanOrEqual(500);
    expect(many.high).toBeGreaterThanOrEqual(500);
    expect(many.high - many.low).toBeLessThan((few.high - few.low) / 3);
    expect(bootstrapMedian([5, 5, 5, 5, 5], seededRandom(3))).toEqual({ low: 5, high: 5 });
  });

  test.each([1, 2, 5, 6, 30, 31])('a bootstrap interval of %i values is what sorting every sample gives', (count) => {
    const values = Array.from({ length: count }, (_, i) => ((i * 37) % 11) * 10 - 30); // some of them more than once
    const random = seededRandom(count);
    const sample = (): number[] => values.map(() => values[Math.floor(fraction(random) * count)]!);
    const medians = Array.from({ length: 2_000 }, () => medianSorted(sample().sort((a, b) => a - b))).sort((a, b) => a - b);
    const [low, high] = [0.025, 0.975].map((share) => Math.round(quantileSorted(medians, share)));
    expect(bootstrapMedian(values, seededRandom(count))).toEqual({ low, high });
  });

  test('a ratio of medians has an interval that allows for chance in both', () => {
    const values = (count: number): number[] => Array.from({ length: count }, (_, i) => 1_000 + ((i * 617) % 997));
    const ratio = ratioOfMedians(values(200), values(200), seededRandom(4));
    expect(ratio.ratio).toBe(1);
    expect(ratio.low).toBeLessThan(1);
    expect(ratio.high).toBeGreaterThan(1);
    const sure = ratioOfMedians([6, 6, 6], values(200), seededRandom(4));
    expect(sure.ratio).toBeCloseTo(6 / median(values(200)), 2);
    expect(sure.high / sure.low).toBeLessThan(ratio.high / ratio.low);
    expect(ratioOfMedians([6, 6, 6], [4, 4, 4], seededRandom(4))).toEqual({ ratio: 1.5, low: 1.5, high: 1.5 });
  });
});

describe('the table for a terminal', () => {
  test('has a row for each stream, the realised loss, and the sentence at its end', () => {
    const result = sampleResult({ files: 3 });
    const lines = terminalTable(result).split('\n');
    expect(lines[0]).toBe(
      'Simulated, in virtual time: 3 files, 20.0 ms one way, 20 Mbit/s, queue of 1,000 packets, 2% loss each way, seed 0',
    );
    expect(lines.filter((line) => line.startsWith('│ ')).map((line) => line.split('│')[1]!.trim())).toEqual([
      'id',
      '0',
      '4',
      '8',
      'id',
      '0',
      '4',
      '8',
    ]);
    expect(lines.filter((line) => line.includes('lost 1 of 80 up (1.25%)'))).toHaveLength(2);
    expect(lines.at(-1)).toMatch(/one seed proves nothing\.$/);
    expect(Math.max(...lines.filter((line) => /^[│┌└]/.test(line)).map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test('has the medians and their intervals where there are several seeds', () => {
    const table = terminalTable(sampleResult({ files: 3, seeds: 6 }));
    expect(table).toMatch(/│ median of 6 +│ +h3 │ +h3-single │ +paired difference │ +95% interval │/);
    expect(table).not.toContain('│ id');
  });

  test('says so where one model ran alone', () => {
    const result = sampleResult({ files: 2 });
    const alone = { ...result, runs: result.runs.slice(0, 1), comparison: null };
    expect(terminalTable(alone)).toMatch(/there is nothing to compare\.$/);
    expect(htmlReport(alone)).toContain('<h1>h3 alone</h1>');
  });
});

test('figures are written the same on any machine', () => {
  expect([milliseconds(1_234_567), milliseconds(-1_250), milliseconds(-40)]).toEqual(['1,234.6 ms', '−1.3 ms', '0.0 ms']);
  expect([percent(1, 3), percent(0, 0), bitRate(20_000_000), bitRate(1_500), bitRate(64)]).toEqual([
    '33.33%',
    '0%',
    '20 Mbit/s',
    '1.5 kbit/s',
    '64 bit/s',
  ]);
});
