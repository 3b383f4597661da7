import { describe, expect, test } from 'vitest';
import { ackSummary } from '../src/contract.ts';
import { type CongestionController, cubic, newReno } from '../src/index.ts';

const DATAGRAM = 1_200;

/** A sender in slow start, round by round: each round trip takes what it is told. */
class Rounds {
  readonly controller: CongestionController;
  delivered = 0;
  now = 0;

  constructor(controller: CongestionController) {
    this.controller = controller;
  }

  /** A window, acknowledged by so many ACKs, all of them so much after it left. Returns by what factor the window grew. */
  round(roundTrip: number, acks = 10): number {
    const { controller } = this;
    const before = controller.congestionWindow;
    const sentAt = this.now;
    const priorDelivered = this.delivered;
    this.now += roundTrip;
    for (let i = 0; i < acks; i++) {
      const ackedBytes = before / acks;
      this.delivered += ackedBytes;
      controller.onAck(this.now, ackSummary({ ackedBytes, largestSentAt: sentAt, delivered: this.delivered, priorDelivered }), {
        latest: roundTrip,
        smoothed: roundTrip,
        variation: 0,
        min: roundTrip,
      });
    }
    return controller.congestionWindow / before;
  }
}

const makers = {
  cubic: () => new Rounds(cubic({ maxDatagramSize: DATAGRAM })),
  newReno: () => new Rounds(newReno({ maxDatagramSize: DATAGRAM, hyStart: true })),
};

describe.each(Object.entries(makers))('HyStart++ (RFC 9406) of %s', (_name, start) => {
  test('doubles the window while round trips stay as they are', () => {
    const rounds = start();
    for (let i = 0; i < 8; i++) expect(rounds.round(40_000 + (i % 2) * 3_900)).toBeCloseTo(2, 3);
    expect(rounds.controller.phase).toBe('slow-start');
  });

  test.each([
    [20_000, 3_999, 4_000, 'never less than 4 ms'],
    [80_000, 9_999, 10_000, 'an eighth of the round trip'],
    [400_000, 15_999, 16_000, 'never more than 16 ms'],
  ])('at %i µs, a rise of %i is nothing, of %i µs enough: %s', (roundTrip, little, enough) => {
    const calm = start();
    calm.round(roundTrip);
    expect(calm.round(roundTrip + little)).toBeCloseTo(2, 3);
    expect(calm.round(roundTrip + little)).toBeCloseTo(2, 3);
    const risen = start();
    risen.round(roundTrip);
    risen.round(roundTrip + enough); // noticed by the eighth sample
    expect(risen.round(roundTrip + enough)).toBeCloseTo(1.25, 2);
  });

  test('needs eight samples in a round', () => {
    const rounds = start();
    rounds.round(40_000, 7);
    expect(rounds.round(60_000, 7)).toBeCloseTo(2, 3);
    expect(rounds.round(60_000, 7)).toBeCloseTo(2, 3);
  });

  test('ends slow start after five conservative rounds, the one that began them counted', () => {
    const rounds = start();
    rounds.round(40_000);
    expect(rounds.round(60_000)).toBeLessThan(2); // CSS begins within this round
    for (let i = 0; i < 4; i++) {
      expect(rounds.controller.phase).toBe('slow-start');
      rounds.round(60_000);
    }
    expect(rounds.controller.phase).toBe('slow-start');
    const window = rounds.controller.congestionWindow;
    expect(rounds.round(60_000)).toBeLessThan(1.02); // the sixth begins: congestion avoidance
    expect(rounds.controller.phase).toBe('congestion-avoidance');
    expect(window / 12_000).toBeGreaterThan(2 * 1.25 ** 4);
  });

  test('was it jitter, slow start goes on', () => {
    const rounds = start();
    rounds.round(40_000);
    rounds.round(60_000);
    rounds.round(60_000);
    rounds.round(50_000); // below the round that began CSS
    expect(rounds.round(50_000)).toBeCloseTo(2, 3);
    expect(rounds.controller.phase).toBe('slow-start');
  });

  test('has no part in later slow starts: they know their threshold (§4.2)', () => {
    const rounds = start();
    rounds.round(40_000);
    rounds.controller.onLoss(
      rounds.now,
      { lostBytes: DATAGRAM, largestSentAt: rounds.now - 1, bytesInFlight: 0, persistent: true },
      { latest: 40_000, smoothed: 40_000, variation: 0, min: 40_000 },
    );
    rounds.now++;
    expect(rounds.round(40_000)).toBeCloseTo(2, 3);
    expect(rounds.round(90_000)).toBeCloseTo(2, 3);
  });
});

test('newReno has the plain slow start unless told otherwise (RFC 9002 §7.3.1)', () => {
  const rounds = new Rounds(newReno({ maxDatagramSize: DATAGRAM }));
  rounds.round(40_000);
  rounds.round(60_000);
  expect(rounds.round(90_000)).toBeCloseTo(2, 3);
});
