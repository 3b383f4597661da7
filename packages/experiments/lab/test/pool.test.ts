import type { Fields, HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import type { Micros } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type Carrier, ConnectionPool, type HttpHandler, type ModelName, modelOf, type PooledExchange } from '../src/index.ts';

// How each model maps exchanges to connections, against connections that do what the test says. EXPERIMENTS §1.

/** A connection that the test opens, answers on and breaks. */
class Scripted implements Carrier {
  readonly host: string;
  /** Paths in the order in which they were asked for, by id. */
  readonly asked: string[] = [];
  closed = false;
  http: HttpConnection | undefined = undefined;
  readonly cautious: boolean;
  readonly #handler: HttpHandler;
  readonly #atOnce: number;
  #underWay = 0;
  #refused = false;
  #accepts = true;

  constructor(host: string, handler: HttpHandler, cautious: boolean, atOnce: number) {
    this.host = host;
    this.cautious = cautious;
    this.#handler = handler;
    this.#atOnce = atOnce;
  }
  pump(): void {}
  close(): void {
    this.closed = true;
  }

  ready(): void {
    const self = this;
    this.http = {
      get acceptsRequests() {
        return self.#accepts;
      },
      request: (_now: Micros, fields: Fields) => {
        this.#refused = this.#underWay >= this.#atOnce;
        if (this.#refused) return undefined;
        this.#underWay++;
        return this.asked.push(fields[3]![1]) - 1;
      },
    } as unknown as HttpConnection;
    this.#handler.onReady?.(world.now, this.http);
  }
  tell(event: HttpEvent): void {
    this.#handler.onHttp(world.now, this.http!, event);
  }
  answer(id: number): void {
    this.#underWay--;
    this.tell({ type: 'response', id, status: 200, fields: [], informational: false, end: true });
    if (this.#refused) this.tell({ type: 'requests-available' });
  }
  refuseMore(): void {
    this.#accepts = false;
  }
  break(reason = 'broken'): void {
    this.#handler.onClosed?.(world.now, reason);
  }
}

const world = { now: 0 };

/** @param atOnce  so many requests a connection takes before it answers */
function pool(model: ModelName, nameLookup = 0, atOnce = modelOf(model).exchanges) {
  world.now = 0;
  const connections: Scripted[] = [];
  const timers: { readonly when: Micros; readonly action: (now: Micros) => void }[] = [];
  const happened: string[] = [];
  const waits: string[] = [];
  const made = new ConnectionPool({
    model: modelOf(model),
    dial: (_now, host, handler, cautious) => {
      const carrier = new Scripted(host, handler, cautious, atOnce);
      connections.push(carrier);
      return carrier;
    },
    timers: {
      at: (when, action) => {
        timers.push({ when, action });
        return { cancel: () => {} };
      },
    },
    nameLookup,
  });
  const exchange = ([path, { method = 'GET', host = 'a', urgency = 3 }]: Asked): PooledExchange => ({
    host,
    urgency,
    fields: [
      [':method', method],
      [':scheme', 'https'],
      [':authority', host],
      [':path', path],
    ],
    onWaiting: (_now, connection) => waits.push(`${path} ${connection < 0 ? 'for any' : `for ${connection}`}`),
    onSent: (_now, connection) => happened.push(`${path} on ${connection}`),
    onResponse: () => {},
    onContent: () => {},
    onEnd: () => happened.push(`${path} answered`),
    onFailed: (_now, reason) => happened.push(`${path} failed: ${reason}`),
  });
  return {
    connections,
    happened,
    waits,
    timers,
    made,
    ask: (...asked: (string | Asked)[]) =>
      made.request(
        world.now,
        asked.map((each) => exchange(typeof each === 'string' ? [each, {}] : each)),
      ),
    asked: () => connections.map((connection) => connection.asked.join(' ')),
  };
}
type Asked = readonly [path: string, options: { readonly method?: string; readonly host?: string; readonly urgency?: number }];

describe('h1-short', () => {
  test('a new connection for each exchange, one after the other, closed after it', () => {
    const { ask, connections, asked } = pool('h1-short');
    ask('/1', '/2');
    expect(connections.length).toBe(1);
    connections[0]!.ready();
    expect(asked()).toEqual(['/1']);
    connections[0]!.answer(0);
    expect(connections[0]!.closed).toBe(true);
    expect(connections.length).toBe(2);
    connections[1]!.ready();
    expect(asked()).toEqual(['/1', '/2']);
  });

  test('h1-short:4: four at the same time', () => {
    const { ask, connections } = pool('h1-short:4');
    ask('/1', '/2', '/3', '/4', '/5', '/6');
    expect(connections.length).toBe(4);
    for (const connection of connections) connection.ready();
    connections[2]!.answer(0);
    expect(connections.length).toBe(5);
  });
});

describe('h1-persistent', () => {
  test('one connection, one exchange at a time, the most urgent first', () => {
    const { ask, connections, asked } = pool('h1-persistent');
    ask(['/late', { urgency: 5 }], '/1', '/2', ['/soon', { urgency: 1 }]);
    connections[0]!.ready();
    expect(asked()).toEqual(['/soon']);
    for (let id = 0; id < 3; id++) connections[0]!.answer(id);
    expect(asked()).toEqual(['/soon /1 /2 /late']);
    expect(connections[0]!.closed).toBe(false);
  });

  test('what the server closed while it was idle is opened again for the next exchange', () => {
    const { ask, connections, asked, happened } = pool('h1-persistent');
    ask('/1');
    connections[0]!.ready();
    connections[0]!.answer(0);
    connections[0]!.break('idle');
    expect(connections.length).toBe(1);
    ask('/2');
    connections[1]!.ready();
    expect(asked()).toEqual(['/1', '/2']);
    expect(happened).toEqual(['/1 on 0', '/1 answered', '/2 on 1']);
  });

  test('a connection that takes no more requests is not waited for', () => {
    const { ask, connections } = pool('h1-persistent');
    ask('/1', '/2');
    connections[0]!.ready();
    connections[0]!.refuseMore();
    connections[0]!.answer(0);
    expect(connections.length).toBe(2);
  });
});

describe('h1-pipelined (RFC 9112 §9.3.2)', () => {
  test('after a loss the unanswered ones are sent again in order, on a connection that does not pipeline at once', () => {
    const { ask, connections, asked, happened } = pool('h1-pipelined');
    ask('/1', '/2', '/3');
    connections[0]!.ready();
    connections[0]!.answer(0);
    connections[0]!.break();
    connections[1]!.ready();
    expect(connections.map(({ cautious }) => cautious)).toEqual([false, true]);
    expect(asked()).toEqual(['/1 /2 /3', '/2 /3']);
    expect(happened).toEqual(['/1 on 0', '/2 on 0', '/3 on 0', '/1 answered', '/2 on 1', '/3 on 1']);
    connections[1]!.answer(0);
    connections[1]!.break();
    ask('/4');
    expect(connections[2]!.cautious).toBe(false);
  });
});

describe('h1-parallel and h1-sharded', () => {
  test('six connections, each with one exchange; the seventh waits for the first that is free', () => {
    const { ask, connections, asked } = pool('h1-parallel');
    ask('/1', '/2', '/3', '/4', '/5', '/6', '/7');
    expect(connections.length).toBe(6);
    for (const connection of connections) connection.ready();
    connections[4]!.answer(0);
    expect(asked()).toEqual(['/1', '/2', '/3', '/4', '/5 /7', '/6']);
    expect(connections.length).toBe(6);
  });

  test('no more connections than exchanges that wait for one', () => {
    const { ask, connections } = pool('h1-parallel');
    ask('/1', '/2');
    expect(connections.length).toBe(2);
    connections[0]!.ready();
    connections[0]!.answer(0);
    ask('/3');
    expect(connections.length).toBe(2);
  });

  test('each host name has its own six, and is looked up once', () => {
    const { ask, connections, timers } = pool('h1-sharded:3', 40_000);
    const all = (host: string): Asked[] => Array.from({ length: 8 }, (_, i) => [`/${i}`, { host }]);
    ask(...all('a'), ...all('b'));
    expect(connections.length).toBe(0);
    expect(timers.map(({ when }) => when)).toEqual([40_000, 40_000]);
    world.now = 40_000;
    for (const { action } of timers.splice(0)) action(40_000);
    expect(connections.map(({ host }) => host).join('')).toBe('aaaaaabbbbbb');
    connections[0]!.break();
    expect(timers).toEqual([]);
    expect(connections.length).toBe(13);
  });
});

describe('h2 and h3', () => {
  test('one connection, all exchanges at once, as far as it has streams', () => {
    const { ask, connections, asked } = pool('h2', 0, 2);
    ask('/1', '/2', '/3');
    expect(connections.length).toBe(1);
    connections[0]!.ready();
    expect(asked()).toEqual(['/1 /2']);
    connections[0]!.answer(1);
    expect(asked()).toEqual(['/1 /2 /3']);
    expect(connections.length).toBe(1);
  });

  test('after GOAWAY another is opened, to which what was not processed goes, whatever its method (RFC 9113 §6.8)', () => {
    const { ask, connections, asked } = pool('h2');
    ask('/1', ['/2', { method: 'POST' }]);
    connections[0]!.ready();
    connections[0]!.refuseMore();
    connections[0]!.tell({ type: 'failed', id: 1, code: 0, reason: 'GOAWAY', unprocessed: true });
    connections[1]!.ready();
    connections[0]!.answer(0);
    expect(asked()).toEqual(['/1 /2', '/2']);
  });
});

describe('what an exchange waits for', () => {
  test('handshakes that are under way are for those that go next, the others wait for a connection', () => {
    const { ask, connections, waits } = pool('h1-parallel:2');
    ask('/1', '/2', '/3');
    expect(waits.splice(0)).toEqual(['/1 for 0', '/2 for 1', '/3 for any']);
    connections[1]!.ready();
    expect(waits.splice(0)).toEqual(['/2 for 0']);
    connections[1]!.break();
    expect(waits.splice(0)).toEqual(['/1 for 0', '/2 for 2']);
  });

  test('of a connection that multiplexes, all wait for the one handshake; of a name look-up, for no connection', () => {
    const { ask, waits, timers } = pool('h2', 40_000);
    ask('/1', '/2');
    expect(waits.splice(0)).toEqual(['/1 for any', '/2 for any']);
    timers[0]!.action(40_000);
    expect(waits).toEqual(['/1 for 0', '/2 for 0']);
  });
});

describe('what cannot be repaired', () => {
  test('a POST that may have been processed is not sent again (RFC 9110 §9.2.2)', () => {
    const { ask, connections, happened } = pool('h1-parallel');
    ask(['/1', { method: 'POST' }]);
    connections[0]!.ready();
    connections[0]!.break();
    expect(happened).toEqual(['/1 on 0', '/1 failed: the connection ended: broken']);
    expect(connections.length).toBe(1);
  });

  test('a request on which every connection breaks is given up', () => {
    const { ask, connections, happened } = pool('h3');
    ask('/1');
    for (let i = 0; i < connections.length; i++) {
      connections[i]!.ready();
      connections[i]!.break();
    }
    expect(connections.length).toBe(3);
    expect(happened.at(-1)).toBe('/1 failed: the connection ended: broken');
  });

  test('a host to which no connection comes about is given up', () => {
    const { ask, connections, happened } = pool('h1-parallel');
    ask('/1', '/2');
    for (let i = 0; i < connections.length; i++) connections[i]!.break('refused');
    expect(connections.length).toBeLessThan(6);
    expect(happened).toEqual([
      '/1 failed: no connection to a: the connection ended: refused',
      '/2 failed: no connection to a: the connection ended: refused',
    ]);
  });

  test("a reset is the server's answer, and not asked for again", () => {
    const { ask, connections, happened } = pool('h3');
    ask('/1');
    connections[0]!.ready();
    connections[0]!.tell({ type: 'reset', id: 0, code: 0x102, unprocessed: false });
    expect(happened).toEqual(['/1 on 0', '/1 failed: reset by the server (code 0x102)']);
  });
});

describe('the names of models', () => {
  test.each([
    ['h4', "there is no model 'h4'"],
    ['h2:3', 'h2 takes no number'],
    ['h1-short:0', 'a whole one from 1 to 99'],
    ['h1-short:2:3', 'a whole one from 1 to 99'],
    ['toString', "there is no model 'toString'"],
  ])('%s is refused with a reason', (name, reason) => {
    expect(() => modelOf(name)).toThrow(reason);
  });

  test('a number that is the usual one is left out', () => {
    expect(modelOf('h1-parallel:6').name).toBe('h1-parallel');
    expect(modelOf('h1-parallel:4')).toMatchObject({ name: 'h1-parallel:4', connections: 4, exchanges: 1 });
  });
});
