import { latin1 } from '@quiclab/bytes';
import { type Beyond, LIMITS, type Limit } from '@quiclab/http1';
import { NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { GET, OK, RawClient, RawServer } from './world.ts';

const request = (lines = '', path = '/'): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (lines: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}`;
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const fields = (count: number): string => 'x:\r\n'.repeat(count);

/** A server takes the one, and answers the other with the status that the table names, and closes. */
function answered({ beyond }: Limit, within: string, more: string): void {
  const good = new RawClient().say(within);
  expect([good.server.events('request').length, good.statuses]).toEqual([1, []]);
  const bad = new RawClient().say(more);
  bad.server.readAll(0);
  bad.run();
  expect([bad.statuses, bad.ended]).toEqual([[Number(beyond)], true]);
}

/** A client takes the one, and gives the connection up for the other. */
function givenUp(within: string, more: string): void {
  const good = new RawServer();
  good.request();
  good.say(within);
  good.client.readAll(0);
  expect([good.client.events('response').at(-1)!.status, good.client.transport.aborted]).toEqual([200, undefined]);
  const bad = new RawServer();
  bad.request();
  bad.say(more);
  bad.client.readAll(0);
  bad.run();
  expect(bad.client.transport.aborted).toBeDefined();
  expect(bad.client.events('closed')).toHaveLength(1);
}

const beyond: Record<keyof typeof LIMITS, () => void> = {
  method() {
    const { value } = LIMITS.method;
    const asking = (length: number): string => `${'M'.repeat(length)} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    answered(LIMITS.method, asking(value), asking(value + 1));
    answered(LIMITS.method, asking(value), 'M'.repeat(20_000)); // also where no line ends
  },
  target() {
    const { value } = LIMITS.target;
    const asking = (length: number, method = 'GET'): string => `${method} /${'a'.repeat(length - 1)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    answered(LIMITS.target, asking(value), asking(value + 1));
    answered(LIMITS.target, asking(value, 'M'.repeat(LIMITS.method.value)), `GET /${'a'.repeat(20_000)}`);
  },
  fieldLine() {
    const { value } = LIMITS.fieldLine;
    const line = (length: number): string => `x:${'y'.repeat(length - 2)}\r\n`;
    answered(LIMITS.fieldLine, request(line(value)), request(line(value + 1)));
    givenUp(`HTTP/1.1 200 OK\r\n${line(value)}\r\n`, `HTTP/1.1 200 OK\r\n${line(value + 1)}\r\n`);
    const start = 'HTTP/1.1 200 ';
    givenUp(`${start}${'x'.repeat(value - start.length)}\r\n\r\n`, `${start}${'x'.repeat(value - start.length + 1)}\r\n\r\n`);
  },
  fieldSection() {
    const { value } = LIMITS.fieldSection;
    const line = (size: number): string => `x:${'y'.repeat(size - 33)}\r\n`;
    const half = value / 8;
    const host = 'hosta'.length + 32;
    const lines = (size: number): string => line(half).repeat(7) + line(size - 7 * half);
    answered(LIMITS.fieldSection, request(lines(value - host)), request(lines(value - host + 1)));
    givenUp(`HTTP/1.1 200 OK\r\n${lines(value)}\r\n`, `HTTP/1.1 200 OK\r\n${lines(value + 1)}\r\n`);
    const folded = `HTTP/1.1 200 OK\r\nx:${`${'y'.repeat(9_000)}\r\n `.repeat(6)}z\r\n\r\n`; // 54,000 octets once, not 9,000 and 18,000 and …
    givenUp(folded, `HTTP/1.1 200 OK\r\n${lines(value + 1)}\r\n`);
    const trailed = (size: number): string => post('Transfer-Encoding: chunked\r\n', `0\r\n${lines(size)}\r\n`);
    answered(LIMITS.fieldSection, trailed(value), trailed(value + 1));
  },
  fields() {
    const { value } = LIMITS.fields;
    answered(LIMITS.fields, request(fields(value - 1)), request(fields(value)));
    givenUp(`HTTP/1.1 200 OK\r\n${fields(value)}\r\n`, `HTTP/1.1 200 OK\r\n${fields(value + 1)}\r\n`);
    const folds = (count: number): string => `HTTP/1.1 200 OK\r\nx:\r\n${' y\r\n'.repeat(count)}\r\n`;
    givenUp(folds(value - 1), folds(value)); // lines, not fields
  },
  emptyLines() {
    const { value } = LIMITS.emptyLines;
    answered(LIMITS.emptyLines, '\r\n'.repeat(value) + request(), '\r\n'.repeat(value + 1) + request());
  },
  chunkSize() {
    const chunked = (digits: number): string => post('Transfer-Encoding: chunked\r\n', `${'1'.padStart(digits, '0')}\r\na`);
    answered(LIMITS.chunkSize, chunked(LIMITS.chunkSize.value), chunked(LIMITS.chunkSize.value + 1));
    const endless = post('Transfer-Encoding: chunked\r\n', '0'.repeat(1_000));
    answered(LIMITS.chunkSize, chunked(LIMITS.chunkSize.value), endless);
  },
  requestExtensions() {
    const extended = (extension: string): string => post('Transfer-Encoding: chunked\r\n', `1${extension}\r\na\r\n0\r\n\r\n`);
    answered(LIMITS.requestExtensions, extended(''), extended(';'));
  },
  responseExtensions() {
    const extended = (length: number): string => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;${'x'.repeat(length - 1)}\r\n\r\n`;
    const { value } = LIMITS.responseExtensions;
    givenUp(extended(value), extended(value + 1));
  },
  informational() {
    const { value } = LIMITS.informational;
    const early = 'HTTP/1.1 103 Early Hints\r\n\r\n';
    givenUp(early.repeat(value) + ok, early.repeat(value + 1) + ok);
  },
  unasked() {
    givenUp(`${ok}\r\n`, `${ok}H`);
  },
  pipelined() {
    const { value } = LIMITS.pipelined;
    const client = new RawClient().say(request().repeat(value + 2));
    expect(client.server.events('request')).toHaveLength(value);
    client.server.http.respond(0, 0, OK, true);
    client.run();
    expect(client.server.events('request')).toHaveLength(value + 1);
    const few = new RawClient({ server: { maxPipelined: 2 } }).say(request().repeat(3));
    expect(few.server.events('request')).toHaveLength(2);
  },
  queued() {
    const { value } = LIMITS.queued;
    const client = new RawClient().say(request().repeat(3));
    const { http } = client.server;
    for (const id of [1, 2]) http.respond(0, id, OK, false);
    const taken = http.writeBody(0, 1, new Uint8Array(value + 1));
    expect(taken).toBeGreaterThan(value * 0.99);
    expect(taken).toBeLessThan(value);
    expect([http.writeBody(0, 1, new Uint8Array(1)), http.writeBody(0, 2, new Uint8Array(1))]).toEqual([0, 0]);
    client.say(request());
    expect(client.server.events('request')).toHaveLength(3); // no further one is read
    http.respond(0, 0, OK, true);
    client.run();
    expect(client.server.events('body-writable')).toMatchObject([{ id: 1 }]);
    expect(client.server.events('request')).toHaveLength(4);
    expect(http.writeBody(0, 1, new Uint8Array(1))).toBe(1);
    http.finish(0, 1);
    client.run();
    expect(client.server.events('body-writable')).toMatchObject([{ id: 1 }, { id: 2 }]);
  },
  chunk() {
    const { value } = LIMITS.chunk;
    const client = new RawClient({ sendBuffer: 60 });
    client.server.onEvent = ({ type, ...event }) => {
      if (type === 'request' && 'id' in event) client.server.http.respond(0, event.id as number, OK, false);
    };
    client.raw.write(0, latin1(request()));
    client.raw.deliver();
    client.server.turn();
    expect(client.server.http.writeBody(0, 0, new Uint8Array(3 * value))).toBe(value);
    expect(client.server.http.writeBody(0, 0, new Uint8Array(1))).toBe(0);
    const server = new RawServer({ sendBuffer: 90 });
    server.client.http.request(0, [[':method', 'POST'], ...GET.slice(1)], false);
    expect(server.client.http.writeBody(0, 0, new Uint8Array(3 * value))).toBe(value);
    expect(server.client.http.writeBody(0, 0, new Uint8Array(1))).toBe(0);
  },
  discarded() {
    const { value } = LIMITS.discarded;
    for (const more of [0, 1]) {
      const announced = new RawClient().say(post(`Content-Length: ${value + more}\r\n`));
      announced.server.http.stopReading(0, 0);
      announced.server.http.respond(0, 0, OK, true);
      announced.run();
      expect([announced.statuses, announced.ended]).toEqual([[200], more > 0]);
      const chunked = new RawClient().say(post('Transfer-Encoding: chunked\r\n', `${(value + more).toString(16)}\r\n`));
      chunked.server.http.respond(0, 0, OK, true);
      chunked.server.http.stopReading(0, 0);
      chunked.say(new Uint8Array(value + more)).say('\r\n');
      expect([chunked.server.http.acceptsRequests, chunked.ended]).toEqual([more === 0, more > 0]);
      const server = new RawServer();
      server.request();
      server.say(`HTTP/1.1 200 OK\r\nContent-Length: ${value + more}\r\n\r\n`);
      server.client.http.stopReading(0, 0);
      server.run();
      expect(server.client.transport.aborted !== undefined).toBe(more > 0);
      const endless = new RawServer();
      endless.request();
      endless.say('HTTP/1.1 200 OK\r\n\r\n');
      endless.client.http.stopReading(0, 0);
      endless.say(new Uint8Array(value + more));
      expect(endless.client.transport.aborted !== undefined).toBe(more > 0);
    }
  },
  lingering() {
    for (const more of [0, 1]) {
      const client = new RawClient().say(request('Connection: close\r\n'));
      client.server.http.respond(0, 0, OK, true);
      client.run();
      client.say(new Uint8Array(LIMITS.lingering.value + more));
      expect(client.server.transport.aborted).toBe(more === 0 ? undefined : 'too much came after the end');
    }
  },
  headersTime() {
    const client = new RawClient().say('G');
    const { http } = client.server;
    for (const early of [1, 0]) {
      http.onTimeout(LIMITS.headersTime.value - early);
      expect(client.run().statuses).toEqual(early === 1 ? [] : [408]);
    }
  },
  contentTime() {
    const client = new RawClient().say(post('Content-Length: 1\r\n'));
    for (const early of [1, 0]) {
      client.server.http.onTimeout(LIMITS.contentTime.value - early);
      expect(client.run().statuses).toEqual(early === 1 ? [] : [408]);
    }
    const discarding = new RawClient().say(post('Content-Length: 1\r\n'));
    discarding.server.http.stopReading(0, 0);
    discarding.server.http.onTimeout(LIMITS.contentTime.value);
    expect(discarding.run().statuses).toEqual([408]);
  },
  idleTime() {
    const client = new RawClient();
    for (const early of [1, 0]) {
      client.server.http.onTimeout(LIMITS.idleTime.value - early);
      expect(client.run().ended).toBe(early === 0);
    }
  },
  lingeringTime() {
    const client = new RawClient();
    client.server.http.goaway(0);
    const { http, transport } = client.server;
    expect(http.nextTimeout()).toBe(LIMITS.lingeringTime.value);
    http.onTimeout(LIMITS.lingeringTime.value - 1);
    expect(transport.aborted).toBeUndefined();
    http.onTimeout(LIMITS.lingeringTime.value);
    expect([transport.aborted, http.nextTimeout()]).toEqual(['the peer does not close', NEVER]);
  },
};

const table = Object.entries<Limit>(LIMITS);

describe('beyond the limit', () => {
  test.each(table)('%s', (name) => beyond[name as keyof typeof LIMITS]());
});

test('every limit says what becomes of what is beyond it, and why', () => {
  const outcomes: readonly Beyond[] = ['400', '408', '414', '431', '501', 'given up', 'finished', 'waits'];
  expect(Object.keys(beyond)).toEqual(Object.keys(LIMITS));
  for (const [name, limit] of table) {
    expect([name, limit.value >= 0, limit.reason.length > 0]).toEqual([name, true, true]);
    expect(outcomes).toContain(limit.beyond);
  }
});

test('LIMITS.md is made from the table: pnpm vitest run … -u writes it anew', async () => {
  const rows = table.map(
    ([name, { value, unit, option, beyond, reason }]) =>
      `| ${name}${option === undefined ? '' : `<br>\`${option}\``} | ${value.toLocaleString('en-US')} | ${unit} | ${beyond} | ${reason} |`,
  );
  const lines = [
    '# What a peer can make HTTP/1.1 keep or do, and where that ends',
    '',
    'Made from `src/limits.ts` by `test/limits.test.ts`, which has a test that goes beyond each. Those with an option are its defaults.',
    'A status is what a server answers before it closes; a client gives the connection up in its place.',
    '',
    '| limit | value | of what | beyond it | why |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
  ];
  await expect(lines.join('\n')).toMatchFileSnapshot('../LIMITS.md');
});
