export { fixedWindow } from './fixed-window.ts';
export { initialWindow, type NewRenoOptions, newReno } from './new-reno.ts';
export { pacingRate, type TokenPacerOptions, tokenPacer, unpaced } from './pacer.ts';
export type { AckSummary, CongestionController, LossSummary, Pacer, RttView } from './port.ts';
