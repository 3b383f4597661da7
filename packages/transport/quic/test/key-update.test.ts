import { nodeProvider } from '@quiclab/crypto/node';
import { fraction, seededRandom } from '@quiclab/sansio';
import { TransportErrorCode as Code, writePing } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { SpaceKeys } from '../src/space/keys.ts';
import { breaks, other, SIDES } from './breaks.ts';
import { Pair, type PairOptions } from './pair.ts';
import { find, ScriptedPeer, writeStream } from './scripted-peer.ts';

function scripted(
  plays: 'client' | 'server' = 'client',
  options: PairOptions = {},
): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection'] } {
  const pair = new Pair(options).handshake();
  pair.run(pair.now + 1_000_000);
  const peer = new ScriptedPeer(pair, plays);
  peer.send('application', writePing); // the gap in packet numbers before it is answered at once
  return { pair, peer, victim: plays === 'client' ? pair.accepted! : pair.connection };
}
const octet = (n: number): Uint8Array => Uint8Array.of(65 + n);

describe('an update of keys that the peer begins (RFC 9001 §6)', () => {
  test.each(['client', 'server'] as const)('of the %s is followed in both directions', (plays) => {
    const { pair, peer, victim } = scripted(plays);
    const phases: number[] = [];
    for (let round = 0; round < 5; round++) {
      peer.updateKeys();
      peer.send('application', writePing);
      const reply = peer.send('application', writePing); // every second packet is acknowledged at once
      expect(reply.length).toBeGreaterThan(0);
      phases.push(reply[0]!.phase);
      expect(find(reply, 'ACK')).toBeDefined();
    }
    expect(phases).toEqual([1, 0, 1, 0, 1]);
    expect((plays === 'client' ? pair.serverObserver : pair.clientObserver).keyUpdates).toEqual([
      'peer 1',
      'peer 0',
      'peer 1',
      'peer 0',
      'peer 1',
    ]);
    expect(victim.state).toBe('open');
  });

  test('leaves packets of before readable for three probe timeouts, whatever order they come in (§6.5)', () => {
    const { pair, peer, victim } = scripted();
    const first = peer.nextPacketNumber();
    peer.updateKeys();
    peer.send('application', (w) => writeStream(w, 0, 1, octet(1)), { packetNumber: first + 5 });
    peer.send('application', (w) => writeStream(w, 0, 0, octet(0)), { packetNumber: first, older: 1, phase: 0 });
    expect(pair.readAll(victim, 0).data).toBe('AB');
    // one of the new generation, too, that was overtaken by the first of it
    peer.send('application', (w) => writeStream(w, 0, 2, octet(2)), { packetNumber: first + 3 });
    peer.send('application', (w) => writeStream(w, 0, 3, octet(3)), { packetNumber: first + 2, older: 1, phase: 0 });
    expect(pair.readAll(victim, 0).data).toBe('CD');
    peer.wait(pair.now + 5_000_000);
    peer.send('application', (w) => writeStream(w, 0, 4, octet(4)), { packetNumber: first + 1, older: 1, phase: 0 });
    expect(pair.readAll(victim, 0).data).toBe('');
    expect(pair.serverObserver.drops).toEqual(['not-authentic']);
    expect(victim.state).toBe('open');
  });

  for (const side of SIDES)
    test(`that comes again before the ${side} has answered the last one is KEY_UPDATE_ERROR (RFC 9001 §6.2)${breaks('9001/6.2/consecutive', side, Code.KEY_UPDATE_ERROR)}`, () => {
      const { peer, victim } = scripted(other(side));
      peer.updateKeys();
      expect(peer.send('application', writePing)).toEqual([]); // an ACK is owed, and has not left
      peer.updateKeys();
      const reply = peer.send('application', writePing);
      expect(find(reply, 'CONNECTION_CLOSE')).toMatchObject({ code: Code.KEY_UPDATE_ERROR });
      expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.KEY_UPDATE_ERROR });
    });

  for (const side of SIDES)
    test(`after which a later packet to the ${side} has the older keys is KEY_UPDATE_ERROR (RFC 9001 §6.4)${breaks('9001/6.4/older-keys', side, Code.KEY_UPDATE_ERROR)}`, () => {
      const { peer, victim } = scripted(other(side));
      peer.updateKeys();
      peer.send('application', writePing);
      const reply = peer.send('application', writePing, { older: 1, phase: 0 });
      expect(find(reply, 'CONNECTION_CLOSE')).toMatchObject({ code: Code.KEY_UPDATE_ERROR });
      expect(victim.state).toBe('closing');
    });

  test('cannot be made by anybody else: a packet with the other phase and no keys is dropped', () => {
    const { pair, peer, victim } = scripted();
    for (let i = 0; i < 10; i++) {
      const packet = peer.packet('application', new Uint8Array([1, 0, 0, 0]), { phase: 1 });
      peer.sendDatagram(packet);
    }
    expect(victim.state).toBe('open');
    expect(pair.serverObserver.drops).toEqual(new Array(10).fill('not-authentic'));
    expect(pair.serverObserver.keyUpdates).toEqual([]);
  });
});

describe('an update that we begin (RFC 9001 §6.1)', () => {
  test('waits for confirmation', () => {
    const pair = new Pair();
    pair.connection.updateKeys();
    pair.run(25_000);
    expect(pair.connection.handshakeComplete).toBe(true);
    expect(pair.clientObserver.keyUpdates).toEqual([]);
    pair.run(1_000_000);
    pair.connection.write(pair.now, pair.connection.openStream('uni')!, octet(0));
    pair.run(2_000_000);
    expect([pair.clientObserver.keyUpdates, pair.serverObserver.keyUpdates]).toEqual([['local 1', 'peer 1'], ['peer 1']]);
  });

  test('happens by itself before keys wear out, again and again, under loss and reordering', () => {
    const random = seededRandom('key updates');
    const pair = new Pair({
      config: { packetsPerKey: 20 },
      impair: (direction, n, bytes) => {
        const draw = random.at(n * 2 + (direction === 'up' ? 1 : 0));
        return fraction(draw) < 0.05 ? [] : [{ late: fraction(draw) < 0.2 ? 4_000 : 0, bytes }];
      },
    }).handshake();
    const id = pair.connection.openStream('bidi')!;
    const data = new Uint8Array(300_000).map((_, i) => i % 251);
    pair.connection.write(pair.now, id, data);
    pair.connection.finish(id);
    const read: number[] = [];
    let fin = false;
    pair.run(pair.now + 60_000_000, () => {
      if (pair.serverEvents.length > 0 && pair.accepted!.stats().openStreams > 0)
        for (let piece = pair.accepted!.read(pair.now, id); piece !== undefined; piece = pair.accepted!.read(pair.now, id)) {
          read.push(...piece.data);
          fin ||= piece.fin;
        }
      return !fin;
    });
    expect(Uint8Array.from(read)).toEqual(data);
    expect(pair.clientObserver.keyUpdates.filter((update) => update.startsWith('local')).length).toBeGreaterThan(5);
    expect(pair.connection.state).toBe('open');
  });

  test('that the peer does not follow is told before the last packet: AEAD_LIMIT_REACHED (§6.6)', () => {
    const keys = new SpaceKeys(nodeProvider, 1);
    keys.install('read', 'TLS_AES_128_GCM_SHA256', new Uint8Array(32).fill(1));
    keys.install('write', 'TLS_AES_128_GCM_SHA256', new Uint8Array(32).fill(2));
    const seal = (): void => keys.seal(new Uint8Array(64), 0, 9, 2, 20, 7);
    seal();
    expect([keys.wornOut, keys.mayUpdate(6), keys.mayUpdate(7)]).toEqual([false, false, true]);
    keys.update();
    seal();
    expect([keys.mayUpdate(7), keys.generation, keys.writeGeneration]).toEqual([false, 0, 1]); // the peer has not followed
    keys.sealed = 2 ** 23 - 64;
    expect(keys.wornOut).toBe(true);
    for (let i = 0; i < 64; i++) seal();
    expect(seal).toThrow('8388608 packets were sealed with one key');
  });
});
