import { type Fate, type Impairment, type Judge, type LinkConfig, type LinkPacket, recorded } from '@quiclab/impair';
import type { Random } from '@quiclab/sansio';
import type { BoundFate } from './fates.ts';

/** What becomes of datagrams that have no counterpart in the recorded run: they pass, or meet new draws of this seed. */
export type Default = 'pass' | { readonly seed: number };

/** Knows the fates that are given, and is told those that are drawn. */
export interface Docket {
  /** undefined: it is to be drawn. */
  given(packet: LinkPacket): BoundFate | undefined;
  /** Something has judged: how much delay it added (which keeps the order or not), and what the fate is now. */
  drawn(packet: LinkPacket, fate: Fate, delay: number, keepsOrder: boolean): void;
}

/**
 * A link whose datagrams meet the fate that the docket gives, where it gives one, and are judged as ever where it does not.
 * @param seed  0: the link's own draws, as in a run of its own; else new ones for each datagram, while what hangs on time (bad periods) or on the
 *              number of datagrams (the state of a burst) stays as it was
 */
export function judgedBy(docket: Docket, config: LinkConfig, seed: number): LinkConfig {
  const { loss, corrupt, ecn, jitter, jitterReorders, reorder, duplicate, replay, ...link } = config;
  const wrapped = (judge: Judge, keepsOrder: boolean) => (random: Random) => new Seat(docket, judge, random, keepsOrder, seed);
  const give = (keepsOrder: boolean): Impairment => ({
    judge(_now, packet, fate) {
      const given = docket.given(packet);
      if (given !== undefined) (keepsOrder ? giveInOrder : giveFree)(given, packet, fate);
    },
  });
  if (replay !== undefined) return { ...link, loss: give(true), reorder: wrapped(recorded(replay), false), duplicate: give(false) };
  const losses = loss === undefined ? [] : Array.isArray(loss) ? (loss as readonly Judge[]) : [loss as Judge];
  return {
    ...link,
    ...(jitterReorders !== undefined && { jitterReorders }),
    // behind the link's own, so that those keep the names of their draws
    loss: [...losses.map((judge) => wrapped(judge, true)), give(true)],
    ...(corrupt && { corrupt: wrapped(corrupt, true) }),
    ...(ecn && { ecn: wrapped(ecn, true) }),
    ...(jitter && { jitter: wrapped(jitter, !jitterReorders) }),
    ...(reorder && { reorder: wrapped(reorder, false) }),
    duplicate: (random: Random) => {
      const own = duplicate && wrapped(duplicate, false)(random);
      const given = give(false);
      return {
        judge(now, packet, fate, draws) {
          own?.judge(now, packet, fate, draws);
          given.judge(now, packet, fate, draws);
        },
      };
    },
  };
}

/** One of the link's own impairments: asked where no fate is given. */
class Seat implements Impairment {
  readonly #docket: Docket;
  readonly #judge: Impairment;
  readonly #anew: Random | undefined;
  readonly #keepsOrder: boolean;

  constructor(docket: Docket, judge: Judge, random: Random, keepsOrder: boolean, seed: number) {
    this.#docket = docket;
    this.#judge = typeof judge === 'function' ? judge(random) : judge;
    this.#anew = seed === 0 ? undefined : random.fork(`what-if/${seed}`);
    this.#keepsOrder = keepsOrder;
  }

  judge(now: number, packet: LinkPacket, fate: Fate, random: Random): void {
    if (this.#docket.given(packet) !== undefined) return;
    const { delay } = fate;
    this.#judge.judge(now, packet, fate, this.#anew?.at(packet.index) ?? random);
    this.#docket.drawn(packet, fate, fate.delay - delay, this.#keepsOrder);
  }
}

function giveInOrder({ dropped, spared, jitter, flipBit, ecn }: BoundFate, packet: LinkPacket, fate: Fate): void {
  if (dropped !== undefined && !spared) {
    fate.dropped = dropped;
    return;
  }
  fate.delay += jitter ?? 0;
  if (flipBit !== undefined && packet.bytes.length > 0) fate.flipBit = flipBit % (packet.bytes.length * 8);
  if (ecn !== undefined) fate.ecn = ecn;
}

function giveFree({ delay, extraCopies }: BoundFate, _packet: LinkPacket, fate: Fate): void {
  fate.delay += delay ?? 0;
  fate.copies += extraCopies ?? 0;
}
