import { NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { Rack } from '../src/send/rack.ts';
import { Scoreboard } from '../src/send/scoreboard.ts';
import type { SentSegment } from '../src/send/sent-segment.ts';

const MIN_RTT = 40_000;

/** Segments of a hundred octets that left at these instants, one after the other. */
function sent(...instants: readonly number[]): { board: Scoreboard; segments: SentSegment[] } {
  const board = new Scoreboard();
  const segments = instants.map((now) => {
    const segment = board.add(now, board.next + 100, false);
    board.launch(now, segment, 0);
    return segment;
  });
  return { board, segments };
}

/** Which segments are lost by now, by their number; and when to look again. */
function detected(rack: Rack, { log }: Scoreboard, now: number, window: number): { lost: number[]; again: number } {
  const lost: SentSegment[] = [];
  const again = rack.detect(now, log, window, lost);
  return { lost: lost.map(({ start }) => start / 100), again };
}

function arrive(rack: Rack, board: Scoreboard, now: number, segment: SentSegment, isOriginal = false): void {
  rack.onDelivered(now, segment, isOriginal, MIN_RTT);
  board.deliver(segment);
}

describe('what left before something that has arrived is lost a reordering window later (RFC 8985 §6.2, step 5)', () => {
  test('to the microsecond; until then it says when to look again, and that is when the last of them is due', () => {
    const { board, segments } = sent(0, 1_000, 2_000, 3_000);
    const rack = new Rack();
    arrive(rack, board, 43_000, segments[3]!); // it took 40,000
    expect(detected(rack, board, 43_000, 10_000)).toEqual({ lost: [], again: 52_000 });
    expect(detected(rack, board, 49_999, 10_000)).toEqual({ lost: [], again: 52_000 });
    expect(detected(rack, board, 50_000, 10_000)).toEqual({ lost: [0], again: 52_000 });
    expect(detected(rack, board, 52_000, 10_000)).toEqual({ lost: [0, 1, 2], again: NEVER });
  });

  test('what left later is not, nor in the same instant but after it', () => {
    const { board, segments } = sent(0, 0, 0, 1_000);
    const rack = new Rack();
    expect(detected(rack, board, 1_000_000, 0)).toEqual({ lost: [], again: NEVER }); // nothing has arrived
    arrive(rack, board, 40_000, segments[1]!);
    expect(detected(rack, board, 1_000_000, 0)).toEqual({ lost: [0], again: NEVER });
  });

  test('one that arrives late does not make it forget a later one', () => {
    const { board, segments } = sent(0, 1_000, 2_000, 3_000);
    const rack = new Rack();
    arrive(rack, board, 43_000, segments[3]!);
    arrive(rack, board, 43_500, segments[0]!);
    expect(detected(rack, board, 100_000, 0).lost).toEqual([1, 2]);
  });
});

describe('of something sent twice it is the copy that counts, if it is the copy that has arrived (step 2)', () => {
  /** The first is sent again after the others. */
  function repaired(now: number, isOriginal: boolean): number[] {
    const { board, segments } = sent(0, 1_000, 2_000);
    const rack = new Rack();
    board.launch(50_000, segments[0]!, 0);
    arrive(rack, board, now, segments[0]!, isOriginal);
    return detected(rack, board, 1_000_000, 0).lost;
  }

  test('after a round trip at least', () => expect(repaired(50_000 + MIN_RTT, false)).toEqual([1, 2]));
  test('sooner it was the original', () => expect(repaired(50_000 + MIN_RTT - 1, false)).toEqual([]));
  test('and where the timestamp says so', () => expect(repaired(50_000 + MIN_RTT, true)).toEqual([]));
});

describe('reordering (steps 3 and 4)', () => {
  test('is seen where something arrives below what has, unless it was sent twice', () => {
    const rack = new Rack();
    const { board, segments } = sent(0, 1_000, 2_000, 3_000);
    arrive(rack, board, 42_000, segments[2]!);
    board.launch(43_000, segments[0]!, 0);
    arrive(rack, board, 83_000, segments[0]!);
    expect(rack.reorderingSeen).toBe(false);
    arrive(rack, board, 84_000, segments[1]!);
    expect(rack.reorderingSeen).toBe(true);
  });

  test('the reordering window: none while nothing speaks for it, a quarter of the round trip, wider with each DSACK, and back (RFC 8985 §6.2)', () => {
    const rack = new Rack();
    const window = (inRecovery = false, sacked = 0): number => rack.reorderingWindow(inRecovery, sacked, 40_000, 50_000);
    expect([window(), window(false, 2), window(false, 3), window(true)]).toEqual([10_000, 10_000, 0, 0]);
    rack.onMistake();
    expect([window(false, 3), window(true)]).toEqual([10_000, 10_000]);
    rack.onDuplicate(0, 1_000);
    rack.onDuplicate(500, 2_000); // in the same round trip
    expect(window(true)).toBe(20_000);
    for (let una = 1_000; una < 10_000; una += 1_000) rack.onDuplicate(una, una + 1_000);
    expect(window(true)).toBe(50_000); // the smoothed round trip is the most
    for (let i = 0; i < 16; i++) rack.onRecovered();
    expect(window(true)).toBe(10_000);
  });
});
