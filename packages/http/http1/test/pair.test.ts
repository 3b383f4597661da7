import { concat, sameBytes } from '@quiclab/bytes';
import type { Fields } from '@quiclab/http-semantics';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { asking, http1Pair, OK } from './world.ts';

/** Exchanges by dice over streams that move a few octets at a time; every message arrives as it was given. */
function world(seed: number): void {
  const random = seededRandom(seed);
  const below = (n: number): number => integerBelow(random, n);
  const pipelining = 1 + below(6);
  const pair = http1Pair({
    random: random.fork('pieces'),
    sendBuffer: 50 + below(5_000),
    receiveBuffer: 50 + below(5_000),
    client: { pipelining },
    server: { maxPipelined: 1 + below(6), maxQueued: 1 + below(20_000) },
  });
  const { client, server, run } = pair;
  const up = new Map<number, Sending>();
  const down = new Map<number, Sending>();
  const arrived = new Map<string, Uint8Array[]>();
  const answers: number[] = [];
  const whole: number[] = [];

  server.onEvent = (event) => {
    if (event.type === 'request') {
      expect(event.fields).toContainEqual(['x-number', String(event.id)]);
      answers.push(event.id);
    }
    if (event.type === 'body-readable') keep('up', event.id, server.http);
    if (event.type === 'body-writable') down.get(event.id)!.go(server.http, event.id);
    while (answers.length > 0 && below(3) === 0) answer(answers.splice(below(answers.length), 1)[0]!);
  };
  client.onEvent = (event) => {
    if (event.type === 'response' && !event.informational && event.end) whole.push(event.id);
    if (event.type === 'body-readable' && keep('down', event.id, client.http)) whole.push(event.id);
    if (event.type === 'body-writable') up.get(event.id)!.go(client.http, event.id);
  };
  function keep(way: string, id: number, http: { readBody: typeof client.http.readBody }): boolean {
    const pieces = arrived.get(way + id) ?? [];
    arrived.set(way + id, pieces);
    for (let piece = http.readBody(0, id); piece !== undefined; piece = http.readBody(0, id)) {
      pieces.push(piece.data);
      if (piece.fin) return true;
    }
    return false;
  }
  function answer(id: number): void {
    for (let i = below(3); i > 0; i--)
      server.http.respond(
        0,
        id,
        [
          [':status', '103'],
          ['x', String(i)],
        ],
        false,
      );
    const sending = new Sending(random);
    down.set(id, sending);
    server.http.respond(0, id, [...OK, ...sending.fields], false);
    sending.go(server.http, id);
  }

  const requests = 20 + below(20);
  for (let made = 0; made < requests; ) {
    const sending = new Sending(random);
    const id = client.http.request(0, asking(['GET', 'PUT', 'POST'][below(3)]!, ['x-number', String(made)], ...sending.fields), false);
    if (id === undefined) {
      run();
      const next = answers.shift();
      if (next !== undefined) answer(next);
      continue;
    }
    expect(id).toBe(made++);
    up.set(id, sending);
    sending.go(client.http, id);
    if (below(3) === 0) run();
  }
  for (run(); answers.length > 0; run()) answer(answers.shift()!);

  expect(whole).toEqual(Array.from({ length: requests }, (_, i) => i));
  for (const [way, sent] of [
    ['up', up],
    ['down', down],
  ] as const)
    for (const [id, { data }] of sent) expect(sameBytes(concat(...(arrived.get(way + id) ?? [])), data), `${way} ${id}`).toBe(true);
  expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  expect([client.http.acceptsRequests, server.http.acceptsRequests]).toEqual([true, true]);
  expect([...client.told, ...server.told].filter(({ type }) => ['failed', 'closed', 'goaway'].includes(type))).toEqual([]);
}

/** Content that is written as it is taken, of a length that is said or not. */
class Sending {
  readonly data: Uint8Array;
  readonly fields: Fields;
  #sent = 0;

  constructor(random: Random) {
    this.data = new Uint8Array(integerBelow(random, 3) === 0 ? 0 : integerBelow(random, 40_000));
    random.fill(this.data);
    this.fields = integerBelow(random, 2) === 0 ? [] : [['content-length', String(this.data.length)]];
  }

  go(http: { writeBody(now: number, id: number, data: Uint8Array): number; finish(now: number, id: number): void }, id: number): void {
    while (this.#sent < this.data.length) {
      const taken = http.writeBody(0, id, this.data.subarray(this.#sent));
      if (taken === 0) return;
      this.#sent += taken;
    }
    http.finish(0, id);
  }
}

describe('two ends of ours', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i))('carry whatever is said, in pieces of any size: seed %i', (seed) => world(seed));
});
