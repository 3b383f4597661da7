import { ByteWriter, RangeSet } from '@quiclab/bytes';
import {
  type FrameReader,
  FrameType,
  writeAck,
  writeAckFrequency,
  writeApplicationClose,
  writeConnectionClose,
  writeCryptoHeader,
  writeDataBlocked,
  writeDatagramHeader,
  writeHandshakeDone,
  writeImmediateAck,
  writeMaxData,
  writeMaxStreamData,
  writeMaxStreams,
  writeNewConnectionId,
  writeNewToken,
  writePadding,
  writePathChallenge,
  writePathResponse,
  writePing,
  writeResetStream,
  writeResetStreamAt,
  writeRetireConnectionId,
  writeStopSending,
  writeStreamDataBlocked,
  writeStreamHeader,
  writeStreamsBlocked,
} from '@quiclab/wire';

/** A frame written by this package, and the fields that must come back. */
export interface Sample {
  readonly name: string;
  readonly type: number;
  readonly bytes: Uint8Array;
  /** Whether its last octets may be missing without harm: data that reaches to the end of the payload. */
  readonly openEnded: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The type as on the wire, of one octet or two; 0 for half of one. */
export const typeIn = ([first, second]: Uint8Array): number =>
  first! < 0x40 ? first! : second === undefined ? 0 : ((first! & 0x3f) << 8) | second;

const octets = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

/** Fields of the frame just read, those of its type and no other. */
export function fieldsOf(frame: FrameReader, names: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of names) {
    if (name === 'data') values[name] = frame.data().slice();
    else if (name === 'ranges') values[name] = rangesOf(frame);
    else if (name.startsWith('ack.')) values[name] = frame.ack[name.slice(4) as 'largest'];
    else {
      const value = frame[name as 'connectionId' | 'id'];
      values[name] = value instanceof Uint8Array ? value.slice() : value;
    }
  }
  return values;
}

function rangesOf({ ack }: FrameReader): number[][] {
  return Array.from({ length: ack.count }, (_, i) => [ack.smallest[i]!, ack.largestOf[i]!]);
}

function sample(
  name: string,
  type: number,
  fields: Readonly<Record<string, unknown>>,
  write: (w: ByteWriter) => void,
  openEnded = false,
): Sample {
  const w = ByteWriter.growable();
  write(w);
  return { name, type, fields, bytes: w.written().slice(), openEnded };
}

const received = new RangeSet();
for (const [from, to] of [
  [3, 3],
  [7, 20],
  [22, 500],
  [100_000, 2 ** 40],
] as const)
  received.add(from, to + 1);
const descending = [
  [100_000, 2 ** 40],
  [22, 500],
  [7, 20],
  [3, 3],
];

const big = Number.MAX_SAFE_INTEGER - 1;

/** Every frame of RFC 9000 §19 at least once, with small and large numbers. */
export const SAMPLES: readonly Sample[] = [
  sample('PADDING', FrameType.PADDING, { paddingLength: 1 }, (w) => writePadding(w, 1)),
  sample('PADDING, a run', FrameType.PADDING, { paddingLength: 900 }, (w) => writePadding(w, 900), true),
  sample('PING', FrameType.PING, {}, writePing),
  sample('ACK', FrameType.ACK, { 'ack.largest': 2 ** 40, 'ack.delay': 777, 'ack.hasEcn': false, 'ack.ce': 0, ranges: descending }, (w) =>
    writeAck(w, received, 777, 64, 1200, undefined),
  ),
  sample('ACK_ECN', FrameType.ACK_ECN, { 'ack.hasEcn': true, 'ack.ect0': 70, 'ack.ect1': 0, 'ack.ce': 2 ** 31, ranges: descending }, (w) =>
    writeAck(w, received, 1, 64, 1200, { ect0: 70, ect1: 0, ce: 2 ** 31 }),
  ),
  sample('RESET_STREAM', FrameType.RESET_STREAM, { id: 4, code: 0x10c, finalSize: big }, (w) => writeResetStream(w, 4, 0x10c, big)),
  sample('STOP_SENDING', FrameType.STOP_SENDING, { id: 2 ** 30, code: 0 }, (w) => writeStopSending(w, 2 ** 30, 0)),
  sample('CRYPTO', FrameType.CRYPTO, { offset: 1000, length: 70, data: octets(70, 5) }, (w) => {
    writeCryptoHeader(w, 1000, 70);
    w.octets(octets(70, 5));
  }),
  sample('NEW_TOKEN', FrameType.NEW_TOKEN, { length: 90, data: octets(90, 6) }, (w) => writeNewToken(w, octets(90, 6))),
  ...streams(),
  sample('MAX_DATA', FrameType.MAX_DATA, { limit: big }, (w) => writeMaxData(w, big)),
  sample('MAX_STREAM_DATA', FrameType.MAX_STREAM_DATA, { id: 8, limit: 65536 }, (w) => writeMaxStreamData(w, 8, 65536)),
  sample('MAX_STREAMS, bidirectional', FrameType.MAX_STREAMS_BIDI, { limit: 100 }, (w) => writeMaxStreams(w, true, 100)),
  sample('MAX_STREAMS, unidirectional', FrameType.MAX_STREAMS_UNI, { limit: big }, (w) => writeMaxStreams(w, false, big)),
  sample('DATA_BLOCKED', FrameType.DATA_BLOCKED, { limit: 0 }, (w) => writeDataBlocked(w, 0)),
  sample('STREAM_DATA_BLOCKED', FrameType.STREAM_DATA_BLOCKED, { id: 3, limit: 16384 }, (w) => writeStreamDataBlocked(w, 3, 16384)),
  sample('STREAMS_BLOCKED, bidirectional', FrameType.STREAMS_BLOCKED_BIDI, { limit: 64 }, (w) => writeStreamsBlocked(w, true, 64)),
  sample('STREAMS_BLOCKED, unidirectional', FrameType.STREAMS_BLOCKED_UNI, { limit: 63 }, (w) => writeStreamsBlocked(w, false, 63)),
  sample(
    'NEW_CONNECTION_ID',
    FrameType.NEW_CONNECTION_ID,
    { sequence: 9, retirePriorTo: 9, connectionIdLength: 20, connectionId: octets(20, 7), resetToken: octets(16, 8) },
    (w) => writeNewConnectionId(w, 9, 9, octets(20, 7), octets(16, 8)),
  ),
  sample('RETIRE_CONNECTION_ID', FrameType.RETIRE_CONNECTION_ID, { sequence: 64 }, (w) => writeRetireConnectionId(w, 64)),
  sample('PATH_CHALLENGE', FrameType.PATH_CHALLENGE, { data: octets(8, 9) }, (w) => writePathChallenge(w, octets(8, 9))),
  sample('PATH_RESPONSE', FrameType.PATH_RESPONSE, { data: octets(8, 10) }, (w) => writePathResponse(w, octets(8, 10))),
  sample('CONNECTION_CLOSE', FrameType.CONNECTION_CLOSE, { code: 0x12a, frameType: 6, reason: octets(65, 0x61) }, (w) =>
    writeConnectionClose(w, 0x12a, 6, octets(65, 0x61)),
  ),
  sample('CONNECTION_CLOSE, application', FrameType.CONNECTION_CLOSE_APP, { code: 0x101, frameType: 0, reason: octets(0, 0) }, (w) =>
    writeApplicationClose(w, 0x101, octets(0, 0)),
  ),
  sample('HANDSHAKE_DONE', FrameType.HANDSHAKE_DONE, {}, writeHandshakeDone),
  sample('RESET_STREAM_AT', FrameType.RESET_STREAM_AT, { id: 4, code: 0x10c, finalSize: big, reliableSize: 70 }, (w) =>
    writeResetStreamAt(w, 4, 0x10c, big, 70),
  ),
  sample('IMMEDIATE_ACK', FrameType.IMMEDIATE_ACK, {}, writeImmediateAck),
  sample(
    'ACK_FREQUENCY',
    FrameType.ACK_FREQUENCY,
    { sequence: 65, ackElicitingThreshold: 9, requestedMaxAckDelay: 25_000, reorderingThreshold: big },
    (w) => writeAckFrequency(w, 65, 9, 25_000, big),
  ),
  sample('DATAGRAM', FrameType.DATAGRAM, { length: 70, data: octets(70, 12) }, (w) => {
    writeDatagramHeader(w, 70, true);
    w.octets(octets(70, 12));
  }),
  sample('DATAGRAM, empty', FrameType.DATAGRAM, { length: 0, data: octets(0, 0) }, (w) => writeDatagramHeader(w, 0, true)),
  sample(
    'DATAGRAM, to the end',
    FrameType.DATAGRAM,
    { length: 70, data: octets(70, 13) },
    (w) => {
      writeDatagramHeader(w, 70, false);
      w.octets(octets(70, 13));
    },
    true,
  ),
];

function streams(): Sample[] {
  const samples: Sample[] = [];
  for (const offset of [0, 5, big - 70]) {
    for (const length of [0, 70]) {
      for (const fin of [false, true]) {
        for (const withLength of [false, true]) {
          const name = `STREAM, ${length} octets at ${offset}${fin ? ', fin' : ''}${withLength ? '' : ', to the end'}`;
          const fields = { id: 1000, offset, length, fin, data: octets(length, 11) };
          const write = (w: ByteWriter): void => {
            writeStreamHeader(w, 1000, offset, length, fin, withLength);
            w.octets(octets(length, 11));
          };
          samples.push(sample(name, FrameType.STREAM, fields, write, !withLength));
        }
      }
    }
  }
  return samples;
}
