import { fromLatin1, latin1 } from '@quiclab/bytes';
import type { Fields, HttpEvent } from '@quiclab/http-semantics';
import { describe, expect, test } from 'vitest';
import { RESPONSES, type ResponseShape } from './response-corpus.ts';
import { asking, RawServer } from './world.ts';

/** What a client makes of octets that come in pieces, after which the server closes. */
function judge(method: string, pieces: readonly Uint8Array[]): ResponseShape['gives'] {
  const server = new RawServer();
  const { client } = server;
  const seen = { status: -1, informational: [] as number[], fields: [] as Fields, content: '', trailers: [] as Fields };
  let ends = 0;
  let failed = false;
  client.onEvent = (event: HttpEvent) => {
    if (event.type === 'failed') failed = true;
    if (event.type === 'response' && event.informational) seen.informational.push(event.status);
    else if (event.type === 'response') {
      seen.status = event.status;
      seen.fields = event.fields.slice(1);
      if (event.end) ends++;
    } else if (event.type === 'trailers') seen.trailers = event.fields;
    else if (event.type === 'body-readable')
      for (let piece = client.http.readBody(0, event.id); piece !== undefined; piece = client.http.readBody(0, event.id)) {
        seen.content += fromLatin1(piece.data);
        if (piece.fin) ends++;
      }
  };
  server.request(asking(method));
  for (const piece of pieces) server.say(piece);
  server.end();
  expect([client.http.openExchanges, client.http.acceptsRequests]).toEqual([0, false]);
  expect([ends, failed]).toEqual(failed ? [0, true] : [1, false]);
  if (failed) return 'failed';
  return client.events('closed').length > 0 ? { ...seen, closed: true } : seen;
}

function expected({ gives }: ResponseShape, judged: ResponseShape['gives']): ResponseShape['gives'] {
  if (gives === 'failed') return gives;
  const fields = judged === 'failed' ? [] : judged.fields!;
  return { informational: [], fields, content: '', trailers: [], ...gives };
}

describe('what a client makes of', () => {
  test.each(RESPONSES)('$name', (shape) => {
    const gives = judge(shape.method ?? 'GET', [latin1(shape.octets)]);
    expect(gives).toEqual(expected(shape, gives));
  });

  test('all of them, whatever pieces they come in: cut in two at each octet, and octet by octet', () => {
    for (const { name, method = 'GET', octets: text } of RESPONSES) {
      const octets = latin1(text);
      const whole = judge(method, [octets]);
      for (let cut = 1; cut < octets.length; cut++)
        expect(judge(method, [octets.subarray(0, cut), octets.subarray(cut)]), `${name}, cut at ${cut}`).toEqual(whole);
      expect(
        judge(
          method,
          Array.from(octets, (octet) => Uint8Array.of(octet)),
        ),
        `${name}, octet by octet`,
      ).toEqual(whole);
    }
  });
});
