import { fraction, log, type Micros, type Random } from '@quiclab/sansio';
import type { Fate, Impairment, ImpairmentMaker, LinkPacket } from './port.ts';

/** A fraction of all packets, each by itself. */
export function bernoulli(probability: number): ImpairmentMaker {
  checkProbability(probability, 'a loss probability');
  return () => ({
    judge(_now, _packet, fate, random) {
      if (fraction(random) < probability) fate.dropped = 'loss';
    },
  });
}

export interface GilbertElliott {
  /** Probability that a packet finds the link gone bad (good again) since the packet before it. */
  readonly toBad: number;
  readonly toGood: number;
  /** Loss probability while bad (1) and while good (0). */
  readonly lossInBad?: number;
  readonly lossInGood?: number;
}

/** Bursts by packet: a chain of two states that takes one step for each packet entering the link. It starts good. */
export function gilbertElliott(options: GilbertElliott): ImpairmentMaker {
  for (const [name, value] of Object.entries(options)) checkProbability(value, `Gilbert-Elliott ${name}`);
  return (random) => new ByPacket(options, random);
}

/** Gilbert-Elliott from what one measures: the loss rate, and the mean number of packets lost in a row (at least 1). */
export function burstLoss(loss: number, meanBurst: number): ImpairmentMaker {
  checkProbability(loss, 'a loss rate');
  if (!(meanBurst >= 1)) throw new RangeError(`a mean burst of ${meanBurst} packets: it must be at least 1`);
  const toBad = loss === 1 ? 1 : loss / (meanBurst * (1 - loss));
  if (toBad > 1) throw new RangeError(`bursts of ${meanBurst} packets cannot make a loss rate of ${loss}`);
  return gilbertElliott({ toBad, toGood: loss === 1 ? 0 : 1 / meanBurst });
}

class ByPacket implements Impairment {
  readonly #options: GilbertElliott;
  readonly #random: Random;
  #bad = false;
  #index = 0; // of the last packet that took a step

  constructor(options: GilbertElliott, random: Random) {
    this.#options = options;
    this.#random = random;
  }

  judge(_now: Micros, packet: LinkPacket, fate: Fate, random: Random): void {
    // packets that the queue dropped take their steps, too: the state depends on the index only
    while (this.#index < packet.index - 1) this.#step(this.#random.at(++this.#index));
    this.#index = packet.index;
    this.#step(random);
    const loss = this.#bad ? (this.#options.lossInBad ?? 1) : (this.#options.lossInGood ?? 0);
    if (fraction(random) < loss) fate.dropped = 'loss';
  }

  #step(random: Random): void {
    const draw = fraction(random);
    this.#bad = this.#bad ? draw >= this.#options.toGood : draw < this.#options.toBad;
  }
}

export interface GilbertElliottByTime {
  /** Mean length of a good and of a bad period; each is drawn from an exponential distribution. */
  readonly meanGood: Micros;
  readonly meanBad: Micros;
  readonly lossInBad?: number;
  readonly lossInGood?: number;
}

/** Bursts by time: the periods are the same whatever is sent, so two transports meet the same bad ones. It starts good. */
export function gilbertElliottByTime(options: GilbertElliottByTime): ImpairmentMaker {
  if (!(options.meanGood > 0 && options.meanBad > 0)) throw new RangeError('mean periods must be above 0 µs');
  checkProbability(options.lossInBad ?? 1, 'Gilbert-Elliott lossInBad');
  checkProbability(options.lossInGood ?? 0, 'Gilbert-Elliott lossInGood');
  return (random) => new ByTime(options, random.fork('periods'));
}

class ByTime implements Impairment {
  readonly #options: GilbertElliottByTime;
  readonly #periods: Random;
  #period = -1; // even: good, odd: bad
  #end: Micros = 0;

  constructor(options: GilbertElliottByTime, periods: Random) {
    this.#options = options;
    this.#periods = periods;
  }

  judge(now: Micros, _packet: LinkPacket, fate: Fate, random: Random): void {
    while (now >= this.#end) {
      this.#period++;
      const mean = this.#period % 2 === 0 ? this.#options.meanGood : this.#options.meanBad;
      this.#end += Math.max(1, Math.ceil(-mean * log(1 - fraction(this.#periods.at(this.#period)))));
    }
    const loss = this.#period % 2 === 0 ? (this.#options.lossInGood ?? 0) : (this.#options.lossInBad ?? 1);
    if (fraction(random) < loss) fate.dropped = 'loss';
  }
}

/** After `most` losses in a row the next packet passes, whatever `inner` says: the interop simulator's drop-rate. */
export function burstCapped(inner: ImpairmentMaker, most: number): ImpairmentMaker {
  if (!(most >= 1)) throw new RangeError(`a burst of at most ${most} packets: it must be at least 1`);
  return (random) => {
    const judge = inner(random);
    let inARow = 0;
    return {
      judge(now, packet, fate, draws) {
        judge.judge(now, packet, fate, draws);
        if (fate.dropped === '') inARow = 0;
        else if (++inARow > most) {
          fate.dropped = '';
          inARow = 0;
        }
      },
    };
  };
}

/** Exactly these: the nth datagrams entering the link, from 1, those of the handshake included. */
export function listed(...indexes: readonly number[]): ImpairmentMaker {
  for (const index of indexes) {
    if (!Number.isInteger(index) || index < 1) throw new RangeError(`datagram ${index} of a link: they are counted from 1`);
  }
  const lost = new Set(indexes);
  return () => ({
    judge(_now, packet, fate) {
      if (lost.has(packet.index)) fate.dropped = 'listed';
    },
  });
}

/** Those of which the predicate says so. It sees the packet as it is on the wire; `now` counts from the link's start. */
export function where(lost: (packet: LinkPacket, now: Micros) => boolean, cause = 'predicate'): ImpairmentMaker {
  return () => ({
    judge(now, packet, fate) {
      if (lost(packet, now)) fate.dropped = cause;
    },
  });
}

/** Everything from one instant to another (exclusive), counted from the link's start. */
export function blackout(from: Micros, to: Micros): ImpairmentMaker {
  if (!(from < to)) throw new RangeError(`a blackout from ${from} to ${to} µs: it must end after it begins`);
  return where((_packet, now) => now >= from && now < to, 'blackout');
}

export function checkProbability(value: number, what: string): void {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${what} of ${value}: it must be between 0 and 1`);
}
