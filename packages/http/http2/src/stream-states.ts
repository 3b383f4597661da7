import type { Transition } from '@quiclab/streams';

/** States of a stream. RFC 9113 §5.1. Without those of push, which is never allowed. */
export type StreamState = 'idle' | 'open' | 'half-closed-local' | 'half-closed-remote' | 'closed';
export type StreamInput = 'headers' | 'end-sent' | 'end-received' | 'reset';

/** RFC 9113 Figure 2. 'headers': those that open the stream, sent by a client or received by a server. 'reset': sent or received. */
export const STREAM_TRANSITIONS: readonly Transition<StreamState, StreamInput>[] = [
  { from: 'idle', on: 'headers', to: 'open' },
  { from: 'open', on: 'end-sent', to: 'half-closed-local' },
  { from: 'open', on: 'end-received', to: 'half-closed-remote' },
  { from: 'open', on: 'reset', to: 'closed' },
  { from: 'half-closed-local', on: 'end-received', to: 'closed' },
  { from: 'half-closed-local', on: 'reset', to: 'closed' },
  { from: 'half-closed-remote', on: 'end-sent', to: 'closed' },
  { from: 'half-closed-remote', on: 'reset', to: 'closed' },
];
