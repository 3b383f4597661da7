import { type AckSummary, type CongestionController, fixedWindow, type LossSummary, newReno } from '@quiclab/congestion';
import { type Micros, NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { PacketState, Space } from '../src/index.ts';
import { numbers, Scene } from './scene.ts';

/** A fixed window that writes down copies of what it is told. */
function listening(window = 1_000_000): CongestionController & { acks: AckSummary[]; losses: LossSummary[]; marks: number[][] } {
  const acks: AckSummary[] = [];
  const losses: LossSummary[] = [];
  const marks: number[][] = [];
  return {
    ...fixedWindow(window),
    acks,
    losses,
    marks,
    onAck: (_now, ack) => void acks.push({ ...ack }),
    onLoss: (_now, loss) => void losses.push({ ...loss }),
    onEcnMarks: (...values) => void marks.push(values),
  };
}

describe('records', () => {
  test('are handed out empty, and the same one again until it is sent', () => {
    const { recovery } = new Scene();
    const record = recovery.record(Space.INITIAL);
    record.frames.push(1, 2, 3);
    record.ackEliciting = true;
    expect(recovery.record(Space.INITIAL)).toBe(record);
    expect(record.frames).toEqual([]);
    expect(record.ackEliciting).toBe(false);
    expect(recovery.bytesInFlight).toBe(0);
  });

  test('are used again: a long transfer needs no more than its window', () => {
    const scene = Scene.confirmed();
    const seen = new Set<object>();
    for (let i = 0; i < 10_000; i++) {
      seen.add(scene.recovery.record(Space.APPLICATION));
      const n = scene.send(i);
      if (n % 2 === 1) scene.ack(i, [[0, n]]);
    }
    expect(seen.size).toBeLessThanOrEqual(33); // the ring's 32, and the one that is being filled
  });

  test('of what was acknowledged or lost last keep what they carried until the next packet is sent', () => {
    const scene = Scene.confirmed();
    for (let i = 0; i < 6; i++) scene.send(0);
    scene.ack(40_000, [[5, 5]]);
    expect(scene.recovery.acked.map((record) => [...record.frames])).toEqual([[5]]);
    expect(scene.recovery.lost.map((record) => [...record.frames])).toEqual([[0], [1], [2]]);
    expect(scene.recovery.lost.every((record) => record.state === PacketState.LOST)).toBe(true);
  });

  test('numbers must ascend', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    const record = scene.recovery.record(Space.APPLICATION);
    record.packetNumber = 0;
    expect(() => scene.recovery.sent(1, Space.APPLICATION, record)).toThrow('packet 0 was sent after 0');
  });
});

describe('an ACK frame (RFC 9002 Appendix A.7)', () => {
  test('acknowledges each packet once, in ascending order', () => {
    const scene = Scene.confirmed();
    for (let i = 0; i < 8; i++) scene.send(0);
    scene.ack(40_000, [
      [6, 7],
      [0, 1],
    ]);
    expect(numbers(scene.recovery.acked)).toEqual([0, 1, 6, 7]);
    expect(numbers(scene.recovery.lost)).toEqual([2, 3, 4]);
    scene.ack(40_000, [
      [5, 7],
      [0, 1],
    ]);
    expect(numbers(scene.recovery.acked)).toEqual([5]);
    expect(scene.recovery.bytesInFlight).toBe(0);
  });

  test('of a packet never sent is refused, and changes nothing (RFC 9000 §13.1)', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    expect(scene.ack(40_000, [[0, 1]])).toBe(false);
    expect(scene.recovery.acked).toEqual([]);
    expect(scene.recovery.bytesInFlight).toBe(1200);
    expect(scene.recovery.sentPackets(Space.APPLICATION).largestAcked).toBe(-1);
  });

  test('of a number that was skipped is refused (RFC 9000 §21.4)', () => {
    const scene = Scene.confirmed();
    scene.send(0);
    scene.send(0);
    expect(scene.send(0, { skip: 2 })).toBe(4);
    scene.send(0);
    expect(scene.ack(40_000, [[3, 5]])).toBe(false);
    expect(scene.ack(40_000, [[0, 5]])).toBe(false);
    expect(
      scene.ack(40_000, [
        [5, 5],
        [0, 2],
      ]),
    ).toBe(false);
    expect(
      scene.ack(40_000, [
        [4, 5],
        [0, 1],
      ]),
    ).toBe(true);
    expect(numbers(scene.recovery.acked)).toEqual([0, 1, 4, 5]);
  });

  test('in a space without packets is refused', () => {
    expect(new Scene().ack(0, [[0, 0]])).toBe(false);
  });

  test('costs what is new, not what it spans', () => {
    const scene = Scene.confirmed();
    const log = scene.recovery.sentPackets(Space.APPLICATION);
    for (let i = 0; i < 1_000; i++) scene.send(i);
    scene.ack(40_000, [[0, 999]]);
    let looks = 0;
    const find = log.find.bind(log);
    log.find = (n) => {
      looks++;
      return find(n);
    };
    scene.send(50_000);
    scene.ack(90_000, [[0, 1_000]]);
    expect(numbers(scene.recovery.acked)).toEqual([1_000]);
    expect(looks).toBe(0);
  });
});

describe('bytes in flight (RFC 9002 §2, Appendix B.2)', () => {
  test('count packets with more than ACK frames, whether they elicit one or not', () => {
    const scene = Scene.confirmed();
    scene.send(0, { bytes: 1200 });
    scene.send(0, { bytes: 700, ackEliciting: false });
    scene.send(0, { bytes: 50, ackEliciting: false, inFlight: false });
    expect(scene.recovery.bytesInFlight).toBe(1900);
  });

  test('a packet with nothing but an ACK is acknowledged like any other, but never lost, and arms no timer', () => {
    const scene = Scene.confirmed();
    const { recovery } = scene;
    for (let i = 0; i < 5; i++) scene.send(0, { ackEliciting: false, inFlight: false });
    scene.send(0);
    scene.ack(40_000, [[3, 5]]);
    expect(numbers(recovery.acked)).toEqual([3, 4, 5]);
    expect(recovery.lost).toEqual([]);
    expect(recovery.deadline).toBe(NEVER);
    expect(recovery.sentPackets(Space.APPLICATION).first()).toBeUndefined(); // nobody waits for 0 to 2
  });

  test('a receiver that sends only ACKs does not collect them', () => {
    const scene = Scene.confirmed();
    for (let i = 0; i < 100_000; i++) scene.send(i, { ackEliciting: false, inFlight: false });
    let kept = 0;
    for (let record = scene.recovery.sentPackets(Space.APPLICATION).first(); record !== undefined; record = record.next) kept++;
    expect(kept).toBeLessThanOrEqual(256);
  });

  test('a peer that never acknowledges does not make the log grow without limit: the oldest count as lost', () => {
    const scene = Scene.confirmed({ controller: fixedWindow(Number.MAX_SAFE_INTEGER) });
    const { recovery } = scene;
    for (let i = 0; i < 65_536; i++) scene.send(1_000, { bytes: 100 });
    expect(recovery.bytesInFlight).toBe(6_553_600);
    scene.send(2_000, { bytes: 100 });
    expect(recovery.deadline).toBe(2_000);
    expect(recovery.onDeadline(2_000)).toBe('loss');
    expect(numbers(recovery.lost)).toEqual([0]);
    expect(recovery.bytesInFlight).toBe(6_553_600);
    expect(recovery.deadline).toBeGreaterThan(2_000);
  });
});

describe('the controller hears', () => {
  test('of one ACK frame once, with sums', () => {
    const controller = listening(12_000);
    const scene = Scene.confirmed({ controller });
    for (let i = 0; i < 6; i++) scene.send(1_000 * i, { bytes: 1000 + i });
    scene.ack(45_000, [
      [4, 5],
      [0, 0],
    ]);
    expect(controller.losses).toEqual([{ lostBytes: 1001 + 1002, largestSentAt: 2_000, bytesInFlight: 1003, persistent: false }]);
    expect(controller.acks).toHaveLength(1);
    expect(controller.acks[0]).toMatchObject({
      ackedBytes: 1000 + 1004 + 1005,
      lostBytes: 2003,
      largestSentAt: 5_000,
      priorInFlight: 6015,
      bytesInFlight: 1003,
      appLimited: false,
    });
  });

  test('nothing of an ACK that tells nothing new, or only of packets that were not in flight', () => {
    const controller = listening();
    const scene = Scene.confirmed({ controller });
    scene.send(0);
    scene.ack(40_000, [[0, 0]]);
    scene.ack(41_000, [[0, 0]]);
    scene.send(42_000, { ackEliciting: false, inFlight: false });
    scene.ack(43_000, [[0, 1]]);
    expect(controller.acks).toHaveLength(1);
  });

  test('of ECN marks with the time of the newest packet acknowledged', () => {
    const controller = listening();
    const scene = Scene.confirmed({ controller });
    scene.send(7);
    scene.ack(40_000, [[0, 0]]);
    scene.recovery.onEcnMarks(40_000, 2);
    expect(controller.marks).toEqual([[40_000, 2, 7]]);
  });
});

describe('a sender without anything to say (RFC 9002 §7.8)', () => {
  test('does not grow its window until it has sent again', () => {
    const scene = Scene.confirmed({ controller: newReno({ maxDatagramSize: 1200 }) });
    const { recovery } = scene;
    for (let i = 0; i < 3; i++) scene.send(0);
    recovery.onAppLimited();
    scene.ack(40_000, [[0, 1]]);
    expect(recovery.controller.congestionWindow).toBe(12_000);
    for (let i = 0; i < 9; i++) scene.send(41_000);
    scene.ack(81_000, [[2, 4]]);
    expect(recovery.controller.congestionWindow).toBe(15_600);
  });

  test('is not limited by itself when the window is full', () => {
    const scene = Scene.confirmed({ controller: newReno({ maxDatagramSize: 1200 }) });
    for (let i = 0; i < 10; i++) scene.send(0);
    scene.recovery.onAppLimited();
    expect(scene.recovery.appLimited).toBe(false);
  });

  test('neither does it when it never filled half of it, whatever held it back', () => {
    const scene = Scene.confirmed({ controller: newReno({ maxDatagramSize: 1200 }) });
    const keepInFlight = (packets: number, rounds: number): number => {
      for (let round = 0; round < rounds; round++) {
        const now = 40_000 * (round + 1) + 1_000_000 * packets;
        let last = -1;
        for (let i = 0; i < packets; i++) last = scene.send(now);
        scene.ack(now + 30_000, [[last - packets + 1, last]]);
      }
      return scene.recovery.controller.congestionWindow;
    };
    expect(keepInFlight(4, 10)).toBe(12_000);
    expect(keepInFlight(5, 1)).toBe(18_000);
    expect(keepInFlight(8, 50)).toBe(18_000 + 9_600);
  });

  test('slow start by round with data always ready: 12,000, 36,000, 84,000, 180,000 octets', () => {
    const scene = Scene.confirmed({ controller: newReno({ maxDatagramSize: 1200 }) });
    const { recovery } = scene;
    const fill = (now: Micros): void => {
      while (recovery.windowAllows(1200)) scene.send(now);
    };
    let acknowledged = 0;
    let sent = 0;
    const cumulative: number[] = [];
    for (let round = 0; round < 4; round++) {
      if (round === 0) fill(0);
      const end = recovery.sentPackets(Space.APPLICATION).largestSent;
      cumulative.push((end + 1) * 1200);
      for (; acknowledged < end; acknowledged += 2) {
        scene.ack(40_000 * (round + 1), [[0, acknowledged + 1]]);
        fill(40_000 * (round + 1));
        sent++;
      }
    }
    expect(sent).toBeGreaterThan(70);
    expect(cumulative).toEqual([12_000, 36_000, 84_000, 180_000]);
  });
});

describe('entering recovery (RFC 9002 §7.3.2)', () => {
  test.each([
    ['at once', false, 6_000, 6_000],
    ['in step with what is delivered (RFC 9937)', true, 10_800, 8_400],
  ])('lets one packet leave beyond the window; the window falls %s', (_how, prr, window, windowAfter) => {
    const scene = Scene.confirmed({ controller: newReno({ maxDatagramSize: 1200, prr }) });
    const { recovery } = scene;
    for (let i = 0; i < 10; i++) scene.send(0);
    expect(recovery.windowAllows(1200)).toBe(false);
    scene.ack(40_000, [[3, 3]]);
    expect(recovery.controller.congestionWindow).toBe(window);
    expect(recovery.bytesInFlight).toBe(8 * 1200);
    expect(recovery.windowAllows(1200)).toBe(true);
    scene.send(40_000);
    expect(recovery.windowAllows(1200)).toBe(false);
    scene.ack(41_000, [[3, 4]]); // 1 is lost too, in the same recovery period
    expect(numbers(recovery.lost)).toEqual([1]);
    expect(recovery.controller.congestionWindow).toBe(windowAfter);
    expect(recovery.windowAllows(1200)).toBe(false);
  });
});

describe('the delivery rate', () => {
  test('of a packet is what was delivered from when it left to when it was acknowledged', () => {
    const controller = listening();
    const scene = Scene.confirmed({ controller });
    for (let i = 0; i < 4; i++) scene.send(1_000 * i);
    scene.ack(41_000, [[0, 1]]);
    expect(controller.acks[0]).toMatchObject({ delivered: 2_400, priorDelivered: 0, inFlightAtSend: 2_400, interval: 41_000 });
    scene.send(41_000);
    scene.ack(43_000, [[0, 3]]);
    expect(controller.acks[1]).toMatchObject({ delivered: 4_800, priorDelivered: 0, inFlightAtSend: 4_800, interval: 43_000 });
    scene.ack(81_000, [[0, 4]]);
    expect(controller.acks[2]).toMatchObject({ delivered: 6_000, priorDelivered: 2_400, inFlightAtSend: 3_600, interval: 40_000 });
  });

  test('of packets sent after the sender ran out is marked, until what was in flight then is through', () => {
    const controller = listening();
    const scene = Scene.confirmed({ controller });
    scene.send(0);
    scene.recovery.onAppLimited();
    scene.send(10_000);
    scene.ack(40_000, [[0, 0]]);
    scene.ack(50_000, [[0, 1]]);
    scene.send(60_000);
    scene.ack(100_000, [[0, 2]]);
    expect(controller.acks.map((ack) => ack.sampleAppLimited)).toEqual([false, true, false]);
  });
});

describe('another path (RFC 9000 §9.4)', () => {
  test('has its own window and RTT; packets of the old one count for neither, and are still acknowledged or lost', () => {
    const old = listening();
    const scene = Scene.confirmed({ controller: old });
    const { recovery } = scene;
    for (let i = 0; i < 6; i++) scene.send(0);
    scene.ack(40_000, [[0, 0]]);
    const fresh = listening();
    recovery.onPathChange(50_000, fresh, 100_000);
    expect(recovery.bytesInFlight).toBe(0);
    expect([recovery.rtt.hasSample, recovery.rtt.smoothed]).toEqual([false, 100_000]);
    scene.send(50_000);
    scene.ack(60_000, [
      [5, 5],
      [0, 0],
    ]);
    expect(numbers(recovery.acked)).toEqual([5]);
    expect(numbers(recovery.lost)).toEqual([1, 2]);
    expect(recovery.bytesInFlight).toBe(1200);
    expect(recovery.rtt.hasSample).toBe(false);
    expect([fresh.acks.length, fresh.losses.length, old.losses.length]).toEqual([0, 0, 0]);
    scene.ack(70_000, [
      [5, 6],
      [0, 0],
    ]);
    expect(recovery.rtt.latest).toBe(20_000);
    expect(fresh.acks).toHaveLength(1);
  });
});

describe('discarding (RFC 9002 §6.4)', () => {
  test('rejected 0-RTT leaves the flight without being lost', () => {
    const scene = new Scene();
    const { recovery } = scene;
    const early = recovery.record(Space.APPLICATION);
    Object.assign(early, { packetNumber: 0, bytes: 900, ackEliciting: true, inFlight: true, level: 1 });
    recovery.sent(0, Space.APPLICATION, early);
    const later = recovery.record(Space.APPLICATION);
    Object.assign(later, { packetNumber: 1, bytes: 100, ackEliciting: true, inFlight: true, level: 3 });
    recovery.sent(0, Space.APPLICATION, later);
    recovery.discardLevel(10, Space.APPLICATION, 1);
    expect(recovery.bytesInFlight).toBe(100);
    expect(recovery.ackElicitingInFlight(Space.APPLICATION)).toBe(1);
    expect(recovery.lost).toEqual([]);
  });

  test('a discarded space has no loss timer left', () => {
    const scene = new Scene({ side: 'server' });
    scene.send(0, { space: Space.HANDSHAKE });
    scene.send(0, { space: Space.HANDSHAKE });
    scene.ack(40_000, [[1, 1]], { space: Space.HANDSHAKE });
    expect(scene.recovery.deadline).toBe(45_000);
    scene.recovery.discardSpace(41_000, Space.HANDSHAKE);
    expect(scene.recovery.deadline).toBe(NEVER);
    expect(scene.recovery.bytesInFlight).toBe(0);
  });
});
