import type { RttView } from '@quiclab/congestion';
import { describe, expect, test } from 'vitest';
import { PlainSentPackets } from '../src/contract.ts';
import { type AdaptiveOptions, adaptiveThreshold, type SentPacket, Space } from '../src/index.ts';
import { numbers, Scene } from './scene.ts';

const RTT = 40_000;
const rtt: RttView = { latest: RTT, smoothed: RTT, variation: 0, min: RTT };
const packet = (packetNumber: number, sentAt: number): SentPacket => ({
  packetNumber,
  sentAt,
  bytes: 1200,
  ackEliciting: true,
  inFlight: true,
});

/** A detector that has declared a packet lost, by this round trip. */
function detector(options?: AdaptiveOptions, smoothed = RTT) {
  const made = adaptiveThreshold(options);
  const sent = new PlainSentPackets();
  sent.send(0, 0);
  sent.send(3, 0);
  sent.acknowledge(3);
  made.detect(smoothed, sent, { ...rtt, latest: smoothed, smoothed });
  expect(sent.lost).toEqual([0]);
  return made;
}

/** When a packet sent at 0 is given up, with the next one acknowledged: in round trips. */
function patience(made: ReturnType<typeof detector>): number {
  const sent = new PlainSentPackets();
  sent.send(0, 0);
  sent.send(1, 0);
  sent.acknowledge(1);
  return made.detect(1, sent, rtt) / RTT;
}

/** A round trip at `now` in which one packet, just sent, is lost. */
function lose(made: ReturnType<typeof detector>, now: number): void {
  const sent = new PlainSentPackets();
  sent.send(0, now - 1);
  sent.send(1_000, now - 1);
  sent.acknowledge(1_000);
  made.detect(now, sent, rtt);
  expect(sent.lost).toEqual([0]);
}

describe('adaptiveThreshold (RFC 9002 §6.1)', () => {
  test('begins as the fixed thresholds are', () => {
    const made = detector();
    expect([made.packetThreshold, patience(made)]).toEqual([3, 9 / 8]);
  });

  test('a packet that came after all would have been waited for now: no more, and never fewer', () => {
    const made = detector();
    made.onSpuriousLoss(packet(10, 0), 17, RTT);
    expect(made.packetThreshold).toBe(8);
    made.onSpuriousLoss(packet(10, 0), 14, RTT);
    expect(made.packetThreshold).toBe(8);
    expect(patience(made)).toBe(9 / 8); // it was not that late
  });

  test.each([
    [1.1, 9 / 8],
    [9 / 8, 1.25],
    [1.3, 1.5],
    [1.5, 1.75],
    [1.9, 2],
    [5, 2],
  ])('late by %d round trips: %d are waited for', (late, expected) => {
    const made = detector();
    made.onSpuriousLoss(packet(10, 0), 11, late * RTT);
    expect(patience(made)).toBe(expected);
  });

  test('what counts is the round trip when it was declared lost, not what it has grown to since', () => {
    const made = detector({}, RTT / 2);
    made.detect(RTT, new PlainSentPackets(), rtt);
    made.onSpuriousLoss(packet(10, 0), 11, 0.8 * RTT);
    expect(patience(made)).toBe(1.75);
  });

  test('has limits', () => {
    const made = detector({ mostPackets: 20, mostTime: 1.5 });
    made.onSpuriousLoss(packet(10, 0), 10_000, 10 * RTT);
    expect([made.packetThreshold, patience(made)]).toEqual([20, 1.5]);
  });

  test('without an RTT only packets are known of', () => {
    const made = adaptiveThreshold();
    made.onSpuriousLoss(packet(10, 0), 30, 10 * RTT);
    expect([made.packetThreshold, patience(made)]).toEqual([21, 9 / 8]);
  });

  test('after 16 round trips with losses, none of them a mistake, half of what was added goes', () => {
    const made = detector();
    made.onSpuriousLoss(packet(10, 0), 51, 2 * RTT);
    expect(made.packetThreshold).toBe(42);
    let now = 25 * RTT;
    const rounds = (count: number): void => {
      for (let i = 0; i < count; i++) lose(made, (now += RTT));
    };
    rounds(15);
    expect(made.packetThreshold).toBe(42);
    made.onSpuriousLoss(packet(10, now), 12, now + RTT); // the count begins anew
    rounds(15);
    expect([made.packetThreshold, patience(made)]).toEqual([42, 2]);
    rounds(1);
    expect([made.packetThreshold, patience(made)]).toEqual([22, 9 / 8 + 7 / 16]);
    rounds(5 * 16);
    expect([made.packetThreshold, Math.round(100 * patience(made))]).toEqual([3, 114]);
  });

  test('many losses of one round trip count once', () => {
    const made = detector({ keptFor: 2 });
    made.onSpuriousLoss(packet(10, 0), 51, RTT);
    const sent = new PlainSentPackets();
    for (let n = 0; n < 200; n++) sent.send(n, 10 * RTT);
    for (let acked = 60; acked < 200; acked += 10) {
      sent.acknowledge(acked);
      made.detect(11 * RTT, sent, rtt);
    }
    expect(sent.lost.length).toBeGreaterThan(100);
    expect(made.packetThreshold).toBe(42);
  });
});

test('recovery tells how far behind a packet came, and does not take the next such one for lost (RFC 9002 §6.1.1)', () => {
  const scene = Scene.confirmed({ lossDetector: () => adaptiveThreshold() });
  const { recovery } = scene;
  for (let i = 0; i < 40; i++) scene.send(i);
  expect(recovery.packetThreshold).toBe(3);
  const lost: number[] = [];
  /** All in order up to `to`, but `late`, which comes last. */
  const arrive = (late: number, to: number): void => {
    for (let n = late + 1; n <= to; n++) {
      scene.ack(RTT + n, [
        [late + 1, n],
        [0, late - 1],
      ]);
      lost.push(...numbers(recovery.lost));
    }
    scene.ack(RTT + to, [[0, to]]);
  };
  scene.ack(RTT, [[0, 4]]);
  arrive(5, 14);
  expect(lost).toEqual([5]);
  expect(recovery.spuriousLosses).toBe(1);
  expect(recovery.packetThreshold).toBe(10); // it came 9 behind
  arrive(20, 29);
  expect(lost).toEqual([5]);
  scene.ack(RTT + 39, [
    [31, 39],
    [0, 29],
  ]);
  expect(numbers(recovery.lost)).toEqual([]);
  scene.ack(RTT + 40, [[0, 39]]);
  expect([recovery.spuriousLosses, recovery.ackElicitingInFlight(Space.APPLICATION)]).toEqual([1, 0]);
});
