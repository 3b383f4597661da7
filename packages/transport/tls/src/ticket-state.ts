import { ByteReader, ByteWriter, fromLatin1, latin1 } from '@quiclab/bytes';
import { type CipherSuite, hashLength, suiteHash } from '@quiclab/crypto';
import type { Micros } from '@quiclab/sansio';
import { suiteCode, suiteOf } from './code-points.ts';
import { vector8, vector16 } from './decoding.ts';

/** What a server has to know again of a connection to resume it: the content of a ticket. */
export interface TicketState {
  readonly suite: CipherSuite;
  /** The pre-shared key. */
  readonly key: Uint8Array;
  readonly alpn: string;
  readonly serverName: string;
  /** See HandshakeOptions. */
  readonly context: string;
  readonly ageAdd: number;
  readonly issuedAt: Micros;
  readonly expiresAt: Micros;
  /** When a certificate last proved who we are; tickets of resumed connections hand it on (RFC 9846 §4.6.1). */
  readonly authenticatedAt: Micros;
  /** What early data is judged by; undefined where the ticket allows none. */
  readonly remembered: Uint8Array | undefined;
}

const VERSION = 1;

export function encodeTicketState(state: TicketState): Uint8Array {
  const writer = ByteWriter.growable(256);
  writer.uint8(VERSION);
  writer.uint16(suiteCode(state.suite));
  for (const octets of [state.key, latin1(state.alpn), latin1(state.serverName), latin1(state.context)])
    writer.vector(1, () => writer.octets(octets));
  writer.uint32(state.ageAdd);
  writer.varint(state.issuedAt);
  writer.varint(state.expiresAt);
  writer.varint(state.authenticatedAt);
  writer.uint8(state.remembered === undefined ? 0 : 1);
  writer.vector(2, () => writer.octets(state.remembered ?? new Uint8Array(0)));
  return writer.written();
}

/** Undefined for what is none: whoever keeps the tickets may have them from another version of this. Views of `octets`. */
export function decodeTicketState(octets: Uint8Array): TicketState | undefined {
  const reader = new ByteReader(octets);
  const version = reader.uint8();
  const suite = suiteOf(reader.uint16());
  const key = vector8(reader);
  const alpn = fromLatin1(vector8(reader));
  const serverName = fromLatin1(vector8(reader));
  const context = fromLatin1(vector8(reader));
  const ageAdd = reader.uint32();
  const issuedAt = reader.varint();
  const expiresAt = reader.varint();
  const authenticatedAt = reader.varint();
  const forEarlyData = reader.uint8();
  const remembered = vector16(reader);
  if (reader.overrun || reader.remaining > 0 || version !== VERSION || suite === undefined) return undefined;
  if (key.length !== hashLength(suiteHash(suite))) return undefined;
  return {
    suite,
    key,
    alpn,
    serverName,
    context,
    ageAdd,
    issuedAt,
    expiresAt,
    authenticatedAt,
    remembered: forEarlyData === 1 ? remembered : undefined,
  };
}
