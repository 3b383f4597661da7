import { concat } from '@quiclab/bytes';
import { seededRandom } from '@quiclab/sansio';
import type { Handshake, HandshakeStep, Level } from '@quiclab/tls';
import { defaultTransportParameters, encodeTransportParameters, type TransportParameters, writeHandshakeDone } from '@quiclab/wire';
import { expect } from 'vitest';
import type { Side } from './breaks.ts';
import { clientTls, Pair, serverTls } from './pair.ts';
import { type ReadPacket, ScriptedPeer, writeCrypto } from './scripted-peer.ts';

const EMPTY = new Uint8Array(0);
const MOST = 1_000; // octets of CRYPTO data in a packet

/**
 * A peer whose connection ID is empty, as our own never are: it does the whole handshake itself, with a TLS of its own.
 * @param more  what it says in its transport parameters beside what it must
 * @returns what the victim answered to the last of the peer's handshake, and the peer once it has all keys
 */
export function emptyIdPeer(plays: Side, more: Partial<TransportParameters> = {}) {
  const pair = new Pair();
  const tls = (plays === 'client' ? clientTls() : serverTls())({
    side: plays,
    serverName: 'server.test',
    alpn: ['test'],
    random: seededRandom('empty connection IDs'),
  });
  const parameters = encodeTransportParameters({
    ...defaultTransportParameters,
    initialSourceConnectionId: EMPTY,
    ...(plays === 'server' && { originalDestinationConnectionId: pair.connection.firstDestination }),
    ...more,
  });
  // the victim's observer hears of keys as they come; a scripted peer has those that there are when it is made
  const withKeys = (): ScriptedPeer => Object.assign(new ScriptedPeer(pair, plays), { source: EMPTY });
  const say = (steps: readonly HandshakeStep[], level: 'initial' | 'handshake'): ReadPacket[] => {
    const peer = withKeys();
    const data = concat(...steps.flatMap((step) => (step.type === 'send' && step.level === level ? [step.data] : [])));
    const pieces = Array.from({ length: Math.ceil(data.length / MOST) }, (_, i) => data.subarray(i * MOST, (i + 1) * MOST));
    return pieces.flatMap((piece, i) => peer.send(level, (w) => writeCrypto(w, i * MOST, piece)));
  };
  /** What the victim has said at a level. */
  const heard = (level: Level): Uint8Array => {
    const direction = plays === 'client' ? 'down' : 'up';
    const peer = withKeys();
    const packets = pair.left.filter((left) => left.direction === direction).flatMap((left) => peer.open(left.bytes));
    const pieces = packets
      .filter((packet) => packet.level === level)
      .flatMap(({ frames }) => frames.filter(({ name }) => name === 'CRYPTO'));
    return concat(...pieces.sort((a, b) => a.offset - b.offset).map(({ data }) => data));
  };
  let last: ReadPacket[];
  if (plays === 'client') {
    tls.setLocalParameters(parameters);
    say(steps(tls), 'initial');
    tls.receive(pair.now, 'initial', heard('initial'));
    tls.receive(pair.now, 'handshake', heard('handshake'));
    last = say(steps(tls), 'handshake');
  } else {
    pair.settle();
    tls.receive(pair.now, 'initial', heard('initial'));
    const begun = steps(tls);
    tls.setLocalParameters(parameters);
    const flight = [...begun, ...steps(tls)];
    say(flight, 'initial');
    last = say(flight, 'handshake');
  }
  const victim = plays === 'client' ? pair.accepted! : pair.connection;
  const peer = withKeys();
  if (plays === 'server' && victim.state === 'open') peer.send('application', writeHandshakeDone);
  return { pair, peer, victim, last };
}

function steps(tls: Handshake): HandshakeStep[] {
  const all: HandshakeStep[] = [];
  for (let step = tls.poll(0); step !== undefined; step = tls.poll(0)) all.push(step);
  expect(all.length).toBeGreaterThan(0);
  return all;
}
