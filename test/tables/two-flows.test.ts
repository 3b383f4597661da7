import { describe, expect, test } from 'vitest';
import { type Fairness, LATER, mean, NAMES, row, secondsToConverge, share, standardDeviation } from '../worlds/two-flows.ts';

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);
const CONVERGENCE_SEEDS = SEEDS.slice(0, 3);
const COLUMNS = LATER.flatMap((later) => NAMES.map((name) => ({ name, later, title: later === 0 ? name : `${name}, 5 s late` })));

describe('two flows over one bottleneck, sixty seeds', () => {
  const results = new Map<string, readonly Fairness[]>();
  const converged = new Map<string, readonly number[]>();

  test.each(COLUMNS)(
    '$title: nobody is favoured; who starts together has the same within a few percent, in every seed',
    ({ name, later, title }) => {
      const all = SEEDS.map((seed) => share(name, seed, later));
      results.set(title, all);
      const shares = all.map(({ share }) => share);
      expect(mean(shares)).toBeGreaterThan(48);
      expect(mean(shares)).toBeLessThan(52);
      if (later > 0) return;
      expect(standardDeviation(shares)).toBeLessThanOrEqual(3);
      expect(Math.min(...all.map(({ jain }) => jain))).toBeGreaterThanOrEqual(0.98);
    },
  );

  test.each(NAMES)('%s at 100 Mbit/s and 50 ms converges within five minutes', (name) => {
    const seconds = CONVERGENCE_SEEDS.map((seed) => secondsToConverge(name, seed));
    converged.set(name, seconds);
    expect(Math.min(...seconds)).toBeGreaterThan(0);
  });

  test('the table is as it is stored', async () => {
    const all = COLUMNS.map(({ title }) => results.get(title)!);
    const summary = (what: string, of: (results: readonly Fairness[]) => string): string => `| ${what} | ${all.map(of).join(' | ')} |`;
    const shares = (results: readonly Fairness[]): number[] => results.map(({ share }) => share);
    const text = [
      '# Two flows over one bottleneck',
      '',
      'The second flow’s share of what 30 s brought to the client, in percent, after 10 s of both; starts drawn within 1 s, or the second 5 s',
      'later. 10 Mbit/s, 15 ms one way, 25 packets, both ways. Simulated; written by test/tables/two-flows.test.ts.',
      '',
      `| 60 seeds | ${COLUMNS.map(({ title }) => title).join(' | ')} |`,
      `| --- |${' --- |'.repeat(COLUMNS.length)}`,
      summary('mean share', (results) => mean(shares(results)).toFixed(2)),
      summary('standard deviation', (results) => standardDeviation(shares(results)).toFixed(2)),
      summary("least Jain's index", (results) => Math.min(...results.map(({ jain }) => jain)).toFixed(4)),
      summary('both together, Mbit/s', (results) => mean(results.map(({ goodput }) => goodput)).toFixed(2)),
      '',
      'Seconds until a second flow, 5 s late, has 45% of two seconds, at 100 Mbit/s, 25 ms one way and 509 packets (one bandwidth-delay product).',
      'The first flow has a thousand datagrams by then. A loss that meets both takes 0.3 (NewReno: half) of the difference away, and there is',
      'one in about ten seconds: six or seven of them are needed, or three or four of NewReno, which come later.',
      '',
      `| seed | ${CONVERGENCE_SEEDS.join(' | ')} |`,
      `| --- |${' --- |'.repeat(CONVERGENCE_SEEDS.length)}`,
      ...NAMES.map((name) => `| ${name} | ${converged.get(name)!.join(' | ')} |`),
      '',
      `| seed | ${COLUMNS.map(({ title }) => `${title} | Jain`).join(' | ')} |`,
      `| --- |${' --- | --- |'.repeat(COLUMNS.length)}`,
      ...SEEDS.map((seed, i) =>
        row(
          seed,
          all.map((results) => results[i]!),
        ),
      ),
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot('two-flows.md');
  });
});
