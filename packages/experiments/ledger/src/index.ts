export type { Blame, BlockedInterval, ExchangeAccount, ExchangeId, Owner, Piece } from './account.ts';
export { type Influence, influence } from './influence.ts';
export { Ledger } from './ledger.ts';
export { OwnerMap } from './owners.ts';
export type { CarrierReplay, Segment } from './replay.ts';
