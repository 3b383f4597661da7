import { ByteWriter, concat, toHex } from '@quiclab/bytes';
import {
  decodeTransportParameters,
  defaultTransportParameters,
  encodeTransportParameters,
  FrameReader,
  FrameType,
  MAX_ACK_RANGES,
  PacketHeader,
  PacketType,
  readHeader,
  readRetry,
  readVersions,
  setLength,
  TransportError,
  TransportErrorCode,
  VERSION_1,
  VERSION_2,
  writeLongHeader,
  writeRetry,
  writeShortHeader,
  writeVersionNegotiation,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { fieldsOf, SAMPLES } from './frame-samples.ts';

// Octets are altered at random, from a seed that is printed with what failed, and read twice: once with 0x00 around them,
// once with 0xff. Whatever is found must be allowed, and must not depend on what lies around.

/** A linear congruential generator: enough to choose what to alter. */
function lcg(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

type Draw = (below: number) => number;

const TEMPTING = [0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xd0, 0xe0, 0xff];

/** A few octets replaced, inserted, removed or doubled, or the rest cut off. */
function altered(source: Uint8Array, draw: Draw): Uint8Array {
  let bytes: Uint8Array = source.slice();
  for (let changes = 1 + draw(3); changes > 0; changes--) {
    const at = draw(bytes.length + 1);
    const value = draw(2) === 0 ? TEMPTING[draw(TEMPTING.length)]! : draw(256);
    const kind = draw(6);
    if (kind <= 1 && at < bytes.length) bytes[at] = value;
    else if (kind === 2 && at < bytes.length) bytes[at] = bytes[at]! ^ (1 << draw(8));
    else if (kind === 3) bytes = concat(bytes.subarray(0, at), Uint8Array.of(value), bytes.subarray(at));
    else if (kind === 4) bytes = concat(bytes.subarray(0, at), bytes.subarray(at + 1 + draw(4)));
    else if (kind === 5) bytes = draw(2) === 0 ? bytes.slice(0, at) : concat(bytes, bytes.subarray(at, at + 40));
  }
  return bytes;
}

const AROUND = 32;

function surrounded(bytes: Uint8Array, by: number): Uint8Array {
  const all = new Uint8Array(bytes.length + 2 * AROUND).fill(by);
  all.set(bytes, AROUND);
  return all;
}

const within = (position: number, end: number): boolean => position >= AROUND && position <= end;

/** What `read` makes of the octets, wherever they lie; it says itself whether that is allowed. */
function bothWays(bytes: Uint8Array, read: (all: Uint8Array, start: number, end: number) => string): string {
  const zeros = read(surrounded(bytes, 0x00), AROUND, AROUND + bytes.length);
  const ones = read(surrounded(bytes, 0xff), AROUND, AROUND + bytes.length);
  if (zeros !== ones) throw new Error(`depends on what lies around ${toHex(bytes)}: ${zeros} or ${ones}`);
  return zeros;
}

function allowed(error: unknown, codes: readonly number[], bytes: Uint8Array): string {
  if (error instanceof TransportError && codes.includes(error.code)) return `error ${error.code} ${error.message}`;
  throw new Error(`not allowed for ${toHex(bytes)}: ${error}`);
}

function headers(): Uint8Array[] {
  const id = (length: number): Uint8Array => new Uint8Array(length).fill(0xab);
  const all: Uint8Array[] = [];
  for (const version of [VERSION_1, VERSION_2]) {
    for (const type of [PacketType.INITIAL, PacketType.ZERO_RTT, PacketType.HANDSHAKE]) {
      const w = ByteWriter.growable();
      const offset = writeLongHeader(w, type, version, id(8), id(20), id(40), 5, 2);
      w.zeros(24);
      setLength(w.bytes, offset, w.position);
      all.push(w.written().slice());
    }
    const retry = ByteWriter.growable();
    writeRetry(retry, version, id(4), id(5), id(30));
    retry.zeros(16);
    all.push(retry.written().slice());
  }
  const versions = ByteWriter.growable();
  writeVersionNegotiation(versions, id(8), id(8), [1, VERSION_2], 9);
  const short = ByteWriter.growable();
  writeShortHeader(short, id(8), 5, 2, 1, 0);
  short.zeros(20);
  return [...all, versions.written().slice(), short.written().slice()];
}

describe('altered octets are a fault, an allowed error, or another valid reading', () => {
  test('30,000 headers', () => {
    const draw = lcg(0x9000);
    const sources = headers();
    const header = new PacketHeader();
    const seen = new Map<string, number>();
    for (let i = 0; i < 30_000; i++) {
      const bytes = altered(sources[i % sources.length]!, draw);
      const idLength = draw(3) === 0 ? draw(21) : 8;
      const result = bothWays(bytes, (all, start, end) => {
        const fault = readHeader(all, start, end, idLength, header);
        if (fault !== '') return fault;
        const inside =
          header.start === start &&
          within(header.packetNumberOffset, end) &&
          within(header.end, end) &&
          header.end >= header.packetNumberOffset &&
          header.end > start &&
          within(header.destinationIdStart + header.destinationIdLength, end) &&
          within(header.sourceIdStart + header.sourceIdLength, end) &&
          within(header.tokenStart + header.tokenLength, end);
        if (!inside) throw new Error(`positions outside of ${toHex(bytes)}`);
        const retry = readRetry(header);
        const versions = header.type === PacketType.VERSION_NEGOTIATION ? readVersions(all, header.packetNumberOffset, end) : undefined;
        return `type ${header.type} ${header.version} ${toHex(header.destinationId)} ${toHex(header.sourceId)} ${toHex(header.token)} ${
          header.packetNumberOffset
        } ${header.end} ${retry && toHex(retry.integrityTag)} ${versions}`;
      });
      const kind = result.startsWith('type') ? result.slice(0, 6) : result;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
    // every outcome occurred, so the alterations reach everywhere
    expect([...seen.keys()].sort()).toEqual(
      ['cid-too-long', 'fixed-bit', 'length', 'token', 'truncated', ...[0, 1, 2, 3, 4, 5, 6].map((type) => `type ${type}`)].sort(),
    );
  });

  test('40,000 payloads of frames', () => {
    const draw = lcg(0x9001);
    const frame = new FrameReader();
    const codes = [TransportErrorCode.FRAME_ENCODING_ERROR, TransportErrorCode.PROTOCOL_VIOLATION];
    const small = SAMPLES.filter((sample) => sample.bytes.length < 120);
    const types = new Set<number>();
    let errors = 0;
    for (let i = 0; i < 40_000; i++) {
      const parts = Array.from({ length: 1 + draw(4) }, () => small[draw(small.length)]!.bytes);
      const bytes = altered(concat(small[i % small.length]!.bytes, ...parts), draw);
      const result = bothWays(bytes, (all, start, end) => {
        frame.reset(all, start, end);
        let log = '';
        let position = start;
        try {
          for (let type = frame.next(); type !== -1; type = frame.next()) {
            types.add(type);
            if (frame.start !== position || frame.position <= position || frame.position > end)
              throw new Error(`no progress in ${toHex(bytes)}`);
            position = frame.position;
            log += describeFrame(type, frame, end);
          }
          return log;
        } catch (error) {
          return log + allowed(error, codes, bytes);
        }
      });
      if (result.includes('error')) errors++;
    }
    expect(types).toEqual(new Set(Object.values(FrameType)));
    expect(errors).toBeGreaterThan(10_000);
    expect(errors).toBeLessThan(30_000);
  });

  test('20,000 sets of transport parameters', () => {
    const draw = lcg(0x9002);
    const codes = [TransportErrorCode.TRANSPORT_PARAMETER_ERROR];
    const source = encodeTransportParameters(
      {
        ...defaultTransportParameters,
        maxIdleTimeout: 30_000,
        initialMaxData: 2 ** 40,
        initialMaxStreamsBidi: 100,
        maxAckDelay: 20,
        disableActiveMigration: true,
        maxDatagramFrameSize: 65_535,
        minAckDelay: 1_000,
        resetStreamAt: true,
        initialSourceConnectionId: new Uint8Array(8).fill(3),
        statelessResetToken: new Uint8Array(16).fill(4),
        preferredAddress: {
          ipv4: new Uint8Array(4),
          ipv4Port: 1,
          ipv6: new Uint8Array(16),
          ipv6Port: 2,
          connectionId: new Uint8Array(5),
          resetToken: new Uint8Array(16),
        },
      },
      { id: 58, value: new Uint8Array(9) },
    );
    let valid = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = altered(source, draw);
      const result = bothWays(bytes, (all, start, end) => {
        try {
          const decoded = decodeTransportParameters(all.subarray(start, end), 'server');
          // what was accepted can be said again, and means the same
          expect(decodeTransportParameters(encodeTransportParameters(decoded), 'server')).toEqual(decoded);
          return JSON.stringify(decoded);
        } catch (error) {
          return allowed(error, codes, bytes);
        }
      });
      if (!result.startsWith('error')) valid++;
    }
    expect(valid).toBeGreaterThan(2000);
    expect(valid).toBeLessThan(18_000);
  });
});

/** The fields of the frame just read, as text; their bounds are checked on the way. */
function describeFrame(type: number, frame: FrameReader, end: number): string {
  const bad = (what: string): never => {
    throw new Error(`${what} in frame 0x${type.toString(16)}`);
  };
  switch (type) {
    case FrameType.ACK:
    case FrameType.ACK_ECN: {
      const { ack } = frame;
      if (ack.count < 1 || ack.count > MAX_ACK_RANGES || ack.largestOf[0] !== ack.largest) bad('count');
      for (let i = 0; i < ack.count; i++) {
        if (ack.smallest[i]! < 0 || ack.smallest[i]! > ack.largestOf[i]!) bad('range');
        if (i > 0 && ack.largestOf[i]! > ack.smallest[i - 1]! - 2) bad('order');
      }
      return `ack ${ack.largest} ${ack.delay} ${ack.smallest.slice(0, ack.count)} ${ack.largestOf.slice(0, ack.count)} ${ack.ect0} ${ack.ce};`;
    }
    case FrameType.STREAM:
      if (frame.dataEnd > end || frame.dataEnd - frame.dataStart !== frame.length) bad('data');
      return `${frame.rawType} ${frame.id} ${frame.offset} ${frame.fin} ${toHex(frame.data())};`;
    case FrameType.CRYPTO:
    case FrameType.DATAGRAM:
    case FrameType.NEW_TOKEN:
    case FrameType.PATH_CHALLENGE:
    case FrameType.PATH_RESPONSE:
      if (frame.dataEnd > end || frame.dataEnd - frame.dataStart !== frame.length) bad('data');
      return `${type} ${type === FrameType.CRYPTO ? frame.offset : 0} ${toHex(frame.data())};`;
    case FrameType.CONNECTION_CLOSE:
    case FrameType.CONNECTION_CLOSE_APP:
      if (frame.dataEnd > end) bad('reason');
      return `close ${frame.code} ${frame.frameType} ${toHex(frame.reason)};`;
    case FrameType.NEW_CONNECTION_ID:
      if (frame.connectionId.length < 1 || frame.connectionId.length > 20 || frame.resetToken.length !== 16) bad('connection ID');
      if (frame.retirePriorTo > frame.sequence) bad('retirePriorTo');
      return `id ${frame.sequence} ${frame.retirePriorTo} ${toHex(frame.connectionId)} ${toHex(frame.resetToken)};`;
    case FrameType.RESET_STREAM_AT:
      if (frame.reliableSize > frame.finalSize) bad('reliable size');
      return `${type} ${frame.id} ${frame.code} ${frame.finalSize} ${frame.reliableSize};`;
    default:
      return `${frame.rawType} ${JSON.stringify(fieldsOf(frame, NUMBERS.get(type)!))};`;
  }
}

/** The fields of the remaining types, which are numbers only. */
const NUMBERS = new Map(SAMPLES.map((sample) => [sample.type, Object.keys(sample.fields)]));
