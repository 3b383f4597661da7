import { latin1 } from '@quiclab/bytes';
import { describe, expect, test } from 'vitest';
import { judgeResponse } from './judge-responses.ts';
import { RESPONSES, type ResponseShape } from './response-corpus.ts';

function expected({ gives }: ResponseShape, judged: ResponseShape['gives']): ResponseShape['gives'] {
  if (gives === 'failed') return gives;
  const fields = judged === 'failed' ? [] : judged.fields!;
  return { informational: [], fields, content: '', trailers: [], ...gives };
}

describe('what a client makes of', () => {
  test.each(RESPONSES)('$name', (shape) => {
    const gives = judgeResponse(shape.method ?? 'GET', [latin1(shape.octets)]);
    expect(gives).toEqual(expected(shape, gives));
  });

  test('all of them, whatever pieces they come in: cut in two at each octet, and octet by octet', () => {
    for (const { name, method = 'GET', octets: text } of RESPONSES) {
      const octets = latin1(text);
      const whole = judgeResponse(method, [octets]);
      for (let cut = 1; cut < octets.length; cut++)
        expect(judgeResponse(method, [octets.subarray(0, cut), octets.subarray(cut)]), `${name}, cut at ${cut}`).toEqual(whole);
      expect(
        judgeResponse(
          method,
          Array.from(octets, (octet) => Uint8Array.of(octet)),
        ),
        `${name}, octet by octet`,
      ).toEqual(whole);
    }
  });
});
