import { concat, fromLatin1, latin1 } from '@quiclab/bytes';
import { fieldValue, type HttpEvent } from '@quiclab/http-semantics';
import { describe, expect, test } from 'vitest';
import { SHAPES, type Shape, type Verdict } from './corpus.ts';
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
    server.http.respond(0, id, [[':status', '200']], true);
  };
  server.onEvent = (event: HttpEvent) => {
    if (event.type === 'request') {
      const value = (name: string): string => fieldValue(event.fields, name) ?? '';
      const request = `${value(':method')} ${value(':scheme')}://${value(':authority')}${value(':path')}`;
      const fields = event.fields.filter(([name]) => !name.startsWith(':') && name !== 'content-length');
      const lengths = event.fields.filter(([name]) => name === 'content-length');
      seen.set(event.id, { request, content: '', fields: [...fields, ...lengths], trailers: [], whole: false });
      if (event.end) answer(event.id);
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
  for (const status of statuses) if (status !== 200) gives.push(status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(gives.filter((verdict) => typeof verdict !== 'number').length);
  expect([server.http.openExchanges, server.transport.aborted]).toEqual([0, undefined]);
  return { gives, ended: client.ended };
}

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
