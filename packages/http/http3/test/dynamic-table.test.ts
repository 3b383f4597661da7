import { concat, fromHex, toHex } from '@quiclab/bytes';
import { H3 } from '@quiclab/http3';
import { seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { data, type Fields, frame, GET, http3Against, http3Pair, OK } from './world.ts';

/** With a Required Insert Count of 1: `:method GET`, `:scheme https`, `:authority a` of the dynamic table, `:path /`. */
const NEEDY = frame(0x01, '0200d1d780c1');
/** An encoder stream: a capacity of 200, and `:authority a`. */
const TABLE = '023fa901c00161';
/** The same with `x: y`. */
const TRAILER_TABLE = '023fa90141780179';
/** A decoder stream says: there is one line. */
const ONE_LINE = '01';

describe('a field section that waits for the encoder stream (RFC 9204 §2.1.2)', () => {
  const world = (blockedStreams: number) => {
    const unblocked: number[] = [];
    const observer = { frameMapped: () => {}, fieldsUnblocked: (...[, stream, offset]: number[]) => void unblocked.push(stream!, offset!) };
    const against = http3Against('server', { tableCapacity: 200, blockedStreams, serverObserver: observer });
    /** What our decoder stream said since the last time. It is the third that we opened. */
    const answers = (): string => toHex(against.raw.drain(11).data);
    answers();
    return { ...against, answers, unblocked };
  };

  test('is told of once the insertion came, with what is behind it', () => {
    const { end, raw, run, answers, unblocked } = world(1);
    const id = raw.openStream('bidi')!;
    raw.write(0, id, concat(frame(0x21), NEEDY, data('616263')));
    run();
    expect([end.told.filter(({ type }) => type === 'request').length, answers()]).toEqual([0, '']);
    raw.write(0, raw.openStream('uni')!, fromHex(TABLE));
    run();
    expect(end.events('request')).toMatchObject([{ id, fields: [...GET.slice(0, 2), [':authority', 'a'], [':path', '/']] }]);
    expect(toHex(end.readAll(id).data)).toBe('616263');
    expect([answers(), unblocked]).toEqual([`${ONE_LINE}80`, [id, 2]]);
  });

  test('more of them than we said is QPACK_DECOMPRESSION_FAILED', () => {
    for (const more of [0, 1]) {
      const { end, raw, run } = world(2);
      for (let i = 0; i < 2 + more; i++) raw.write(0, raw.openStream('bidi')!, NEEDY);
      run();
      expect(end.transport.closed?.code).toBe(more === 0 ? undefined : H3.QPACK_DECOMPRESSION_FAILED);
    }
  });

  test('of a stream that is reset is given up, and another may wait in its place', () => {
    const { end, raw, run, answers } = world(1);
    for (let i = 0; i < 5; i++) {
      const id = raw.openStream('bidi')!;
      raw.write(0, id, NEEDY);
      run();
      raw.reset(id, H3.REQUEST_CANCELLED);
      run();
      expect(answers()).toBe((0x40 + id).toString(16)); // Stream Cancellation
    }
    expect([end.transport.closed, end.http.openExchanges]).toEqual([undefined, 0]);
  });

  test('does not outlast the time that a header section may take (RFC 9114 §10.5)', () => {
    const { end, raw, run } = world(1);
    raw.write(0, raw.openStream('bidi')!, NEEDY);
    run();
    const http = end.http as typeof end.http & { nextTimeout(): number; onTimeout(now: number): void };
    http.onTimeout(http.nextTimeout());
    expect(end.http.openExchanges).toBe(0);
    raw.write(0, raw.openStream('uni')!, fromHex(TABLE));
    run();
    expect([end.events('request').length, end.transport.closed]).toEqual([0, undefined]);
  });

  test('trailers wait as well', () => {
    const { end, raw, run } = world(1);
    const id = raw.openStream('bidi')!;
    const post = frame(0x01, '0000d4d7c1500161'); // POST, https, /, and :authority a as a literal
    raw.write(0, id, concat(post, data('616263'), frame(0x01, '020080')));
    run();
    expect(toHex(end.readAll(id).data)).toBe('616263');
    raw.write(0, raw.openStream('uni')!, fromHex(TRAILER_TABLE));
    raw.finish(id);
    run();
    expect(end.readAll(id).fin).toBe(true);
    run();
    expect(end.events('trailers')).toMatchObject([{ fields: [['x', 'y']] }]);
  });
});

test('who allows no table is sent none (RFC 9204 §3.2.3)', () => {
  const { end, raw, run } = http3Against('client', { tableCapacity: 4096, blockedStreams: 16 });
  for (let i = 0; i < 3; i++) end.http.request(0, [...GET, ['x-again', 'and again']], true);
  run();
  expect(toHex(raw.drain(6).data)).toBe('02'); // the type of the stream, and nothing else
});

test('both ends with tables: what comes again is short, in whatever pieces it comes', () => {
  const fields: Fields = [...GET, ['user-agent', 'somebody with a long name/1.0'], ['accept', 'text/html,application/xhtml+xml']];
  const answer: Fields = [...OK, ['server', 'somebody else/2.0'], ['x-frame', 'anything']];
  for (let seed = 0; seed < 50; seed++) {
    const sizes: number[] = [];
    const observer = {
      frameMapped: (...[direction, , , , length, , kind]: unknown[]) => {
        if (direction === 'sent' && kind === 'headers') sizes.push(length as number);
      },
    };
    const random = seededRandom(seed).fork('tables');
    const { client, server, run } = http3Pair({ tableCapacity: 4096, blockedStreams: seed % 5, random, clientObserver: observer });
    server.onEvent = (event) => {
      if (event.type === 'request') server.http.respond(0, event.id, answer, true);
    };
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 10; i++) client.http.request(0, fields, true);
      run();
    }
    expect(server.events('request').map((event) => event.fields)).toEqual(Array(40).fill(fields));
    expect(client.events('response').map((event) => event.fields)).toEqual(Array(40).fill(answer));
    expect([client.transport.closed, server.transport.closed]).toEqual([undefined, undefined]);
    expect(sizes.at(-1)).toBeLessThan(sizes[0]! / 4);
  }
});
