import { MILLISECOND, SECOND } from '@quiclab/sansio';
import { Flag, Segment, type TcpConfig, writeSegment } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { CLIENT, Pair, type PairOptions, pattern, SERVER } from './pair.ts';

const eventsOf = ({ events }: { readonly events: readonly string[] }) => events;

describe('the handshake (RFC 9293 §3.5)', () => {
  test('three segments: 1 RTT until the client may speak, 1.5 until the server has heard of it', () => {
    const pair = new Pair().handshake();
    expect(pair.said(pair.client)).toEqual(['0 syn', '100000 ack 0']);
    expect(pair.said(pair.server)).toEqual(['50000 syn ack 0']);
    expect(eventsOf(pair.client)).toEqual(['100000 connected']);
    expect(eventsOf(pair.server)).toEqual(['150000 accepted']);
    expect(pair.client.connection!.stats().rtt?.smoothed).toBe(100 * MILLISECOND);
  });

  test('what is written before it leaves right behind it, and is answered after 2 RTT; server time is 0', () => {
    const pair = new Pair();
    pair.onServerEvent = (event, connection) => {
      if (event === 'readable') connection.write(pair.now, pattern(0, 500));
    };
    pair.connect().write(0, pattern(0, 100));
    pair.run(SECOND);
    expect(pair.data(pair.client)).toEqual(['100000 0+100']);
    expect(pair.data(pair.server)).toEqual(['150000 0+500']);
    expect(pair.client.read.length).toBe(500); // arrived at 200,000
    expect(pair.said(pair.client).slice(1, 3)).toEqual(['100000 ack 0', '100000 0+100 ack 0']); // as Linux does: an acknowledgement, then the data
  });

  test('slow start: 14,600, 43,800 and 102,200 octets after one, two and three rounds of 1,460 each (RFC 6928, RFC 5681 §3.1)', () => {
    const rounds = (config: Partial<TcpConfig>) => {
      const pair = new Pair({ config: { receiveBuffer: 1 << 20, ...config } }).handshake();
      pair.sendAll(pair.server, 1_000_000);
      const sent: number[] = [];
      for (let round = 0; round < 3; round++) {
        sent.push(pair.server.connection!.stats().sent);
        pair.run(pair.now + 100 * MILLISECOND);
      }
      return sent;
    };
    expect(rounds({ timestamps: false })).toEqual([14_600, 43_800, 102_200]);
    expect(rounds({})).toEqual([14_480, 43_440, 101_360]); // ten segments less twelve octets of timestamps each
  });

  test('both sides call each other at once: one connection comes of it (Figure 8)', () => {
    const pair = new Pair();
    const ports = { client: { host: CLIENT.host, port: 50_000 }, server: { host: SERVER.host, port: 444 } };
    const a = pair.client.endpoint.connect(0, { local: ports.client, remote: ports.server });
    const b = pair.server.endpoint.connect(0, { local: ports.server, remote: ports.client });
    a.write(0, pattern(0, 10));
    pair.turns();
    pair.run(SECOND, () => a.state !== 'established' || b.state !== 'established');
    expect([a.state, b.state]).toEqual(['established', 'established']);
    expect(pair.client.logs[0]!.lines.filter((line) => line.includes('>') && !line.includes('gate'))).toEqual([
      '0 closed > syn-sent',
      '50000 syn-sent > syn-received',
      '100000 syn-received > established',
    ]);
    pair.run(SECOND);
    expect(pair.server.read).toEqual([...pattern(0, 10)]);
    expect([eventsOf(pair.client), eventsOf(pair.server)].map((events) => events[0])).toEqual(['100000 connected', '100000 connected']);
  });
});

describe('what both ends have offered is used, and nothing else', () => {
  const negotiated = (client: Partial<TcpConfig>, server: Partial<TcpConfig>) => {
    const pair = new Pair({ config: client, serverConfig: server }).handshake();
    pair.sendAll(pair.client, 100_000, false);
    pair.run(pair.now + SECOND);
    return pair.passed.filter(({ segment }) => segment.payloadLength > 0).map(({ segment }) => segment);
  };

  test.each([
    ['client', { timestamps: false }, {}],
    ['server', {}, { timestamps: false }],
  ])('no timestamps where the %s has none: twelve octets more of data (RFC 7323 §3.2)', (_who, client, server) => {
    const [first] = negotiated(client, server);
    expect([first!.hasTimestamps, first!.payloadLength]).toEqual([false, 1_460]);
  });

  test.each([
    [{ windowScaling: false }, {}],
    [{}, { windowScaling: false }],
  ])('without scaling at both ends a window is 65,535 at most (RFC 7323 §1.3): %j, %j', (client, server) => {
    const big = { receiveBuffer: 1 << 20 };
    const pair = new Pair({ config: { ...client, ...big }, serverConfig: { ...server, ...big } }).handshake();
    pair.sendAll(pair.client, 500_000, false);
    let most = 0;
    pair.run(pair.now + 30 * SECOND, () => {
      most = Math.max(most, pair.client.connection!.stats().bytesInFlight);
      return true;
    });
    expect(pair.server.read.length).toBe(500_000);
    expect(most).toBeLessThanOrEqual(65_535);
    expect(most).toBeGreaterThan(60_000);
  });

  test("the smaller of the two maximum segment sizes, less timestamps; the peer's 536 where it names none (RFC 9293 §3.7.1)", () => {
    expect(negotiated({ maxSegmentSize: 1_000 }, {})[0]!.payloadLength).toBe(988);
    expect(negotiated({}, { maxSegmentSize: 1_000 })[0]!.payloadLength).toBe(988);
  });
});

describe('lost segments of the handshake', () => {
  const lost = (from: 'client' | 'server', ...indexes: number[]): Pick<PairOptions, 'fate'> => ({
    fate: (passing) => (passing.from === from && indexes.includes(passing.index) ? 'drop' : undefined),
  });

  test('a SYN is sent again after 1 s, then 2, then 4 (RFC 6298 §2.1, §5.5)', () => {
    const pair = new Pair(lost('client', 1, 2, 3)).handshake();
    expect(pair.said(pair.client)).toEqual(['0 syn', '1000000 syn', '3000000 syn', '7000000 syn', '7100000 ack 0']);
  });

  test('nobody answers: after six more it is given up, and nothing is left', () => {
    const pair = new Pair({ fate: () => 'drop' });
    pair.connect();
    pair.run();
    expect(pair.said(pair.client).length).toBe(7);
    expect(eventsOf(pair.client)).toEqual(['127000000 closed the handshake was not answered', '127000000 drained']);
    expect([...pair.client.endpoint.connections]).toEqual([]);
  });

  test('a lost SYN-ACK is sent again, whoever is first to try again', () => {
    const pair = new Pair(lost('server', 1)).handshake();
    expect(pair.said(pair.server)).toEqual(['50000 syn ack 0', '1050000 syn ack 0']);
    expect(eventsOf(pair.server)).toEqual(['1150000 accepted']);
  });

  test('the client gone, a server gives up after five more', () => {
    const pair = new Pair({ fate: (passing) => (passing.from === 'client' && passing.index > 1 ? 'drop' : undefined) });
    pair.connect();
    pair.run(100 * SECOND);
    expect(pair.said(pair.server).filter((line) => line.includes('syn')).length).toBe(6);
    expect([...pair.server.endpoint.connections]).toEqual([]);
    expect(eventsOf(pair.server)).toContain('63050000 closed the handshake was not answered');
  });

  test('the last acknowledgement lost: the first data stands for it', () => {
    const pair = new Pair({ ...lost('client', 2) });
    pair.connect().write(0, pattern(0, 10));
    pair.run(SECOND / 2);
    expect(eventsOf(pair.server)).toEqual(['150000 accepted']);
    expect(pair.server.read.length).toBe(10);
  });

  test('after one lost SYN ten segments leave, after two only one; without a timestamp to measure by the timeout is 3 s (RFC 5681 §3.1, RFC 6298 §5.7)', () => {
    const first = (config: Partial<TcpConfig>, ...indexes: number[]) => {
      const pair = new Pair({ config, ...lost('client', ...indexes) });
      pair.connect().write(0, pattern(0, 100_000));
      pair.run(20 * SECOND, () => pair.client.connection!.stats().sent === 0);
      return pair.client.connection!.stats();
    };
    expect(first({}, 1).sent).toBe(14_480);
    expect(first({}, 1, 2).sent).toBe(1_448);
    expect(first({}, 1, 2).rtt).toMatchObject({ hasSample: true, smoothed: 100 * MILLISECOND });
    const pair = new Pair({
      config: { timestamps: false, tailLossProbes: false },
      fate: ({ from, index }) => (from === 'client' && (index === 1 || index > 2) ? 'drop' : undefined),
    });
    pair.connect().write(0, pattern(0, 10));
    pair.run(5 * SECOND);
    expect(pair.data(pair.client)).toEqual(['1100000 0+10', '4100000 0+10']);
  });
});

describe('what a server takes', () => {
  /** A SYN from one of many ports. */
  const syn = (port: number): Uint8Array => {
    const segment = new Segment();
    segment.sourcePort = port;
    segment.destinationPort = SERVER.port;
    segment.flags = Flag.SYN;
    segment.sequence = port * 7;
    segment.window = 1_000;
    const bytes = new Uint8Array(20);
    writeSegment(segment, bytes, 20);
    return bytes;
  };
  const flood = (pair: Pair, count: number): void => {
    for (let port = 1; port <= count; port++) {
      const bytes = syn(port);
      pair.server.endpoint.receive(pair.now, { bytes, length: 20, local: SERVER, remote: { host: '203.0.113.9', port }, ecn: 0 });
    }
    pair.turn(pair.server);
  };

  test('a port where nobody listens answers with a reset, and the client hears of it (RFC 9293 §3.10.7.1)', () => {
    const pair = new Pair();
    pair.server.endpoint.unlisten(SERVER.port);
    pair.connect();
    pair.run(SECOND);
    expect(eventsOf(pair.client)).toEqual(['100000 closed the connection was refused', '100000 drained']);
    expect(pair.server.endpoint.drops).toEqual({ 'no-connection': 1 });
  });

  test('a flood of SYNs: no more half-open connections than allowed, and all are gone a minute later', () => {
    const pair = new Pair({ serverConfig: { maxHalfOpen: 50 } });
    flood(pair, 1_000);
    expect([...pair.server.endpoint.connections].length).toBe(50);
    expect(pair.server.endpoint.drops).toEqual({ refused: 950 });
    pair.run(100 * SECOND);
    expect([...pair.server.endpoint.connections].length).toBe(0);
    pair.handshake();
    expect(eventsOf(pair.server).at(-1)).toMatch(/accepted$/);
  });

  test('connections in all are limited, too', () => {
    const pair = new Pair({ serverConfig: { maxConnections: 10 } });
    flood(pair, 100);
    expect([...pair.server.endpoint.connections].length).toBe(10);
  });

  test('a tiny maximum segment size is not obeyed below 64 octets', () => {
    const pair = new Pair();
    const segment = new Segment();
    segment.flags = Flag.SYN;
    segment.sourcePort = CLIENT.port;
    segment.destinationPort = SERVER.port;
    segment.maxSegmentSize = 1;
    segment.window = 60_000;
    const bytes = new Uint8Array(24);
    writeSegment(segment, bytes, 24);
    pair.inject(pair.server, bytes);
    const [answer] = pair.passed;
    segment.clearOptions();
    segment.flags = Flag.ACK;
    segment.sequence = 1;
    segment.acknowledgment = (answer!.segment.sequence + 1) >>> 0;
    const ack = new Uint8Array(20);
    writeSegment(segment, ack, 20);
    pair.inject(pair.server, ack);
    pair.server.connection!.write(pair.now, pattern(0, 1_000));
    pair.turn(pair.server);
    expect(pair.passed.filter((one) => one.segment.payloadLength > 0).every((one) => one.segment.payloadLength >= 40)).toBe(true);
  });
});
