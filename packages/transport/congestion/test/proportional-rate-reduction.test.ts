import { describe, expect, test } from 'vitest';
import { type CongestionController, cubic, newReno } from '../src/index.ts';

const DATAGRAM = 1_200;
const rtt = { latest: 40_000, smoothed: 40_000, variation: 5_000, min: 40_000 };

/** A window of packets in flight, of which the first are lost; each ACK frame acknowledges one. A sender that fills what it may. */
class Flight {
  readonly controller: CongestionController;
  inFlight = 0;
  sent = 0;

  constructor(controller: CongestionController) {
    this.controller = controller;
    this.fill(0);
  }

  fill(now: number): void {
    while (this.inFlight + DATAGRAM <= this.controller.congestionWindow) {
      this.inFlight += DATAGRAM;
      this.sent++;
      this.controller.onPacketSent(now, DATAGRAM, this.inFlight);
    }
  }

  /** An ACK for one packet of the first flight, by which so many more are found lost. */
  ack(now: number, lost = 0): void {
    const priorInFlight = this.inFlight;
    this.inFlight -= DATAGRAM;
    if (lost > 0) {
      this.inFlight -= lost * DATAGRAM;
      const loss = { lostBytes: lost * DATAGRAM, largestSentAt: 0, bytesInFlight: this.inFlight, persistent: false };
      this.controller.onLoss(now, loss, rtt);
    }
    const ack = { ackedBytes: DATAGRAM, lostBytes: lost * DATAGRAM, largestSentAt: 0, priorInFlight, bytesInFlight: this.inFlight };
    const rest = { delivered: 0, priorDelivered: 0, inFlightAtSend: 0, interval: 0, appLimited: false, sampleAppLimited: false };
    this.controller.onAck(now, { ...ack, ...rest }, rtt);
    this.fill(now);
  }
}

const reno = (packets: number): Flight => new Flight(newReno({ maxDatagramSize: DATAGRAM, initialWindow: { packets } }));

describe('proportional rate reduction (RFC 9937)', () => {
  test('half the window lost its half: a packet leaves for every second one delivered, from the first ACK on', () => {
    const flight = reno(20);
    flight.sent = 0;
    flight.ack(1_000, 1);
    expect(flight.sent).toBe(1); // the one that entering recovery allows (RFC 9002 §7.3.2)
    const sentAfter: number[] = [];
    for (let i = 2; i <= 19; i++) {
      flight.ack(1_000 * i);
      sentAfter.push(flight.sent);
    }
    // 19 delivered of 20: 9.5, and no silence anywhere. Below the threshold of ten it comes up again by one more for each ACK
    expect(sentAfter.slice(0, 14)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
    expect(flight.inFlight).toBe(10 * DATAGRAM);
    expect(flight.controller.congestionWindow).toBe(10 * DATAGRAM);
  });

  test('CUBIC keeps seven of ten', () => {
    const flight = new Flight(cubic({ maxDatagramSize: DATAGRAM, initialWindow: { packets: 100 } }));
    flight.sent = 0;
    flight.ack(1_000, 1);
    for (let i = 2; i <= 41; i++) flight.ack(1_000 * i);
    expect(flight.sent).toBe(28); // 0.7 of 41
    expect(flight.controller.phase).toBe('recovery');
  });

  test('without it, silence until half of the flight is gone', () => {
    const flight = new Flight(newReno({ maxDatagramSize: DATAGRAM, initialWindow: { packets: 20 }, prr: false }));
    flight.sent = 0;
    flight.ack(1_000, 1);
    for (let i = 2; i <= 9; i++) flight.ack(1_000 * i);
    expect(flight.sent).toBe(0); // but for the packet that RFC 9002 §7.3.2 allows, which is recovery's affair
    flight.ack(10_000);
    expect(flight.sent).toBe(1);
  });

  test('heavy loss takes the flight below the threshold: with each further loss as much leaves as is delivered, then one more', () => {
    const flight = reno(20);
    flight.sent = 0;
    flight.ack(1_000, 12); // seven are left, the threshold is ten
    expect(flight.sent).toBe(1);
    flight.ack(2_000, 1); // more loss: conservation of packets
    expect(flight.sent).toBe(2);
    flight.ack(3_000); // none: one more (the slow start reduction bound)
    expect(flight.sent).toBe(4);
    for (let i = 4; i <= 6; i++) flight.ack(1_000 * i);
    expect(flight.inFlight).toBeLessThanOrEqual(10 * DATAGRAM);
    expect(flight.controller.congestionWindow).toBeLessThanOrEqual(10 * DATAGRAM);
    expect(flight.sent).toBe(9);
  });

  test('a loss found by the timer, without an ACK, lets nothing leave in its place', () => {
    const flight = reno(20);
    flight.ack(1_000, 1);
    const before = flight.controller.congestionWindow;
    flight.inFlight -= 2 * DATAGRAM;
    flight.controller.onLoss(2_000, { lostBytes: 2 * DATAGRAM, largestSentAt: 0, bytesInFlight: flight.inFlight, persistent: false }, rtt);
    expect(flight.controller.congestionWindow).toBeLessThanOrEqual(before - 2 * DATAGRAM + DATAGRAM);
  });

  test('when recovery ends, the window is the threshold', () => {
    const flight = reno(20);
    flight.ack(1_000, 12);
    const acked = { ackedBytes: DATAGRAM, lostBytes: 0, largestSentAt: 1_001, priorInFlight: flight.inFlight, delivered: 0 };
    const rest = { priorDelivered: 0, inFlightAtSend: 0, interval: 0, appLimited: true, sampleAppLimited: true };
    flight.controller.onAck(41_000, { ...acked, ...rest, bytesInFlight: flight.inFlight - DATAGRAM }, rtt);
    expect(flight.controller.phase).toBe('congestion-avoidance');
    expect(flight.controller.congestionWindow).toBe(10 * DATAGRAM);
  });

  test('nothing beyond the window until then, even when probes have filled the path beyond it', () => {
    const controller = newReno({ maxDatagramSize: DATAGRAM });
    controller.onPacketSent(0, DATAGRAM, 14 * DATAGRAM);
    controller.onLoss(1_000, { lostBytes: DATAGRAM, largestSentAt: 0, bytesInFlight: 13 * DATAGRAM, persistent: false }, rtt);
    expect(controller.congestionWindow).toBe(10 * DATAGRAM);
  });

  test('an ECN mark reduces in proportion, too', () => {
    const flight = reno(20);
    flight.ack(900);
    flight.sent = 0;
    flight.controller.onEcnMarks(1_000, 1, 500);
    for (let i = 2; i <= 11; i++) flight.ack(1_000 * i);
    expect(flight.sent).toBe(5);
  });
});
