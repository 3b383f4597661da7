import type { Policies } from '@quiclab/quic';
import { type Datagram, NEVER } from '@quiclab/sansio';
import { roundRobinByPacket } from '@quiclab/streams';
import { writeConnectionClose, writeNewConnectionId, writePing } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { CLIENT, Pair, type PairOptions, SERVER, text } from './pair.ts';
import { findAll, ScriptedPeer, writeStream } from './scripted-peer.ts';

function quiet(options: PairOptions = {}): Pair {
  const pair = new Pair(options).handshake();
  pair.run(pair.now + 1_000_000);
  return pair;
}
const SECOND = 1_000_000;

describe('silence (RFC 9000 §10.1)', () => {
  test("ends a connection after the lesser of both ends' timeouts, without a word", () => {
    for (const [client, server] of [
      [10 * SECOND, 5 * SECOND],
      [5 * SECOND, 10 * SECOND],
      [0, 5 * SECOND],
      [5 * SECOND, 0],
    ] as const) {
      const pair = new Pair({ clientConfig: { maxIdleTimeout: client }, serverConfig: { maxIdleTimeout: server } }).handshake();
      pair.run(pair.now + SECOND);
      const sent = pair.left.length;
      const last = { client: pair.clientObserver.received.at(-1)!.at, server: pair.serverObserver.received.at(-1)!.at };
      const ends = { client: pair.client.nextTimeout(), server: pair.server.nextTimeout() };
      expect(ends).toEqual({ client: last.client + 5 * SECOND, server: last.server + 5 * SECOND });
      pair.run(20 * SECOND);
      expect([pair.connection.cause, pair.accepted!.cause]).toEqual([{ kind: 'idle-timeout' }, { kind: 'idle-timeout' }]);
      expect([pair.left.length, pair.nextInstant()]).toEqual([sent, NEVER]);
      expect(pair.client.connections.size + pair.server.connections.size).toBe(0);
    }
  });

  test('may last for ever when neither end minds', () => {
    const pair = quiet({ config: { maxIdleTimeout: 0 } });
    expect(pair.nextInstant()).toBe(NEVER);
  });

  test('begins anew with each packet that comes', () => {
    const pair = quiet({ config: { maxIdleTimeout: 5 * SECOND } });
    for (let i = 0; i < 5; i++) {
      pair.run(pair.now + 3 * SECOND);
      pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('still here'));
    }
    pair.run(pair.now + 3 * SECOND);
    expect([pair.connection.state, pair.accepted!.state]).toEqual(['open', 'open']);
  });

  test('begins anew with the first packet that elicits an answer, not with those that follow unanswered', () => {
    let deaf = false;
    const pair = quiet({ config: { maxIdleTimeout: 5 * SECOND }, drop: () => deaf });
    deaf = true;
    pair.run(4 * SECOND);
    const id = pair.connection.openStream('uni')!;
    pair.connection.write(pair.now, id, text('1'));
    pair.run(7 * SECOND);
    pair.connection.write(pair.now, id, text('2'));
    pair.run(9 * SECOND - 1);
    expect(pair.connection.state).toBe('open');
    pair.run(9 * SECOND);
    expect(pair.connection.cause).toEqual({ kind: 'idle-timeout' });
  });

  test('lasts three probe timeouts at the least, so that one loss is no end', () => {
    const pair = new Pair({ oneWayDelay: 200_000, config: { maxIdleTimeout: 10_000 } }).handshake();
    expect(pair.connection.handshakeComplete).toBe(true);
    expect(pair.connection.state).toBe('open');
    const { smoothedRtt } = pair.connection.stats();
    pair.run(pair.now + 3 * smoothedRtt);
    expect(pair.connection.state).toBe('open');
    pair.run(pair.now + 10 * SECOND);
    expect(pair.connection.cause).toEqual({ kind: 'idle-timeout' });
  });
});

describe('silence that is to have no end (RFC 9000 §10.1.2)', () => {
  const config = { maxIdleTimeout: 10 * SECOND };

  test('the peer is asked for a sign of life after half of the idle timeout, by whichever end wants that', () => {
    for (const side of ['client', 'server'] as const) {
      const pair = quiet({ config });
      const connection = side === 'client' ? pair.connection : pair.accepted!;
      const observer = side === 'client' ? pair.clientObserver : pair.serverObserver;
      connection.keepAlive(true);
      const heardAt = observer.received.at(-1)!.at;
      const before = observer.sent.length;
      pair.run(heardAt + 5 * SECOND - 1);
      expect(observer.sent.length).toBe(before);
      pair.run(heardAt + 5 * SECOND);
      expect(observer.sent.slice(before).map(({ ackEliciting }) => ackEliciting)).toEqual([true]);
      pair.run(100 * SECOND);
      expect([pair.connection.state, pair.accepted!.state]).toEqual(['open', 'open']);
      connection.keepAlive(false);
      pair.run(pair.now + 20 * SECOND);
      expect([pair.connection.cause, pair.accepted!.cause]).toEqual([{ kind: 'idle-timeout' }, { kind: 'idle-timeout' }]);
    }
  });

  test('after 15 seconds at the latest, however long the idle timeout, or without any', () => {
    for (const maxIdleTimeout of [0, 600 * SECOND]) {
      const pair = quiet({ config: { maxIdleTimeout } });
      pair.connection.keepAlive(true);
      pair.settle();
      const heardAt = pair.clientObserver.received.at(-1)!.at;
      expect(pair.client.nextTimeout()).toBe(heardAt + 15 * SECOND);
    }
  });

  test('no more often than once a second, however short an idle timeout the peer announces', () => {
    const pair = new Pair({
      clientConfig: { maxIdleTimeout: 1_000 },
      serverConfig: { maxIdleTimeout: 0 },
      oneWayDelay: 20_000,
    }).handshake();
    const before = pair.serverObserver.sent.length;
    pair.accepted!.keepAlive(true);
    pair.run(pair.now + 10 * SECOND);
    expect(pair.serverObserver.sent.length - before).toBeLessThan(12);
  });

  test('wanted late, it is asked for at once', () => {
    const pair = quiet({ config });
    pair.run(9 * SECOND);
    pair.connection.keepAlive(true);
    pair.run(30 * SECOND);
    expect(pair.connection.state).toBe('open');
  });

  test('a peer that is gone is asked once, and the connection ends', () => {
    let gone = false;
    const pair = quiet({ config, drop: () => gone });
    gone = true;
    pair.connection.keepAlive(true);
    const heardAt = pair.clientObserver.received.at(-1)!.at;
    pair.run(heardAt + 15 * SECOND - 1);
    expect(pair.connection.state).toBe('open'); // half of the timeout, and the timeout from the question on
    pair.run(heardAt + 15 * SECOND);
    expect(pair.connection.cause).toEqual({ kind: 'idle-timeout' });
  });
});

describe('closing and draining (RFC 9000 §10.2)', () => {
  test('whoever closes says so, whoever is told is silent; both forget after three probe timeouts', () => {
    const pair = quiet();
    pair.connection.write(pair.now, pair.connection.openStream('uni')!, new Uint8Array(50_000));
    pair.connection.close(pair.now, 3, 'bye');
    const before = pair.datagrams.down;
    pair.run(pair.now + 15_000);
    expect([pair.connection.state, pair.accepted!.state]).toEqual(['closing', 'draining']);
    expect(pair.datagrams.down).toBe(before);
    expect(pair.clientObserver.sent.at(-1)!.frames.map(([type]) => type)).toEqual([0x1d]);
    expect(pair.clientEvents.at(-1)!.type).toBe('closed');
    expect(pair.serverEvents.at(-1)).toEqual({ type: 'closed', cause: { kind: 'peer-application', code: 3, reason: 'bye' } });
    pair.run(pair.now + SECOND);
    expect([pair.connection.state, pair.accepted!.state]).toEqual(['drained', 'drained']);
    expect(pair.client.connections.size + pair.server.connections.size).toBe(0);
    expect(pair.endpointEvents.filter((event) => event.type === 'drained').map((event) => event.connection)).toEqual(
      expect.arrayContaining([pair.connection, pair.accepted!]),
    );
    expect(pair.endpointEvents.at(-1)!.type).toBe('drained');
  });

  test('what still comes is answered ever more rarely', () => {
    const pair = quiet();
    pair.accepted!.close(pair.now, 3, '');
    const client = new ScriptedPeer(pair, 'client');
    client.wait(pair.now);
    const answered: number[] = [];
    for (let n = 1; n <= 40; n++) if (client.send('application', writePing).length > 0) answered.push(n);
    expect(answered).toEqual([1, 3, 7, 15, 31]);
    expect(new Set(client.heard.flatMap((packet) => packet.frames.map((frame) => frame.name)))).toEqual(new Set(['CONNECTION_CLOSE_APP']));
  });

  test("a closing end that hears the other's close is silent from then on", () => {
    const pair = quiet();
    pair.accepted!.close(pair.now, 3, '');
    const client = new ScriptedPeer(pair, 'client');
    client.wait(pair.now);
    expect(client.send('application', (w) => writeConnectionClose(w, 0, 0, new Uint8Array(0)))).toEqual([]);
    expect(pair.accepted!.state).toBe('draining');
    expect(pair.accepted!.cause).toEqual({ kind: 'local-application', code: 3, reason: '' });
    for (let n = 0; n < 10; n++) expect(client.send('application', writePing)).toEqual([]);
  });

  test('frames that come while closing or draining cause nothing', () => {
    for (const end of ['close', 'drain'] as const) {
      const pair = quiet();
      const client = new ScriptedPeer(pair, 'client');
      if (end === 'close') pair.accepted!.close(pair.now, 3, '');
      else client.send('application', (w) => writeConnectionClose(w, 0, 0, new Uint8Array(0)));
      const { length } = pair.serverEvents;
      client.send('application', (w) => writeStream(w, 0, 0, text('too late')));
      client.send('application', new Uint8Array([0x1f]));
      expect(pair.serverEvents.slice(length).filter((event) => event.type !== 'closed')).toEqual([]);
      expect(pair.accepted!.openStream('uni')).toBeUndefined();
    }
  });

  test('both close at the same time', () => {
    const pair = quiet();
    pair.connection.close(pair.now, 1, 'a');
    pair.accepted!.close(pair.now, 2, 'b');
    pair.run(pair.now + 5 * SECOND);
    expect(pair.connection.cause).toMatchObject({ kind: 'local-application', code: 1 });
    expect(pair.accepted!.cause).toMatchObject({ kind: 'local-application', code: 2 });
    expect(pair.nextInstant()).toBe(NEVER);
  });

  test('a reason is cut off between characters', () => {
    const pair = quiet();
    pair.connection.close(pair.now, 1, 'ä'.repeat(500));
    pair.run(pair.now + 20_000);
    expect(pair.accepted!.cause).toEqual({ kind: 'peer-application', code: 1, reason: 'ä'.repeat(128) });
  });
});

test('a mistake of ours while sending ends the connection with INTERNAL_ERROR; the peer is told that, and no more (RFC 9000 §11.1)', () => {
  let broken = false;
  const scheduler: Policies['scheduler'] = () => {
    const inner = roundRobinByPacket();
    const next = inner.next.bind(inner);
    inner.next = () => {
      if (broken) throw new Error('the scheduler has lost its list');
      return next();
    };
    return inner;
  };
  const pair = quiet({ clientPolicies: { scheduler } });
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('x'));
  broken = true;
  pair.run(pair.now + 15_000);
  expect(pair.connection.cause).toEqual({
    kind: 'local-transport',
    code: 1,
    frameType: 0,
    reason: 'Error: the scheduler has lost its list',
  });
  expect(pair.accepted!.cause).toEqual({ kind: 'peer-transport', code: 1, frameType: 0, reason: '' });
});

describe('stateless reset (RFC 9000 §10.3)', () => {
  test('a server that has forgotten everything says so, and the client ends without a word', () => {
    const pair = quiet();
    pair.server = pair.newServer();
    const before = pair.left.length;
    pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('hello?'));
    pair.run(pair.now + SECOND);
    expect(pair.connection.cause).toEqual({ kind: 'stateless-reset' });
    expect(pair.clientEvents.at(-1)).toEqual({ type: 'closed', cause: { kind: 'stateless-reset' } });
    const [trigger, reset, ...more] = pair.left.slice(before);
    expect(more).toEqual([]);
    expect(reset!.bytes.length).toBeLessThan(trigger!.bytes.length);
    expect(reset!.bytes.length).toBeGreaterThanOrEqual(21);
    expect(reset!.bytes[0]! & 0xc0).toBe(0x40);
    expect(pair.client.connections.size).toBe(0);
  });

  test('every packet of ours that elicits an answer is long enough for a reset to answer it', () => {
    const pair = quiet();
    for (const packet of [...pair.clientObserver.sent, ...pair.serverObserver.sent])
      if (packet.level === 'application' && packet.ackEliciting) expect(packet.bytes).toBeGreaterThanOrEqual(22 + 8);
  });

  const reset = (token: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(40).fill(0x55);
    bytes.set(token, 24);
    return bytes;
  };
  const T1 = new Uint8Array(16).fill(1);

  test('only the token of the connection ID in use counts, and only from the right address (RFC 9000 §10.3.1)', () => {
    const pair = quiet({ clientConfig: { activeConnectionIdLimit: 8 } });
    const server = new ScriptedPeer(pair, 'server');
    server.send('application', (w) => writeNewConnectionId(w, 4, 0, new Uint8Array(8).fill(9), T1));
    server.sendDatagram(reset(T1));
    expect(pair.connection.state).toBe('open'); // not used yet
    const heard = server.send('application', (w) => writeNewConnectionId(w, 5, 4, new Uint8Array(8).fill(8), new Uint8Array(16).fill(2)));
    expect(
      findAll(heard, 'RETIRE_CONNECTION_ID')
        .map((frame) => frame.sequence)
        .sort(),
    ).toEqual([0, 1, 2, 3]);
    const datagram: Datagram = { bytes: reset(T1), length: 40, local: CLIENT, remote: { host: '10.9.9.9', port: 443 }, ecn: 0 };
    pair.client.receive(pair.now, datagram);
    expect(pair.connection.state).toBe('open');
    server.sendDatagram(reset(new Uint8Array(16).fill(2)));
    expect(pair.connection.state).toBe('open');
    server.sendDatagram(reset(T1));
    expect([pair.connection.state, pair.connection.cause]).toEqual(['draining', { kind: 'stateless-reset' }]);
  });

  test("it may come to our own connection ID, and is found all the same; a retired ID's token is not", () => {
    const pair = quiet({ clientConfig: { activeConnectionIdLimit: 8 } });
    const server = new ScriptedPeer(pair, 'server');
    const toOurId = (token: Uint8Array): Uint8Array => {
      const bytes = reset(token);
      bytes.set(server.destination, 1);
      return bytes;
    };
    server.send('application', (w) => writeNewConnectionId(w, 4, 4, new Uint8Array(8).fill(9), T1));
    server.send('application', (w) => writeNewConnectionId(w, 5, 5, new Uint8Array(8).fill(8), new Uint8Array(16).fill(2)));
    server.sendDatagram(toOurId(T1));
    expect(pair.connection.state).toBe('open');
    server.sendDatagram(toOurId(new Uint8Array(16).fill(2)));
    expect(pair.connection.cause).toEqual({ kind: 'stateless-reset' });
  });

  test('nothing that begins a connection, and nothing too short, is answered with one', () => {
    const pair = quiet();
    pair.server = pair.newServer();
    for (const first of [0xc0, 0xd0, 0xe0, 0xf0, 0x00]) {
      const datagram = new Uint8Array(1200).fill(1);
      datagram.set([first, 0, 0, 0, 1, 8]);
      expect(pair.deliver('up', datagram)).toEqual([]);
    }
    expect(pair.deliver('up', new Uint8Array(21).fill(0x41))).toEqual([]);
    expect(pair.deliver('up', new Uint8Array(22).fill(0x41)).map((answer) => answer.length)).toEqual([21]);
  });

  test('an answer that does not fit the slot is dropped', () => {
    const pair = quiet();
    pair.server.receive(pair.now, { bytes: new Uint8Array(100).fill(0x41), length: 100, local: SERVER, remote: CLIENT, ecn: 0 });
    const slot: Datagram = { bytes: new Uint8Array(20), length: 0, local: SERVER, remote: CLIENT, ecn: 0 };
    expect(pair.server.pollTransmit(pair.now, slot)).toBe(false);
    expect(pair.turnOnly('down')).toEqual([]);
  });
});

test('an application that polls one event at a time is told until it has them all, one that polls none is not told for ever', () => {
  const pair = quiet();
  const client = new ScriptedPeer(pair, 'client');
  const { server, accepted } = pair;
  const packet = client.packet('application', new Uint8Array([...[0, 4, 8].flatMap((id) => [0x0a, id, 1, 65])]));
  server.receive(pair.now, { bytes: packet, length: packet.length, local: SERVER, remote: CLIENT, ecn: 0 });
  const polled: string[] = [];
  for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
    expect(event.type).toBe('active');
    polled.push(accepted!.pollEvent()!.type);
  }
  expect(polled).toEqual(['stream-opened', 'stream-readable', 'stream-opened', 'stream-readable', 'stream-opened', 'stream-readable']);
  const more = client.packet('application', new Uint8Array([0x0a, 12, 1, 65]));
  server.receive(pair.now, { bytes: more, length: more.length, local: SERVER, remote: CLIENT, ecn: 0 });
  expect([server.pollEvent()?.type, server.pollEvent()]).toEqual(['active', undefined]);
  const last = client.packet('application', new Uint8Array([0x0a, 16, 1, 65]));
  server.receive(pair.now, { bytes: last, length: last.length, local: SERVER, remote: CLIENT, ecn: 0 });
  expect([server.pollEvent()?.type, server.pollEvent()]).toEqual(['active', undefined]); // something new: told again
});
