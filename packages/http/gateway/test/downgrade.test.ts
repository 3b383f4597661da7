import { ByteWriter, concat, fromLatin1, latin1 } from '@quiclab/bytes';
import { HpackDecoder, HpackEncoder } from '@quiclab/hpack';
import type { Fields } from '@quiclab/http-semantics';
import { describe, expect, test } from 'vitest';
import { asking, World } from './world.ts';

const FrameType = { DATA: 0, HEADERS: 1, RST_STREAM: 3 } as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;

/** A frame of HTTP/2 on stream 1. RFC 9113 §4.1. */
const frame = (type: number, flags: number, payload: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(payload.length >> 16, payload.length >> 8, payload.length, type, flags, 0, 0, 0, 1), payload);

/** What came of a request that no client of ours would send: what is said of it to the client, and every octet that reached the origin. */
function downgraded(fields: Fields, ...more: Uint8Array[]): { statuses: number[]; reset: boolean; heard: string; requests: number } {
  const world = new World();
  let heard = '';
  const opens = world.opens.bind(world);
  world.opens = (back) => {
    opens(back);
    world.origins.at(-1)!.wired.tap((octets) => {
      heard += fromLatin1(octets);
    });
  };
  const client = world.client('2');
  world.run(); // SETTINGS
  let said = new Uint8Array(0);
  client.wired.tap((octets) => {
    said = concat(said, octets) as Uint8Array<ArrayBuffer>;
  });
  const section = ByteWriter.growable(256);
  new HpackEncoder().encode(section, fields);
  client.wired.say(concat(frame(FrameType.HEADERS, END_HEADERS | (more.length === 0 ? END_STREAM : 0), section.written()), ...more));
  world.run();
  const decoder = new HpackDecoder(65_536);
  const statuses: number[] = [];
  let reset = false;
  for (let at = 0; at < said.length; ) {
    const length = (said[at]! << 16) | (said[at + 1]! << 8) | said[at + 2]!;
    if (said[at + 3] === FrameType.HEADERS) statuses.push(Number(decoder.decode(said.subarray(at + 9, at + 9 + length))![0]![1]));
    if (said[at + 3] === FrameType.RST_STREAM) reset = true;
    at += 9 + length;
  }
  return { statuses, reset, heard, requests: world.gateway.requests };
}

const data = (text: string, end = true): Uint8Array => frame(FrameType.DATA, end ? END_STREAM : 0, latin1(text));
const inside = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const get = (...fields: Fields): Fields => asking('GET', '/', ...fields);
const replaced = (name: string, value: string): Fields => get().map((field) => (field[0] === name ? [name, value] : field));

/** What is known of HTTP/2 in front and HTTP/1.1 behind, and what is like it. RFC 9113 §10.3, §8.1.1, §8.2, §8.3. */
const SHAPES: readonly (readonly [name: string, fields: Fields, ...frames: Uint8Array[]])[] = [
  ['CR LF in a value', get(['x', `a\r\nTransfer-Encoding: chunked`])],
  ['a bare LF in a value', get(['x', 'a\nb'])],
  ['a bare CR in a value', get(['x', 'a\rb'])],
  ['NUL in a value', get(['x', 'a\0b'])],
  ['CR LF in a name', get(['x\r\ny', 'a'])],
  ['a colon in a name', get(['x:y', 'a'])],
  ['a space in a name', get(['x y', 'a'])],
  ['a name in upper case', get(['X', 'a'])],
  ['an empty name', get(['', 'a'])],
  ['Transfer-Encoding', get(['transfer-encoding', 'chunked']), data(`0\r\n\r\n${inside}`)],
  ['Connection', get(['connection', 'close'])],
  ['TE that is not trailers', get(['te', 'chunked'])],
  ['Upgrade', get(['upgrade', 'h2c'])],
  ['a length above the content', get(['content-length', '10']), data('abc')],
  ['a length below the content', get(['content-length', '0']), data(inside)],
  ['a length of a request without content', get(['content-length', '3'])],
  ['two lengths that differ', get(['content-length', '0'], ['content-length', '3']), data('abc')],
  ['two lengths that agree', get(['content-length', '3'], ['content-length', '3']), data('abc')],
  ['a length with a sign', get(['content-length', '+3']), data('abc')],
  ['a space in :path', replaced(':path', '/ HTTP/1.1\r\nx: y')],
  ['a blank in :path', replaced(':path', '/a b')],
  ['a fragment in :path', replaced(':path', '/a#b')],
  ['an absolute :path', replaced(':path', 'http://other/')],
  ['an empty :path', replaced(':path', '')],
  ['a :path without its slash', replaced(':path', 'a')],
  ["':path' of '*' with GET", replaced(':path', '*')],
  ['octets above ASCII in :path', replaced(':path', '/\xff')],
  ['a space in :method', replaced(':method', 'GET / HTTP/1.1\r\nx:')],
  ['a blank in :method', replaced(':method', 'GET /')],
  ['CR LF in :authority', replaced(':authority', 'a\r\nx: y')],
  ['user information in :authority', replaced(':authority', 'a@b')],
  ['a path in :authority', replaced(':authority', 'a/b')],
  ['an empty :authority', replaced(':authority', '')],
  ['a comma and a blank in :authority', replaced(':authority', 'a, b')],
  ['a backslash in :authority', replaced(':authority', 'a\\b')],
  ['quotes and brackets in :authority', replaced(':authority', '"<a>"')],
  ['octets above ASCII in :authority', replaced(':authority', 'a\xff')],
  ['a port that is none in :authority', replaced(':authority', 'a:b')],
  ['two ports in :authority', replaced(':authority', 'a:1:2')],
  [':authority and a Host that differs', get(['host', 'other'])],
  ['two fields Host', [...get().filter(([name]) => name !== ':authority'), ['host', 'a'], ['host', 'a']]],
  ['a Host that is none', [...get().filter(([name]) => name !== ':authority'), ['host', 'a\\b']]],
  ['neither :authority nor Host', get().filter(([name]) => name !== ':authority')],
  [':path twice', [...get(), [':path', '/b']]],
  [':method twice', [[':method', 'GET'], ...get()]],
  [':authority twice', [[':authority', 'a'], ...get()]],
  ['a pseudo-header field behind others', [...get(['x', 'y']), [':path', '/b']]],
  ['one that is not known', [[':other', 'x'], ...get()]],
  [':status in a request', [[':status', '200'], ...get()]],
  ['no :method', get().slice(1)],
  ['no :scheme', get().filter(([name]) => name !== ':scheme')],
  ['a :scheme that is none', replaced(':scheme', 'http://x')],
  ['a :scheme of another kind, whose path is none', [...replaced(':scheme', 'file').filter(([name]) => name !== ':path'), [':path', 'x']]],
  ['a :scheme of another kind', replaced(':scheme', 'ftp')],
];

describe('HTTP/2 in front, HTTP/1.1 behind: what has no meaning there is refused, and nothing of it reaches the origin', () => {
  test.each(SHAPES.map(([name, fields, ...frames]) => ({ name, fields, frames })))('$name', ({ fields, frames }) => {
    const { statuses, reset, heard, requests } = downgraded(fields, ...frames);
    expect([heard, requests, reset || statuses.join() === '400']).toEqual(['', 0, true]);
  });

  test('what is right is carried on', () => {
    const { heard, statuses, reset } = downgraded(get(['content-length', '3']), data('abc'));
    expect([heard, statuses, reset]).toEqual([
      'GET / HTTP/1.1\r\nhost: site.example\r\ncontent-length: 3\r\nvia: 2 gw\r\n\r\nabc',
      [],
      false,
    ]);
  });
});
