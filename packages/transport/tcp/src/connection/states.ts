import { follow, type Transition } from '@quiclab/streams';

/** RFC 9293 §3.3.2. LISTEN is an endpoint's, for a port; a connection begins in CLOSED and ends there. */
export type State =
  | 'closed'
  | 'listen'
  | 'syn-sent'
  | 'syn-received'
  | 'established'
  | 'fin-wait-1'
  | 'fin-wait-2'
  | 'close-wait'
  | 'closing'
  | 'last-ack'
  | 'time-wait';

/**
 * What moves it. 'close': nothing more will be written, and the FIN follows what was; 'fin': the peer's came, with all before it;
 * 'abort': a reset, sent or received, or patience that has run out; 'timeout': the end of TIME-WAIT.
 */
export type StateInput = 'open' | 'listen' | 'syn' | 'syn-ack' | 'ack-of-syn' | 'close' | 'fin' | 'ack-of-fin' | 'abort' | 'timeout';

/** RFC 9293 Figure 5, and the arrows that a reset takes. FIN-WAIT-1 to TIME-WAIT at once is two arrows here, 'ack-of-fin' and 'fin'. */
export const TRANSITIONS: readonly Transition<State, StateInput>[] = [
  { from: 'closed', on: 'open', to: 'syn-sent' },
  { from: 'closed', on: 'listen', to: 'listen' },
  { from: 'listen', on: 'syn', to: 'syn-received' },
  { from: 'syn-sent', on: 'syn-ack', to: 'established' },
  { from: 'syn-sent', on: 'syn', to: 'syn-received' },
  { from: 'syn-received', on: 'ack-of-syn', to: 'established' },
  { from: 'established', on: 'close', to: 'fin-wait-1' },
  { from: 'established', on: 'fin', to: 'close-wait' },
  { from: 'close-wait', on: 'close', to: 'last-ack' },
  { from: 'fin-wait-1', on: 'ack-of-fin', to: 'fin-wait-2' },
  { from: 'fin-wait-1', on: 'fin', to: 'closing' },
  { from: 'fin-wait-2', on: 'fin', to: 'time-wait' },
  { from: 'closing', on: 'ack-of-fin', to: 'time-wait' },
  { from: 'last-ack', on: 'ack-of-fin', to: 'closed' },
  { from: 'time-wait', on: 'timeout', to: 'closed' },
  { from: 'syn-sent', on: 'abort', to: 'closed' },
  { from: 'syn-received', on: 'abort', to: 'closed' },
  { from: 'established', on: 'abort', to: 'closed' },
  { from: 'fin-wait-1', on: 'abort', to: 'closed' },
  { from: 'fin-wait-2', on: 'abort', to: 'closed' },
  { from: 'close-wait', on: 'abort', to: 'closed' },
  { from: 'closing', on: 'abort', to: 'closed' },
  { from: 'last-ack', on: 'abort', to: 'closed' },
  { from: 'time-wait', on: 'abort', to: 'closed' },
];

export const nextState = (state: State, input: StateInput): State => follow(TRANSITIONS, state, input);

/** Both ends know each other's numbers: what comes is checked against the window. RFC 9293 §3.3.2. */
export const isSynchronized = (state: State): boolean =>
  state !== 'closed' && state !== 'listen' && state !== 'syn-sent' && state !== 'syn-received';

/** The peer may send data, as it has not said its FIN yet. */
export const mayReceive = (state: State): boolean => state === 'established' || state === 'fin-wait-1' || state === 'fin-wait-2';
