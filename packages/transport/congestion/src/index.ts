export { type CubicOptions, cubic } from './cubic.ts';
export { fixedWindow } from './fixed-window.ts';
export { type Amount, type CongestionAvoidance, initialWindow, LossBased, type LossBasedOptions } from './loss-based.ts';
export { type NewRenoOptions, newReno } from './new-reno.ts';
export { pacingRate, type TokenPacerOptions, tokenPacer, unpaced } from './pacer.ts';
export type { AckSummary, CongestionController, LossSummary, Pacer, RttView } from './port.ts';
export { wholeCubic } from './whole-cubic.ts';
