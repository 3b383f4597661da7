import { fromLatin1 } from '@quiclab/bytes';
import type { Fields, HttpEvent } from '@quiclab/http-semantics';
import { expect } from 'vitest';
import type { ResponseShape } from './response-corpus.ts';
import { asking, RawServer } from './world.ts';

/** What a client makes of octets that come in pieces, after which the server closes. */
export function judgeResponse(method: string, pieces: readonly Uint8Array[]): ResponseShape['gives'] {
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
