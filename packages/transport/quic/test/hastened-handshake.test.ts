import { makeCertificate } from '@quiclab/crypto/node';
import { seededRandom } from '@quiclab/sansio';
import { FrameType, frameName, writePing } from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { certificate, Pair, type Recorder, type Sent } from './pair.ts';
import { findAll, frames, ScriptedPeer, writeSimpleAck } from './scripted-peer.ts';

// A round trip takes 20 ms here, and the probe timeout 999 ms as long as nobody has measured that.

/** With this the server's flight takes three datagrams: all that it may send to an address not yet validated. */
const certificates = [
  certificate.certificate,
  makeCertificate({
    names: ['filler'],
    keyType: 'ed25519',
    notBefore: 0,
    notAfter: 4e15,
    random: seededRandom('filler'),
    padTo: 2_000,
  }).certificate,
];

/** What left at an instant. */
const sentAt = (sent: readonly Sent[], at: number): string[] =>
  sent
    .filter((packet) => packet.at === at)
    .map(({ level, frames }) => `${level}${frames.some(([type]) => type === FrameType.CRYPTO) ? ' CRYPTO' : ''}`);
const namesOf = ({ frames }: Sent): string[] => frames.filter(([type]) => type !== FrameType.PADDING).map(([type]) => frameName(type!));
const timeouts = ({ probes }: Recorder): unknown[] => probes.filter(({ level }) => level !== 'application');
const completeWithin = (pair: Pair, time: number): void => {
  pair.run(time);
  expect([pair.connection.handshakeComplete, pair.accepted?.handshakeComplete]).toEqual([true, true]);
};

describe('what shows that the peer lacks something is answered at once (RFC 9002 §6.2.3):', () => {
  test('a client gets Handshake packets before it has the keys, and says its Initial again', () => {
    const pair = new Pair({ certificates, drop: (direction, n) => direction === 'down' && n === 1 });
    pair.run(20_000);
    expect(sentAt(pair.clientObserver.sent, 20_000)).toContain('initial CRYPTO');
    completeWithin(pair, 100_000);
    expect([timeouts(pair.clientObserver), timeouts(pair.serverObserver)]).toEqual([[], []]);
  });

  test("a server gets a client's Initial again, and says its own, with Handshake packets", () => {
    // the client takes the path for a short one, and probes after 300 ms; the server would after 999
    const pair = new Pair({
      certificates,
      clientConfig: { initialRtt: 100_000 },
      drop: (direction, n) => direction === 'down' && n <= 3,
    });
    pair.run(310_000);
    const again = sentAt(pair.serverObserver.sent, 310_000);
    expect(again.slice(0, 2)).toEqual(['initial CRYPTO', 'handshake CRYPTO']);
    completeWithin(pair, 400_000);
    expect(timeouts(pair.serverObserver)).toEqual([]);
  });

  test('a client probes for want of the rest, and the server, which has got no ACK, says what is outstanding', () => {
    const pair = new Pair({ certificates, drop: (direction, n) => (direction === 'up' ? n === 2 : n === 2 || n === 3) });
    pair.run(100_000);
    const probe = pair.serverObserver.received.find((packet) => packet.level === 'handshake')!;
    expect(namesOf(probe)).toEqual(['PING']);
    expect(sentAt(pair.serverObserver.sent, probe.at)).toContain('handshake CRYPTO');
    completeWithin(pair, 200_000);
    expect(timeouts(pair.serverObserver)).toEqual([]);
  });

  test('CRYPTO data that was acknowledged comes again: this time the ACK goes with a PING, so that it is not lost unnoticed', () => {
    const pair = new Pair({
      certificates,
      impair: (direction, n, bytes) => {
        if (direction === 'up' ? n === 2 : n === 3) return []; // the last of the flight, and the ACK of the others
        return [{ late: n > 3 ? 1_000 : 0, bytes }]; // later than an answer could have been
      },
    });
    pair.run(200_000);
    const again = pair.clientObserver.received.find(
      (packet) => packet.at > 50_000 && packet.frames.some(([type]) => type === FrameType.CRYPTO),
    )!;
    const answer = pair.clientObserver.sent.find((packet) => packet.at === again.at)!;
    expect([answer.level, namesOf(answer)]).toEqual(['handshake', ['ACK', 'PING']]);
    completeWithin(pair, 200_000);
    expect(timeouts(pair.serverObserver)).toEqual([]);
  });
});

test('an ACK that leaves something outstanding does not call off what another packet of the datagram has hastened (RFC 9002 §6.2.3)', () => {
  const pair = new Pair({ certificates });
  pair.run(10_000); // the server's flight has left, three packets of it in the Handshake space
  const peer = new ScriptedPeer(pair, 'client');
  const ping = peer.packet('handshake', frames(writePing));
  const ack = peer.packet(
    'handshake',
    frames((w) => writeSimpleAck(w, 0)),
  );
  pair.now += 20_000;
  const reply = peer.sendDatagram(Uint8Array.of(...ping, ...ack));
  expect(pair.accepted!.stats().packetsAcknowledged).toBe(1);
  expect(reply.map(({ level }) => level)).toContain('handshake');
  expect(findAll(reply, 'CRYPTO').length).toBeGreaterThan(0);
});

test('without loss nothing is said twice, on short paths and long ones (RFC 9002 §6.2.3)', () => {
  const count = (oneWayDelay: number): number[] => {
    const pair = new Pair({ certificates, oneWayDelay });
    pair.run(20_000_000);
    expect(pair.accepted!.handshakeComplete).toBe(true);
    return [pair.datagrams.up, pair.datagrams.down, pair.connection.stats().probes, pair.accepted!.stats().probes];
  };
  expect(count(10_000)).toEqual([3, 4, 0, 0]);
  expect(count(300_000)).toEqual([3, 4, 0, 0]);
  // longer than the first probe timeout: both ends probe once, and neither takes that of the other for a sign of loss
  expect(count(750_000)).toEqual([6, 7, 2, 2]);
});
