import { fraction, integerBelow, log, type Micros, type Random } from '@quiclab/sansio';
import { checkProbability } from './losses.ts';
import type { ImpairmentMaker } from './port.ts';

/** Delay ± up to `amount`, every value as likely as the others. */
export function uniformJitter(amount: Micros): ImpairmentMaker {
  checkMicros(amount, 'jitter');
  return () => ({
    judge(_now, _packet, fate, random) {
      fate.delay += integerBelow(random, 2 * amount + 1) - amount;
    },
  });
}

/** Delay with a normal distribution of this standard deviation. */
export function normalJitter(deviation: Micros): ImpairmentMaker {
  checkMicros(deviation, 'jitter');
  return () => ({
    judge(_now, _packet, fate, random) {
      fate.delay += Math.round(deviation * normal(random));
    },
  });
}

/** A standard normal variate by Marsaglia's polar method: a square root and a logarithm, and no cosine. */
function normal(random: Random): number {
  for (;;) {
    const x = 2 * fraction(random) - 1;
    const y = 2 * fraction(random) - 1;
    const s = x * x + y * y;
    if (s > 0 && s < 1) return x * Math.sqrt((-2 * log(s)) / s);
  }
}

/** Delay that follows a record: from `at` (counted from the link's start) on, `delay` is added; before the first, nothing. */
export function recordedDelay(record: readonly { readonly at: Micros; readonly delay: Micros }[]): ImpairmentMaker {
  const points = [...record].sort((a, b) => a.at - b.at);
  return () => {
    let next = 0;
    return {
      judge(now, _packet, fate) {
        while (next < points.length && points[next]!.at <= now) next++;
        if (next > 0) fate.delay += points[next - 1]!.delay;
      },
    };
  };
}

/** Holds a fraction of the packets back for so long that those behind them overtake. */
export function reorder(probability: number, extraDelay: Micros): ImpairmentMaker {
  checkProbability(probability, 'a reordering probability');
  checkMicros(extraDelay, 'extra delay');
  return () => ({
    judge(_now, _packet, fate, random) {
      if (fraction(random) < probability) fate.delay += extraDelay;
    },
  });
}

/**
 * Holds every nth packet back, and no other, by no chance: on a link that is never idle, so many packet times let as many packets
 * overtake it.
 */
export function reorderEvery(nth: number, extraDelay: Micros): ImpairmentMaker {
  if (!(Number.isInteger(nth) && nth >= 1)) throw new RangeError(`every ${nth}th packet: it must be a whole number, 1 or more`);
  checkMicros(extraDelay, 'extra delay');
  return () => ({
    judge(_now, packet, fate) {
      if (packet.index % nth === 0) fate.delay += extraDelay;
    },
  });
}

/** A fraction of the packets arrives twice. */
export function duplicate(probability: number): ImpairmentMaker {
  checkProbability(probability, 'a duplication probability');
  return () => ({
    judge(_now, _packet, fate, random) {
      if (fraction(random) < probability) fate.copies++;
    },
  });
}

/** One bit of a fraction of the packets is flipped. The same draw picks the same relative place in a packet of any size. */
export function corrupt(probability: number): ImpairmentMaker {
  checkProbability(probability, 'a corruption probability');
  return () => ({
    judge(_now, packet, fate, random) {
      const hit = fraction(random) < probability;
      const place = fraction(random);
      if (hit && packet.bytes.length > 0) fate.flipBit = Math.floor(place * packet.bytes.length * 8);
    },
  });
}

export function checkMicros(value: Micros, what: string): void {
  if (!(Number.isInteger(value) && value >= 0)) throw new RangeError(`${what} of ${value} µs: it must be a whole number, 0 or more`);
}
