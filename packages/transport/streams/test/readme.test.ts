import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fillPackets, schedulerCases } from '../src/contract.ts';
import * as streams from '../src/index.ts';

/** The nth block of code in the README as a function of what it imports, its types taken off. */
function block(n: number, result: string): unknown {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const code = text.split('```ts\n')[n + 1]!.split('```')[0]!;
  const plain = code
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(/^console\.log\((.*)\);.*$/gm, 'const printed = $1;')
    .replaceAll(/ implements \w+|readonly |: (StreamId(\[\])?|void)(?=[,) ])/g, '');
  const names = Object.keys(streams);
  return new Function(...names, `${plain}; return ${result};`)(...Object.values(streams));
}

test('the first example in the README says what is so', () => {
  expect(block(0, 'printed')).toEqual({ data: Uint8Array.of(1, 2, 3, 4, 5), fin: true });
});

describe("the README's own scheduler", () => {
  const NewestFirst = block(1, 'NewestFirst') as new () => streams.StreamScheduler;
  test.each(schedulerCases)('$name', ({ check }) => expect(check(() => new NewestFirst())).toBe(''));
  test('is what it says', () => {
    const scheduler = new NewestFirst();
    for (const id of [0, 8, 4]) scheduler.onReady(id, { urgency: 3, incremental: false });
    const backlog = new Map([0, 4, 8].map((id) => [id, 1_500]));
    expect(fillPackets(scheduler, backlog, 9, 1_000)).toEqual([[4], [4, 8], [8], [0], [0]]);
  });
});
