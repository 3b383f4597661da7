import { describe, expect, test } from 'vitest';
import { type CrossTraffic, crossTraffic, EQUAL_SIZES, median, USUAL_SIZES } from '../worlds/cross-traffic.ts';

const SEEDS = Array.from({ length: 30 }, (_, i) => i + 1);

describe('25 MiB over QUIC against a TCP flow that was there first, thirty seeds', () => {
  const results = new Map<number, readonly CrossTraffic[]>();

  test.each([EQUAL_SIZES, USUAL_SIZES])('with segments of %i octets all of it arrives', (maxSegmentSize) => {
    results.set(
      maxSegmentSize,
      SEEDS.map((seed) => crossTraffic(seed, maxSegmentSize)),
    );
  });

  test('with equal packets the median is between 4,000 and 6,000 kbit/s, and both together have 9,000 in every seed (INTEROP.md)', () => {
    const equal = results.get(EQUAL_SIZES)!;
    expect(median(equal.map(({ quic }) => quic))).toBeGreaterThan(4_000);
    expect(median(equal.map(({ quic }) => quic))).toBeLessThan(6_000);
    expect(Math.min(...equal.map(({ quic, tcp }) => quic + tcp))).toBeGreaterThanOrEqual(9_000);
  });

  test('the table is as it is stored', async () => {
    const columns = [results.get(EQUAL_SIZES)!, results.get(USUAL_SIZES)!];
    const summary = (what: string, of: (values: readonly number[]) => number): string =>
      `| ${what} | ${columns
        .flatMap((all) => [all.map(({ quic }) => quic), all.map(({ tcp }) => tcp), all.map(({ quic, tcp }) => quic + tcp)])
        .map((values) => of(values).toFixed(0))
        .join(' | ')} |`;
    const text = [
      '# QUIC against TCP',
      '',
      'kbit/s of stream data while 25 MiB come over QUIC, from its first 1-RTT packet at the client to the last, and what a TCP flow without end',
      'brings meanwhile. It began five seconds earlier, between the same two hosts. 10 Mbit/s, 15 ms one way, 25 packets; CUBIC both, with',
      'a pacer for QUIC (1,200-octet datagrams) and none for TCP. What a seed decides is when QUIC begins, within 100 ms, and its connection IDs.',
      'Simulated; written by test/tables/cross-traffic.test.ts. Two goodputs that do not add up to 10,000 leave headers and repairs.',
      '',
      '| IP packets of TCP | 1,228, as those of QUIC | | | 1,500 | | |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| 30 seeds | QUIC | TCP | together | QUIC | TCP | together |',
      summary('least', (values) => Math.min(...values)),
      summary('median', median),
      summary('most', (values) => Math.max(...values)),
      '',
      '| seed | QUIC | TCP | QUIC | TCP |',
      '| --- | --- | --- | --- | --- |',
      ...SEEDS.map(
        (seed, i) => `| ${seed} | ${columns.map((all) => `${all[i]!.quic.toFixed(0)} | ${all[i]!.tcp.toFixed(0)}`).join(' | ')} |`,
      ),
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot('cross-traffic.md');
  });
});
