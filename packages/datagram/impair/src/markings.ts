import { type Ecn, fraction } from '@quiclab/sansio';
import { checkProbability, where } from './losses.ts';
import type { ImpairmentMaker } from './port.ts';

// What paths do to ECN bits, and should not: each is a reason to stop marking (RFC 9000 §13.4.2).

/** All bits are cleared: a router that overwrites the whole octet that they are in. */
export const bleach = (probability = 1): ImpairmentMaker => remark([1, 2, 3], 0, probability);

/** Packets that come with one of these values leave with another one: ECT(0) as ECT(1), all as CE, CE as ECT(0). */
export function remark(from: readonly Ecn[], to: Ecn, probability = 1): ImpairmentMaker {
  checkProbability(probability, 'a remarking probability');
  return () => ({
    judge(_now, packet, fate, random) {
      if (fraction(random) < probability && from.includes(packet.ecn)) fate.ecn = to;
    },
  });
}

/** Packets that are not Not-ECT are lost: a firewall that takes the bits for something else. As `loss`. */
export const dropMarked = (): ImpairmentMaker => where((packet) => packet.ecn !== 0, 'ecn');
