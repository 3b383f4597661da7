export type { DirectionFigures, RelayFigures } from './figures.ts';
export { type LinkTexts, linkConfig, parseBlackout, parseDrops, QUANTITIES, textsOf } from './plan.ts';
export { createRelay, type Relay, type RelayOptions } from './relay.ts';
