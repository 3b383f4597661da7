import { type Micros, NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { type ProbePolicy, RttEstimator, Space, singleProbes, standardProbes, tailLossProbes } from '../src/index.ts';
import { Scene } from './scene.ts';

describe('the probe timeout (RFC 9002 §6.2.1)', () => {
  test.each([1_000, 1_008, 8_000, 40_000, 333_000, 1_000_000, 12_345_672])('is 3R after one sample R = %i µs and 2.5R after two', (R) => {
    const rtt = new RttEstimator();
    rtt.sample(0, R, 0);
    expect(standardProbes.timeout(rtt, 0, 0)).toBe(3 * R);
    expect(standardProbes.timeout(rtt, 25_000, 0)).toBe(3 * R + 25_000);
    rtt.sample(R, R, 0);
    expect(standardProbes.timeout(rtt, 0, 0)).toBe(2.5 * R);
  });

  test('is 999 ms without a sample, and doubles', () => {
    const rtt = new RttEstimator();
    expect([0, 1, 2, 3].map((count) => standardProbes.timeout(rtt, 0, count))).toEqual([999_000, 1_998_000, 3_996_000, 7_992_000]);
  });

  test('is never below the granularity of 1 ms beyond the RTT', () => {
    const rtt = new RttEstimator();
    rtt.sample(0, 0, 0);
    expect(standardProbes.timeout(rtt, 0, 0)).toBe(1_000);
  });

  test('stays a whole number after any number of timeouts', () => {
    const rtt = new RttEstimator();
    expect(Number.isSafeInteger(standardProbes.timeout(rtt, 25_000, 100_000))).toBe(true);
  });

  test('unanswered client Initials leave at 0, 999, 2,997 and 6,993 ms, two datagrams each after the first', () => {
    const scene = new Scene();
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    const times: Micros[] = [0];
    for (let i = 0; i < 3; i++) {
      const now = recovery.deadline;
      expect(recovery.onDeadline(now)).toBe('probe');
      expect(recovery.probesOwed(Space.INITIAL)).toBe(2);
      while (recovery.probesOwed(Space.INITIAL) > 0) {
        scene.send(now, { space: Space.INITIAL });
        recovery.onProbeSent(Space.INITIAL);
      }
      times.push(now);
    }
    expect(times).toEqual([0, 999_000, 2_997_000, 6_993_000]);
  });

  test('counts from the last ack-eliciting packet of its space', () => {
    const scene = new Scene({ side: 'server' });
    scene.send(0, { space: Space.INITIAL });
    scene.send(5_000, { space: Space.HANDSHAKE });
    expect(scene.recovery.deadline).toBe(999_000);
    scene.send(7_000, { space: Space.INITIAL, ackEliciting: false }); // padding is in flight and elicits nothing
    expect(scene.recovery.deadline).toBe(999_000);
    scene.send(9_000, { space: Space.INITIAL });
    expect(scene.recovery.deadline).toBe(5_000 + 999_000); // now the Handshake packet is the older one
  });

  test("is armed in the Application space only after confirmation, and then includes the peer's max_ack_delay", () => {
    const scene = new Scene({ side: 'server' });
    const { recovery } = scene;
    recovery.maxAckDelay = 25_000;
    scene.send(0);
    expect(recovery.deadline).toBe(NEVER);
    recovery.handshakeConfirmed = true;
    recovery.updateDeadline(10);
    expect(recovery.deadline).toBe(999_000 + 25_000);
    recovery.onDeadline(recovery.deadline);
    scene.send(1_024_000);
    expect(recovery.deadline).toBe(1_024_000 + 2 * (999_000 + 25_000)); // both are doubled
  });

  test('declares nothing lost', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    scene.recovery.onDeadline(scene.recovery.deadline);
    expect(scene.recovery.lost).toEqual([]);
    expect(scene.recovery.bytesInFlight).toBe(1200);
  });

  test('backs off in all spaces at once', () => {
    const scene = new Scene({ side: 'server' });
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    scene.send(1_000, { space: Space.HANDSHAKE });
    recovery.onDeadline(999_000);
    expect(recovery.probesOwed(Space.INITIAL)).toBe(2);
    expect(recovery.probesOwed(Space.HANDSHAKE)).toBe(0);
    expect(recovery.ackElicitingInFlight(Space.HANDSHAKE)).toBe(1); // worth a place in the probe's datagram, §6.2.4
    expect(recovery.deadline).toBe(1_000 + 2 * 999_000);
  });

  test('a late wake-up is one timeout, and the next deadline lies ahead', () => {
    const scene = new Scene({ side: 'server' });
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    scene.send(1, { space: Space.HANDSHAKE });
    const now = 60_000_000;
    expect(recovery.onDeadline(now)).toBe('probe');
    expect(recovery.ptoCount).toBe(1);
    expect(recovery.deadline).toBeGreaterThan(now);
  });

  test('fires no earlier than it is due', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    expect(scene.recovery.onDeadline(scene.recovery.deadline - 1)).toBe('none');
    expect(scene.recovery.ptoCount).toBe(0);
  });

  test('an acknowledgement resets the backoff and takes back probes that have not left', () => {
    const scene = Scene.confirmed();
    const { recovery } = scene;
    scene.send(0);
    recovery.onDeadline(recovery.deadline);
    expect(recovery.ptoCount).toBe(1);
    scene.ack(1_100_000, [[0, 0]]);
    expect(recovery.ptoCount).toBe(0);
    expect(recovery.probesOwed(Space.APPLICATION)).toBe(0);
    expect(recovery.deadline).toBe(NEVER);
  });
});

describe('other probes', () => {
  /** When probes leave of one packet sent at 0 that nobody answers, after one sample of 100 ms; and how many datagrams each has. */
  function probesOf(probes: ProbePolicy): [Micros, number][] {
    const scene = Scene.confirmed({ probes });
    const { recovery } = scene;
    scene.send(-100_000);
    scene.ack(0, [[0, 0]]);
    scene.send(0);
    return Array.from({ length: 3 }, () => {
      const now = recovery.deadline;
      expect(recovery.onDeadline(now)).toBe('probe');
      const owed = recovery.probesOwed(Space.APPLICATION);
      for (let i = 0; i < owed; i++) {
        scene.send(now);
        recovery.onProbeSent(Space.APPLICATION);
      }
      return [now, owed];
    });
  }

  test('a timeout of 325 ms, twice that, four times that; two datagrams, or one (RFC 9002 §6.2.4)', () => {
    const times = [325_000, 975_000, 2_275_000];
    expect(probesOf(standardProbes)).toEqual(times.map((time) => [time, 2]));
    expect(probesOf(singleProbes)).toEqual(times.map((time) => [time, 1]));
  });

  test('a tail loss probe after two round trips, and the others from there on (RFC 8985 §7.2)', () => {
    expect(probesOf(tailLossProbes)).toEqual([
      [225_000, 1],
      [550_000, 2],
      [1_200_000, 2],
    ]);
  });

  test('a tail loss probe is never later than the first one would be, and not made of a guess', () => {
    const steady = { latest: 100_000, smoothed: 100_000, variation: 0, min: 100_000 };
    expect(tailLossProbes.timeout(steady, 25_000, 0)).toBe(standardProbes.timeout(steady, 25_000, 0));
    expect(tailLossProbes.timeout(new RttEstimator(), 0, 0)).toBe(999_000);
  });

  test('persistent congestion takes as long to establish, however early a policy probes (RFC 9002 §7.6.1)', () => {
    for (const probes of [standardProbes, tailLossProbes])
      for (const stretch of [825_000, 825_001]) {
        const scene = Scene.confirmed({ probes });
        scene.send(-100_000);
        scene.ack(0, [[0, 0]]);
        for (const at of [1, 1 + stretch, 826_000, 826_000, 826_000]) scene.send(at);
        scene.ack(926_000, [[5, 5]]); // another 100 ms: the timeout is 275 ms now
        expect(scene.recovery.lost.map((record) => record.packetNumber)).toEqual([1, 2]);
        expect(scene.recovery.persistentCongestions).toBe(stretch > 3 * 275_000 ? 1 : 0);
      }
  });
});

describe('before the address is validated (RFC 9002 §6.2.2.1)', () => {
  test("an ACK of an Initial does not reset a client's backoff; one in the Handshake space does", () => {
    const scene = new Scene();
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    recovery.onDeadline(999_000);
    scene.send(999_000, { space: Space.INITIAL });
    scene.ack(1_039_000, [[1, 1]], { space: Space.INITIAL });
    expect(recovery.ptoCount).toBe(1);
    expect(recovery.peerValidatedAddress).toBe(false);
    scene.send(1_040_000, { space: Space.HANDSHAKE });
    scene.ack(1_080_000, [[0, 0]], { space: Space.HANDSHAKE });
    expect(recovery.ptoCount).toBe(0);
    expect(recovery.peerValidatedAddress).toBe(true);
  });

  test("an ACK of an Initial resets a server's backoff", () => {
    const scene = new Scene({ side: 'server' });
    scene.send(0, { space: Space.INITIAL });
    scene.recovery.onDeadline(999_000);
    scene.ack(1_039_000, [[0, 0]], { space: Space.INITIAL });
    expect(scene.recovery.ptoCount).toBe(0);
  });

  test('a client with nothing in flight probes from now on: Initial, or Handshake once it has the keys', () => {
    const scene = new Scene();
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    scene.ack(40_000, [[0, 0]], { space: Space.INITIAL });
    expect(recovery.bytesInFlight).toBe(0);
    expect(recovery.deadline).toBe(40_000 + 3 * 40_000);
    recovery.updateDeadline(100_000); // being asked again moves nothing
    expect(recovery.deadline).toBe(160_000);
    expect(recovery.onDeadline(160_000)).toBe('probe');
    expect(recovery.probesOwed(Space.INITIAL)).toBe(1);
    recovery.hasHandshakeKeys = true;
    recovery.updateDeadline(170_000);
    expect(recovery.onDeadline(recovery.deadline)).toBe('probe');
    expect(recovery.probesOwed(Space.HANDSHAKE)).toBe(1);
  });

  test('what is hastened is owed as if the timeout had come, and backs nothing off (§6.2.3)', () => {
    const scene = new Scene();
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    expect(recovery.hasten(1_000, Space.INITIAL)).toBe(true);
    expect(recovery.hasten(1_000, Space.INITIAL)).toBe(true); // no more than that, however often
    expect(recovery.probesOwed(Space.INITIAL)).toBe(2);
    expect([recovery.ptoCount, recovery.deadline]).toEqual([0, 999_000]);
    expect(recovery.hasten(1_000, Space.HANDSHAKE)).toBe(true);
    expect(recovery.probesOwed(Space.HANDSHAKE)).toBe(1); // with nothing to say again, a single packet
  });

  test('what a timeout owes is answered by any ACK; what is hastened by one that leaves nothing outstanding there (§6.2.1, §6.2.3)', () => {
    const scene = new Scene({ side: 'server' });
    const { recovery } = scene;
    const owed = (): number[] => [Space.INITIAL, Space.HANDSHAKE].map((space) => recovery.probesOwed(space));
    scene.send(0, { space: Space.INITIAL });
    for (let i = 0; i < 3; i++) scene.send(0, { space: Space.HANDSHAKE });
    recovery.onDeadline(999_000);
    expect(owed()).toEqual([2, 0]);
    recovery.hasten(999_000, Space.HANDSHAKE);
    scene.ack(999_000, [[1, 1]], { space: Space.HANDSHAKE });
    expect(owed()).toEqual([0, 2]);
    expect(recovery.ptoCount).toBe(0);
    scene.ack(999_000, [[0, 0]], { space: Space.INITIAL });
    expect(owed()).toEqual([0, 2]);
    scene.ack(999_000, [[0, 2]], { space: Space.HANDSHAKE });
    expect(owed()).toEqual([0, 0]);
  });

  test('nothing is hastened by what the peer sent before it could hear the last packet (§6.2.3)', () => {
    const scene = new Scene();
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    scene.ack(40_000, [[0, 0]], { space: Space.INITIAL });
    scene.send(50_000, { space: Space.HANDSHAKE });
    expect(recovery.hasten(90_000, Space.HANDSHAKE)).toBe(false);
    expect(recovery.probesOwed(Space.HANDSHAKE)).toBe(0);
    expect(recovery.hasten(90_001, Space.HANDSHAKE)).toBe(true);
    expect(recovery.probesOwed(Space.HANDSHAKE)).toBe(2);
  });

  test('0-RTT packets in flight do not keep a client from that', () => {
    const scene = new Scene();
    scene.send(0, { space: Space.INITIAL });
    scene.send(0, { space: Space.APPLICATION });
    scene.ack(40_000, [[0, 0]], { space: Space.INITIAL });
    expect(scene.recovery.deadline).toBe(40_000 + 120_000);
  });

  test('a client stops once the handshake is confirmed or the server has acknowledged a Handshake packet', () => {
    const scene = new Scene();
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    scene.ack(40_000, [[0, 0]], { space: Space.INITIAL });
    recovery.handshakeConfirmed = true;
    recovery.updateDeadline(50_000);
    expect(recovery.deadline).toBe(NEVER);
  });

  test('a server at its amplification limit arms nothing; what came due meanwhile is due at once', () => {
    const scene = new Scene({ side: 'server' });
    const { recovery } = scene;
    scene.send(0, { space: Space.INITIAL });
    recovery.amplificationBlocked = true;
    expect(recovery.onDeadline(999_000)).toBe('none'); // even where nobody has asked for the deadline since
    expect(recovery.ptoCount).toBe(0);
    expect(recovery.deadline).toBe(NEVER);
    recovery.amplificationBlocked = false;
    recovery.updateDeadline(2_000_000);
    expect(recovery.deadline).toBe(999_000);
    expect(recovery.onDeadline(2_000_000)).toBe('probe');
    expect(recovery.deadline).toBeGreaterThan(2_000_000);
  });
});

test('discarding keys takes packets out of flight, resets timers and backoff (RFC 9002 §6.4)', () => {
  const scene = new Scene();
  const { recovery } = scene;
  scene.send(0, { space: Space.INITIAL });
  scene.send(10, { space: Space.HANDSHAKE, bytes: 300 });
  recovery.onDeadline(999_000);
  recovery.discardSpace(1_000_000, Space.INITIAL);
  expect(recovery.bytesInFlight).toBe(300);
  expect(recovery.ptoCount).toBe(0);
  expect(recovery.probesOwed(Space.INITIAL)).toBe(0);
  expect(recovery.deadline).toBe(10 + 999_000);
  expect(scene.ack(1_000_001, [[0, 0]], { space: Space.INITIAL })).toBe(true); // too late, and of no effect
  expect(recovery.acked).toEqual([]);
});
