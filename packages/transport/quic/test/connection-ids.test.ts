import { toHex } from '@quiclab/bytes';
import { unpaced } from '@quiclab/congestion';
import { writeNewConnectionId, writePathChallenge, writePathResponse, writePing, writeRetireConnectionId } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions, text } from './pair.ts';
import { find, findAll, type ReadFrame, ScriptedPeer } from './scripted-peer.ts';

const SIDES = ['client', 'server'] as const;
type Side = (typeof SIDES)[number];

/** A scripted peer from the moment on at which the victim has said all that it says by itself. */
function scripted(
  plays: Side,
  options: PairOptions = {},
): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection']; issued: ReadFrame[] } {
  const pair = new Pair(options).handshake();
  pair.run(pair.now + 1_000_000);
  const peer = new ScriptedPeer(pair, plays);
  const issued = pair.left
    .filter((left) => left.direction === (plays === 'client' ? 'down' : 'up'))
    .flatMap((left) => findAll(peer.open(left.bytes), 'NEW_CONNECTION_ID'));
  return { pair, peer, victim: plays === 'client' ? pair.accepted! : pair.connection, issued };
}
const id = (n: number): Uint8Array => new Uint8Array(8).fill(n);
const token = (n: number): Uint8Array => new Uint8Array(16).fill(n);

describe.each(SIDES)('connection IDs that the %s issues (RFC 9000 §5.1.1)', (side) => {
  const plays = side === 'client' ? 'server' : 'client';

  test('are as many as the peer takes, four at the most, all different', () => {
    for (const [limit, expected] of [
      [2, [1]],
      [4, [1, 2, 3]],
      [20, [1, 2, 3]],
    ] as const) {
      const { issued } = scripted(plays, { [plays === 'client' ? 'clientConfig' : 'serverConfig']: { activeConnectionIdLimit: limit } });
      expect(issued.map((frame) => frame.sequence)).toEqual(expected);
      expect(new Set(issued.map((frame) => toHex(frame.connectionId))).size).toBe(expected.length);
      expect(new Set(issued.map((frame) => toHex(frame.resetToken))).size).toBe(expected.length);
    }
  });

  test('all lead to the connection, until they are retired; each one retired is replaced', () => {
    const { pair, peer, issued } = scripted(plays);
    const received = (side === 'client' ? pair.clientObserver : pair.serverObserver).received;
    for (const { connectionId } of issued) {
      const before = received.length;
      peer.send('application', writePing, { destination: connectionId });
      expect(received.length).toBe(before + 1);
    }
    const [first, second] = issued;
    const reply = peer.send('application', (w) => writeRetireConnectionId(w, second!.sequence), { destination: first!.connectionId });
    const fresh = find(reply, 'NEW_CONNECTION_ID');
    expect(fresh).toMatchObject({ sequence: 4, retirePriorTo: 0 });
    const before = received.length;
    peer.send('application', writePing, { destination: second!.connectionId });
    expect(received.length).toBe(before); // for nobody any more
    peer.send('application', writePing, { destination: fresh!.connectionId });
    expect(received.length).toBe(before + 1);
    // retiring it again is no error, and issues nothing
    expect(
      find(
        peer.send('application', (w) => writeRetireConnectionId(w, second!.sequence)),
        'NEW_CONNECTION_ID',
      ),
    ).toBeUndefined();
  });

  test('go when the connection goes', () => {
    const { pair, peer, victim, issued } = scripted(plays);
    victim.close(pair.now, 0, '');
    peer.wait(pair.now + 5_000_000);
    const endpoint = side === 'client' ? pair.client : pair.server;
    expect(endpoint.connections.size).toBe(0);
    for (const { connectionId } of issued)
      peer.sendDatagram(peer.packet('application', new Uint8Array(30).fill(1), { destination: connectionId }));
    expect(endpoint.drops['connection-id']).toBe(issued.length);
  });
});

describe.each(SIDES)('connection IDs that the %s is given (RFC 9000 §5.1.2, §19.15)', (side) => {
  const plays = side === 'client' ? 'server' : 'client';

  test('are used when the one in use is retired, and those retired are given back', () => {
    const { peer } = scripted(plays);
    const before = peer.destination;
    expect(before).toBeDefined();
    const reply = peer.send('application', (w) => writeNewConnectionId(w, 4, 4, id(4), token(4)));
    expect(
      findAll(reply, 'RETIRE_CONNECTION_ID')
        .map((frame) => frame.sequence)
        .sort(),
    ).toEqual([0, 1, 2, 3]);
    expect(reply.every((packet) => toHex(packet.destination) === toHex(id(4)))).toBe(true);
  });

  test('come late: what is to be retired already is given back at once, and once only', () => {
    const { peer } = scripted(plays);
    peer.send('application', (w) => writeNewConnectionId(w, 9, 9, id(9), token(9)));
    const late = peer.send('application', (w) => writeNewConnectionId(w, 6, 2, id(6), token(6)));
    expect(findAll(late, 'RETIRE_CONNECTION_ID').map((frame) => frame.sequence)).toEqual([6]);
    for (let i = 0; i < 20; i++)
      expect(
        find(
          peer.send('application', (w) => writeNewConnectionId(w, 6, 2, id(6), token(6))),
          'RETIRE_CONNECTION_ID',
        ),
      ).toBeUndefined();
  });

  test('may be said again and again', () => {
    const { peer, victim } = scripted(plays);
    for (let i = 0; i < 20; i++) peer.send('application', (w) => writeNewConnectionId(w, 5, 5, id(5), token(5)));
    expect(victim.state).toBe('open');
  });

  test('may be rotated for ever by a peer that acknowledges', () => {
    const { peer, victim } = scripted(plays, { policies: { pacer: () => unpaced } }); // all within one instant
    for (let sequence = 4; sequence < 200; sequence += 1) {
      const reply = peer.send('application', (w) => writeNewConnectionId(w, sequence, sequence, id(sequence), token(sequence)));
      expect(findAll(reply, 'RETIRE_CONNECTION_ID').length).toBeGreaterThan(0);
      peer.ackAll();
    }
    expect(victim.state).toBe('open');
  });
});

describe('path validation, as far as it is answered (RFC 9000 §8.2.2)', () => {
  test.each(SIDES)('the %s gives the eight octets back, in a datagram of 1,200', (side) => {
    const { peer } = scripted(side === 'client' ? 'server' : 'client');
    const reply = peer.send('application', (w) => writePathChallenge(w, text('12345678')));
    expect(find(reply, 'PATH_RESPONSE')!.data).toEqual(text('12345678'));
    expect(reply[0]!.datagram).toBe(1200);
  });

  test('a response that nobody asked for is ignored (RFC 9000 §19.18)', () => {
    const { peer, victim } = scripted('server');
    peer.send('application', (w) => writePathResponse(w, text('12345678')));
    expect(victim.state).toBe('open');
  });
});

test('two connections of the same two endpoints are kept apart', () => {
  const pair = new Pair();
  const second = pair.client.connect(0, {
    remote: pair.connection.remote,
    local: pair.connection.local,
    serverName: 'server.test',
    alpn: ['test'],
  });
  pair.run(1_000_000);
  expect(pair.server.connections.size).toBe(2);
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('of the first'));
  second.write(pair.now, second.openStream('uni')!, text('of the second'));
  pair.run(2_000_000);
  expect([...pair.server.connections].map((connection) => pair.readAll(connection, 2).data)).toEqual(['of the first', 'of the second']);
});
