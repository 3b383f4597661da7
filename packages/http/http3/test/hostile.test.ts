import { concat, fromHex, utf8 } from '@quiclab/bytes';
import { H3 } from '@quiclab/http3';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { data, type End, type Fields, frame, GET, headers, http3Against, OK, POST, varint } from './world.ts';

const REQUEST = concat(
  frame(0x21, '00'),
  headers([...POST, ['content-length', '12'], ['priority', 'u=2'], ['cookie', 'a=b']]),
  data(utf8('some ')),
  frame(0x40),
  data(utf8('content')),
  headers([['x-check', '1']]),
);
const RESPONSE = concat(
  headers([[':status', '103']]),
  headers([...OK, ['content-type', 'text/plain'], ['content-length', '12']]),
  data(utf8('some content')),
  headers([['x-check', '1']]),
);
const CONTROL_OF_CLIENT = concat(
  fromHex('00 0405 0643e8 0100'.replace(/ /g, '')),
  frame(0xf0700, concat(varint(0), utf8('u=1,i'))),
  frame(0x0d, '03'),
  frame(0x07, '00'),
);
const CONTROL_OF_SERVER = concat(fromHex('00 0405 0643e82100'.replace(/ /g, '')), frame(0x21, 'aabb'), frame(0x07, '08'));

type Side = 'client' | 'server';

/** Says these octets to one of ours in two pieces, on a request stream or on a new unidirectional one; what is there is read. */
function say(side: Side, where: 'request' | 'uni', octets: Uint8Array, cut: number, finish: boolean): End {
  const { end, raw, run } = http3Against(side, { controlStream: where === 'request', maxFieldSectionSize: 4096 });
  let read = 0;
  end.onEvent = (event) => {
    if (event.type === 'body-readable') read += end.readAll(event.id).data.length;
    expect(read).toBeLessThanOrEqual(octets.length);
  };
  let id: number;
  if (where === 'uni') id = raw.openStream('uni')!;
  else id = side === 'server' ? raw.openStream('bidi')! : end.http.request(0, GET, true)!;
  run();
  raw.write(0, id, octets.subarray(0, cut));
  run();
  raw.write(0, id, octets.subarray(cut));
  if (finish) raw.finish(id);
  run();
  return end;
}

const ON_REQUEST = new Set<number>([H3.FRAME_UNEXPECTED, H3.FRAME_ERROR, H3.ID_ERROR, H3.EXCESSIVE_LOAD, H3.QPACK_DECOMPRESSION_FAILED]);
const ON_UNI = new Set<number>([
  H3.FRAME_UNEXPECTED,
  H3.FRAME_ERROR,
  H3.ID_ERROR,
  H3.EXCESSIVE_LOAD,
  H3.SETTINGS_ERROR,
  H3.MISSING_SETTINGS,
  H3.STREAM_CREATION_ERROR,
  H3.CLOSED_CRITICAL_STREAM,
  H3.GENERAL_PROTOCOL_ERROR,
  H3.QPACK_ENCODER_STREAM_ERROR,
  H3.QPACK_DECODER_STREAM_ERROR,
]);
const ON_STREAM = new Set<number>([H3.MESSAGE_ERROR, H3.REQUEST_INCOMPLETE]);

/** How it ended: the code of the connection, or of the stream, or 0. */
function outcome(end: End, allowed: ReadonlySet<number>): number {
  const connection = end.transport.closed?.code;
  if (connection !== undefined) {
    expect(allowed).toContain(connection);
    expect(end.http.openExchanges).toBe(0);
    return connection;
  }
  for (const { code } of end.transport.resets) expect(ON_STREAM).toContain(code);
  return end.transport.resets[0]?.code ?? 0;
}

function alter(random: Random, octets: Uint8Array): Uint8Array {
  const altered = octets.slice();
  for (let n = integerBelow(random, 3); n >= 0; n--) {
    const at = integerBelow(random, altered.length);
    altered[at] = integerBelow(random, 2) === 0 ? integerBelow(random, 256) : altered[at]! ^ (1 << integerBelow(random, 8));
  }
  if (integerBelow(random, 4) > 0) return altered;
  const at = integerBelow(random, altered.length);
  return integerBelow(random, 2) === 0
    ? concat(altered.subarray(0, at), altered.subarray(at + 1 + integerBelow(random, 4)))
    : concat(altered.subarray(0, at), altered.subarray(Math.max(0, at - 5)));
}

describe('a hostile peer', () => {
  test('messages split at every octet are the same message', () => {
    for (let cut = 0; cut <= REQUEST.length; cut++) {
      const server = say('server', 'request', REQUEST, cut, true);
      expect(server.told.filter(({ type }) => type !== 'settings' && type !== 'body-readable').map(({ type }) => type)).toEqual([
        'request',
        'trailers',
      ]);
    }
    for (let cut = 0; cut <= RESPONSE.length; cut++) {
      const client = say('client', 'request', RESPONSE, cut, true);
      expect(client.events('response').map(({ status }) => status)).toEqual([103, 200]);
      expect(client.events('trailers')).toHaveLength(1);
      expect(outcome(client, new Set())).toBe(0);
    }
  });

  test('messages truncated at every octet are waited for, and an end there is FRAME_ERROR or an incomplete message', () => {
    for (const [side, whole] of [
      ['server', REQUEST],
      ['client', RESPONSE],
    ] as const) {
      for (let length = 1; length < whole.length; length++) {
        const octets = whole.subarray(0, length);
        const waiting = say(side, 'request', octets, 0, false);
        expect(outcome(waiting, new Set())).toBe(0);
        expect(waiting.http.openExchanges).toBe(1);
        const ended = outcome(say(side, 'request', octets, 0, true), new Set([H3.FRAME_ERROR]));
        expect([0, H3.FRAME_ERROR, H3.MESSAGE_ERROR, H3.REQUEST_INCOMPLETE]).toContain(ended);
      }
    }
  });

  test('control streams truncated at every octet are waited for, and split anywhere the same', () => {
    for (const [side, whole] of [
      ['server', CONTROL_OF_CLIENT],
      ['client', CONTROL_OF_SERVER],
    ] as const) {
      for (let cut = 0; cut <= whole.length; cut++) {
        expect(outcome(say(side, 'uni', whole.subarray(0, cut), 0, false), new Set())).toBe(0);
        const end = say(side, 'uni', whole, cut, false);
        expect(end.events('settings')).toHaveLength(1);
        expect(end.events('goaway')).toHaveLength(1);
      }
    }
  });

  const targets: [string, Side, 'request' | 'uni', Uint8Array, ReadonlySet<number>, number][] = [
    ['requests', 'server', 'request', REQUEST, ON_REQUEST, 8_000],
    ['responses', 'client', 'request', RESPONSE, ON_REQUEST, 8_000],
    ["a client's control stream", 'server', 'uni', CONTROL_OF_CLIENT, ON_UNI, 4_000],
    ["a server's control stream", 'client', 'uni', CONTROL_OF_SERVER, ON_UNI, 4_000],
  ];
  for (const [what, side, where, whole, allowed, count] of targets) {
    test(`${count} alterations of ${what} end in a valid parse, in waiting, or in the error that the RFC names`, () => {
      const random = seededRandom(what);
      const outcomes = new Map<number, number>();
      for (let i = 0; i < count; i++) {
        const octets = alter(random, whole);
        const end = say(side, where, octets, integerBelow(random, octets.length + 1), integerBelow(random, 2) === 0);
        const code = outcome(end, allowed);
        outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
      }
      expect(outcomes.size).toBeGreaterThan(3);
      expect(outcomes.get(0)).toBeGreaterThan(count / 50);
    });
  }

  test('2,000 altered field sections are malformed, undecodable, or a request that holds to the rules', () => {
    const random = seededRandom('sections');
    const fields: Fields = [...GET, ['accept', '*/*'], ['x-name', 'value']];
    const seen = new Set<number>();
    for (let i = 0; i < 2_000; i++) {
      const whole = headers(fields);
      whole[2 + integerBelow(random, whole.length - 2)]! ^= 1 << integerBelow(random, 8);
      const end = say('server', 'request', whole, 0, true);
      seen.add(outcome(end, new Set([H3.QPACK_DECOMPRESSION_FAILED])));
      for (const request of end.events('request')) {
        expect(request.fields.filter(([name]) => name === ':path')).toHaveLength(1);
        for (const [name, value] of request.fields) expect(`${name.toLowerCase() === name} ${value}`).toMatch(/^true [^\r\n\0]*$/);
      }
    }
    expect(seen).toEqual(new Set([0, H3.MESSAGE_ERROR, H3.QPACK_DECOMPRESSION_FAILED]));
  });

  test('a huge announced frame costs nothing until its octets come', () => {
    const { end, raw, run } = http3Against('server');
    const id = raw.openStream('bidi')!;
    raw.write(0, id, concat(varint(0x21), varint(2 ** 52)));
    for (let i = 0; i < 100; i++) raw.write(0, id, new Uint8Array(10_000));
    run();
    expect(end.transport.closed).toBeUndefined();
    expect(end.transport.unread).toBe(0); // passed over, not kept
  });
});
