export type { StreamId, StreamPriority, StreamScheduler } from './scheduler.ts';
