import { LIMITS } from '@quiclab/quic';
import { writeDatagramHeader, writePing } from '@quiclab/wire';
import { expect, test } from 'vitest';
import { fromText, type Pair, text } from './pair.ts';
import { established, findAll, frames, type ScriptedPeer, writeStream } from './scripted-peer.ts';

/** A packet with a frame that is not taken, since its stream is in too many pieces, is not acknowledged (RFC 9000 §13.1). */

const WINDOW = 100_000;

/** A server whose stream 0 is in as many pieces as are kept, all of them acknowledged. */
function full(): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection'] } {
  const one = established('client', {
    config: { initialMaxData: WINDOW, initialMaxStreamData: WINDOW, maxDatagramFrameSize: 1_000 },
  });
  for (let from = 0; from < LIMITS.leastPieces.value; from += 100)
    one.peer.push('application', (w) => {
      for (let i = from; i < from + 100; i++) writeStream(w, 0, 2 * i + 1, text('x'));
    });
  one.peer.listen();
  return one;
}

/** Beside a DATAGRAM, a piece for which there is no room. */
const tooMany = (at: number, datagram: string): Uint8Array =>
  frames((w) => {
    writeDatagramHeader(w, datagram.length, true);
    w.octets(text(datagram));
    writeStream(w, 0, 10_000 + 2 * at, text('x'));
  });

const datagrams = (pair: Pair): string[] => pair.serverEvents.flatMap((event) => (event.type === 'datagram' ? [fromText(event.data)] : []));
const refused = (pair: Pair): number => pair.serverObserver.drops.filter((reason) => reason === 'refused').length;

test('one that comes twice is read once (RFC 9000 §12.3, §21.4)', () => {
  const { pair, peer } = full();
  const packet = peer.packet('application', tooMany(1, 'once'));
  for (let copies = 0; copies < 5; copies++) peer.sendDatagram(packet.slice());
  expect(datagrams(pair)).toEqual(['once']);
  expect(pair.serverObserver.drops).toEqual(['refused', 'duplicate', 'duplicate', 'duplicate', 'duplicate']);
});

test('copies of one from elsewhere drive no path out (RFC 9000 §9.3, §21.5)', () => {
  const { pair, peer, victim } = full();
  const packet = peer.packet('application', tooMany(1, 'once'));
  peer.sendDatagram(packet.slice());
  for (let i = 0; i < 5; i++) pair.receiveOnly('up', packet.slice(), { host: `203.0.113.${i}`, port: 1 });
  expect(victim.stats().paths.length).toBe(1);
});

test('one is not acknowledged, whatever comes after it, until what it says comes in a packet that is taken', () => {
  const { pair, peer, victim } = full();
  const lost = peer.nextPacketNumber();
  const first = peer.packet('application', tooMany(1, 'first'));
  peer.sendDatagram(first.slice());
  const acks = findAll(peer.send('application', writePing).concat(peer.send('application', writePing)), 'ACK');
  expect(acks.length).toBeGreaterThan(0);
  for (const { ranges } of acks) expect(ranges.some(([smallest, largest]) => smallest <= lost && lost <= largest)).toBe(false);
  peer.sendDatagram(first.slice());
  expect(datagrams(pair)).toEqual(['first']);
  // what was missing comes, then the piece in a packet of its own: now it is taken
  peer.send('application', (w) => writeStream(w, 0, 0, text('y'.repeat(1_000))));
  const again = peer.nextPacketNumber();
  const ranges = findAll(peer.send('application', tooMany(1, 'second')).concat(peer.send('application', writePing)), 'ACK').flatMap(
    (ack) => ack.ranges,
  );
  expect(ranges.some(([smallest, largest]) => smallest <= again && again <= largest)).toBe(true);
  expect(victim.state).toBe('open');
});

test('so many that they are forgotten: what comes again counts as a duplicate all the same (RFC 9000 §13.2.3)', () => {
  const { pair, peer } = full();
  const count = 3 * LIMITS.receivedRanges.value;
  const packets: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    packets.push(peer.packet('application', tooMany(i, `${i}`)));
    peer.packet('application', frames(writePing)); // never sent: every refused one is a range of its own
  }
  for (const packet of packets) pair.receiveOnly('up', packet.slice());
  for (const packet of packets) pair.receiveOnly('up', packet.slice());
  pair.turnOnly('down');
  expect(refused(pair)).toBe(count);
  expect(datagrams(pair).length).toBe(count);
});
