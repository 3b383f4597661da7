import { MILLISECOND, SECOND } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { isPattern, Pair, type PairOptions, pattern } from './pair.ts';

const FULL = 1_448;

/** A server that does not read, with a buffer of so many octets; the client has more than that to say. */
function fullReceiver(buffer: number, octets: number, options: PairOptions = {}) {
  const pair = new Pair({ ...options, serverConfig: { receiveBuffer: buffer, maxReceiveBuffer: buffer, ...options.config } }).handshake();
  pair.reads = false;
  pair.sendAll(pair.client, octets);
  pair.run(pair.now + 2 * SECOND);
  return pair;
}
const probes = (pair: Pair) => pair.client.logs[0]!.sent.filter(({ purpose }) => purpose === 'window-probe').map(({ at }) => at);

describe('the window (RFC 9293 §3.8.6)', () => {
  test('a receiver that does not read holds the sender back to the octet, and is asked again and again, ever more rarely', () => {
    const pair = fullReceiver(20_000, 100_000);
    expect(pair.client.connection!.stats().sent).toBe(20_000);
    pair.run(pair.now + 100 * SECOND);
    const times = probes(pair);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(times.length).toBeGreaterThan(5);
    for (const [i, gap] of gaps.entries()) expect(gap / (gaps[i - 1] ?? gap / 2)).toBeCloseTo(2, 1);
    expect(pair.client.connection!.state).toBe('fin-wait-1');
  });

  test('when it reads, the window is announced at once, and all arrives', () => {
    const pair = fullReceiver(20_000, 100_000);
    pair.reads = true;
    pair.readAll(pair.server);
    pair.turn(pair.server);
    const updateAt = pair.now;
    expect(pair.said(pair.server).at(-1)).toBe(`${updateAt} ack 20000`);
    pair.run(updateAt + 10 * SECOND);
    expect(isPattern(pair.server.read, 100_000)).toBe(true);
  });

  test('the announcement lost, a probe finds out (RFC 9293 §3.8.6.1)', () => {
    let updateLost = false;
    let closed = false;
    const pair = fullReceiver(20_000, 100_000, {
      fate: ({ from, segment }) => {
        if (from !== 'server' || segment.window === 0) {
          closed ||= from === 'server';
          return undefined;
        }
        if (!closed || updateLost) return undefined;
        updateLost = true;
        return 'drop';
      },
    });
    pair.reads = true;
    pair.readAll(pair.server);
    pair.turn(pair.server);
    expect(updateLost).toBe(true);
    const before = probes(pair).length;
    pair.run(pair.now + 60 * SECOND);
    expect(probes(pair).length).toBe(before + 1);
    expect(isPattern(pair.server.read, 100_000)).toBe(true);
  });

  test('a peer that answers probes is never given up; one that is silent is', () => {
    const patient = fullReceiver(20_000, 100_000);
    patient.run(3_600 * SECOND);
    expect(patient.client.events.length).toBe(1);
    let gone = false;
    const pair = fullReceiver(20_000, 100_000, { fate: () => (gone ? 'drop' : undefined) });
    gone = true;
    pair.run(3_600 * SECOND);
    expect(pair.client.events.at(-2)).toMatch(/the peer does not answer any more/);
  });

  test('no crumbs: a reader that takes a hundred octets at a time does not make the sender send such (silly windows, §3.8.6.2)', () => {
    const pair = new Pair({ serverConfig: { receiveBuffer: 8_000, maxReceiveBuffer: 8_000 } }).handshake();
    pair.reads = false;
    pair.sendAll(pair.client, 60_000);
    // `read` gives what there is up to the end of a block; the window opens by what was read
    for (let i = 0; i < 2_000 && !pair.server.fin; i++) {
      const piece = pair.server.connection!.read(pair.now);
      if (piece !== undefined) {
        for (const octet of piece.data) pair.server.read.push(octet);
        pair.server.fin ||= piece.fin;
        pair.turn(pair.server);
      }
      pair.run(pair.now + 10 * MILLISECOND);
    }
    expect(isPattern(pair.server.read, 60_000)).toBe(true);
    const lengths = pair.client.logs[0]!.sent.filter(({ length }) => length > 0).map(({ length }) => length);
    expect(lengths.filter((length) => length < FULL).length).toBeLessThanOrEqual(8);
  });

  test('a window that shrinks takes nothing back: what was promised stays promised', () => {
    const pair = new Pair().handshake();
    pair.client.connection!.write(pair.now, pattern(0, 100_000));
    pair.turn(pair.client);
    pair.run(pair.now + 300 * MILLISECOND);
    const edges = pair.server.logs[0]!.sent.map(({ acknowledged, window }) => acknowledged + window);
    expect(edges.length).toBeGreaterThan(20);
    for (let i = 1; i < edges.length; i++) expect(edges[i]!).toBeGreaterThanOrEqual(edges[i - 1]!);
  });

  test('the buffer grows with what the application takes, so that slow start is not held up for long, up to its most', () => {
    const pair = new Pair({ config: { maxReceiveBuffer: 1 << 20 } }).handshake();
    pair.sendAll(pair.client, 5_000_000);
    pair.run(pair.now + 20 * SECOND);
    expect(isPattern(pair.server.read, 5_000_000)).toBe(true);
    const widest = Math.max(...pair.server.logs[0]!.sent.map(({ window }) => window));
    expect(widest).toBeGreaterThan(1_000_000);
    expect(widest).toBeLessThanOrEqual(1 << 20);
  });
});

describe('what a sender holds', () => {
  test('`write` takes what fits, and says when there is room again', () => {
    const pair = new Pair({ config: { sendBuffer: 50_000 } }).handshake();
    const connection = pair.client.connection!;
    expect(connection.write(pair.now, new Uint8Array(80_000))).toBe(50_000);
    expect(connection.write(pair.now, new Uint8Array(1))).toBe(0);
    expect(connection.unacknowledged).toBe(50_000);
    const told: string[] = [];
    pair.onClientEvent = (event) => told.push(event);
    pair.turn(pair.client);
    pair.run(pair.now + SECOND);
    expect(told).toEqual(['writable']);
    expect(connection.unacknowledged).toBe(0);
    expect(connection.write(pair.now, new Uint8Array(80_000))).toBe(50_000);
  });

  test('`sendAhead` lets few octets wait unsent, so that an application chooses late', () => {
    const pair = new Pair({ config: { sendAhead: 2_000 } }).handshake();
    const connection = pair.client.connection!;
    let written = 0;
    const more = (): void => {
      for (;;) {
        const taken = connection.write(pair.now, pattern(written, 10_000));
        written += taken;
        const { sent } = connection.stats();
        expect(written - sent).toBeLessThanOrEqual(2_000);
        if (taken < 10_000) return;
      }
    };
    pair.onClientEvent = (event) => event === 'writable' && written < 200_000 && more();
    more();
    pair.turn(pair.client);
    pair.run(pair.now + 5 * SECOND);
    expect(pair.server.read.length).toBeGreaterThan(200_000);
    expect(isPattern(pair.server.read, written)).toBe(true);
    const lengths = pair.client.logs[0]!.sent.filter(({ length }) => length > 0).map(({ length }) => length);
    expect(lengths.filter((length) => length < FULL).length).toBeLessThan(lengths.length / 4);
  });

  test("Nagle's rule: a small segment waits for the one before it; without the rule it does not (RFC 9293 §3.7.4)", () => {
    const writes = (nagle: boolean): string[] => {
      const pair = new Pair({ config: { nagle } }).handshake();
      const connection = pair.client.connection!;
      for (let i = 0; i < 4; i++) {
        connection.write(pair.now, pattern(i * 10, 10));
        pair.turn(pair.client);
      }
      pair.run(pair.now + SECOND);
      expect(pair.server.read).toEqual([...pattern(0, 40)]);
      return pair.data(pair.client);
    };
    expect(writes(false)).toEqual(['150000 0+10', '150000 10+10', '150000 20+10', '150000 30+10']);
    expect(writes(true)).toEqual(['150000 0+10', '290000 10+30']); // the acknowledgement was held back for 40 ms
  });

  test('PSH marks the end of what there was to send (RFC 9293 §3.9.1.2)', () => {
    const pair = new Pair().handshake();
    pair.client.connection!.write(pair.now, pattern(0, 3_000));
    pair.turn(pair.client);
    const flags = pair.passed.filter(({ segment }) => segment.payloadLength > 0).map(({ segment }) => (segment.flags & 8) !== 0);
    expect(flags).toEqual([false, false, true]);
  });

  test('after a pause the window shrinks back, by half for each timeout, to the initial one (RFC 2861, RFC 5681 §4.1)', () => {
    const pair = new Pair({ config: { receiveBuffer: 1 << 20 } }).handshake();
    pair.sendAll(pair.client, 400_000, false);
    pair.run(pair.now + 2 * SECOND);
    const { congestionWindow } = pair.client.connection!.stats();
    expect(congestionWindow).toBeGreaterThan(200_000);
    pair.run(pair.now + 60 * SECOND);
    pair.client.connection!.write(pair.now, new Uint8Array(400_000));
    const before = pair.client.connection!.stats().sent;
    pair.turn(pair.client);
    expect(pair.client.connection!.stats().sent - before).toBe(10 * FULL);
  });
});
