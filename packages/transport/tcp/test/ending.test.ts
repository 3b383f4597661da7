import { MILLISECOND, SECOND } from '@quiclab/sansio';
import { type State, type StateInput, TRANSITIONS } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions, pattern, SERVER, type Side } from './pair.ts';

const states = (side: Side): string[] =>
  side.logs.flatMap(({ lines }) => lines).filter((line) => line.includes('>') && !line.includes('gate'));

describe('the states (RFC 9293 Figure 5)', () => {
  test('every arrow leads from a state that is reached to one that is left, and no state has two for one input', () => {
    const reached = new Set<State>(['closed', ...TRANSITIONS.map(({ to }) => to)]);
    const seen = new Set<string>();
    for (const { from, on } of TRANSITIONS) {
      expect(reached.has(from)).toBe(true);
      expect(seen.has(`${from} ${on}`), `${from} ${on}`).toBe(false);
      seen.add(`${from} ${on}`);
    }
  });

  test('a reset leads to CLOSED from everywhere but CLOSED and LISTEN', () => {
    const abort: StateInput = 'abort';
    const froms = new Set(TRANSITIONS.map(({ from }) => from));
    for (const from of froms)
      expect(TRANSITIONS.some((one) => one.from === from && one.on === abort && one.to === 'closed')).toBe(
        from !== 'closed' && from !== 'listen',
      );
  });
});

describe('an orderly end (RFC 9293 §3.6)', () => {
  test('one side finishes, then the other: Figure 12', () => {
    const pair = new Pair().handshake();
    pair.onServerEvent = (event, connection) => {
      if (event === 'readable' && pair.server.fin) connection.finish(pair.now);
    };
    pair.client.connection!.finish(pair.now);
    pair.turn(pair.client);
    pair.run();
    expect(states(pair.client).slice(2)).toEqual([
      '150000 established > fin-wait-1',
      '250000 fin-wait-1 > fin-wait-2',
      '250000 fin-wait-2 > time-wait',
      '60250000 time-wait > closed',
    ]);
    expect(states(pair.server).slice(2)).toEqual([
      '200000 established > close-wait',
      '200000 close-wait > last-ack',
      '300000 last-ack > closed',
    ]);
    expect(pair.client.events).toEqual(['100000 connected', '250000 closed clean', '60250000 drained']);
    expect(pair.server.events).toEqual(['150000 accepted', '300000 closed clean', '300000 drained']);
  });

  test('both at once: Figure 13', () => {
    const pair = new Pair().handshake();
    for (const side of [pair.client, pair.server]) {
      side.connection!.finish(pair.now);
      pair.turn(side);
    }
    pair.run(10 * SECOND);
    for (const side of [pair.client, pair.server])
      expect(
        states(side)
          .slice(2)
          .map((line) => line.replace(/^\d+ /, '')),
      ).toEqual(['established > fin-wait-1', 'fin-wait-1 > closing', 'closing > time-wait']);
  });

  test('half closed, the other direction goes on for as long as it likes', () => {
    const pair = new Pair().handshake();
    pair.client.connection!.finish(pair.now);
    pair.turn(pair.client);
    pair.run(pair.now + SECOND);
    expect(pair.client.connection!.state).toBe('fin-wait-2');
    pair.sendAll(pair.server, 200_000);
    pair.run(pair.now + 5 * SECOND);
    expect(pair.client.read.length).toBe(200_000);
    expect(pair.client.connection!.state).toBe('time-wait');
  });

  test.each([
    ['the FIN', 'client', 3],
    ['its acknowledgement', 'server', 2],
  ] as const)('%s lost: it is sent again', (_what, from, index) => {
    const options: PairOptions = { fate: (one) => (one.from === from && one.index === index ? 'drop' : undefined) };
    const pair = new Pair(options).handshake();
    pair.client.connection!.finish(pair.now);
    pair.turn(pair.client);
    pair.run(pair.now + 2 * SECOND);
    expect(pair.client.connection!.state).toBe('fin-wait-2');
    expect(pair.server.fin).toBe(true);
    expect(pair.data(pair.client)).toEqual(['150000 0+0 fin', '450000 0+0 fin']);
  });

  test('TIME-WAIT answers a FIN that comes again, and waits anew', () => {
    const pair = new Pair({
      config: { timeWait: 5 * SECOND },
      fate: ({ from, index }) => (from === 'client' && index === 4 ? 'drop' : undefined),
    }).handshake();
    pair.onServerEvent = (event, connection) => {
      if (event === 'readable' && pair.server.fin) connection.finish(pair.now);
    };
    pair.client.connection!.finish(pair.now);
    pair.turn(pair.client);
    pair.run();
    // the acknowledgement of the server's FIN was lost; the FIN came again 300 ms later
    expect(states(pair.client).at(-1)).toBe('5550000 time-wait > closed');
    expect(pair.server.events.some((event) => event.endsWith('closed clean'))).toBe(true);
  });

  test('the ports of a connection in TIME-WAIT serve another at once, where its SYN is newer (RFC 6191)', () => {
    const pair = new Pair().handshake();
    pair.onClientEvent = (event, connection) => {
      if (event === 'readable' && pair.client.fin) connection.finish(pair.now);
    };
    pair.server.connection!.finish(pair.now);
    pair.turn(pair.server);
    pair.run(10 * SECOND);
    expect(pair.server.connection!.state).toBe('time-wait');
    expect([...pair.client.endpoint.connections]).toEqual([]);
    const first = pair.server.connection;
    pair.connect();
    pair.run(pair.now + SECOND);
    expect(pair.server.connection).not.toBe(first);
    expect(pair.client.connection!.state).toBe('established');
  });

  test('what was finished before the handshake was done is sent all the same', () => {
    const pair = new Pair();
    const connection = pair.connect();
    connection.write(0, pattern(0, 1_000));
    connection.finish(0);
    pair.run(SECOND);
    expect(pair.server.read.length).toBe(1_000);
    expect(pair.server.fin).toBe(true);
    expect(connection.state).toBe('fin-wait-2');
    expect(connection.write(pair.now, pattern(0, 1))).toBe(0);
  });
});

describe('a disorderly end', () => {
  test('abort sends a reset: the other side hears of it, and may still read what has come', () => {
    const pair = new Pair().handshake();
    pair.reads = false;
    pair.client.connection!.write(pair.now, pattern(0, 1_000));
    pair.turn(pair.client);
    pair.run(pair.now + 10 * MILLISECOND);
    pair.client.connection!.abort(pair.now, 'we have changed our mind');
    pair.turn(pair.client);
    pair.run();
    expect(pair.client.events.slice(1)).toEqual(['160000 closed we have changed our mind', '160000 drained']);
    expect(pair.server.events.slice(1)).toEqual(['210000 closed the peer has reset the connection', '210000 drained']);
    pair.readAll(pair.server);
    expect(pair.server.read.length).toBe(1_000);
    expect([...pair.client.endpoint.connections, ...pair.server.endpoint.connections]).toEqual([]);
  });

  test('what comes for a connection that is gone is answered by a reset', () => {
    const pair = new Pair().handshake();
    let cut = false;
    const other = new Pair({ fate: ({ from }) => (cut && from === 'client' ? 'drop' : undefined) }).handshake();
    cut = true;
    other.client.connection!.abort(other.now, 'gone');
    other.turn(other.client);
    cut = false;
    other.server.connection!.write(other.now, pattern(0, 10));
    other.turn(other.server);
    other.run();
    expect(other.server.events.slice(1)[0]).toMatch(/closed the peer has reset the connection$/);
    expect(pair.client.events.length).toBe(1);
  });

  test('calls after the end are ignored', () => {
    const pair = new Pair().handshake();
    const connection = pair.client.connection!;
    connection.abort(pair.now, 'enough');
    connection.abort(pair.now, 'more than enough');
    connection.finish(pair.now);
    expect(connection.write(pair.now, pattern(0, 10))).toBe(0);
    expect(connection.read(pair.now)).toBeUndefined();
    pair.turn(pair.client);
    pair.run();
    expect(pair.client.events.slice(1)).toEqual(['150000 closed enough', '150000 drained']);
  });

  test('a call that makes no sense is a mistake of the caller, and says which', () => {
    const pair = new Pair().handshake();
    const { endpoint } = pair.client;
    expect(() => endpoint.connect(pair.now, { remote: SERVER, local: pair.client.connection!.local })).toThrow(
      /there is a connection from port 50000/,
    );
    expect(() => pair.server.endpoint.listen(SERVER.port)).toThrow(/port 443 is listened to already/);
    expect(() => pair.server.endpoint.listen(0)).toThrow(/port 0/);
    expect(() => endpoint.connect(pair.now, { remote: SERVER, config: { ackDelay: 600_000 } })).toThrow(/ackDelay is 600000/);
  });
});
