import { ByteReader, ByteWriter } from '@quiclab/bytes';
import { HandshakeType } from '../code-points.ts';
import { decodeError, expectEnd, illegalParameter, quicViolation, vector8, vector16 } from '../decoding.ts';
import { checkHomes, decodeExtensions, type Extensions, ExtensionType, encodeExtensions } from '../extensions.ts';
import { encodeMessage } from '../message-buffer.ts';
import type { HandshakeTransport } from '../port.ts';

/** RFC 9846 §4.6.1. */
export interface NewSessionTicket {
  /** Seconds. */
  readonly lifetime: number;
  readonly ageAdd: number;
  readonly nonce: Uint8Array;
  readonly ticket: Uint8Array;
  readonly extensions: Extensions;
}

/** A ticket that was read and checked. */
export interface ReceivedTicket extends NewSessionTicket {
  /** Octets of early data that may be sent with it; 0: none. */
  readonly maxEarlyData: number;
}

const MAX_LIFETIME = 604_800;
/** What max_early_data_size is in QUIC, where transport parameters say how much may be sent (RFC 9001 §4.6.1). */
export const QUIC_EARLY_DATA = 0xffff_ffff;

/** The early_data extension of a ticket with which so many octets of early data may be sent. */
export function earlyDataAllowed(maxEarlyData: number): Extensions {
  const writer = new ByteWriter(new Uint8Array(4));
  writer.uint32(maxEarlyData);
  return new Map([[ExtensionType.EARLY_DATA, writer.bytes]]);
}

export const encodeNewSessionTicket = (ticket: NewSessionTicket): Uint8Array =>
  encodeMessage(HandshakeType.NEW_SESSION_TICKET, (w) => {
    w.uint32(ticket.lifetime);
    w.uint32(ticket.ageAdd);
    w.vector(1, () => w.octets(ticket.nonce));
    w.vector(2, () => w.octets(ticket.ticket));
    encodeExtensions(w, ticket.extensions);
  });

/** Decodes and checks. Views of `body`. */
export function decodeNewSessionTicket(body: Uint8Array, transport: HandshakeTransport): ReceivedTicket {
  const reader = new ByteReader(body);
  const lifetime = reader.uint32();
  const ageAdd = reader.uint32();
  const nonce = vector8(reader);
  const ticket = vector16(reader);
  const block = vector16(reader);
  expectEnd(reader, 'NewSessionTicket');
  if (ticket.length === 0) throw decodeError('NewSessionTicket: an empty ticket');
  if (lifetime > MAX_LIFETIME) throw illegalParameter(`NewSessionTicket: a lifetime of ${lifetime} s, seven days are the limit`);
  const extensions = decodeExtensions(block, 'NewSessionTicket');
  checkHomes(extensions, 'NST', 'NewSessionTicket');
  return { lifetime, ageAdd, nonce, ticket, extensions, maxEarlyData: maxEarlyData(extensions.get(ExtensionType.EARLY_DATA), transport) };
}

/** RFC 9001 §4.6.1: in QUIC, how much early data may be sent is said by transport parameters, so this field has one value only. */
function maxEarlyData(data: Uint8Array | undefined, transport: HandshakeTransport): number {
  if (data === undefined) return 0;
  const reader = new ByteReader(data);
  const size = reader.uint32();
  expectEnd(reader, 'NewSessionTicket early_data');
  if (transport === 'quic' && size !== QUIC_EARLY_DATA)
    throw quicViolation(`NewSessionTicket: max_early_data_size is ${size}, QUIC wants 0xffffffff (RFC 9001 §4.6.1)`);
  return size;
}
