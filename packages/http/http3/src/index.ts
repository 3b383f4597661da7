export type { QuicStreams, StreamEvent } from './transport.ts';
