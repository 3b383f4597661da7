import { concat, latin1 } from '@quiclab/bytes';
import { describe, expect, test } from 'vitest';
import { SHAPES, type Shape, type Verdict } from './corpus.ts';
import { judge } from './judge.ts';

/** What the corpus says, in the same words. */
function expected({ gives }: Shape, judged: readonly Verdict[]): Verdict[] {
  return gives.map((verdict, i) => {
    const other = judged[i];
    if (typeof verdict === 'number') return verdict;
    const fields = verdict.fields ?? (typeof other === 'object' ? other.fields : undefined) ?? [];
    return { request: verdict.request, content: verdict.content ?? '', fields, trailers: verdict.trailers ?? [] };
  });
}

describe('what a server makes of', () => {
  test.each(SHAPES)('$name', (shape) => {
    const { gives, ended } = judge([latin1(shape.octets)]);
    expect(gives).toEqual(expected(shape, gives));
    expect(ended).toBe(true);
  });

  test('all of them, whatever pieces they come in: cut in two at each octet, and octet by octet', () => {
    for (const shape of SHAPES) {
      const octets = latin1(shape.octets);
      const whole = judge([octets]);
      for (let cut = 1; cut < octets.length; cut++)
        expect(judge([octets.subarray(0, cut), octets.subarray(cut)]), `${shape.name}, cut at ${cut}`).toEqual(whole);
      expect(judge(Array.from(octets, (octet) => Uint8Array.of(octet))), `${shape.name}, octet by octet`).toEqual(whole);
    }
  });

  test('names are said once, and differ', () => {
    expect(new Set(SHAPES.map(({ name }) => name)).size).toBe(SHAPES.length);
    expect(concat(...SHAPES.map(({ octets }) => latin1(octets))).length).toBeGreaterThan(10_000);
  });
});
