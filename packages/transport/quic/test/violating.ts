import { streamId } from '@quiclab/streams';
import { expect } from 'vitest';
import { other, type Side } from './breaks.ts';
import { Pair, type PairOptions } from './pair.ts';
import { find, type ReadPacket, ScriptedPeer } from './scripted-peer.ts';

/** What the peer that breaks the rules can say about streams: its own, and those of the end that it talks to, which has opened one of each. */
export interface Ids {
  readonly ownBidi: (n: number) => number;
  readonly ownUni: (n: number) => number;
  readonly victimBidi: (n: number) => number;
  readonly victimUni: (n: number) => number;
}
export const idsFor = (plays: Side): Ids => ({
  ownBidi: (n) => streamId(n, 'bidi', plays),
  ownUni: (n) => streamId(n, 'uni', plays),
  victimBidi: (n) => streamId(n, 'bidi', other(plays)),
  victimUni: (n) => streamId(n, 'uni', other(plays)),
});

export const CONFIG = { initialMaxData: 1_500, initialMaxStreamData: 1_000, maxStreamsBidi: 3, maxStreamsUni: 3 };

/** A connection that is established and quiet, one end of which is played by a scripted peer. */
export function established(plays: Side, options: PairOptions = {}): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection'] } {
  const pair = new Pair({ config: CONFIG, ...options }).handshake();
  pair.run(pair.now + 1_000_000);
  const victim = plays === 'client' ? pair.accepted! : pair.connection;
  victim.openStream('bidi');
  victim.openStream('uni');
  return { pair, peer: new ScriptedPeer(pair, plays), victim };
}

/** The victim has closed with this code, says so, and ends. */
export function expectClosed(
  pair: Pair,
  peer: ScriptedPeer,
  victim: Pair['connection'],
  reply: readonly ReadPacket[],
  code: number,
  frameType?: number,
): void {
  expect(victim.state).toBe('closing');
  const close = find(reply, 'CONNECTION_CLOSE');
  expect(close).toBeDefined();
  expect({ code: close!.code, reason: close!.data.length > 0 }).toEqual({ code, reason: true });
  if (frameType !== undefined) expect(close!.frameType).toBe(frameType);
  expect(victim.cause).toMatchObject({ kind: 'local-transport', code });
  expect(victim.pollEvent()).toBeUndefined();
  peer.wait(pair.now + 10_000_000);
  expect(victim.state).toBe('drained');
  expect((peer.plays === 'client' ? pair.server : pair.client).connections.size).toBe(0);
}

export const octets = (length: number): Uint8Array => new Uint8Array(length).fill(7);
export const TOKEN = octets(16);

/** In the middle of a handshake: the server has answered the ClientHello, and the client has not heard it. */
export function midHandshake(plays: Side, options: PairOptions = {}): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection'] } {
  const pair = new Pair(options);
  pair.run(10_000);
  const flight = pair.left.filter((left) => left.direction === 'down').map((left) => left.bytes);
  const peer = new ScriptedPeer(pair, plays);
  // a client has to hear the server's Initial, for the keys of the next level
  peer.flight = flight;
  return { pair, peer, victim: plays === 'client' ? pair.accepted! : pair.connection };
}
