import { ByteReader, ByteWriter, fromLatin1, latin1 } from '@quiclab/bytes';
import { type CipherSuite, hashLength, suiteHash } from '@quiclab/crypto';
import type { Micros } from '@quiclab/sansio';
import { suiteCode, suiteOf } from './code-points.ts';
import { vector8, vector16 } from './decoding.ts';

/** What may be told of a session that a client keeps. */
export interface SessionInfo {
  /** Lower case, without a trailing dot. It can be resumed with this server only. */
  readonly serverName: string;
  readonly alpn: string;
  readonly suite: CipherSuite;
  /** See HandshakeOptions. */
  readonly context: string;
  /** Whether the server takes early data with it: then 0-RTT is possible. */
  readonly earlyData: boolean;
  readonly receivedAt: Micros;
  /** From this instant on it is of no use. */
  readonly expiresAt: Micros;
}

/** A session as a client keeps it: one ticket, its key, and what early data needs to know before the server speaks (RFC 9001 §4.6). */
export interface Session extends SessionInfo {
  /** The pre-shared key. */
  readonly key: Uint8Array;
  readonly ticket: Uint8Array;
  readonly ageAdd: number;
  /** When a certificate last proved who the server is; resuming only proves that it is still the same (RFC 9846 §4.6.1). */
  readonly authenticatedAt: Micros;
  /** Whether that certificate was checked for trust and name. */
  readonly verified: boolean;
  /** Octets of early data that the server takes at most; 2^32 − 1 in QUIC, where `parameters` say it. 0: none. */
  readonly maxEarlyData: number;
  /** The server's transport parameters; over TCP there are none. */
  readonly parameters: Uint8Array;
}

/** Others are not looked into: a client may find sessions of an older version where it kept them. */
const VERSION = 2;
const VERIFIED = 1;

export function encodeSession(session: Omit<Session, 'earlyData'>): Uint8Array {
  const writer = ByteWriter.growable(512);
  writer.uint8(VERSION);
  writer.uint8(session.verified ? VERIFIED : 0);
  writer.uint32(session.maxEarlyData);
  writer.uint16(suiteCode(session.suite));
  writer.vector(1, () => writer.octets(session.key));
  writer.vector(2, () => writer.octets(session.ticket));
  writer.uint32(session.ageAdd);
  writer.varint(session.receivedAt);
  writer.varint(session.expiresAt);
  writer.varint(session.authenticatedAt);
  for (const text of [session.alpn, session.serverName, session.context]) writer.vector(1, () => writer.octets(latin1(text)));
  writer.vector(2, () => writer.octets(session.parameters));
  return writer.written();
}

/** Undefined for octets that are no session, or none of this version. Views of `octets`. */
export function decodeSession(octets: Uint8Array): Session | undefined {
  const reader = new ByteReader(octets);
  const version = reader.uint8();
  const flags = reader.uint8();
  const maxEarlyData = reader.uint32();
  const suite = suiteOf(reader.uint16());
  const key = vector8(reader);
  const ticket = vector16(reader);
  const ageAdd = reader.uint32();
  const receivedAt = reader.varint();
  const expiresAt = reader.varint();
  const authenticatedAt = reader.varint();
  const alpn = fromLatin1(vector8(reader));
  const serverName = fromLatin1(vector8(reader));
  const context = fromLatin1(vector8(reader));
  const parameters = vector16(reader);
  if (reader.overrun || reader.remaining > 0 || version !== VERSION || suite === undefined) return undefined;
  if (key.length !== hashLength(suiteHash(suite)) || ticket.length === 0) return undefined;
  return {
    serverName,
    alpn,
    suite,
    context,
    earlyData: maxEarlyData > 0,
    maxEarlyData,
    receivedAt,
    expiresAt,
    key,
    ticket,
    ageAdd,
    authenticatedAt,
    verified: (flags & VERIFIED) !== 0,
    parameters,
  };
}

/**
 * What a session is good for: for whoever keeps sessions and has to choose one. Its octets hold a secret key; they are as
 * worth protecting as what the early data will say.
 * @returns undefined for octets that are no session of this version
 */
export function readSession(octets: Uint8Array): SessionInfo | undefined {
  const session = decodeSession(octets);
  if (session === undefined) return undefined;
  const { serverName, alpn, suite, context, earlyData, receivedAt, expiresAt } = session;
  return { serverName, alpn, suite, context, earlyData, receivedAt, expiresAt };
}
