import type { ModelName } from '@quiclab/lab';
import type { Micros } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import { describe, expect, test } from 'vitest';
import { documentWithImages, equalObjects, load, median, packets, pageLoad, pageLoads, pairedDifference } from '../worlds/literature.ts';

// What was published about connection models, in the default profile. The stored table is read in review.

const SEEDS = 40;
const LOSSES = [0.005, 0.01, 0.02, 0.05];
const MODELS: readonly ModelName[] = ['h1-short:4', 'h1-persistent', 'h1-pipelined', 'h1-parallel', 'h1-sharded', 'h2', 'h3'];

const milliseconds = (time: Micros): string => (time / 1_000).toFixed(0);
const percent = (loss: number): string => `${100 * loss}%`;
const head = (titles: readonly string[]): string[] => [`| ${titles.join(' | ')} |`, `| ${titles.map(() => '---').join(' | ')} |`];
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Of all pages of so many equal objects that were tried, ascending in size: from which one on six connections are faster. */
const PER_OBJECT = [1_000, 2_000, 4_000, 6_000, 8_000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000];
function crossing(objects: number, loss: number): { readonly text: string; readonly differences: readonly string[] } {
  const differences = PER_OBJECT.map((size) => {
    const page = equalObjects(objects, size);
    return pairedDifference(pageLoads('h1-parallel', page, loss, SEEDS), pageLoads('h2', page, loss, SEEDS));
  });
  const text = differences.every((difference) => difference < 0)
    ? 'below all'
    : differences.every((difference) => difference >= 0)
      ? 'beyond all'
      : PER_OBJECT.slice(1)
          .flatMap((size, i) => {
            if (differences[i]! >= 0 === differences[i + 1]! >= 0) return [];
            const between = PER_OBJECT[i]! + ((size - PER_OBJECT[i]!) * differences[i]!) / (differences[i]! - differences[i + 1]!);
            return [`${((objects * between) / 1_000).toFixed(0)} KB`];
          })
          .join(', ');
  return { text, differences: differences.map(milliseconds) };
}

describe('connection models, as published', () => {
  const lines: string[] = [
    '# Connection models: what was published, done again',
    '',
    '10 Mbit/s, 25 ms one way, 64 packets, both ways; Bernoulli loss both ways; TLS 1.3 throughout; the default profile. Simulated. Written by',
    'test/tables/literature.test.ts.',
    '',
  ];

  test('a document with 42 small images', () => {
    const page = documentWithImages();
    const runs = new Map(([...MODELS, 'h1-short'] as const).map((model) => [model, load(model, page, 0, 1)]));
    lines.push(
      '## A document of 42 KB with 42 images of 3 KB on one host, without loss',
      '',
      'Packets are those of both directions, acknowledgements included.',
      '',
      ...head(['model', 'page load, ms', 'packets', 'connections']),
      ...[...runs].map(([model, run]) => row(model, milliseconds(pageLoad(run)), `${packets(run)}`, `${run.connections.length}`)),
      '',
    );
    const order = ['h1-pipelined', 'h1-parallel', 'h1-short:4', 'h1-persistent'] as const;
    const times = order.map((model) => pageLoad(runs.get(model)!));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(packets(runs.get('h1-short:4')!)).toBeGreaterThanOrEqual(2 * packets(runs.get('h1-pipelined')!));
  });

  test('large objects and small ones under loss', () => {
    const shapes: readonly (readonly [string, Page])[] = [
      ['12 objects of 200 KB', equalObjects(12, 200_000)],
      ['43 objects of 4 KB', equalObjects(43, 4_000)],
    ];
    const medians = new Map<string, Micros>();
    for (const [title, page] of shapes) {
      lines.push(`## ${title}: median page load of ${SEEDS} seeds, ms`, '', ...head(['model', 'no loss', ...LOSSES.map(percent)]));
      for (const model of MODELS.slice(2)) {
        const all = [0, ...LOSSES].map((loss) => median(pageLoads(model, page, loss, loss === 0 ? 1 : SEEDS)));
        all.forEach((time, i) => void medians.set(`${title} ${model} ${[0, ...LOSSES][i]}`, time));
        lines.push(row(model, ...all.map(milliseconds)));
      }
      lines.push('');
    }
    const at2 = (title: string, model: ModelName): Micros => medians.get(`${title} ${model} 0.02`)!;
    expect(at2('12 objects of 200 KB', 'h1-parallel')).toBeLessThanOrEqual(0.6 * at2('12 objects of 200 KB', 'h2'));
    expect(at2('43 objects of 4 KB', 'h2')).toBeLessThan(at2('43 objects of 4 KB', 'h1-parallel'));
  });

  test('where six connections and one cross', () => {
    lines.push(
      '## From which total size on six connections are faster than one of HTTP/2',
      '',
      `The median of ${SEEDS} differences by seed, h1-parallel less h2, in ms, by the size of an object; and the total size at which it changes sign,`,
      'between the neighbours by a straight line.',
      '',
      ...head(['objects', 'loss', 'crossing', ...PER_OBJECT.map((size) => `${size / 1_000} KB`)]),
    );
    for (const objects of [12, 43])
      for (const loss of LOSSES) {
        const { text, differences } = crossing(objects, loss);
        lines.push(row(`${objects}`, percent(loss), text, ...differences));
      }
    lines.push('');
    expect(lines.at(-2)).toMatch(/^\| 43 \| 5% \|/);
  });

  test('the table is as it is stored', async () => {
    await expect(lines.join('\n')).toMatchFileSnapshot('literature.md');
  });
});
