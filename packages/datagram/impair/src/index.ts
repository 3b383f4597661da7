export { FateRecord, type RecordedFate, recorded } from './fates.ts';
export { type DeliveredPacket, Link } from './link.ts';
export { codel, type Judge, type LinkChange, type LinkConfig, type QueueLimits } from './link-config.ts';
export {
  bernoulli,
  blackout,
  burstCapped,
  burstLoss,
  type GilbertElliott,
  type GilbertElliottByTime,
  gilbertElliott,
  gilbertElliottByTime,
  listed,
  where,
} from './losses.ts';
export { bleach, dropMarked, remark } from './markings.ts';
export { type DropKind, LinkObserver, LinkStats } from './observer.ts';
export type { Dropped, Fate, Impairment, ImpairmentMaker, LinkPacket, LinkQueue, LinkRate, Protocol } from './port.ts';
export { type CoDelOptions, CoDelQueue, DropTailQueue } from './queues.ts';
export { FixedRate, parseTrace, TraceRate } from './rates.ts';
export { parseCount, parseDuration, parsePercent, parseRate, parseSize } from './units.ts';
export { corrupt, duplicate, normalJitter, recordedDelay, reorder, reorderEvery, uniformJitter } from './variations.ts';
