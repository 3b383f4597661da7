import { describe, expect, test } from 'vitest';
import { SHAPES } from './corpus.ts';
import { fuzzAgainstNode } from './fuzz.ts';
import { DIFFERENCES } from './node-differences.ts';
import { NodeServer } from './node-verdict.ts';

const llhttp = process.versions.llhttp ?? '';
const known = llhttp.startsWith('9.');

describe.skipIf(!known)(`the verdicts of Node's server about the corpus (this is llhttp ${llhttp}, 9 is known)`, () => {
  const server = new NodeServer();
  const differences = new Map(DIFFERENCES.flatMap(({ shapes }) => Object.entries(shapes)));

  test('are ours, or differ as it is written down', async () => {
    for (const { name, octets, gives } of SHAPES) {
      const ours = gives.map((one) => (typeof one === 'number' ? 'refused' : `${one.request.split(' ')[0]} ${one.content ?? ''}`));
      expect(differences.get(name), name).not.toEqual(ours);
      const { taken, refused } = await server.judge(octets);
      const theirs = [...taken.map(({ method, content }) => `${method} ${content}`), ...(refused ? ['refused'] : [])];
      expect(theirs, name).toEqual(differences.get(name) ?? ours);
    }
  });

  test('take whatever ours takes, and mean the same, also when something was done to the shapes (the sweep has more)', async () => {
    for (let seed = 0; seed < 500; seed++) await fuzzAgainstNode(server, seed);
  });

  test('nothing is written down of shapes that are not there', () => {
    const names = new Set(SHAPES.map(({ name }) => name));
    expect([...differences.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});
