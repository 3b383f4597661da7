import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { controllerCases, pacerCases, ratePacerCases } from '../src/contract.ts';
import * as congestion from '../src/index.ts';

/** The nth block of code in the README as a function of what it imports, its types and exports taken off. */
function block(n: number, result: string): unknown {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const code = text.split('```ts\n')[n + 1]!.split('```')[0]!;
  const plain = code
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/ implements \w+|readonly |: (number|AckSummary)(?=[,)])/g, '');
  const names = Object.keys(congestion);
  return new Function(...names, `${plain}; return ${result};`)(...Object.values(congestion));
}

test('the first example in the README says what is so', () => {
  expect(block(0, '[controller.congestionWindow, rate, pacer.earliest(0, 1200, rate)]')).toEqual([12_000, 600_000, 0]);
});

describe("the README's own controller", () => {
  const Tahoe = block(1, 'Tahoe') as new () => congestion.CongestionController;
  for (const { name, run } of controllerCases) test(name, () => run(() => new Tahoe()));
});

describe("the README's own pacer", () => {
  const Timetable = block(2, 'Timetable') as new () => congestion.Pacer;
  for (const { name, run } of [...pacerCases, ...ratePacerCases]) test(name, () => run(() => new Timetable()));
});
