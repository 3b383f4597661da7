import { readFileSync } from 'node:fs';
import * as congestion from '@quiclab/congestion';
import { describe, expect, test } from 'vitest';
import { ackPolicyCases, lossDetectorCases, probePolicyCases } from '../src/contract.ts';
import * as recovery from '../src/index.ts';

/** The nth block of code in the README as a function of what it imports, its types and exports taken off. */
function block(n: number, result: string): unknown {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const code = text.split('```ts\n')[n + 1]!.split('```')[0]!;
  const plain = code
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/ implements \w+|readonly |: (LossDetector|ProbePolicy|number|Parameters<[^>]*>)(?=[,) ])/g, '');
  const scope: Record<string, unknown> = { ...congestion, ...recovery };
  return new Function(...Object.keys(scope), `${plain}; return ${result};`)(...Object.values(scope));
}

test('the first example in the README says what is so', () => {
  const used = block(0, 'recovery') as recovery.Recovery;
  expect(used.acked.length).toBe(1);
  expect(used.rtt.smoothed).toBe(40_000);
});

describe("the README's own loss detector", () => {
  const impatient = block(1, 'impatient') as recovery.LossDetector;
  for (const { name, run } of lossDetectorCases) test(name, () => run(() => impatient));
});

describe("the README's own probe policy", () => {
  const steadyProbes = block(2, 'steadyProbes') as recovery.ProbePolicy;
  for (const { name, run } of probePolicyCases) test(name, () => run(() => steadyProbes));
});

describe("the README's own ACK policy", () => {
  const QuickStart = block(3, 'QuickStart') as new () => recovery.AckPolicy;
  for (const { name, run } of ackPolicyCases) test(name, () => run(() => new QuickStart()));
  test('is what it says', () => {
    const policy = new QuickStart();
    const waits = Array.from({ length: 103 }, (_, n) => {
      const by = policy.onPacket(n, n, true, true, 0);
      policy.onAckSent(n);
      return by - n;
    });
    expect(waits.indexOf(25_000)).toBe(100);
    expect(waits.filter((wait) => wait === 0).length).toBe(100);
  });
});
