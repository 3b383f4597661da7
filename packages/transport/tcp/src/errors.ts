/** Why a segment was not taken: a value, since it is the network that decides how often. Counted, told to observers, forgotten. */
export type DropReason =
  | 'header' // no TCP segment, or options that make no sense
  | 'checksum'
  | 'no-connection' // for nobody here; answered by a reset where that is due (RFC 9293 §3.10.7.1)
  | 'refused' // no room for another connection
  | 'syn' // a SYN without the sense of one: with FIN or RST, or in the midst of a connection (RFC 5961 §4)
  | 'reset' // a reset that does not hit the next octet (RFC 5961 §3)
  | 'acknowledgment' // acknowledges what was never sent, or what is long past (RFC 5961 §5)
  | 'window' // all of it lies outside the window
  | 'timestamp' // older than what was heard since (RFC 7323 §5), or absent where both ends have offered it (§3.2)
  | 'pieces'; // no room for one more piece beyond a hole

/** Our caller's mistake; the connection lives. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
