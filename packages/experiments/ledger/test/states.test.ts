import {
  accountOf,
  carrierOf,
  criticalChain,
  EVERY_MESSAGE,
  type ExchangeRecord,
  FrameKind,
  flowOf,
  Gate,
  REQUEST,
  RESPONSE,
  RunLog,
  totalOf,
  WHOLE,
} from '@quiclab/ledger';
import { NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';

const UP = carrierOf(0, 0, REQUEST);
const DOWN = carrierOf(0, 0, RESPONSE);
const SERVER = flowOf(0, RESPONSE);

/** Packets that leave and arrive, numbered as they leave. */
class Script extends RunLog {
  #copy = 0;

  /** A packet with [offset, + length) of the carrier. @param arrives  NEVER: it does not */
  packet(at: number, carrier: number, offset: number, length: number, arrives: number, opened = arrives): number {
    const copy = this.#copy++;
    this.sent(at, carrier, offset, length, 0, copy);
    if (arrives < NEVER) {
      this.arrived(arrives, flowOf(Math.floor(carrier / 2 ** 33), (carrier % 2) as 0 | 1), copy, opened);
      this.received(arrives, carrier, offset, length);
    }
    return copy;
  }

  /** Exchange 0, issued at 0: its request of ten octets leaves at 0 on stream 0 and is there at 50. */
  request(): void {
    this.issued(0, 0, -1);
    this.bound(0, 0, 0, 0);
    this.frame(0, UP, 0, 0, 10, 2, FrameKind.HEADERS);
    this.packet(0, UP, 0, 10, 50);
  }

  /** The states of an exchange as one line; exchange 0 unless told. */
  states(exchange = 0): string {
    const { intervals } = this.life(exchange);
    return intervals.map(({ from, to, state }) => `${state} ${from}–${to}`).join(', ');
  }

  life(exchange = 0): ExchangeRecord {
    return accountOf(this).exchanges.find((each) => each.exchange === exchange)!;
  }
}

describe('the state of an exchange (EXPERIMENTS §4)', () => {
  test('a request and its response: transit, server, transit', () => {
    const log = new Script();
    log.request();
    log.produced(80, 0, 0, RESPONSE, 90);
    log.frame(80, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.frame(80, DOWN, 0, 10, 92, 2, FrameKind.DATA);
    log.packet(80, DOWN, 0, 102, 130);
    log.completed(130, 0);
    log.close(200);
    expect(log.states()).toBe('transit 0–50, server 50–80, transit 80–130');
    expect(log.life()).toMatchObject({
      issued: 0,
      completed: 130,
      attempts: 1,
      firstHeader: 130,
      firstContent: 130,
      sums: { transit: 100, server: 30 },
      blocked: { own: 0, other: 0, intervals: [], sums: {} },
    });
  });

  test('queued and connecting: no connection, then a name look-up, then its handshake', () => {
    const log = new Script();
    log.issued(5, 0, -1);
    log.awaits(8, 0, 0);
    log.connecting(20, 0);
    log.ready(60, 0);
    log.bound(60, 0, 0, 0);
    log.frame(60, UP, 0, 0, 10, 2, FrameKind.HEADERS);
    log.packet(60, UP, 0, 10, 110);
    log.close(110);
    expect(log.states()).toBe('queued 5–20, connecting 20–60, transit 60–110');
    expect(log.life().completed).toBe(NEVER);
  });

  test('queued: the connection is ready, and has no stream', () => {
    const log = new Script();
    log.connecting(0, 0);
    log.ready(10, 0);
    log.issued(5, 0, -1);
    log.awaits(5, 0, 0);
    log.bound(30, 0, 0, 0);
    log.frame(30, UP, 0, 0, 10, 2, FrameKind.HEADERS);
    log.packet(30, UP, 0, 10, 40);
    log.close(40);
    expect(log.states()).toBe('connecting 5–10, queued 10–30, transit 30–40');
  });

  test('connecting: written before the handshake is over, but never sent; early data is sent at once', () => {
    const early = new Script();
    for (const readyAt of [100, 0]) {
      const log = readyAt === 0 ? early : new Script();
      log.connecting(0, 0);
      log.ready(readyAt, 0);
      log.issued(0, 0, -1);
      log.bound(0, 0, 0, 0);
      log.frame(0, UP, 0, 0, 10, 2, FrameKind.HEADERS);
      log.packet(readyAt, UP, 0, 10, readyAt + 50);
      log.close(readyAt + 50);
      expect(log.states()).toBe(readyAt === 0 ? 'transit 0–50' : 'connecting 0–100, transit 100–150');
    }
  });

  test('rejected early data is a lost copy, undetected until it is said again', () => {
    const log = new Script();
    log.connecting(0, 0);
    log.ready(0, 0);
    log.issued(0, 0, -1);
    log.bound(0, 0, 0, 0);
    log.frame(0, UP, 0, 0, 10, 2, FrameKind.HEADERS);
    log.packet(0, UP, 0, 10, NEVER);
    log.packet(100, UP, 0, 10, 150);
    log.close(150);
    expect(log.states()).toBe('undetected 0–100, transit 100–150');
  });

  test('undetected until declared lost, then stalled until sent again', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    const lost = log.packet(50, DOWN, 0, 10, NEVER);
    log.declaredLost(120, SERVER, lost);
    log.gates(120, SERVER, Gate.WINDOW);
    log.packet(140, DOWN, 0, 10, 190);
    log.completed(190, 0);
    log.close(190);
    expect(log.states()).toBe('transit 0–50, undetected 50–120, stalled(window) 120–140, transit 140–190');
  });

  test('undetected hangs on the last copy; a copy that arrives is transit whatever the sender thinks of it', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    const first = log.packet(50, DOWN, 0, 10, NEVER);
    log.packet(60, DOWN, 0, 10, NEVER); // a probe
    log.declaredLost(70, SERVER, first);
    const late = log.packet(90, DOWN, 0, 10, 300);
    log.declaredLost(150, SERVER, late); // it is under way all the same
    log.packet(160, DOWN, 0, 10, 210);
    log.completed(210, 0);
    log.close(300);
    expect(log.states()).toBe('transit 0–50, undetected 50–90, transit 90–210');
  });

  test('stalled: the first gate that refuses, in the order of the table', () => {
    const log = new Script();
    log.request();
    log.produced(50, 0, 0, RESPONSE, WHOLE);
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    const all = Gate.KEYS | Gate.AMPLIFICATION | Gate.CONNECTION_CREDIT | Gate.WINDOW | Gate.PACER;
    log.gates(50, SERVER, all);
    log.limit(0, DOWN, 0);
    log.gates(60, SERVER, all & ~Gate.KEYS);
    log.gates(70, SERVER, Gate.CONNECTION_CREDIT | Gate.WINDOW | Gate.PACER);
    log.gates(80, SERVER, Gate.WINDOW | Gate.PACER);
    log.limit(90, DOWN, 10);
    log.gates(100, SERVER, Gate.PACER);
    log.gates(110, SERVER, 0);
    log.sent(120, carrierOf(0, 4, RESPONSE), 0, 10, 0, 99); // another stream's
    log.packet(130, DOWN, 0, 10, 180);
    log.completed(180, 0);
    log.close(180);
    expect(log.states()).toBe(
      'transit 0–50, stalled(keys) 50–60, stalled(amplification) 60–70, stalled(connection credit) 70–80, stalled(stream credit) 80–90, ' +
        'stalled(window) 90–100, stalled(pacer) 100–110, stalled(scheduler) 110–120, stalled(outlet) 120–130, transit 130–180',
    );
  });

  test('credit holds back what is new, not what is said again', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    const lost = log.packet(50, DOWN, 0, 10, NEVER);
    log.limit(0, DOWN, 10);
    log.gates(60, SERVER, Gate.CONNECTION_CREDIT | Gate.PACER);
    log.declaredLost(100, SERVER, lost);
    log.packet(110, DOWN, 0, 10, 160);
    log.completed(160, 0);
    log.close(160);
    expect(log.states()).toBe('transit 0–50, undetected 50–100, stalled(pacer) 100–110, transit 110–160');
  });

  test('credit of HTTP/2 holds back content that is not laid out, and nothing else (RFC 9113 §5.2.1)', () => {
    const log = new Script();
    log.request();
    log.produced(50, 0, 0, RESPONSE, WHOLE);
    log.contentRefused(20, 0, 0, RESPONSE, Gate.STREAM_CREDIT);
    log.frame(60, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.packet(60, DOWN, 0, 10, 110);
    log.contentRefused(120, 0, EVERY_MESSAGE, RESPONSE, Gate.CONNECTION_CREDIT);
    log.contentRefused(130, 0, EVERY_MESSAGE, RESPONSE, 0);
    log.frame(150, DOWN, 0, 10, 12, 2, FrameKind.DATA); // its header waits as long as it does
    log.gates(150, SERVER, Gate.WINDOW);
    log.packet(170, DOWN, 10, 12, 220);
    log.completed(220, 0);
    log.close(220);
    expect(log.states()).toBe(
      'transit 0–50, stalled(outlet) 50–60, transit 60–110, stalled(stream credit) 110–120, stalled(connection credit) 120–130, ' +
        'stalled(stream credit) 130–150, stalled(window) 150–170, transit 170–220',
    );
  });

  test('held(other): an octet of another exchange is missing on the same carrier', () => {
    const log = new Script();
    log.request();
    log.issued(0, 1, -1);
    log.bound(0, 1, 0, 1);
    log.frame(0, UP, 1, 10, 10, 2, FrameKind.HEADERS);
    log.packet(0, UP, 10, 10, 50);
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.frame(50, DOWN, 1, 10, 10, 2, FrameKind.HEADERS);
    log.frame(50, DOWN, 1, 20, 10, 2, FrameKind.DATA);
    const lost = log.packet(50, DOWN, 0, 10, NEVER);
    log.packet(50, DOWN, 10, 10, 100);
    log.packet(60, DOWN, 20, 10, 110);
    log.declaredLost(120, SERVER, lost);
    log.packet(120, DOWN, 0, 10, 170);
    log.completed(170, 0);
    log.completed(170, 1);
    log.close(170);
    expect(log.states(0)).toBe('transit 0–50, undetected 50–120, transit 120–170');
    expect(log.states(1)).toBe('transit 0–100, held(other) 100–170');
    expect(log.life(1).blocked).toEqual({
      own: 0,
      other: 70,
      intervals: [{ from: 100, to: 170, blame: 0 }],
      sums: { 'held(other)': 70 },
    });
    expect(log.life(0).blocked).toMatchObject({ own: 0, other: 0 });
  });

  test('its own hole: undetected and transit, blocked by itself where a later octet has arrived', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 20, 2, FrameKind.HEADERS);
    const lost = log.packet(50, DOWN, 0, 10, NEVER);
    log.packet(50, DOWN, 10, 10, 100);
    log.declaredLost(120, SERVER, lost);
    log.packet(120, DOWN, 0, 10, 170);
    log.completed(170, 0);
    log.close(170);
    expect(log.states()).toBe('transit 0–50, undetected 50–120, transit 120–170');
    expect(log.life().blocked).toMatchObject({ own: 70, other: 0, sums: { undetected: 20, transit: 50 } });
  });

  test('held(record): a record is whole before its octets are readable; its header and its tag are the connection’s', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 0, FrameKind.HEADERS);
    log.frame(50, DOWN, 0, 10, 20, 0, FrameKind.DATA);
    log.record(DOWN, 0, 7, 5, 0, 0); // of the handshake: no plain octets
    log.record(DOWN, 7, 36, 5, 0, 30); // 5 of header, 30, 1 of tag
    log.packet(50, DOWN, 0, 20, 100);
    log.packet(55, DOWN, 20, 22, 105);
    log.packet(60, DOWN, 42, 1, 110);
    log.completed(110, 0);
    log.close(110);
    expect(log.states()).toBe('transit 0–100, held(record) 100–110');
    expect(log.life()).toMatchObject({ completed: 110, firstHeader: 110, blocked: { own: 0, other: 0 } });
  });

  test('held(fields): a field section is whole before it is readable, and may wait for its table (RFC 9204 §2.1.2)', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 20, 2, FrameKind.HEADERS);
    log.packet(50, DOWN, 0, 10, 100);
    log.packet(60, DOWN, 10, 10, 110);
    log.unblocked(125, DOWN, 0);
    log.completed(125, 0);
    log.close(125);
    expect(log.states()).toBe('transit 0–100, held(fields) 100–125');
  });

  test('held(keys): a packet that came before its keys', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.packet(50, DOWN, 0, 10, 100, 140);
    log.completed(140, 0);
    log.close(140);
    expect(log.states()).toBe('transit 0–100, held(keys) 100–140');
  });

  test('held(application): it does not read; what it has not read is no end of the life', () => {
    const log = new Script();
    log.request();
    log.read(65, 0, 0, REQUEST, 0);
    log.frame(65, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.frame(65, DOWN, 0, 10, 40, 0, FrameKind.DATA);
    log.packet(65, DOWN, 0, 30, 100);
    log.packet(80, DOWN, 30, 20, 140);
    log.read(100, 0, 0, RESPONSE, 5);
    log.read(150, 0, 0, RESPONSE, 40);
    log.completed(150, 0);
    log.close(150);
    expect(log.states()).toBe('transit 0–50, held(application) 50–65, transit 65–100, held(application) 100–140');
  });

  test('c is the frame’s payload as soon as its header could be read', () => {
    const log = new Script();
    log.request();
    log.produced(50, 0, 0, RESPONSE, 10);
    log.produced(90, 0, 0, RESPONSE, WHOLE);
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.frame(50, DOWN, 0, 10, 12, 2, FrameKind.DATA);
    log.frame(95, DOWN, 0, 22, 12, 2, FrameKind.DATA);
    log.packet(50, DOWN, 0, 22, 60);
    log.packet(95, DOWN, 22, 2, 110); // the header alone
    log.packet(100, DOWN, 24, 10, 120);
    log.completed(120, 0);
    log.close(120);
    expect(log.states()).toBe('transit 0–60, server 60–90, stalled(outlet) 90–95, transit 95–120');
  });

  test('order: an earlier response on the connection is not wholly sent (HTTP/1)', () => {
    const log = new Script();
    log.inOrder(0);
    log.request();
    log.issued(0, 1, -1);
    log.bound(0, 1, 0, 1);
    log.frame(0, UP, 1, 10, 10, 0, FrameKind.HEADERS);
    log.packet(0, UP, 10, 10, 50);
    log.produced(60, 0, 1, RESPONSE, WHOLE);
    log.produced(70, 0, 0, RESPONSE, WHOLE);
    log.frame(70, DOWN, 0, 0, 30, 0, FrameKind.HEADERS);
    log.frame(100, DOWN, 1, 30, 10, 0, FrameKind.HEADERS);
    log.packet(70, DOWN, 0, 20, 120);
    log.packet(90, DOWN, 20, 10, 140);
    log.gates(90, SERVER, Gate.WINDOW);
    log.packet(100, DOWN, 30, 10, 150);
    log.completed(140, 0);
    log.completed(150, 1);
    log.close(150);
    expect(log.states(1)).toBe('transit 0–50, server 50–60, order 60–90, stalled(window) 90–100, transit 100–150');
  });

  test('an exchange sent again on a new connection starts again', () => {
    const log = new Script();
    log.connecting(0, 0);
    log.ready(0, 0);
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.frame(50, DOWN, 0, 10, 100, 2, FrameKind.DATA);
    log.packet(50, DOWN, 0, 60, 100);
    log.packet(60, DOWN, 80, 30, 110); // blocked behind a hole that nobody fills any more
    log.unbound(200, 0);
    log.awaits(210, 0, 1);
    log.connecting(210, 1);
    log.ready(260, 1);
    log.bound(260, 0, 1, 0);
    const [up, down] = [carrierOf(1, 0, REQUEST), carrierOf(1, 0, RESPONSE)];
    log.frame(260, up, 0, 0, 10, 2, FrameKind.HEADERS);
    log.packet(260, up, 0, 10, 300);
    log.frame(300, down, 0, 0, 110, 2, FrameKind.HEADERS);
    log.packet(300, down, 0, 110, 350);
    log.completed(350, 0);
    log.close(400);
    expect(log.states()).toBe('transit 0–100, stalled(outlet) 100–200, queued 200–210, connecting 210–260, transit 260–350');
    expect(log.life()).toMatchObject({ attempts: 2, completed: 350, blocked: { own: 90, other: 0 } });
  });

  test('the end of a stream is waited for like an octet, and blocks nobody', () => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    log.packet(50, DOWN, 0, 10, 100);
    log.sent(60, DOWN, 10, 0, 1, 70);
    log.sent(130, DOWN, 10, 0, 1, 71);
    log.declaredLost(120, SERVER, 70);
    log.arrived(180, SERVER, 71, 180);
    log.completed(180, 0);
    log.close(180);
    expect(log.states()).toBe('transit 0–100, undetected 100–120, stalled(outlet) 120–130, transit 130–180');
    expect(log.life().blocked).toMatchObject({ own: 0, other: 0 });
  });

  test('a request that was not laid out waits for its connection, and an exchange that has no end lives until the run’s', () => {
    const log = new Script();
    log.issued(10, 0, -1);
    log.bound(10, 0, 0, 0);
    log.connecting(10, 0);
    log.close(90);
    expect(log.states()).toBe('connecting 10–90');
    expect(totalOf(log.life().sums)).toBe(80);
  });
});

describe('what the log says must fit together', () => {
  const answered = (): Script => {
    const log = new Script();
    log.request();
    log.frame(50, DOWN, 0, 0, 10, 2, FrameKind.HEADERS);
    return log;
  };

  test('nobody reads what cannot be read yet', () => {
    const log = answered();
    log.packet(50, DOWN, 0, 10, 100);
    log.read(90, 0, 0, RESPONSE, 0);
    expect(() => accountOf(log)).toThrow('a header section, at 0 of its carrier, was read at 90; it was readable at 100');
  });

  test('a response is complete when its last octet was readable', () => {
    const log = answered();
    log.packet(50, DOWN, 0, 10, 100);
    log.completed(99, 0);
    log.close(100);
    expect(() => accountOf(log)).toThrow('exchange 0 was complete at 99, its last octet was readable at 100');
  });

  test('arrivals at the receiver that the sender knows nothing of are an unexplained time', () => {
    const log = answered();
    log.frame(50, DOWN, 0, 10, 20, 0, FrameKind.DATA);
    log.packet(50, DOWN, 0, 10, 100);
    log.received(70, DOWN, 20, 5); // no packet carried it
    log.close(120);
    expect(() => accountOf(log)).toThrow(
      'at 70 the accounts of exchange 0 part: by its arrivals it is blocked from 70 to 120, by its states not at all any more',
    );
  });

  test('each exchange is issued once, and bound before it is unbound', () => {
    const log = new Script();
    log.issued(0, 3, -1);
    log.issued(0, 3, -1);
    expect(() => accountOf(log)).toThrow('exchange 3 was issued twice');
    const unbound = new Script();
    unbound.issued(0, 3, -1);
    unbound.unbound(0, 3);
    expect(() => accountOf(unbound)).toThrow('exchange 3 was unbound more often than bound');
    const unknown = new Script();
    unknown.completed(0, 3);
    expect(() => accountOf(unknown)).toThrow('exchange 3 was never issued');
  });
});

describe('the critical chain (EXPERIMENTS §4)', () => {
  /** One exchange on a stream of its own that takes `issued` → `there`; the request half of the time. */
  function fetched(log: Script, exchange: number, after: number, issued: number, there: number): void {
    const [up, down] = [carrierOf(0, 4 * exchange, REQUEST), carrierOf(0, 4 * exchange, RESPONSE)];
    const half = (issued + there) / 2;
    log.issued(issued, exchange, after);
    log.bound(issued, exchange, 0, 4 * exchange);
    log.frame(issued, up, 4 * exchange, 0, 10, 2, FrameKind.HEADERS);
    log.packet(issued, up, 0, 10, half - 5);
    log.produced(half + 5, 0, 4 * exchange, RESPONSE, WHOLE);
    log.frame(half + 5, down, 4 * exchange, 0, 10, 2, FrameKind.HEADERS);
    log.packet(half + 5, down, 0, 10, there);
    log.completed(there, exchange);
  }

  test('leads from the object that came last back to the first request, and sums to the page load', () => {
    const log = new Script();
    fetched(log, 0, -1, 100, 200);
    fetched(log, 1, 0, 200, 300);
    fetched(log, 2, 0, 207, 400); // the application took 7 µs
    fetched(log, 3, 1, 300, 380);
    fetched(log, 4, 2, 400, 500);
    log.close(500);
    const { exchanges } = accountOf(log);
    const chain = criticalChain(exchanges)!;
    expect(chain).toEqual({
      pageLoad: 400,
      links: [
        { exchange: 0, gap: 0 },
        { exchange: 2, gap: 7 },
        { exchange: 4, gap: 0 },
      ],
      sums: { transit: 100 + 193 + 100 - 30, server: 30 },
      gaps: 7,
    });
    expect(totalOf(chain.sums) + chain.gaps).toBe(chain.pageLoad);
  });

  test('there is none while an object is under way, and nothing is set free by what comes later', () => {
    const log = new Script();
    fetched(log, 0, -1, 100, 200);
    log.issued(200, 1, 0);
    log.close(300);
    expect(criticalChain(accountOf(log).exchanges)).toBeUndefined();
    expect(criticalChain([])).toBeUndefined();
    const wrong = new Script();
    fetched(wrong, 0, -1, 100, 200);
    fetched(wrong, 1, 0, 190, 300);
    wrong.close(300);
    expect(() => criticalChain(accountOf(wrong).exchanges)).toThrow('exchange 1 was issued at 190, 10 µs before 0 was there');
  });
});

test('what several processes have noted makes one log, whatever each calls its connections', () => {
  const client = new Script();
  client.request();
  client.received(100, DOWN, 0, 10);
  client.arrived(100, SERVER, 7, 100);
  client.completed(100, 0);
  client.close(100);
  const server = new RunLog(); // the connection is its third
  server.produced(50, 2, 0, RESPONSE, WHOLE);
  server.frame(60, carrierOf(2, 0, RESPONSE), 0, 0, 10, 2, FrameKind.HEADERS);
  server.sent(60, carrierOf(2, 0, RESPONSE), 0, 10, 0, 7);
  server.gates(50, flowOf(2, RESPONSE), Gate.WINDOW);
  server.close(60);
  const whole = new RunLog();
  whole.append(JSON.parse(JSON.stringify(client)));
  whole.append(JSON.parse(JSON.stringify(server)), [5, 4, 0]);
  expect(accountOf(whole).exchanges[0]!.sums).toEqual({ transit: 90, 'stalled(window)': 10 });
  expect(() => whole.append(server, [0])).toThrow('connection 2 of another log is none of this one');
});

test('a connection that is waited for no more is forgotten when the exchange is bound', () => {
  const log = new Script();
  log.issued(0, 0, -1);
  log.connecting(0, 1); // for ever
  log.awaits(0, 0, 1);
  log.bound(10, 0, 0, 0);
  log.unbound(20, 0);
  log.close(50);
  expect(log.states()).toBe('connecting 0–10, stalled(outlet) 10–20, queued 20–50');
});
