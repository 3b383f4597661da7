import { describe, expect, test } from 'vitest';
import { ackSummary } from '../src/contract.ts';
import { type CongestionController, cubic } from '../src/index.ts';

const DATAGRAM = 1_000;

/** A sender in slow start whose acknowledgements come so much apart. */
class Acks {
  readonly controller: CongestionController;
  delivered = 0;
  now = 1_000_000;

  constructor(window: number) {
    this.controller = cubic({ maxDatagramSize: DATAGRAM, hyStart: 'classic', initialWindow: { packets: window } });
  }

  /** So many for a datagram each, of packets that left before any of them; the first is in its round. Returns at which slow start ended, or 0. */
  round(count: number, roundTrip: number, apart = 3_000): number {
    const priorDelivered = this.delivered;
    for (let i = 1; i <= count; i++) {
      this.now += apart;
      this.delivered += DATAGRAM;
      const ack = ackSummary({
        ackedBytes: DATAGRAM,
        largestSentAt: this.now - roundTrip,
        delivered: this.delivered,
        priorDelivered: Math.max(priorDelivered, 0),
      });
      this.controller.onAck(this.now, ack, { latest: roundTrip, smoothed: roundTrip, variation: 0, min: roundTrip });
      if (this.controller.phase !== 'slow-start') return i;
    }
    return 0;
  }
}

describe('HyStart as Linux has it (tcp_cubic.c)', () => {
  test.each([
    [24_000, 4_000, 'never less than 4 ms'],
    [80_000, 10_000, 'an eighth of the round trip'],
    [400_000, 16_000, 'never more than 16 ms'],
  ])(
    'at %i µs, a round trip that is longer by more than %i µs ends slow start, with the ninth sample of a round: %s',
    (roundTrip, rise) => {
      const calm = new Acks(20);
      expect(calm.round(20, roundTrip)).toBe(0);
      expect(calm.round(20, roundTrip + rise)).toBe(0);
      const risen = new Acks(20);
      expect(risen.round(20, roundTrip)).toBe(0);
      expect(risen.round(20, roundTrip + rise + 1)).toBe(9);
      expect(risen.controller.slowStartThreshold).toBe(48 * DATAGRAM); // 20, and one for each acknowledgement before
    },
  );

  test('one early sample in a round keeps it going: the least of a round counts', () => {
    const acks = new Acks(20);
    acks.round(20, 80_000);
    const before = acks.delivered;
    expect(acks.round(1, 80_000)).toBe(0);
    acks.delivered = before; // the same round
    expect(acks.round(20, 120_000)).toBe(0);
  });

  test('acknowledgements that follow each other within 2 ms for half a round trip end it', () => {
    const close = new Acks(20);
    expect(close.round(100, 50_000, 2_000)).toBe(14); // the first begins the round: 26 ms later, more than (50 + 1) / 2
    const apart = new Acks(20);
    expect(apart.round(100, 50_000, 2_001)).toBe(0);
  });

  test('below sixteen datagrams nothing is looked at', () => {
    const small = new Acks(2);
    expect(small.round(13, 50_000)).toBe(0);
    expect(small.controller.congestionWindow).toBe(15 * DATAGRAM);
    const late = new Acks(2);
    expect(late.round(10, 50_000)).toBe(0);
    expect(late.round(3, 200_000)).toBe(0);
    expect(late.round(20, 200_000)).toBe(10); // the first makes it sixteen, nine samples follow
  });
});
