import { latin1 } from '@quiclab/bytes';
import type { Http1Observer } from '@quiclab/http1';
import { describe, expect, test } from 'vitest';
import { asking, GET, get, http1Pair, OK, RawClient, RawServer } from './world.ts';

/** What an observer was told: frames as [direction, exchange, kind, header, octets], and turns. */
class Log implements Http1Observer {
  readonly frames: [direction: string, exchange: number, kind: string, header: string, payload: string][] = [];
  readonly turns: [now: number, exchange: number][] = [];
  readonly mapped: { direction: string; offset: number; length: number }[] = [];
  readonly #octets: () => string;

  /** @param octets  all that has crossed so far in the direction that is looked at */
  constructor(octets: () => string = () => '') {
    this.#octets = octets;
  }

  frameMapped(
    direction: 'sent' | 'received',
    exchange: number,
    stream: number,
    offset: number,
    length: number,
    header: number,
    kind: string,
  ): void {
    expect(stream).toBe(0);
    this.mapped.push({ direction, offset, length });
    this.#late.push(() => {
      const octets = this.#octets();
      this.frames.push([direction, exchange, kind, octets.slice(offset, offset + header), octets.slice(offset + header, offset + length)]);
    });
  }
  readonly #late: (() => void)[] = [];

  turnChanged(now: number, exchange: number): void {
    this.turns.push([now, exchange]);
  }

  /** The frames with their octets, which are looked at when all are there. */
  read(): this['frames'] {
    for (const look of this.#late.splice(0)) look();
    return this.frames;
  }
}

describe('whose octets', () => {
  const head = 'POST / HTTP/1.1\r\nhost: example.com\r\ntransfer-encoding: chunked\r\n\r\n';
  const plain = 'PUT / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 4\r\n\r\n';

  test('of requests, as they leave: heads, chunks with their framing, content, ends', () => {
    let heard = '';
    const log: Log = new Log(() => heard);
    const server = new RawServer({ client: { observer: log } });
    const { http } = server.client;
    http.request(0, asking('POST'), false);
    http.writeBody(0, 0, latin1('0123456789abcdefg'));
    http.finish(0, 0, [['x', 'y']]);
    heard = server.run().heard;
    server.say('HTTP/1.1 204 \r\n\r\n');
    http.request(0, asking('PUT', ['content-length', '4']), false);
    http.writeBody(0, 1, latin1('abcd'));
    http.finish(0, 1);
    heard = server.run().heard;
    expect(log.read().filter(([direction]) => direction === 'sent')).toEqual([
      ['sent', 0, 'headers', '', head],
      ['sent', 0, 'data', '11\r\n', '0123456789abcdefg\r\n'],
      ['sent', 0, 'trailers', '', '0\r\nx: y\r\n\r\n'],
      ['sent', 1, 'headers', '', plain],
      ['sent', 1, 'data', '', 'abcd'],
    ]);
  });

  test('of requests, as they come, in whatever pieces', () => {
    const octets = `\r\n${head}3\r\nabc\r\n0\r\n\r\n${plain}abcdGET / HTTP/1.1\r\nhost: a\r\n\r\n`;
    for (const size of [1, 7, octets.length]) {
      const log = new Log(() => octets);
      const client = new RawClient({ server: { observer: log } });
      client.server.onEvent = (event) => {
        if (event.type === 'body-readable') client.server.readAll(event.id);
        if (event.type === 'request') client.server.http.respond(0, event.id, OK, true);
      };
      for (let at = 0; at < octets.length; at += size) client.say(octets.slice(at, at + size));
      expect(log.read().filter(([direction]) => direction === 'received')).toEqual([
        ['received', 0, 'headers', '', head],
        ['received', 0, 'data', '3\r\n', 'abc\r\n'],
        ['received', 0, 'end', '', '0\r\n\r\n'],
        ['received', 1, 'headers', '', plain],
        ['received', 1, 'data', '', 'abcd'],
        ['received', 2, 'headers', '', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'],
      ]);
    }
  });

  test('of responses that wait for their turn, when they are laid out; of an error’s answer, too', () => {
    let heard = '';
    const log: Log = new Log(() => heard);
    const client = new RawClient({ server: { observer: log } });
    const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
    client.say(`${request}${request}nonsense\r\n`);
    const { http } = client.server;
    http.respond(0, 1, OK, false);
    http.writeBody(0, 1, latin1('ab'));
    http.finish(0, 1);
    expect(log.mapped.filter(({ direction }) => direction === 'sent')).toEqual([]);
    http.respond(0, 0, [...OK, ['content-length', '0']], true);
    heard = client.run().heard;
    const sent = log.read().filter(([direction]) => direction === 'sent');
    expect(sent.map(([, exchange, kind]) => [exchange, kind])).toEqual([
      [0, 'headers'],
      [1, 'headers'],
      [1, 'data'],
      [1, 'end'],
      [2, 'headers'],
      [2, 'data'],
    ]);
    expect(sent.map(([, , , header, payload]) => header + payload).join('')).toBe(heard);
  });

  test('nobody’s are only empty lines: every other octet is owned, once, at both ends', () => {
    const logs = { client: new Log(), server: new Log() };
    const { client, server, run } = http1Pair({ client: { pipelining: 8, observer: logs.client }, server: { observer: logs.server } });
    server.onEvent = (event) => {
      if (event.type !== 'request') return;
      server.http.respond(0, event.id, event.id % 2 === 0 ? OK : [...OK, ['content-length', '40000']], false);
      server.http.writeBody(0, event.id, new Uint8Array(40_000));
      server.http.finish(0, event.id);
    };
    client.onEvent = (event) => {
      if (event.type === 'body-readable') client.readAll(event.id);
    };
    for (const path of ['/a', '/b', '/c', '/d']) client.http.request(0, get(path), true);
    run();
    const covered = (log: Log, direction: string): number => {
      const frames = log.mapped.filter((frame) => frame.direction === direction).sort((a, b) => a.offset - b.offset);
      return frames.reduce((end, { offset, length }) => {
        expect(offset).toBe(end);
        return end + length;
      }, 0);
    };
    expect(covered(logs.client, 'sent')).toBe(covered(logs.server, 'received'));
    expect(covered(logs.server, 'sent')).toBe(covered(logs.client, 'received'));
    expect(covered(logs.server, 'sent')).toBeGreaterThan(160_000);
  });

  test('in a tunnel, too', () => {
    let heard = '';
    const log: Log = new Log(() => heard);
    const client = new RawClient({ server: { observer: log } });
    client.say('CONNECT b:1 HTTP/1.1\r\nhost: b:1\r\n\r\n');
    client.server.http.respond(0, 0, OK, false);
    client.server.http.writeBody(0, 0, latin1('abc'));
    heard = client.run().heard;
    expect(log.read().at(-1)).toEqual(['sent', 0, 'data', '', 'abc']);
  });
});

describe('whose turn (the state order)', () => {
  test('at a server it is the first response that is not wholly laid out', () => {
    const log = new Log();
    const client = new RawClient({ server: { observer: log } });
    const { http } = client.server;
    client.say('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2));
    http.respond(1, 1, OK, true);
    expect(log.turns).toEqual([[0, 0]]);
    http.respond(2, 0, OK, false);
    http.finish(3, 0);
    expect(log.turns).toEqual([
      [0, 0],
      [3, 1],
      [3, -1],
    ]);
  });

  test('at a client it is the first that is not wholly read', () => {
    const log = new Log();
    const server = new RawServer({ client: { pipelining: 2, observer: log } });
    server.request(GET);
    server.request(GET);
    server.say('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n');
    expect(log.turns).toEqual([[0, 0]]);
    server.say('a');
    server.client.http.readBody(5, 0);
    server.client.http.close(6);
    expect(log.turns).toEqual([
      [0, 0],
      [5, 1],
      [6, -1],
    ]);
  });
});
