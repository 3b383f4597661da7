import { integerBelow, seededRandom } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { Scoreboard } from '../src/send/scoreboard.ts';
import type { SentSegment } from '../src/send/sent-segment.ts';

const all = ({ log }: Scoreboard): SentSegment[] => Array.from({ length: log.count }, (_, i) => log.at(i));

/** What the board says of itself against what its segments say, one by one: what is not so. */
function faults(board: Scoreboard): string[] {
  const found: string[] = [];
  const claim = (holds: boolean, what: string): void => {
    if (!holds) found.push(what);
  };
  const segments = all(board);
  const sum = segments.reduce((octets, { copies, bytes }) => octets + copies * bytes, 0);
  claim(board.bytesInFlight === sum, `${board.bytesInFlight} in flight, the sum is ${sum}`);
  claim(board.sackedSegments === segments.filter(({ sacked }) => sacked).length, 'segments that have arrived');
  claim(board.nextLost() === segments.find(({ lost }) => lost), 'the lowest lost');
  let position = board.una;
  for (const { start, end, bytes, copies, sacked, lost } of segments) {
    claim(start === position && bytes === end - start, `a gap at ${position}`);
    claim([copies > 0, sacked, lost].filter(Boolean).length === 1, `${start} is in no state, or in two`);
    position = end;
  }
  claim(position === board.next, 'the end');
  const orders = segments.filter(({ copies }) => copies > 0).map(({ order }) => order);
  orders.sort((a, b) => a - b);
  let one = board.log.earliest;
  for (const [i, order] of orders.entries()) {
    claim(one?.order === order, `the ${i}th in flight`);
    claim((one?.later === undefined ? board.log.latest : one.later.earlier) === one, `links of the ${i}th in flight`);
    one = one?.later;
  }
  claim(one === undefined, 'more in flight than there are');
  return found;
}

test.each([1, 2, 3, 4])('seed %i: bytes in flight are the sum over all copies, whatever happens to them (RFC 6675 §4, SetPipe)', (seed) => {
  const random = seededRandom(seed);
  const board = new Scoreboard();
  const pick = (fits: (segment: SentSegment) => boolean): SentSegment | undefined => {
    const candidates = all(board).filter(fits);
    return candidates[integerBelow(random, Math.max(1, candidates.length))];
  };
  for (let now = 0; now < 4_000; now++) {
    const what = integerBelow(random, 10);
    const flying = pick(({ copies }) => copies > 0);
    const lost = pick((segment) => segment.lost);
    if (what < 4 || board.log.count === 0) {
      board.launch(now, board.add(now, board.next + 1 + integerBelow(random, 100), false), 0);
    } else if (what === 4 && flying !== undefined) board.lose(flying, integerBelow(random, 2) === 0);
    else if (what === 5 && lost !== undefined) board.launch(now, lost, 0);
    else if (what === 6 && lost !== undefined) board.restore(lost);
    else if (what === 7 && flying !== undefined)
      board.launch(now, flying, 0); // a tail loss probe
    else if (what === 8) {
      const arrived = pick(({ sacked }) => !sacked);
      if (arrived !== undefined) {
        const { start, end } = arrived;
        expect(board.log.at(board.firstMissing(start, end))).toBe(arrived);
        board.deliver(arrived);
        board.onSacked(arrived);
        board.onBlock(start, end);
        expect(board.firstMissing(start, end)).toBe(-1);
      }
    } else if (what === 9) {
      const ack = board.una + integerBelow(random, 500);
      if (ack <= board.next) {
        while (board.log.count > 0 && board.log.at(0).end <= ack) {
          const first = board.log.at(0);
          if (first.sacked) board.sackedSegments--;
          else board.deliver(first);
          board.log.dropFirst();
        }
        board.advance(ack);
      }
    }
    expect(faults(board), `step ${now}`).toEqual([]);
    if (integerBelow(random, 500) === 0) {
      board.renege();
      for (const segment of all(board)) if (segment.copies === 0 && !segment.lost) board.lose(segment, true);
      expect(faults(board), `reneging in step ${now}`).toEqual([]);
    }
  }
  expect(board.next).toBeGreaterThan(20_000);
});
