export type { Dropped, Fate, Impairment, LinkPacket, LinkQueue, LinkRate } from './port.ts';
