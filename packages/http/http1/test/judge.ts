import { fromLatin1 } from '@quiclab/bytes';
import { fieldValue, type HttpEvent } from '@quiclab/http-semantics';
import { expect } from 'vitest';
import type { Verdict } from './corpus.ts';
import { RawClient } from './world.ts';

/** What a server makes of octets that come in pieces, after which the client has nothing more to say. */
export function judge(pieces: readonly Uint8Array[]): { gives: Verdict[]; ended: boolean } {
  const client = new RawClient();
  const { server } = client;
  const seen = new Map<
    number,
    { request: string; content: string; fields: (readonly [string, string])[]; trailers: (readonly [string, string])[]; whole: boolean }
  >();
  const answer = (id: number): void => {
    seen.get(id)!.whole = true;
    server.http.respond(0, id, [[':status', '302']], true); // no tunnel, whatever was asked for
  };
  server.onEvent = (event: HttpEvent) => {
    if (event.type === 'request') {
      const value = (name: string): string => fieldValue(event.fields, name) ?? '';
      const request = `${value(':method')} ${value(':scheme')}://${value(':authority')}${value(':path')}`;
      const fields = event.fields.filter(([name]) => !name.startsWith(':') && name !== 'content-length');
      const lengths = event.fields.filter(([name]) => name === 'content-length');
      seen.set(event.id, { request, content: '', fields: [...fields, ...lengths], trailers: [], whole: false });
      if (event.end || value(':method') === 'CONNECT') answer(event.id);
    } else if (event.type === 'body-readable') {
      for (let piece = server.http.readBody(0, event.id); piece !== undefined; piece = server.http.readBody(0, event.id)) {
        seen.get(event.id)!.content += fromLatin1(piece.data);
        if (piece.fin) answer(event.id);
      }
    } else if (event.type === 'trailers') seen.get(event.id)!.trailers.push(...event.fields);
  };
  for (const piece of pieces) client.say(piece);
  client.end();
  const gives: Verdict[] = [...seen.values()]
    .filter(({ whole }) => whole)
    .map(({ request, content, fields, trailers }) => ({ request, content, fields, trailers }));
  const { statuses } = client;
  for (const status of statuses) if (status !== 302 && status !== 100) gives.push(status);
  expect(statuses.filter((status) => status === 302)).toHaveLength(gives.filter((verdict) => typeof verdict !== 'number').length);
  expect([server.http.openExchanges, server.transport.aborted]).toEqual([0, undefined]);
  return { gives, ended: client.ended };
}
