/** One arrow of a state diagram. The tables below are the RFC's pictures; the code runs on them and the docs draw them. */
export interface Transition<State extends string, Input extends string> {
  readonly from: State;
  readonly on: Input;
  readonly to: State;
}

/** States of the sending part of a stream. RFC 9000 §3.1. */
export type SendState = 'ready' | 'send' | 'data-sent' | 'reset-sent' | 'data-recvd' | 'reset-recvd';
export type SendInput = 'data-sent' | 'fin-sent' | 'reset-at-sent' | 'reset' | 'all-acked' | 'reset-acked';

/**
 * RFC 9000 Figure 2. 'ready' takes 'fin-sent' too: a stream may be said whole in its first frame. RESET_STREAM_AT says how much is to
 * be delivered, as FIN does, and leads where FIN leads (draft-ietf-quic-reliable-stream-reset, Stream States).
 */
export const SEND_TRANSITIONS: readonly Transition<SendState, SendInput>[] = [
  { from: 'ready', on: 'data-sent', to: 'send' },
  { from: 'ready', on: 'fin-sent', to: 'data-sent' },
  { from: 'ready', on: 'reset-at-sent', to: 'data-sent' },
  { from: 'ready', on: 'reset', to: 'reset-sent' },
  { from: 'send', on: 'fin-sent', to: 'data-sent' },
  { from: 'send', on: 'reset-at-sent', to: 'data-sent' },
  { from: 'send', on: 'reset', to: 'reset-sent' },
  { from: 'data-sent', on: 'all-acked', to: 'data-recvd' },
  { from: 'data-sent', on: 'reset', to: 'reset-sent' },
  { from: 'reset-sent', on: 'reset-acked', to: 'reset-recvd' },
];

/** States of the receiving part of a stream. RFC 9000 §3.2. */
export type ReceiveState = 'recv' | 'size-known' | 'data-recvd' | 'data-read' | 'reset-recvd' | 'reset-read';
export type ReceiveInput = 'fin' | 'reset-at' | 'all-received' | 'all-read' | 'reset' | 'reset-read';

/** RFC 9000 Figure 3, without its optional arrows: a reset that comes when all data is there changes nothing. 'all' is up to the reliable size once a RESET_STREAM_AT came. */
export const RECEIVE_TRANSITIONS: readonly Transition<ReceiveState, ReceiveInput>[] = [
  { from: 'recv', on: 'fin', to: 'size-known' },
  { from: 'recv', on: 'reset-at', to: 'size-known' },
  { from: 'recv', on: 'reset', to: 'reset-recvd' },
  { from: 'size-known', on: 'all-received', to: 'data-recvd' },
  { from: 'size-known', on: 'reset', to: 'reset-recvd' },
  { from: 'data-recvd', on: 'all-read', to: 'data-read' },
  { from: 'reset-recvd', on: 'reset-read', to: 'reset-read' },
];

/** Where an input leads from a state: nowhere else when the table has no such arrow. */
export function follow<State extends string, Input extends string>(
  table: readonly Transition<State, Input>[],
  state: State,
  input: Input,
): State {
  for (const transition of table) if (transition.from === state && transition.on === input) return transition.to;
  return state;
}
