import type { ByteWriter } from '@quiclab/bytes';
import { type AckRequests, acksPerRoundTrip } from '@quiclab/recovery';
import { SECOND } from '@quiclab/sansio';
import {
  TransportErrorCode as Code,
  decodeTransportParameters,
  FrameType,
  writeAckFrequency,
  writeImmediateAck,
  writePing,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { Pair, type PairOptions } from './pair.ts';
import { afterFirst, serverPolicies } from './resuming.ts';
import { established, find, findAll, ScriptedPeer } from './scripted-peer.ts';
import { midHandshake } from './violating.ts';

// draft-ietf-quic-ack-frequency

const CONFIG = { ackFrequency: true };
const frequency =
  (sequence: number, threshold: number, maxAckDelay: number, reordering: number) =>
  (w: ByteWriter): void =>
    writeAckFrequency(w, sequence, threshold, maxAckDelay, reordering);

/** Sequence, threshold and delay of all ACK_FREQUENCY frames that the client has sent. */
const asked = (pair: Pair): number[][] =>
  pair.clientObserver.sent.flatMap(({ frames }) =>
    frames.filter(([type]) => type === FrameType.ACK_FREQUENCY).map(([, threshold, sequence, delay]) => [sequence!, threshold!, delay!]),
  );

/** A client that has sent so much, to a server that reads it. */
function uploaded(octets: number, options: PairOptions = {}): Pair {
  const pair = new Pair({
    config: CONFIG,
    serve(one, event) {
      if (event.type === 'stream-readable') one.readAll(one.accepted!, event.id);
    },
    ...options,
  }).handshake();
  const id = pair.connection.openStream('uni')!;
  pair.connection.write(pair.now, id, new Uint8Array(octets));
  pair.connection.finish(id);
  return pair;
}

describe('ACKs as the peer asks for them', () => {
  test('fewer, and later (§4)', () => {
    const { pair, peer } = established('client', { config: CONFIG });
    peer.send('application', writePing); // the gap in packet numbers
    expect(peer.send('application', frequency(0, 4, 40_000, 1))).toEqual([]);
    for (let i = 0; i < 3; i++) expect(peer.send('application', writePing)).toEqual([]);
    expect(find(peer.send('application', writePing), 'ACK')!.largest).toBe(1_005);
    const at = pair.now;
    expect(peer.send('application', writePing)).toEqual([]);
    expect(peer.wait(at + 39_999)).toEqual([]);
    expect(find(peer.wait(at + 40_000), 'ACK')!.largest).toBe(1_006);
  });

  test('sooner, down to our min_ack_delay (§3)', () => {
    const { pair, peer } = established('client', { config: { ...CONFIG, minAckDelay: 2_000 } });
    peer.send('application', writePing);
    peer.send('application', frequency(0, 1, 2_000, 1));
    expect(find(peer.wait(pair.now + 2_000), 'ACK')!.largest).toBe(1_001);
  });

  test('the newest frame counts, in whatever order they come (§4)', () => {
    const { peer } = established('client', { config: CONFIG });
    peer.send('application', writePing);
    peer.send('application', frequency(7, 0, 25_000, 1));
    peer.send('application', frequency(7, 100, 25_000, 1));
    peer.send('application', frequency(6, 100, 25_000, 1));
    expect(find(peer.send('application', writePing), 'ACK')).toBeDefined();
  });

  test('gaps are told when they are wide enough (§6.2)', () => {
    const { peer } = established('client', { config: CONFIG });
    peer.send('application', writePing);
    peer.send('application', frequency(0, 100, 25_000, 3));
    const answers = [1_003, 1_004, 1_005, 1_002].map((packetNumber) => peer.send('application', writePing, { packetNumber }));
    expect(answers.map((answer) => find(answer, 'ACK')?.largest)).toEqual([undefined, undefined, 1_005, 1_005]);
  });

  test('IMMEDIATE_ACK is answered at once (§5)', () => {
    const { peer } = established('client', { config: CONFIG });
    peer.send('application', writePing);
    expect(find(peer.send('application', writeImmediateAck), 'ACK')!.largest).toBe(1_001);
  });

  test('min_ack_delay alone changes nothing (§3)', () => {
    const { pair, peer } = established('client', { config: CONFIG });
    peer.send('application', writePing);
    const at = pair.now;
    expect(peer.send('application', writePing)).toEqual([]);
    expect(find(peer.wait(at + 25_000), 'ACK')!.largest).toBe(1_001);
  });
});

describe.each(['client', 'server'] as const)('what a %s must not say', (plays) => {
  test.each<[string, (w: ByteWriter) => void, number, number]>([
    ['a delay below our min_ack_delay (§4)', frequency(0, 1, 999, 1), Code.PROTOCOL_VIOLATION, FrameType.ACK_FREQUENCY],
    ['2^14 ms (§4)', frequency(0, 1, 16_384_000, 1), Code.PROTOCOL_VIOLATION, FrameType.ACK_FREQUENCY],
    ['a delay beyond all bounds (§4)', frequency(0, 1, 2 ** 60, 1), Code.PROTOCOL_VIOLATION, FrameType.ACK_FREQUENCY],
  ])('%s', (_, write, code, frameType) => {
    const { peer } = established(plays, { config: CONFIG });
    expect(find(peer.send('application', write), 'CONNECTION_CLOSE')).toMatchObject({ code, frameType });
  });

  test.each([
    ['ACK_FREQUENCY', frequency(0, 1, 25_000, 1), FrameType.ACK_FREQUENCY],
    ['IMMEDIATE_ACK', writeImmediateAck, FrameType.IMMEDIATE_ACK],
  ] as const)('%s that was not agreed upon: to us it is unknown (RFC 9000 §12.4)', (_, write, frameType) => {
    const { peer } = established(plays);
    const reply = peer.send('application', write);
    expect(find(reply, 'CONNECTION_CLOSE')).toMatchObject({ code: Code.FRAME_ENCODING_ERROR, frameType });
  });

  test.each([frequency(0, 1, 25_000, 1), writeImmediateAck])('either in a Handshake packet', (write) => {
    const { peer, victim } = midHandshake(plays, { config: CONFIG });
    if (plays === 'server') peer.bringClientToHandshake();
    peer.send('handshake', write);
    expect(victim.cause).toMatchObject({ kind: 'local-transport', code: Code.PROTOCOL_VIOLATION });
  });

  test('the longest delay that there is, and no end of packets that may go unanswered', () => {
    const { peer, victim } = established(plays, { config: CONFIG });
    peer.send('application', frequency(2 ** 60, 2 ** 60, 16_383_999, 2 ** 60));
    expect(victim.state).toBe('open');
  });

  test('a min_ack_delay above its max_ack_delay (§3)', () => {
    const parameter = Uint8Array.of(0xc0, 0, 0, 0, 0xff, 0x04, 0xde, 0x1b, 4, 0x80, 0, 0x61, 0xa9); // 25,001 µs
    const change = (parameters: Uint8Array): Uint8Array => Uint8Array.of(...parameters, ...parameter);
    const pair = new Pair(plays === 'client' ? { clientParameters: change } : { serverParameters: change });
    pair.run(SECOND);
    const events = plays === 'client' ? pair.serverEvents : pair.clientEvents;
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'closed',
        cause: expect.objectContaining({ kind: 'local-transport', code: Code.TRANSPORT_PARAMETER_ERROR }),
      }),
    );
  });
});

test('a 0-RTT packet cannot have either, as nobody remembers min_ack_delay (§3)', () => {
  const { pair, session } = afterFirst({ config: CONFIG, serverPolicies: serverPolicies() });
  for (const observer of [pair.clientObserver, pair.serverObserver]) observer.secrets.clear();
  pair.left.length = 0;
  pair.connect({ session, earlyData: true });
  pair.settle();
  pair.deliver('up', pair.left[0]!.bytes);
  const peer = new ScriptedPeer(pair, 'client');
  peer.send('early', writeImmediateAck);
  expect(pair.accepted!.cause).toMatchObject({ kind: 'local-transport', code: Code.PROTOCOL_VIOLATION });
});

describe('asking for ACKs', () => {
  /** Wants this, once, in the middle of a transfer. */
  type Wish = readonly [ackElicitingThreshold: number, maxAckDelay: number, reorderingThreshold: number];
  const scriptedRequests = ([ackElicitingThreshold, maxAckDelay, reorderingThreshold]: Wish): AckRequests => {
    let times = 0;
    return {
      immediateForProbes: true,
      request: ({ window }) => (window >= 20 && times++ === 0 ? { ackElicitingThreshold, maxAckDelay, reorderingThreshold } : undefined),
    };
  };
  const policies = (...wish: Wish) => ({ ackRequests: () => scriptedRequests(wish) });

  test('nothing is asked of a peer without min_ack_delay, nor by who has none; in slow start all is as it was', () => {
    const wants = policies(9, 25_000, 3);
    const deaf = uploaded(200_000, { clientPolicies: wants, serverConfig: { ackFrequency: false } });
    const mute = uploaded(200_000, { clientPolicies: wants, clientConfig: { ackFrequency: false } });
    const slow = uploaded(100_000);
    for (const pair of [deaf, mute, slow]) {
      pair.run(pair.now + SECOND);
      expect(asked(pair)).toEqual([]);
    }
  });

  test('what is wanted is said once, kept within what the peer can do, and followed', () => {
    const pair = uploaded(400_000, { clientPolicies: policies(9, 500, 3), serverConfig: { minAckDelay: 3_000 } });
    pair.run(pair.now + SECOND);
    expect(asked(pair)).toEqual([[0, 9, 3_000]]);
    expect(pair.serverObserver.sent.length).toBeLessThan(100); // of 350 packets
  });

  test('it is said again with a number of its own when it was lost (§4)', () => {
    const pair = uploaded(400_000, { clientPolicies: policies(9, 30_000, 3) });
    let dropped = 0;
    pair.options.drop = (direction) => direction === 'up' && asked(pair).length === 1 && dropped++ === 0;
    pair.run(pair.now + SECOND);
    expect(asked(pair)).toEqual([
      [0, 9, 30_000],
      [1, 9, 30_000],
    ]);
  });

  test('once in a round trip, and not without packets in flight: two ends fall silent', () => {
    const changing: AckRequests = {
      immediateForProbes: true,
      request: (_, { maxAckDelay }) => ({ ackElicitingThreshold: 3, maxAckDelay: maxAckDelay + 1_000, reorderingThreshold: 1 }),
    };
    const pair = uploaded(400_000, { policies: { ackRequests: () => changing } });
    const from = pair.now;
    pair.run(pair.now + 5 * SECOND);
    const last = Math.max(...pair.clientObserver.sent.map((packet) => packet.at));
    expect(last).toBeLessThan(from + SECOND);
    expect(asked(pair).length).toBeGreaterThan(3);
    expect(asked(pair).length).toBeLessThanOrEqual((last - from) / 20_000 + 1);
  });

  test('probes wait for the longest of the delays that the peer may keep to, and ask for an ACK at once (§7)', () => {
    const timeout = (maxAckDelay: number): number => {
      const pair = uploaded(400_000, { clientPolicies: policies(9, maxAckDelay, 3) });
      pair.options.drop = (direction) => direction === 'up' && asked(pair).length > 0; // with the frame the path goes silent
      pair.run(pair.now + 2 * SECOND);
      const { at } = pair.clientObserver.probes[0]!;
      const since = pair.clientObserver.sent.findLast((packet) => packet.at < at)!.at;
      const probe = pair.clientObserver.sent.find((packet) => packet.at === at)!;
      expect(probe.frames[0]![0]).toBe(FrameType.IMMEDIATE_ACK);
      return at - since;
    };
    expect(timeout(125_000) - timeout(5_000)).toBe(100_000); // until it is acknowledged, at least the 25 ms of before
  });

  test('the peer that has acknowledged it keeps to it, and so do probes', () => {
    const pair = uploaded(400_000, { clientPolicies: policies(9, 5_000, 3) });
    pair.run(pair.now + SECOND);
    const id = pair.connection.openStream('uni')!;
    pair.options.drop = (direction) => direction === 'up';
    pair.connection.write(pair.now, id, new Uint8Array(10));
    const at = pair.now;
    pair.run(pair.now + SECOND);
    const { smoothedRtt, rttVariation } = pair.connection.stats();
    expect(pair.clientObserver.probes[0]!.at - at).toBe(smoothedRtt + Math.max(4 * rttVariation, 1_000) + 5_000);
  });

  test('a probe towards a peer that has not said it takes them has no IMMEDIATE_ACK', () => {
    const { pair, peer } = established('server', { clientConfig: CONFIG });
    pair.connection.ping();
    const probe = peer.wait(pair.now + SECOND);
    expect(findAll(probe, 'PING').length).toBeGreaterThan(1);
    expect(find(probe, 'IMMEDIATE_ACK')).toBeUndefined();
  });

  test('min_ack_delay is sent with the switch alone, and is never above max_ack_delay (§3)', () => {
    const said: (number | undefined)[] = [];
    for (const config of [{}, CONFIG, { ...CONFIG, maxAckDelay: 500 }]) {
      new Pair({
        config,
        clientParameters: (parameters) => {
          said.push(decodeTransportParameters(parameters, 'client').minAckDelay);
          return parameters;
        },
      }).settle();
    }
    expect(said).toEqual([undefined, 1_000, 500]);
  });
});

describe('acksPerRoundTrip (§8, §9)', () => {
  const rtt = (smoothed: number) => ({ latest: smoothed, smoothed, variation: 0, min: smoothed });
  const sender = { window: 100, inSlowStart: false, rtt: rtt(80_000), packetThreshold: 3, minAckDelay: 1_000 };
  const usual = { ackElicitingThreshold: 1, maxAckDelay: 25_000, reorderingThreshold: 1 };
  const few = { ackElicitingThreshold: 24, maxAckDelay: 20_000, reorderingThreshold: 3 };
  const { request } = acksPerRoundTrip({ acks: 4 });

  test('an ACK for a quarter of the window, and of the round trip, and for gaps that prove a loss', () => {
    expect(request(sender, usual)).toEqual(few);
    expect(request({ ...sender, window: 1_000 }, usual)).toEqual({ ...few, ackElicitingThreshold: 63 });
    expect(request({ ...sender, window: 3 }, usual)).toEqual({ ...few, ackElicitingThreshold: 1 });
    expect(acksPerRoundTrip({ acks: 2, mostPackets: 20 }).request(sender, usual)).toEqual({
      ackElicitingThreshold: 19,
      maxAckDelay: 40_000,
      reorderingThreshold: 3,
    });
  });

  test('not every change is worth a frame; another threshold of loss detection is', () => {
    expect(request({ ...sender, window: 120, rtt: rtt(99_000) }, few)).toBeUndefined();
    expect(request({ ...sender, window: 128 }, few)?.ackElicitingThreshold).toBe(31);
    expect(request({ ...sender, rtt: rtt(104_000) }, few)?.maxAckDelay).toBe(26_000);
    expect(request({ ...sender, packetThreshold: 4 }, few)?.reorderingThreshold).toBe(4);
  });

  test('slow start has as many as without', () => {
    expect(request({ ...sender, inSlowStart: true }, usual)).toBeUndefined();
    expect(request({ ...sender, inSlowStart: true }, few)).toEqual({ ...few, ackElicitingThreshold: 1 });
  });

  test('where packets prove no loss gaps are no reason; where round trips are shorter than timers they are at once', () => {
    expect(request({ ...sender, packetThreshold: Number.POSITIVE_INFINITY }, usual)?.reorderingThreshold).toBe(0);
    expect(request({ ...sender, rtt: rtt(900) }, usual)).toMatchObject({ maxAckDelay: 1_000, reorderingThreshold: 1 });
  });
});
