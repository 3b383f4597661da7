import type { State } from '@quiclab/ledger';

/** States that are drawn alike: their colours, and the heights of their bars, are told apart in any vision and in print. */
export type StateFamily = 'transit' | 'waiting' | 'server' | 'stalled' | 'undetected' | 'other' | 'held';

export interface StateDefinition {
  readonly family: StateFamily;
  /** As EXPERIMENTS §4 has it; c is the first octet that is not yet handed to the application that receives it. */
  readonly definition: string;
}

const define = (family: StateFamily, definition: string): StateDefinition => ({ family, definition });

/** What an exchange can be waiting for. */
export const STATE_DEFINITIONS: Readonly<Record<State, StateDefinition>> = {
  'held(other)': define('other', 'c has arrived; an octet before it on the carrier, of another exchange or of the connection, is missing'),
  'held(record)': define('held', 'c has arrived; the rest of its TLS record has not'),
  'held(fields)': define('held', 'c has arrived; the rest of its field section has not, or what that refers to (HPACK, QPACK)'),
  'held(keys)': define('held', 'c has arrived; its packet cannot be opened yet'),
  'held(application)': define('held', 'c has arrived; the application does not read'),
  transit: define('transit', 'a copy of c that will arrive is on the path, the first one or a repair'),
  queued: define('waiting', 'no connection or stream to use, and no handshake for it under way (name look-up included)'),
  connecting: define('waiting', 'c was never sent; the handshake that it waits for is under way'),
  server: define('server', 'c is not produced yet'),
  order: define('waiting', 'HTTP/1: an earlier response on the connection is not wholly sent'),
  'stalled(keys)': define('stalled', 'c may not leave: the sender has no keys for it'),
  'stalled(amplification)': define(
    'stalled',
    'c may not leave: the client’s address is not validated, and three times what came has been sent',
  ),
  'stalled(connection credit)': define('stalled', 'c may not leave: the receiver’s credit for the connection is used up'),
  'stalled(stream credit)': define('stalled', 'c may not leave: the receiver’s credit for the stream, or for streams, is used up'),
  'stalled(window)': define('stalled', 'c may not leave: the congestion window is full'),
  'stalled(pacer)': define('stalled', 'c may not leave yet: the pacer spreads packets'),
  'stalled(scheduler)': define('stalled', 'c could leave; others’ octets leave before it'),
  'stalled(outlet)': define('stalled', 'nothing refuses c, but the socket, or the buffer that leads there, is full'),
  undetected: define('undetected', 'every copy of c that was sent is lost, and the last of them is not declared lost'),
};

export const FAMILIES: Readonly<Record<StateFamily, string>> = {
  waiting: 'not begun: queued, connecting, order',
  server: 'at the server',
  stalled: 'stalled: the sender may not send',
  transit: 'on its way',
  undetected: 'lost, and nobody knows',
  other: 'arrived, held by somebody else’s octets',
  held: 'arrived, held by its record, field section, keys or reader',
};
