import { METHODS } from 'node:http';
import { fromLatin1, latin1, sameBytes } from '@quiclab/bytes';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { expect } from 'vitest';
import { SHAPES } from './corpus.ts';
import { judge } from './judge.ts';
import { judgeResponse } from './judge-responses.ts';
import type { NodeServer } from './node-verdict.ts';
import { RESPONSES } from './response-corpus.ts';

/** What parsers have stumbled over. */
const WORDS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  '\x0b',
  ':',
  ';',
  ',',
  '0',
  'a',
  '\xff',
  '\r\n\r\n',
  '\r\n ',
  '0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Host: b\r\n',
  'Connection: close\r\n',
  'Connection: content-length\r\n',
  'Expect: 100-continue\r\n',
  'Connection: upgrade\r\nUpgrade: x\r\n',
  ' HTTP/1.1\r\n',
  ' HTTP/1.0\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 204 \r\n\r\n',
];

/** One to three of these, with some things done to them. */
function mutated(random: Random, from: readonly string[]): string {
  const below = (n: number): number => integerBelow(random, n);
  let octets = '';
  for (let i = below(3); i >= 0; i--) octets += from[below(from.length)]!;
  for (let i = below(4); i > 0; i--) {
    const at = below(octets.length + 1);
    const length = below(2) === 0 ? 1 : below(30);
    switch (below(4)) {
      case 0:
        octets = octets.slice(0, at) + octets.slice(at + length);
        break;
      case 1:
        octets = octets.slice(0, at) + WORDS[below(WORDS.length)]! + octets.slice(at);
        break;
      case 2:
        octets = octets.slice(0, at) + octets.slice(at, at + length).repeat(2) + octets.slice(at + length);
        break;
      default:
        octets = `${octets.slice(0, at)}${String.fromCharCode(below(256))}${octets.slice(at + 1)}`;
    }
  }
  return octets;
}

function pieces(random: Random, octets: Uint8Array): Uint8Array[] {
  const most = 1 + integerBelow(random, 40);
  const cut: Uint8Array[] = [];
  for (let at = 0; at < octets.length; ) {
    const end = at + 1 + integerBelow(random, most);
    cut.push(octets.subarray(at, end));
    at = end;
  }
  return cut;
}

const ALL = SHAPES.map(({ octets }) => octets);
const WELL_FORMED = SHAPES.filter(({ gives }) => gives.every((verdict) => typeof verdict !== 'number')).map(({ octets }) => octets);

/** Every other time of requests that were well formed. */
export const mutatedRequests = (seed: number): string => mutated(seededRandom(seed), seed % 2 === 0 ? WELL_FORMED : ALL);

/**
 * A server comes to rest with whatever it is told, gives the same for any cut, and what it has taken is what it says again when it is
 * put in order: a second server reads that the same way.
 */
export function fuzzServer(seed: number): void {
  const random = seededRandom(seed);
  const octets = latin1(mutatedRequests(seed));
  const whole = judge([octets]);
  expect(judge(pieces(random.fork('pieces'), octets)), `seed ${seed}`).toEqual(whole);
  const taken = whole.gives.filter((verdict) => typeof verdict !== 'number');
  const said = taken.map(({ request, content = '', fields = [], trailers = [] }) => {
    const [method, uri] = request.split(' ') as [string, string];
    const [, scheme, authority, path] = /^(\w*):\/\/([^/*]*)(.*)$/.exec(uri) ?? [];
    if (method === 'CONNECT' || uri.includes('*') || fields.some(([name]) => name === 'upgrade' || name === 'te')) return '';
    const lines = fields.filter(([name]) => name !== 'content-length').map(([name, value]) => `${name}: ${value}\r\n`);
    const target = authority === '' ? path : `${scheme}://${authority}${path === '*' ? '' : path}`;
    const version = authority === '' ? 'HTTP/1.1\r\nHost: none' : 'HTTP/1.1\r\nHost: b';
    const body = content === '' ? '' : `${content.length.toString(16)}\r\n${content}\r\n`;
    const trailed = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return `${method} ${target} ${version}\r\n${lines.join('')}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n${trailed}\r\n`;
  });
  if (said.includes('')) return;
  const again = judge([latin1(said.join(''))]).gives;
  const plain = ({ request, content, fields, trailers }: (typeof taken)[number]) => ({
    request: request.replace(/:\/\/(?=[/*])/, '://none'),
    content,
    fields: fields!.filter(([name]) => name !== 'content-length'),
    trailers,
  });
  expect(
    again.map((verdict) => (typeof verdict === 'number' ? verdict : plain(verdict))),
    `seed ${seed}`,
  ).toEqual(taken.map(plain));
}

/** A client comes to rest with whatever it is told, and gives the same for any cut. */
export function fuzzClient(seed: number): void {
  const random = seededRandom(seed);
  const method = ['GET', 'HEAD', 'POST'][integerBelow(random, 3)]!;
  const octets = latin1(
    mutated(
      random,
      RESPONSES.map((shape) => shape.octets),
    ),
  );
  const whole = judgeResponse(method, [octets]);
  expect(judgeResponse(method, pieces(random.fork('pieces'), octets)), `seed ${seed}`).toEqual(whole);
}

/** Node's server takes whatever ours does, and reads the same of it: the other way round there are differences, which are written down. */
export async function fuzzAgainstNode(node: NodeServer, seed: number): Promise<void> {
  const octets = mutatedRequests(seed);
  const ours = judge([latin1(octets)]).gives.filter((verdict) => typeof verdict !== 'number');
  const theirs = await node.judge(octets);
  for (const [i, { request, content, fields }] of ours.entries()) {
    const method = request.split(' ')[0]!;
    // what llhttp does not know, or takes for the end of HTTP
    if (!METHODS.includes(method) || method === 'CONNECT' || /HTTP\/1\.[2-9]/.test(octets) || /upgrade/i.test(octets)) return;
    expect({ method: theirs.taken[i]?.method, content: theirs.taken[i]?.content }, `seed ${seed}, ${fields}`).toEqual({ method, content });
  }
}

/** Octets of any kind. */
export function fuzzNoise(seed: number): void {
  const random = seededRandom(seed);
  const octets = new Uint8Array(integerBelow(random, 2_000));
  random.fill(octets);
  const { gives } = judge([octets]);
  expect(judge(pieces(random, octets)).gives).toEqual(gives);
  expect(sameBytes(latin1(fromLatin1(octets)), octets)).toBe(true);
}
