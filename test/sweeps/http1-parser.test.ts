import { expect, test } from 'vitest';
import { fuzzAgainstNode, fuzzClient, fuzzNoise, fuzzServer } from '../../packages/http/http1/test/fuzz.ts';

import { NodeServer } from '../../packages/http/http1/test/node-verdict.ts';

const thousands = Array.from({ length: 20 }, (_, i) => 1_000 * (i + 1));

test.each(thousands)('HTTP/1.1: requests that something was done to, a thousand seeds from %i on', (first) => {
  for (let seed = first; seed < first + 1_000; seed++) expect(() => fuzzServer(seed), `seed ${seed}`).not.toThrow();
});

test.each(thousands)('HTTP/1.1: responses that something was done to, a thousand seeds from %i on', (first) => {
  for (let seed = first; seed < first + 1_000; seed++) expect(() => fuzzClient(seed), `seed ${seed}`).not.toThrow();
});

test('HTTP/1.1: noise, a thousand seeds', () => {
  for (let seed = 1_000; seed < 2_000; seed++) expect(() => fuzzNoise(seed), `seed ${seed}`).not.toThrow();
});

const llhttp = process.versions.llhttp ?? '';
test.skipIf(!llhttp.startsWith('9.'))(
  `HTTP/1.1: what our server takes, Node's takes alike, twenty thousand seeds (this is llhttp ${llhttp}, 9 is known)`,
  async () => {
    const node = new NodeServer();
    for (let seed = 1_000; seed < 21_000; seed++) await fuzzAgainstNode(node, seed);
  },
);
