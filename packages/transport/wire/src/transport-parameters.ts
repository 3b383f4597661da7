import { ByteReader, ByteWriter, varintSize } from '@quiclab/bytes';
import { TransportError, TransportErrorCode } from './errors.ts';
import { FrameType } from './frame-types.ts';
import { MAX_CONNECTION_ID_LENGTH } from './header.ts';
import { RESET_TOKEN_LENGTH } from './unprotected.ts';
import { isTooManyStreams } from './wide-varint.ts';

/** A server's preferred address. RFC 9000 §18.2. An address family that is not offered is all zeros, port included. */
export interface PreferredAddress {
  /** 4 octets. */
  readonly ipv4: Uint8Array;
  readonly ipv4Port: number;
  /** 16 octets. */
  readonly ipv6: Uint8Array;
  readonly ipv6Port: number;
  /** 1 to 20 octets; its sequence number is 1. */
  readonly connectionId: Uint8Array;
  /** Stateless reset token of that ID, 16 octets. */
  readonly resetToken: Uint8Array;
}

/** RFC 9368 §3: what says, authenticated, which version a connection has and which it could have had. Reserved versions may be among them. */
export interface VersionInformation {
  /** The one that the sender has chosen for this connection. */
  readonly chosen: number;
  /** A client's: all that its first flight is compatible with, preferred first, the chosen one included. A server's: all that its deployment speaks. */
  readonly available: readonly number[];
}

/** What an endpoint tells its peer in the handshake. RFC 9000 §18.2. Numbers from 2^53 on saturate. */
export interface TransportParameters {
  /** Server only: destination ID of the client's first Initial. */
  readonly originalDestinationConnectionId?: Uint8Array;
  /** Milliseconds; 0: none. */
  readonly maxIdleTimeout: number;
  /** Server only: 16 octets. */
  readonly statelessResetToken?: Uint8Array;
  /** Octets of the largest UDP payload that is taken, from 1200. */
  readonly maxUdpPayloadSize: number;
  readonly initialMaxData: number;
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
  readonly initialMaxStreamsBidi: number;
  readonly initialMaxStreamsUni: number;
  /** The peer's ACK Delay fields are in units of 2^this microseconds; up to 20. */
  readonly ackDelayExponent: number;
  /** Milliseconds, below 2^14. */
  readonly maxAckDelay: number;
  readonly disableActiveMigration: boolean;
  /** Server only. */
  readonly preferredAddress?: PreferredAddress;
  /** At least 2. */
  readonly activeConnectionIdLimit: number;
  readonly initialSourceConnectionId?: Uint8Array;
  /** Server only, after Retry. */
  readonly retrySourceConnectionId?: Uint8Array;
  /** RFC 9368 §3. */
  readonly versionInformation?: VersionInformation;
  /** The second-most significant bit of packets that come may have any value. RFC 9287 §3. */
  readonly greaseQuicBit: boolean;
  /** Octets of the largest DATAGRAM frame that is taken, its type and length included; 0: none. RFC 9221 §3. */
  readonly maxDatagramFrameSize: number;
  /**
   * ACK_FREQUENCY and IMMEDIATE_ACK frames are taken, and ACKs held back for so many microseconds at least; absent: they are not. Never
   * above `maxAckDelay`, which is in milliseconds. draft-ietf-quic-ack-frequency §3.
   */
  readonly minAckDelay?: number;
  /** RESET_STREAM_AT frames are taken. draft-ietf-quic-reliable-stream-reset. */
  readonly resetStreamAt: boolean;
}

/** What holds for a peer that sends no parameter at all. RFC 9000 §18.2. */
export const defaultTransportParameters: TransportParameters = {
  maxIdleTimeout: 0,
  maxUdpPayloadSize: 65527,
  initialMaxData: 0,
  initialMaxStreamDataBidiLocal: 0,
  initialMaxStreamDataBidiRemote: 0,
  initialMaxStreamDataUni: 0,
  initialMaxStreamsBidi: 0,
  initialMaxStreamsUni: 0,
  ackDelayExponent: 3,
  maxAckDelay: 25,
  disableActiveMigration: false,
  activeConnectionIdLimit: 2,
  greaseQuicBit: false,
  maxDatagramFrameSize: 0,
  resetStreamAt: false,
};

/** A parameter beyond those of RFC 9000: a reserved one (31 * N + 27), or an extension's. */
export interface OtherParameter {
  readonly id: number;
  readonly value: Uint8Array;
}

/**
 * The transport parameters as octets for the TLS extension. RFC 9000 §18. Values that are the default are left out.
 * @param grease  one more parameter, to keep peers used to those that they do not know
 */
export function encodeTransportParameters(parameters: TransportParameters, grease?: OtherParameter): Uint8Array {
  const w = ByteWriter.growable();
  for (const { id, key } of INTEGERS) {
    const value = parameters[key];
    if (value === undefined || value === defaultTransportParameters[key]) continue;
    w.varint(id);
    w.varint(varintSize(value));
    w.varint(value);
  }
  for (const { id, key } of OCTETS) {
    const value = parameters[key];
    if (value !== undefined) writeOctets(w, id, value);
  }
  for (const { id, key } of FLAGS) if (parameters[key]) writeOctets(w, id, new Uint8Array(0));
  if (parameters.preferredAddress !== undefined) writeOctets(w, PREFERRED_ADDRESS, encodePreferredAddress(parameters.preferredAddress));
  if (parameters.versionInformation !== undefined) {
    const { chosen, available } = parameters.versionInformation;
    w.varint(VERSION_INFORMATION);
    w.varint(4 + 4 * available.length);
    w.uint32(chosen);
    for (const version of available) w.uint32(version);
  }
  if (grease !== undefined) writeOctets(w, grease.id, grease.value);
  return w.written().slice();
}

/**
 * Transport parameters from the octets of the TLS extension; absent ones have their default, unknown ones are passed over.
 * RFC 9000 §7.4, §18.2. Connection IDs and tokens are copies. Whether the IDs are the right ones (§7.3) is for the connection to say.
 * @param from  who sent them: a client must not send what only a server may
 * @throws TransportError TRANSPORT_PARAMETER_ERROR
 */
export function decodeTransportParameters(bytes: Uint8Array, from: 'client' | 'server'): TransportParameters {
  const reader = new ByteReader(bytes);
  const parameters: Mutable<TransportParameters> = { ...defaultTransportParameters };
  const seen = new Set<number>();
  while (reader.remaining > 0) {
    const id = reader.varint();
    const length = reader.varint();
    const start = reader.position;
    reader.skip(length);
    if (reader.overrun) fail(`parameter ${name(id)} is cut short`);
    if (seen.has(id)) fail(`parameter ${name(id)} came twice`);
    if (id < Number.MAX_SAFE_INTEGER) seen.add(id); // two that saturate need not be the same
    if (from === 'client' && SERVER_ONLY.includes(id)) fail(`parameter ${name(id)} from a client`);
    decodeParameter(parameters, id, new ByteReader(bytes, start, start + length), from);
  }
  if (parameters.preferredAddress !== undefined && parameters.initialSourceConnectionId?.length === 0) {
    fail('a preferred address from a server without connection IDs'); // §18.2
  }
  const { minAckDelay = 0, maxAckDelay } = parameters;
  if (minAckDelay > 1_000 * maxAckDelay) fail(`minAckDelay ${minAckDelay} µs is above maxAckDelay ${maxAckDelay} ms`); // draft-ietf-quic-ack-frequency §3
  return parameters;
}

function decodeParameter(into: Mutable<TransportParameters>, id: number, value: ByteReader, from: 'client' | 'server'): void {
  const integer = INTEGERS.find((entry) => entry.id === id);
  if (integer !== undefined) {
    into[integer.key] = decodeInteger(integer, value);
    return;
  }
  const octets = OCTETS.find((entry) => entry.id === id);
  if (octets !== undefined) {
    const length = value.remaining;
    if (length < octets.least || length > octets.most) fail(`parameter ${name(id)} has ${length} octets`);
    into[octets.key] = value.take(length).slice();
    return;
  }
  const flag = FLAGS.find((entry) => entry.id === id);
  if (flag !== undefined) {
    if (value.remaining > 0) fail(`parameter ${name(id)} has ${value.remaining} octets, must have none`);
    into[flag.key] = true;
  } else if (id === PREFERRED_ADDRESS) into.preferredAddress = decodePreferredAddress(value);
  else if (id === VERSION_INFORMATION) into.versionInformation = decodeVersionInformation(value, from);
}

function decodeInteger({ id, key, least, most }: IntegerParameter, reader: ByteReader): number {
  const start = reader.position;
  const value = reader.varint();
  if (reader.overrun || reader.remaining > 0) fail(`parameter ${name(id)} is not one integer`);
  if (value < least || value > most) fail(`${key} ${value} is not from ${least} to ${most}`);
  const countsStreams = key === 'initialMaxStreamsBidi' || key === 'initialMaxStreamsUni';
  if (countsStreams && value === Number.MAX_SAFE_INTEGER && isTooManyStreams(reader.bytes, start)) fail(`${key} is more than 2^60`); // §4.6
  return value;
}

function encodePreferredAddress(address: PreferredAddress): Uint8Array {
  const w = ByteWriter.growable();
  w.octets(address.ipv4);
  w.uint16(address.ipv4Port);
  w.octets(address.ipv6);
  w.uint16(address.ipv6Port);
  w.uint8(address.connectionId.length);
  w.octets(address.connectionId);
  w.octets(address.resetToken);
  return w.written();
}

function decodePreferredAddress(reader: ByteReader): PreferredAddress {
  const ipv4 = reader.take(4).slice();
  const ipv4Port = reader.uint16();
  const ipv6 = reader.take(16).slice();
  const ipv6Port = reader.uint16();
  const length = reader.uint8();
  const connectionId = reader.take(length).slice();
  const resetToken = reader.take(RESET_TOKEN_LENGTH).slice();
  if (reader.overrun || reader.remaining > 0) fail('preferred_address has the wrong length');
  if (length < 1 || length > MAX_CONNECTION_ID_LENGTH) fail(`preferred_address has a connection ID of ${length} octets`);
  return { ipv4, ipv4Port, ipv6, ipv6Port, connectionId, resetToken };
}

/** RFC 9368 §4: what does not parse closes the connection. */
function decodeVersionInformation(reader: ByteReader, from: 'client' | 'server'): VersionInformation {
  if (reader.remaining < 4 || reader.remaining % 4 !== 0) fail(`version_information has ${reader.remaining} octets`);
  const chosen = reader.uint32();
  const available: number[] = [];
  while (reader.remaining > 0) available.push(reader.uint32());
  if (chosen === 0 || available.includes(0)) fail('version_information has a version 0');
  if (from === 'client' && !available.includes(chosen))
    fail(`version_information: 0x${chosen.toString(16)} is chosen, and not among the available versions`);
  return { chosen, available };
}

function writeOctets(w: ByteWriter, id: number, value: Uint8Array): void {
  w.varint(id);
  w.varint(value.length);
  w.octets(value);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface IntegerParameter {
  readonly id: number;
  readonly key: Exclude<KeysWith<number>, undefined>;
  readonly least: number;
  readonly most: number;
}

interface OctetsParameter {
  readonly id: number;
  readonly key: Exclude<KeysWith<Uint8Array>, undefined>;
  readonly least: number;
  readonly most: number;
}

type KeysWith<V> = {
  [K in keyof TransportParameters]: NonNullable<TransportParameters[K]> extends V ? K : never;
}[keyof TransportParameters];

const PREFERRED_ADDRESS = 0x0d;
const VERSION_INFORMATION = 0x11;
const ANY = Number.MAX_SAFE_INTEGER;

const INTEGERS: readonly IntegerParameter[] = [
  { id: 0x01, key: 'maxIdleTimeout', least: 0, most: ANY },
  { id: 0x03, key: 'maxUdpPayloadSize', least: 1200, most: ANY },
  { id: 0x04, key: 'initialMaxData', least: 0, most: ANY },
  { id: 0x05, key: 'initialMaxStreamDataBidiLocal', least: 0, most: ANY },
  { id: 0x06, key: 'initialMaxStreamDataBidiRemote', least: 0, most: ANY },
  { id: 0x07, key: 'initialMaxStreamDataUni', least: 0, most: ANY },
  { id: 0x08, key: 'initialMaxStreamsBidi', least: 0, most: ANY },
  { id: 0x09, key: 'initialMaxStreamsUni', least: 0, most: ANY },
  { id: 0x0a, key: 'ackDelayExponent', least: 0, most: 20 },
  { id: 0x0b, key: 'maxAckDelay', least: 0, most: 0x3fff },
  { id: 0x0e, key: 'activeConnectionIdLimit', least: 2, most: ANY },
  { id: 0x20, key: 'maxDatagramFrameSize', least: 0, most: ANY },
  { id: 0xff04de1b, key: 'minAckDelay', least: 0, most: ANY },
];

const OCTETS: readonly OctetsParameter[] = [
  { id: 0x00, key: 'originalDestinationConnectionId', least: 0, most: MAX_CONNECTION_ID_LENGTH },
  { id: 0x02, key: 'statelessResetToken', least: RESET_TOKEN_LENGTH, most: RESET_TOKEN_LENGTH },
  { id: 0x0f, key: 'initialSourceConnectionId', least: 0, most: MAX_CONNECTION_ID_LENGTH },
  { id: 0x10, key: 'retrySourceConnectionId', least: 0, most: MAX_CONNECTION_ID_LENGTH },
];

/** There or not there, without a value. */
const FLAGS: readonly { readonly id: number; readonly key: 'disableActiveMigration' | 'resetStreamAt' | 'greaseQuicBit' }[] = [
  { id: 0x0c, key: 'disableActiveMigration' },
  { id: 0x1d, key: 'resetStreamAt' },
  { id: 0x2ab2, key: 'greaseQuicBit' }, // RFC 9287 §3
];

/** original_destination_connection_id, stateless_reset_token, preferred_address, retry_source_connection_id. §18.2. */
const SERVER_ONLY: readonly number[] = [0x00, 0x02, PREFERRED_ADDRESS, 0x10];

function name(id: number): string {
  if (id === PREFERRED_ADDRESS) return 'preferredAddress';
  if (id === VERSION_INFORMATION) return 'versionInformation';
  return [...INTEGERS, ...OCTETS, ...FLAGS].find((entry) => entry.id === id)?.key ?? `0x${id.toString(16)}`;
}

/** Transport parameters travel in CRYPTO frames, so one of those is what triggered the error. */
function fail(reason: string): never {
  throw new TransportError(TransportErrorCode.TRANSPORT_PARAMETER_ERROR, reason, FrameType.CRYPTO);
}
