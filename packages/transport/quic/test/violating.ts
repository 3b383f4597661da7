import type { ByteWriter } from '@quiclab/bytes';
import { streamId } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { breaks, other, SIDES, type Side } from './breaks.ts';
import { Pair, type PairOptions } from './pair.ts';
import { type Forging, find, type ReadPacket, ScriptedPeer } from './scripted-peer.ts';

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

export interface Violation {
  readonly name: string;
  /** Requirements of scripts/rfc-map. */
  readonly breaks?: readonly string[];
  readonly code: number;
  readonly frameType?: number;
  /** Packets, the last of which is one too many. */
  readonly packets: readonly ((w: ByteWriter, ids: Ids) => void)[];
  readonly forging?: Forging;
  /** Which end must complain; both unless said. */
  readonly at?: Side;
}

/** Breaks each of these rules towards a client and a server whose connection is established, and asserts how it ends. */
export function breakAll(violations: readonly Violation[]): void {
  describe.each(SIDES)('what the %s does not put up with, once the connection is established:', (side) => {
    const plays = other(side);
    for (const { name, breaks: ids = [], code, frameType, packets, forging, at } of violations) {
      if (at !== undefined && at !== side) continue;
      test(name + breaks(ids, side, code), () => {
        const { pair, peer, victim } = established(plays);
        const streams = idsFor(plays);
        for (const write of packets.slice(0, -1)) {
          peer.send('application', (w) => write(w, streams));
          expect(victim.state).toBe('open');
        }
        const reply = peer.send('application', (w) => packets[packets.length - 1]!(w, streams), forging);
        expectClosed(pair, peer, victim, reply, code, frameType);
      });
    }
  });
}
