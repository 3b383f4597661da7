export type { DirectionFigures, RelayFigures } from './figures.ts';
export { createRelay, type Relay, type RelayOptions } from './relay.ts';
