import { readFileSync } from 'node:fs';
import * as congestion from '@quiclab/congestion';
import { controllerCases } from '@quiclab/congestion/contract';
import * as sansio from '@quiclab/sansio';
import * as tcp from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';

/** The nth block of code in the README as a function of what it imports. */
function block(n: number, result: string): unknown {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const code = text.split('```ts\n')[n + 1]!.split('```')[0]!;
  const plain = code
    .replaceAll(/^import .*$/gm, '')
    .replaceAll(/console\.log\(/g, 'printed.push(')
    .replaceAll(/^export /gm, '');
  const known = { ...congestion, ...sansio, ...tcp };
  return new Function(...Object.keys(known), `const printed = []; ${plain}; return ${result};`)(...Object.values(known));
}

test('the first example says what is so', () => {
  expect(block(0, 'printed')).toEqual([{ data: Uint8Array.of(104, 105), fin: true }]);
});

const path: tcp.PathFacts = {
  local: { host: '10.0.0.1', port: 1 },
  remote: { host: '10.0.0.2', port: 2 },
  maxSegmentSize: 1_200,
  initialWindow: 12_000,
  config: tcp.tcpConfig(),
};

describe.each([
  ['as they are', tcp.standardTcpPolicies({ random: sansio.seededRandom(1) })],
  ['with NewReno', tcp.standardTcpPolicies({ random: sansio.seededRandom(1), controller: 'newReno' })],
  ["as in the README's second example", block(1, 'paced') as tcp.Policies],
])("the policies %s make controllers that keep to every controller's contract", (_name, policies) => {
  test.each(controllerCases)('$name', ({ run }) => run(() => policies.congestion(path)));
});

test('the defaults are as the README has them', () => {
  const { maxSegmentSize, initialWindow, ackEvery, ackDelay } = tcp.defaultTcpConfig;
  expect([maxSegmentSize, initialWindow, ackEvery, ackDelay]).toEqual([1_460, 10, 2, 40_000]);
});
