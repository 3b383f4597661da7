import type { ByteWriter } from '@quiclab/bytes';
import { unpaced } from '@quiclab/congestion';
import { nullProtection } from '@quiclab/crypto';
import { makeCertificate, nodeProvider } from '@quiclab/crypto/node';
import { type Beyond, type ConnectionEvent, defaultTransportConfig, LIMITS, type Limit, type TransportConfig } from '@quiclab/quic';
import { PacketState, SentPacketLog, type SentRecord, Space } from '@quiclab/recovery';
import { type Address, SECOND, seededRandom } from '@quiclab/sansio';
import { ticketKeeper } from '@quiclab/tls';
import {
  TransportErrorCode as Code,
  FrameType,
  writeAckFrequency,
  writeDatagramHeader,
  writeMaxData,
  writeMaxStreamData,
  writeNewConnectionId,
  writeNewToken,
  writePathChallenge,
  writePing,
  writeResetStream,
  writeStopSending,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { AddressTokens } from '../src/endpoint/tokens.ts';
import { CLIENT, Pair, type PairOptions, SERVER, text } from './pair.ts';
import { established, findAll, frames, type ReadPacket, readFrames, ScriptedPeer, writeCrypto, writeStream } from './scripted-peer.ts';

/** All that may leave leaves within an instant. */
const UNPACED: PairOptions = { policies: { pacer: () => unpaced } };
const octets = (length: number, value = 0): Uint8Array => new Uint8Array(length).fill(value);
const id = (n: number): Uint8Array => octets(8, n);
const resetToken = (n: number): Uint8Array => octets(16, n);
const config = (values: Partial<TransportConfig>): PairOptions => ({ config: values });
const names = (packets: readonly ReadPacket[]): string[] => packets.flatMap((packet) => packet.frames.map((frame) => frame.name));

/** The victim has closed with the code that the table names. */
function expectCode(victim: Pair['connection'], limit: Limit, alert = 0): void {
  const code = Code[limit.beyond as keyof typeof Code] + alert;
  expect(victim.cause).toMatchObject({ kind: 'local-transport', code });
}

/** A pair of which nothing but the client's first flight has been made, played from there on. */
function beginning(options: PairOptions = {}): { pair: Pair; peer: ScriptedPeer } {
  const pair = new Pair(options);
  pair.settle();
  return { pair, peer: new ScriptedPeer(pair, 'client') };
}

/** The first Initials of so many clients, from addresses of their own. */
function initials(pair: Pair, count: number): (readonly [Uint8Array, Address])[] {
  pair.flying = [];
  for (let i = 0; i < count; i++)
    pair.client.connect(pair.now, { remote: SERVER, local: CLIENT, serverName: 'server.test', alpn: ['test'] });
  return pair
    .turnOnly('up')
    .slice(-count)
    .map((bytes, i) => [bytes, { host: `10.1.${i >> 8}.${i & 255}`, port: 1 }] as const);
}

function sent(log: SentPacketLog, count: number, inFlight: boolean): void {
  for (let packetNumber = 0; packetNumber < count; packetNumber++) {
    const record = log.spare();
    record.packetNumber = packetNumber;
    record.inFlight = record.ackEliciting = inFlight;
    log.add(record);
  }
}
function outstanding(log: SentPacketLog): number {
  let count = 0;
  for (let record = log.first(); record !== undefined; record = record.next) count++;
  return count;
}

/** One octet at every other offset, so many to a packet. */
function pieces(peer: ScriptedPeer, count: number, write: (w: ByteWriter, offset: number) => void): void {
  for (let from = 0; from < count; from += 100)
    peer.push('application', (w) => {
      for (let i = from; i < Math.min(count, from + 100); i++) write(w, 2 * i + 1);
    });
}

/** As many requests as are allowed from a client that gives no credit, and what of 2 MiB for each was taken. */
function hoarding() {
  const all = established('client', { ...UNPACED, clientConfig: { initialMaxStreamData: 0 } });
  const { pair, peer, victim } = all;
  const taken: number[] = [];
  for (let i = 0; i < LIMITS.streamsBidi.value; i++) peer.push('application', (w) => writeStream(w, 4 * i, 0, octets(1)));
  for (let i = 0; i < LIMITS.streamsBidi.value; i++) taken.push(victim.write(pair.now, 4 * i, octets(LIMITS.unacknowledged.value)));
  return { ...all, taken };
}

/** A stream in more pieces than are kept: what is too much is not acknowledged, nothing is lost, and the connection lives. */
function inPieces(window: number, kept: number): void {
  const { pair, peer, victim } = established('client', config({ initialMaxData: window, initialMaxStreamData: window }));
  const first = peer.nextPacketNumber();
  pieces(peer, kept + 200, (w, offset) => writeStream(w, 0, offset, octets(1, offset & 255)));
  const acks = findAll(peer.listen(), 'ACK');
  expect(Math.max(...acks.map((ack) => ack.largest))).toBe(first + Math.floor(kept / 100) - 1);
  expect(pair.serverObserver.drops.filter((reason) => reason === 'refused').length).toBeGreaterThanOrEqual(2);
  // what is missing comes, and what was not taken comes again
  const end = 2 * (kept + 200);
  for (let at = 0; at < end; at += 1_000)
    peer.send('application', (w) => {
      writeStream(
        w,
        0,
        at,
        Uint8Array.from({ length: Math.min(1_000, end - at) }, (_, i) => (at + i) & 255),
      );
    });
  const { data } = pair.readAll(victim, 0);
  expect(data.length).toBe(end);
  for (let i = 0; i < end; i++) if (data.charCodeAt(i) !== (i & 255)) throw new Error(`octet ${i} is another`);
  expect(victim.state).toBe('open');
}

/** How many streams a client gets to open that resets each at once; it gets time after all that it can, and again. */
function givenUp(kind: 'uni' | 'bidi', seconds: number): number[] {
  const { pair, peer } = established('client');
  const counts: number[] = [];
  let opened = 0;
  let limit = defaultTransportConfig.maxStreamsUni;
  const hear = (packets: readonly ReadPacket[]): void => {
    for (const frame of findAll(packets, kind === 'uni' ? 'MAX_STREAMS_UNI' : 'MAX_STREAMS_BIDI')) limit = Math.max(limit, frame.limit);
  };
  for (let second = 0; second <= seconds; second++) {
    while (opened < limit && opened < 20_000) {
      const streams = Math.min(50, limit - opened);
      const reply = peer.send('application', (w) => {
        for (let i = 0; i < streams; i++) {
          const stream = kind === 'uni' ? 4 * opened + 2 : 4 * opened;
          opened++;
          writeResetStream(w, stream, 0x10c, 0);
          if (kind === 'bidi') writeStopSending(w, stream, 0x10c);
        }
      });
      hear(reply);
      hear(peer.ackAll());
    }
    counts.push(opened);
    hear(peer.wait(pair.now + SECOND));
    hear(peer.ackAll());
  }
  return counts;
}

function newSessionTicket(n: number): Uint8Array {
  const ticket = [0, 0, 14, 16, 0, 0, 0, n, 1, n, 0, 1, n, 0, 0]; // one hour, age_add, nonce, a ticket of one octet, no extensions
  return Uint8Array.from([4, 0, 0, ticket.length, ...ticket]);
}

const beyond = {
  receivedRanges() {
    const { peer, victim } = established('client');
    const kept = LIMITS.receivedRanges.value;
    for (let i = 0; i <= kept; i++) peer.send('application', writePing, { packetNumber: 2_000 + 2 * i });
    peer.send('application', (w) => writeStream(w, 0, 0, text('late')), { packetNumber: 1_999 });
    expect(victim.stats().openStreams).toBe(0); // nobody knows whether it has come before
    peer.send('application', (w) => writeStream(w, 0, 0, text('late')), { packetNumber: 2_003 });
    expect(victim.stats().openStreams).toBe(1);
  },
  gapsWatched() {
    const { peer } = established('client', config({ ackFrequency: true }));
    peer.send('application', writePing);
    const width = 3 * LIMITS.gapsWatched.value;
    const send = (packetNumber: number) => peer.send('application', writePing, { packetNumber });
    peer.send('application', (w) => writeAckFrequency(w, 0, 100_000, 25_000, width));
    const first = 1_003;
    const last = first + 4 * width;
    for (let n = first; n <= last; n += 2) expect(send(n)).toEqual([]); // the oldest watched is never far enough behind
    let next = last + 1;
    while (send(next).length === 0) next++;
    expect(next).toBe(last - 2 * LIMITS.gapsWatched.value + 1 + width);
  },
  ackRanges() {
    const ack = frames((w) => {
      w.uint8(FrameType.ACK);
      for (const field of [10_000, 0, 999, 0]) w.varint(field);
      for (let i = 0; i < 999; i++) for (const field of [0, 0]) w.varint(field);
    });
    expect(readFrames(ack, 0, ack.length)[0]!.ranges.length).toBe(LIMITS.ackRanges.value);
  },
  undecryptablePackets() {
    const pair = new Pair();
    pair.settle();
    const source = pair.left[0]!.bytes.subarray(15, 23);
    const handshake = octets(200, 3);
    handshake.set([0xe0, 0, 0, 0, 1, 8, ...source, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x40, 175]);
    for (let i = 0; i < 1_000; i++) pair.deliver('down', handshake.slice());
    expect(pair.clientObserver.drops).toEqual(Array(1_000 - LIMITS.undecryptablePackets.value).fill('keys-unavailable'));
  },
  undecryptableOctets() {
    const pair = new Pair();
    pair.settle();
    const source = pair.left[0]!.bytes.subarray(15, 23);
    const short = octets(LIMITS.undecryptableOctets.value / 2, 0x40);
    short.set(source, 1);
    for (let i = 0; i < 3; i++) pair.deliver('down', short.slice());
    expect(pair.clientObserver.drops).toEqual(['keys-unavailable']);
  },
  sentPackets() {
    const log = new SentPacketLog(Space.APPLICATION);
    sent(log, LIMITS.sentPackets.value + 10, true);
    expect(outstanding(log)).toBe(LIMITS.sentPackets.value);
    expect(log.lost.map((record) => record.packetNumber)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  },
  sentAcks() {
    const log = new SentPacketLog(Space.APPLICATION);
    sent(log, 10 * LIMITS.sentAcks.value, false);
    expect(outstanding(log)).toBe(LIMITS.sentAcks.value);
    expect(log.lost).toEqual([]);
  },
  lostPackets() {
    const log = new SentPacketLog(Space.APPLICATION);
    const count = 2 * LIMITS.lostPackets.value;
    sent(log, count, true);
    for (let i = 0; i < count; i++) log.declareLost(i, 'time');
    for (const record of log.lost) log.remember(0, record);
    const late: SentRecord[] = [];
    log.acknowledgeLost(-1, 1, [count], [0], late);
    expect(late.map((record) => record.state)).toEqual(Array(LIMITS.lostPackets.value).fill(PacketState.ACKED));
    expect(late[0]!.packetNumber).toBe(count - LIMITS.lostPackets.value);
  },

  initialCrypto() {
    for (const [end, state] of [
      [LIMITS.initialCrypto.value, 'open'],
      [LIMITS.initialCrypto.value + 1, 'closing'],
    ] as const) {
      const { pair, peer } = beginning();
      peer.send('initial', (w) => writeCrypto(w, end - 10, octets(10)));
      const [victim] = pair.server.connections;
      expect(victim!.state).toBe(state);
      if (state === 'closing') expectCode(victim!, LIMITS.initialCrypto);
    }
  },
  crypto() {
    const { peer, victim } = established('client');
    peer.send('application', (w) => writeCrypto(w, LIMITS.crypto.value - 10, octets(10)));
    expect(victim.state).toBe('open');
    peer.send('application', (w) => writeCrypto(w, LIMITS.crypto.value - 9, octets(10)));
    expectCode(victim, LIMITS.crypto);
  },
  cryptoPieces() {
    const { peer, victim } = established('client');
    pieces(peer, LIMITS.cryptoPieces.value, (w, offset) => writeCrypto(w, offset, octets(1)));
    expect(victim.state).toBe('open');
    peer.push('application', (w) => writeCrypto(w, 10_000, octets(1)));
    expectCode(victim, LIMITS.cryptoPieces);
  },
  clientHello() {
    const { pair, peer } = beginning();
    const length = LIMITS.clientHello.value + 1;
    peer.send('initial', (w) => writeCrypto(w, 0, Uint8Array.of(1, 0, length >> 8, length & 255)));
    const [victim] = pair.server.connections;
    expectCode(victim!, LIMITS.clientHello, 50); // decode_error
  },
  certificates() {
    const pair = new Pair({ certificates: [leaf, octets(LIMITS.certificates.value)] });
    pair.run(20 * SECOND);
    expectCode(pair.connection, LIMITS.certificates, 50);
  },
  certificateChain() {
    const pair = new Pair({ certificates: Array(LIMITS.certificateChain.value + 1).fill(leaf) });
    pair.run(20 * SECOND);
    expectCode(pair.connection, LIMITS.certificateChain, 42); // bad_certificate
  },
  sessions() {
    const { pair, peer, victim } = established('server');
    const size = newSessionTicket(0).length;
    for (let i = 0; i < 200; i++) peer.send('application', (w) => writeCrypto(w, i * size, newSessionTicket(i)));
    expect(victim.state).toBe('open');
    expect(pair.clientEvents.filter((event) => event.type === 'session').length).toBe(LIMITS.sessions.value);
  },
  earlyTickets() {
    const keeper = ticketKeeper({ provider: nodeProvider, random: seededRandom(1) });
    const ticket = (n: number): Uint8Array => Uint8Array.from([n >> 8, n & 255, ...octets(14)]);
    for (let i = 0; i < LIMITS.earlyTickets.value; i++)
      if (!keeper.admitEarlyData(0, ticket(i), 0)) throw new Error(`ticket ${i} was refused`);
    expect(keeper.admitEarlyData(0, ticket(LIMITS.earlyTickets.value), 0)).toBe(false);
  },
  handshakeTime() {
    const { pair, peer } = beginning();
    const hello = peer.openOwn(pair.left[0]!.bytes)[0]!.frames.find((frame) => frame.name === 'CRYPTO')!.data;
    let said = 0;
    for (; pair.server.connections.size > 0 || said === 0; said++) {
      peer.send('initial', (w) => writeCrypto(w, said, hello.subarray(said, said + 1)));
      expect(pair.now).toBeLessThanOrEqual(LIMITS.handshakeTime.value);
      peer.wait(pair.now + SECOND);
    }
    expect(said).toBe(LIMITS.handshakeTime.value / SECOND);
    expect(pair.serverEvents.at(-1)).toEqual({ type: 'closed', cause: { kind: 'handshake-timeout' } });
  },

  hastened() {
    const pair = new Pair();
    pair.run(10_000); // the client's Initial has come, and the server's flight has left
    const peer = new ScriptedPeer(pair, 'client');
    let hellos = 0;
    for (let i = 0; i < 100; i++)
      hellos += peer
        .send('initial', writePing)
        .filter((packet) => packet.level === 'initial' && findAll([packet], 'CRYPTO').length > 0).length;
    expect(hellos).toBe(2 * LIMITS.hastened.value);
  },

  halfOpen() {
    const pair = new Pair(config({ maxHalfOpen: 3 }));
    for (const [bytes, from] of initials(pair, 10)) pair.receiveOnly('up', bytes, from);
    expect({ connections: pair.server.connections.size, drops: pair.server.drops }).toEqual({ connections: 3, drops: { refused: 7 } });
  },
  unvalidated() {
    const pair = new Pair(config({ retryAbove: 3 }));
    for (const [bytes, from] of initials(pair, 10)) pair.receiveOnly('up', bytes, from);
    expect(pair.server.connections.size).toBe(3);
    expect(pair.turnOnly('down').filter((bytes) => (bytes[0]! & 0xf0) === 0xf0).length).toBe(7); // Retry
  },
  connections() {
    const pair = new Pair(config({ maxConnections: 1 })).handshake();
    for (const [bytes, from] of initials(pair, 5)) pair.receiveOnly('up', bytes, from);
    expect({ connections: pair.server.connections.size, drops: pair.server.drops }).toEqual({ connections: 1, drops: { refused: 5 } });
  },
  statelessAnswers() {
    const { pair } = established('client');
    for (let i = 0; i < 10_000; i++) pair.receiveOnly('up', octets(100, 0x41));
    expect(pair.turnOnly('down')).toHaveLength(LIMITS.statelessAnswers.value);
  },
  usedTokens() {
    const tokens = new AddressTokens(nullProtection(nodeProvider), seededRandom(1));
    const use = (): string => tokens.open(0, tokens.forNextConnection(0, CLIENT, 1), CLIENT, 1).kind;
    for (let i = 0; i < LIMITS.usedTokens.value; i++) if (use() !== 'new-token') throw new Error(`token ${i} was refused`);
    expect(use()).toBe('unknown');
  },
  closeAnswers() {
    const { pair, peer, victim } = established('client');
    victim.close(pair.now, 0, '');
    peer.wait(pair.now);
    let answers = 0;
    for (let i = 0; i < 1_000; i++) answers += peer.send('application', writePing).length;
    expect(answers).toBe(Math.floor(Math.log(1_000) / Math.log(LIMITS.closeAnswers.value)));
  },

  connectionIds() {
    const { peer, victim } = established('client'); // a client that has given three more than its first, as many as we take
    peer.send('application', (w) => writeNewConnectionId(w, 4, 0, id(4), resetToken(4)));
    expectCode(victim, LIMITS.connectionIds);
  },
  retirements() {
    const { peer, victim } = established('client');
    const most = LIMITS.retirements.value * LIMITS.connectionIds.value;
    for (let n = 4; n < most; n++) peer.send('application', (w) => writeNewConnectionId(w, n, n, id(n), resetToken(n)));
    expect(victim.state).toBe('open');
    for (const n of [most, most + 1]) peer.send('application', (w) => writeNewConnectionId(w, n, n, id(n), resetToken(n)));
    expectCode(victim, LIMITS.retirements);
  },
  connectionIdHistory() {
    const { peer, victim } = established('client', UNPACED);
    const retired = (sequence: number, prior: number): number[] => {
      const reply = peer.send('application', (w) => writeNewConnectionId(w, sequence, prior, id(sequence), resetToken(sequence)));
      peer.ackAll();
      return findAll(reply, 'RETIRE_CONNECTION_ID').map((frame) => frame.sequence);
    };
    const last = 4 + 2 * LIMITS.connectionIdHistory.value + 20;
    for (let n = 6; n <= last; n += 2) retired(n, n);
    expect(retired(last - 1, 0)).toEqual([last - 1]); // never said before: it is given back
    expect(retired(5, 0)).toEqual([]); // so long ago that nobody knows
    expect(victim.state).toBe('open');
  },
  issuedConnectionIds() {
    const pair = new Pair({ clientConfig: { activeConnectionIdLimit: 64 } }).handshake();
    pair.run(pair.now + SECOND);
    const peer = new ScriptedPeer(pair, 'client');
    const said = pair.left
      .filter((left) => left.direction === 'down')
      .flatMap((left) => findAll(peer.open(left.bytes), 'NEW_CONNECTION_ID'));
    expect(said.length).toBe(LIMITS.issuedConnectionIds.value - 1); // beside the first
  },

  paths() {
    const { pair, peer } = established('client');
    const at = (n: number): Address => ({ host: '10.0.0.1', port: 2_000 + n });
    for (let n = 0; n < 10; n++)
      pair.receiveOnly(
        'up',
        peer.packet(
          'application',
          frames((w) => writePathChallenge(w, id(n))),
        ),
        at(n),
      );
    const before = pair.left.length;
    peer.listen();
    const answered = pair.left.slice(before).filter((left) => left.to.port >= 2_000);
    expect(answered.length).toBe(LIMITS.paths.value);
  },
  moves() {
    const { pair, peer } = established('client');
    for (let n = 1; n <= 20; n++) pair.receiveOnly('up', peer.packet('application', frames(writePing)), { host: CLIENT.host, port: n });
    peer.listen();
    expect(pair.serverEvents.filter(({ type }) => type === 'path-changed').length).toBe(LIMITS.moves.value);
  },
  challenges() {
    const { pair, peer } = established('client');
    const before = pair.left.length;
    pair.receiveOnly(
      'up',
      peer.packet(
        'application',
        frames((w) => w.octets(octets(1_000, 1))),
      ),
      { host: '10.9.9.9', port: 9 },
    );
    const asked = peer.wait(pair.now + 20 * SECOND);
    expect(asked.length).toBeGreaterThan(0);
    const there = pair.left.slice(before).filter((left) => left.to.host === '10.9.9.9');
    const challenged = there.filter((left) => findAll(peer.open(left.bytes), 'PATH_CHALLENGE').length > 0);
    expect(challenged.length).toBe(LIMITS.challenges.value);
  },
  pathResponses() {
    const { peer } = established('client');
    const reply = peer.send('application', (w) => {
      for (let i = 0; i < 100; i++) writePathChallenge(w, id(i));
    });
    const most = LIMITS.pathResponses.value;
    expect(findAll(reply, 'PATH_RESPONSE').map((frame) => frame.data[0])).toEqual(Array.from({ length: most }, (_, i) => 100 - most + i));
  },
  pathResponsesBeyondWindow() {
    const { pair, peer, victim } = established('client', UNPACED);
    victim.write(pair.now, victim.openStream('uni')!, octets(100_000));
    peer.wait(pair.now);
    expect(victim.stats().bytesInFlight).toBeGreaterThan(victim.stats().congestionWindow - 1_200);
    const challenge = (): ReadPacket[] => peer.send('application', (w) => writePathChallenge(w, id(1)));
    const answers = (packets: readonly ReadPacket[]): number =>
      packets.filter((packet) => findAll([packet], 'PATH_RESPONSE').length > 0).length;
    let first = 0;
    for (let i = 0; i < 50; i++) first += answers(challenge());
    expect(first).toBe(LIMITS.pathResponsesBeyondWindow.value);
    expect(answers(peer.wait(pair.now + SECOND))).toBeGreaterThan(0); // those that waited leave later, together
  },

  streamsBidi() {
    const { peer, victim } = established('client');
    peer.send('application', (w) => writeStream(w, 4 * LIMITS.streamsBidi.value, 0, octets(1)));
    expectCode(victim, LIMITS.streamsBidi);
  },
  streamsUni() {
    const { peer, victim } = established('client');
    peer.send('application', (w) => writeStream(w, 4 * LIMITS.streamsUni.value + 2, 0, octets(1)));
    expectCode(victim, LIMITS.streamsUni);
  },
  streamsGivenUpAtOnce() {
    const [atOnce] = givenUp('bidi', 0);
    expect(atOnce).toBe(LIMITS.streamsGivenUpAtOnce.value + LIMITS.streamsBidi.value);
  },
  streamsGivenUpPerSecond() {
    const counts = givenUp('uni', 4);
    for (let i = 1; i < counts.length; i++) {
      expect(counts[i]! - counts[i - 1]!).toBeLessThanOrEqual(LIMITS.streamsGivenUpPerSecond.value);
      expect(counts[i]! - counts[i - 1]!).toBeGreaterThanOrEqual(LIMITS.streamsGivenUpPerSecond.value / 2);
    }
  },
  streamData() {
    const { peer, victim } = established('client');
    peer.send('application', (w) => writeStream(w, 0, LIMITS.streamData.value, octets(1)));
    expectCode(victim, LIMITS.streamData);
  },
  data() {
    const { peer, victim } = established('client');
    for (const stream of [0, 4]) peer.send('application', (w) => writeStream(w, stream, LIMITS.data.value / 2 - 1, octets(1)));
    expect(victim.state).toBe('open');
    peer.send('application', (w) => writeStream(w, 8, 0, octets(1)));
    expectCode(victim, LIMITS.data);
  },
  octetsPerPiece() {
    const window = 4 << 20;
    inPieces(window, window / LIMITS.octetsPerPiece.value - 48); // a number of whole packets
  },
  leastPieces() {
    inPieces(1 << 20, LIMITS.leastPieces.value);
  },
  pinnedOctets() {
    const { pair, peer, victim } = established('client');
    peer.send('application', (w) => writeStream(w, 0, 0, octets(10), true));
    const { data, fin } = victim.read(pair.now, 0)!;
    expect(fin).toBe(true);
    expect(data.buffer.byteLength).toBeLessThanOrEqual(LIMITS.pinnedOctets.value * data.length);
  },
  unacknowledged() {
    const { pair, peer, victim } = established('client');
    peer.send('application', (w) => writeStream(w, 0, 0, octets(1)));
    const most = LIMITS.unacknowledged.value;
    expect([victim.write(pair.now, 0, octets(most + 1)), victim.write(pair.now, 0, octets(1))]).toEqual([most, 0]);
  },
  unacknowledgedOfAll() {
    const { taken } = hoarding();
    expect(taken.reduce((sum, one) => sum + one)).toBe(
      LIMITS.unacknowledgedOfAll.value + LIMITS.streamsBidi.value * LIMITS.unacknowledgedOfItsOwn.value,
    );
  },
  unacknowledgedOfItsOwn() {
    const { pair, peer, victim, taken } = hoarding();
    const own = LIMITS.unacknowledgedOfItsOwn.value;
    expect([Math.min(...taken), taken.at(-1)]).toEqual([own, own]);
    // ACKs and credit for the last alone: it goes on, though the share stays as full as it was
    const last = 4 * (LIMITS.streamsBidi.value - 1);
    pair.serverEvents.length = 0;
    peer.send('application', (w) => {
      writeMaxData(w, 1 << 20);
      writeMaxStreamData(w, last, own);
    });
    for (let i = 0; i < 100; i++) {
      peer.ackAll();
      peer.wait(pair.now + SECOND / 100);
    }
    const writable = pair.serverEvents.flatMap((event) => (event.type === 'stream-writable' ? [event.id] : []));
    expect(new Set(writable)).toEqual(new Set([last]));
    expect(victim.write(pair.now, last, octets(2 * own))).toBeGreaterThanOrEqual(own / 4);
  },
  controlFrames() {
    const { pair, peer, victim } = established('client', config({ initialMaxStreamData: 1_000 }));
    peer.push('application', (w) => writeStream(w, 0, 0, octets(900)));
    victim.write(pair.now, 0, octets(1_000_000));
    while (victim.read(pair.now, 0) !== undefined);
    peer.push('application', (w) => {
      for (let i = 0; i < 300; i++) writeStopSending(w, 0, i);
    });
    victim.stopSending(0, 7);
    victim.stopSending(0, 8);
    const said = names(peer.listen()).filter((name) =>
      ['RESET_STREAM', 'STOP_SENDING', 'MAX_STREAM_DATA', 'STREAM_DATA_BLOCKED'].includes(name),
    );
    expect(new Set(said).size).toBe(said.length);
    expect(said.length).toBeLessThanOrEqual(LIMITS.controlFrames.value);
    expect(said).toContain('RESET_STREAM');
    expect(said).toContain('STOP_SENDING');
  },

  datagrams() {
    const { peer, victim } = established('client', config({ maxDatagramFrameSize: 65_535 }));
    for (let i = 0; i < 400; i++)
      peer.push('application', (w) => {
        writeDatagramHeader(w, 1_000, true);
        w.octets(octets(1_000));
      });
    let kept = 0;
    for (let event = victim.pollEvent(); event !== undefined; event = victim.pollEvent())
      if (event.type === 'datagram') kept += event.data.length + 64;
    expect(kept).toBeLessThanOrEqual(LIMITS.datagrams.value);
    expect(kept).toBeGreaterThan(LIMITS.datagrams.value - 1_064);
    expect(victim.stats().datagramFramesDropped).toBe(400 - kept / 1_064);
  },
  tokens() {
    const { peer, victim } = established('server');
    for (let i = 0; i < 100; i++) peer.push('application', (w) => writeNewToken(w, octets(1_000, i)));
    const polled: ConnectionEvent[] = [];
    for (let event = victim.pollEvent(); event !== undefined; event = victim.pollEvent()) polled.push(event);
    expect(polled.filter((event) => event.type === 'token').length).toBe(LIMITS.tokens.value);
    peer.push('application', (w) => writeNewToken(w, octets(10)));
    expect(victim.pollEvent()?.type).toBe('token'); // there is room again
  },
  silence() {
    const { pair, peer, victim } = established('client');
    peer.wait(pair.now + LIMITS.silence.value + SECOND);
    expect(victim.cause).toEqual({ kind: 'idle-timeout' });
    expect(pair.server.connections.size).toBe(0);
  },
} satisfies Record<keyof typeof LIMITS, () => void>;

const leaf = makeCertificate({
  names: ['server.test'],
  keyType: 'ed25519',
  notBefore: 0,
  notAfter: 4e15,
  random: seededRandom('certificate'),
}).certificate;

const table = Object.entries<Limit>(LIMITS);

describe('beyond the limit (RFC 9000 §21)', () => {
  test.each(table)('%s', (name) => beyond[name as keyof typeof LIMITS]());
});

test('every limit says what becomes of what is beyond it, and why; those that are options have their defaults', () => {
  const outcomes: readonly Beyond[] = ['dropped', 'oldest goes', 'waits', 'refused', 'copied', 'silent end'];
  expect(Object.keys(beyond)).toEqual(Object.keys(LIMITS));
  for (const [name, limit] of table) {
    expect([name, limit.value > 0, limit.reason.length > 0]).toEqual([name, true, true]);
    expect(outcomes.includes(limit.beyond) || limit.beyond in Code).toBe(true);
    if (limit.option !== undefined) expect([name, limit.value]).toEqual([name, defaultTransportConfig[limit.option]]);
  }
});

test('LIMITS.md is made from the table: pnpm vitest run … -u writes it anew', async () => {
  const rows = table.map(
    ([name, { value, unit, option, beyond, reason }]) =>
      `| ${name}${option === undefined ? '' : `<br>\`${option}\``} | ${value.toLocaleString('en-US')} | ${unit} | ${beyond} | ${reason} |`,
  );
  const lines = [
    '# What a peer can make us keep or do, and where that ends',
    '',
    'Made from `src/limits.ts` by `test/limits.test.ts`, which has a test that goes beyond each. Those with an option are its defaults.',
    '',
    '| limit | value | of what | beyond it | why |',
    '| --- | ---: | --- | --- | --- |',
    ...rows,
    '',
  ];
  await expect(lines.join('\n')).toMatchFileSnapshot('../LIMITS.md');
});
