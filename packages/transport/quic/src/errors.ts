/**
 * Why octets from the network were not taken. A value, not an exception: unauthenticated packets are frequent and
 * expected; they are counted, traced and forgotten (RFC 9000 §12.2, §5.2).
 */
export type DropReason =
  | 'header' // no QUIC packet that we can read
  | 'version' // a version that this connection does not speak
  | 'connection-id' // for nobody here, or another connection ID than the datagram's first packet had
  | 'keys-unavailable' // keys of this level are not there yet, or discarded
  | 'too-short' // no room for a header protection sample
  | 'not-authentic' // the AEAD says no
  | 'duplicate' // this packet number came before
  | 'unknown-path' // from an address where we expect nobody: before the handshake is confirmed, or no server of ours
  | 'initial-too-small' // RFC 9000 §14.1: a client's Initial in a datagram below 1,200 octets
  | 'refused' // no room: for another connection, or for another piece of a stream
  | 'retry' // a Retry packet that answers nothing of ours: a second one, too late, or with IDs of others
  | 'closing' // this connection is over
  | 'invalid-version-negotiation';

/** How a connection ended, and by whose hand. */
export type CloseCause =
  | { readonly kind: 'local-application' | 'peer-application'; readonly code: number; readonly reason: string }
  | { readonly kind: 'local-transport' | 'peer-transport'; readonly code: number; readonly reason: string; readonly frameType: number }
  | { readonly kind: 'idle-timeout' | 'handshake-timeout' | 'stateless-reset' | 'path-lost' }
  | { readonly kind: 'version-mismatch'; readonly offered: number; readonly supported: readonly number[] };

/** One line for people. */
export function describeClose(cause: CloseCause): string {
  switch (cause.kind) {
    case 'idle-timeout':
      return 'nothing was heard for the idle timeout';
    case 'handshake-timeout':
      return 'the handshake did not complete in time';
    case 'path-lost':
      return 'the peer is at none of its addresses any more';
    case 'stateless-reset':
      return 'the peer has lost its state and sent a stateless reset';
    case 'version-mismatch':
      return `version 0x${cause.offered.toString(16)} was offered, the server speaks ${cause.supported.map((v) => `0x${v.toString(16)}`).join(', ')}`;
    case 'local-application':
    case 'peer-application':
      return `${cause.kind === 'local-application' ? 'we' : 'the peer'} closed with application code 0x${cause.code.toString(16)}${cause.reason && `: ${cause.reason}`}`;
    case 'local-transport':
    case 'peer-transport':
      return `${cause.kind === 'local-transport' ? 'we' : 'the peer'} closed with transport code 0x${cause.code.toString(16)}${cause.reason && `: ${cause.reason}`}`;
  }
}

/** Our caller's mistake; the connection lives. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Our own mistake; whoever catches it closes with INTERNAL_ERROR. */
export class AssertionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AssertionError';
  }
}

export function assert(claim: boolean, message: string): asserts claim {
  if (!claim) throw new AssertionError(message);
}
