export type { Blame, BlockedInterval, ExchangeAccount, ExchangeId, Owner, Piece } from './account.ts';
export type { BlockedTime } from './audit.ts';
export { type ChainLink, type CriticalChain, criticalChain } from './chain.ts';
export { type Influence, influence } from './influence.ts';
export { Ledger } from './ledger.ts';
export { OwnerMap } from './owners.ts';
export type { CarrierReplay, Segment } from './replay.ts';
export { accountOf, type ExchangeRecord, ledgerOf, type RunAccount } from './run-account.ts';
export {
  carrierOf,
  connectionOf,
  type Direction,
  directionOf,
  EVERY_MESSAGE,
  FrameKind,
  flowOf,
  Gate,
  REQUEST,
  RESPONSE,
  RunLog,
  type RunLogColumns,
  streamOf,
  WHOLE,
} from './run-log.ts';
export { type ExchangeLife, STATES, type State, type StateInterval, type StateSums, totalOf } from './states.ts';
