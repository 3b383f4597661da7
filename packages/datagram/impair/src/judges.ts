import type { Micros, Random } from '@quiclab/sansio';
import { recorded } from './fates.ts';
import type { Judge, LinkConfig } from './link-config.ts';
import type { HeldPacket } from './packet.ts';
import type { Impairment } from './port.ts';

interface Seat {
  readonly impairment: Impairment;
  readonly random: Random;
}

/** The impairments of one link, each with draws of its own, in the order in which they judge. */
export class Judges {
  readonly #inOrder: Seat[] = []; // their delays keep the order of packets
  readonly #free: Seat[] = []; // theirs do not

  constructor(config: LinkConfig, random: Random) {
    const seat = (name: string, judge: Judge): Seat => {
      const draws = random.fork(name);
      return { impairment: typeof judge === 'function' ? judge(draws) : judge, random: draws };
    };
    if (config.replay !== undefined) {
      this.#free.push(seat('replay', recorded(config.replay)));
      return;
    }
    const losses = config.loss === undefined ? [] : isList(config.loss) ? config.loss : [config.loss];
    losses.forEach((loss, i) => {
      this.#inOrder.push(seat(i === 0 ? 'loss' : `loss/${i}`, loss));
    });
    if (config.corrupt !== undefined) this.#inOrder.push(seat('corrupt', config.corrupt));
    if (config.ecn !== undefined) this.#inOrder.push(seat('ecn', config.ecn));
    if (config.jitter !== undefined) (config.jitterReorders ? this.#free : this.#inOrder).push(seat('jitter', config.jitter));
    if (config.reorder !== undefined) this.#free.push(seat('reorder', config.reorder));
    if (config.duplicate !== undefined) this.#free.push(seat('duplicate', config.duplicate));
  }

  /** Fills the packet's fate. `now` counts from the start of the link. */
  judge(now: Micros, packet: HeldPacket): void {
    const fate = packet.fate;
    fate.dropped = '';
    fate.delay = 0;
    fate.copies = 1;
    fate.flipBit = -1;
    fate.ecn = -1;
    packet.orderedDelay = 0;
    for (const seat of this.#inOrder) {
      seat.impairment.judge(now, packet, fate, seat.random.at(packet.index));
      if (fate.dropped !== '') return;
    }
    packet.orderedDelay = fate.delay;
    for (const seat of this.#free) {
      seat.impairment.judge(now, packet, fate, seat.random.at(packet.index));
      if (fate.dropped !== '') return;
    }
  }
}

const isList = (loss: Judge | readonly Judge[]): loss is readonly Judge[] => Array.isArray(loss);
