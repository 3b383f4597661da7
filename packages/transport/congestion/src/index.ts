export type { AckSummary, CongestionController, LossSummary, Pacer, RttView } from './port.ts';
