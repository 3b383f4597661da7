import {
  TransportErrorCode as Code,
  FrameType,
  writeHandshakeDone,
  writeNewConnectionId,
  writeNewToken,
  writePing,
  writeRetireConnectionId,
} from '@quiclab/wire';
import { writeCrypto, writeSimpleAck } from './scripted-peer.ts';
import { breakAll, octets, TOKEN, type Violation } from './violating.ts';

breakAll([
  {
    name: 'a frame of an unknown type (RFC 9000 §12.4)',
    breaks: ['9000/12.4/unknown'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: 0x1f,
    packets: [(w) => w.uint8(0x1f)],
  },
  {
    name: 'a frame of an unknown type of four octets',
    breaks: ['9000/12.4/unknown'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: 0x12345,
    packets: [(w) => w.varint(0x12345)],
  },
  {
    name: 'a type in more octets than it needs (RFC 9000 §12.4)',
    breaks: ['9000/12.4/long-type'],
    code: Code.PROTOCOL_VIOLATION,
    packets: [(w) => w.varintOfSize(FrameType.PING, 2)],
  },
  {
    name: 'a STREAM frame that is cut short',
    code: Code.FRAME_ENCODING_ERROR,
    frameType: 0x0a,
    packets: [(w) => w.octets(Uint8Array.of(0x0a, 0, 9, 1))],
  },
  {
    name: 'an ACK below packet 0 (RFC 9000 §19.3.1)',
    breaks: ['9000/19.3.1/negative'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: 2,
    packets: [(w) => w.octets(Uint8Array.of(2, 3, 0, 0, 4))],
  },
  {
    name: 'an empty NEW_TOKEN (RFC 9000 §19.7)',
    breaks: ['9000/19.7/empty'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_TOKEN,
    packets: [(w) => w.octets(Uint8Array.of(7, 0))],
    at: 'client',
  },
  ...[FrameType.MAX_STREAMS_BIDI, FrameType.MAX_STREAMS_UNI, FrameType.STREAMS_BLOCKED_BIDI, FrameType.STREAMS_BLOCKED_UNI].map(
    (type): Violation => ({
      name: `0x${type.toString(16)} for more than 2^60 streams (RFC 9000 §4.6)`,
      breaks: type <= FrameType.MAX_STREAMS_UNI ? ['9000/4.6/frame', '9000/19.11/too-many'] : ['9000/19.14/too-many'],
      code: Code.FRAME_ENCODING_ERROR,
      frameType: type,
      packets: [(w) => w.octets(Uint8Array.of(type, 0xd0, 0, 0, 0, 0, 0, 0, 1))],
    }),
  ),
  {
    name: 'NEW_CONNECTION_ID of 21 octets (RFC 9000 §19.15)',
    breaks: ['9000/19.15/length'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 2, 0, octets(21), TOKEN)],
  },
  {
    name: 'NEW_CONNECTION_ID of no octets (RFC 9000 §19.15)',
    breaks: ['9000/19.15/length'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 2, 0, octets(0), TOKEN)],
  },
  {
    name: 'NEW_CONNECTION_ID that retires more than there are (RFC 9000 §19.15)',
    breaks: ['9000/19.15/retire'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 20, 21, octets(8), TOKEN)],
  },

  {
    name: 'more connection IDs than active_connection_id_limit (RFC 9000 §5.1.1)',
    breaks: ['9000/5.1.1/active'],
    code: Code.CONNECTION_ID_LIMIT_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 4, 0, octets(8), TOKEN)], // the handshake and what followed gave the four that fit
  },
  {
    name: 'retirements without end and without acknowledgement (RFC 9000 §5.1.2)',
    breaks: ['9000/5.1.2/retirements'],
    code: Code.CONNECTION_ID_LIMIT_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [
      (w) => {
        for (let i = 10; i < 30; i++) writeNewConnectionId(w, i, i, Uint8Array.of(9, 9, 9, 9, 9, 9, 9, i), TOKEN);
      },
    ],
  },
  {
    name: 'one sequence number for two connection IDs (RFC 9000 §19.15)',
    breaks: ['9000/19.15/repeated'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 9, 9, octets(8), TOKEN), (w) => writeNewConnectionId(w, 9, 9, octets(9), TOKEN)],
  },
  {
    name: 'one connection ID with two tokens (RFC 9000 §19.15)',
    breaks: ['9000/19.15/repeated'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 9, 9, octets(8), TOKEN), (w) => writeNewConnectionId(w, 9, 9, octets(8), new Uint8Array(16))],
  },
  {
    name: 'one connection ID under two sequence numbers (RFC 9000 §19.15)',
    breaks: ['9000/19.15/repeated'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 9, 9, octets(8), TOKEN), (w) => writeNewConnectionId(w, 10, 9, octets(8), TOKEN)],
  },
  {
    name: 'RETIRE_CONNECTION_ID for one that was not issued (RFC 9000 §19.16)',
    breaks: ['9000/19.16/never-issued'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.RETIRE_CONNECTION_ID,
    packets: [(w) => writeRetireConnectionId(w, 4)],
  },
  {
    name: 'RETIRE_CONNECTION_ID in a packet that uses it (RFC 9000 §19.16)',
    breaks: ['9000/19.16/in-use'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.RETIRE_CONNECTION_ID,
    packets: [(w) => writeRetireConnectionId(w, 0)],
  },

  {
    name: 'an ACK of a packet that was never sent (RFC 9000 §13.1)',
    breaks: ['9000/13.1/never-sent'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.ACK,
    packets: [(w) => writeSimpleAck(w, 500)],
  },
  { name: 'a packet without frames (RFC 9000 §12.4)', breaks: ['9000/12.4/no-frames'], code: Code.PROTOCOL_VIOLATION, packets: [() => {}] },
  {
    name: 'a reserved bit in a short header (RFC 9000 §17.3.1)',
    breaks: ['9000/17.3.1/reserved'],
    code: Code.PROTOCOL_VIOLATION,
    packets: [writePing],
    forging: { firstOctet: 0x08 },
  },
  {
    name: 'the other reserved bit in a short header',
    breaks: ['9000/17.3.1/reserved'],
    code: Code.PROTOCOL_VIOLATION,
    packets: [writePing],
    forging: { firstOctet: 0x10 },
  },
  {
    name: 'HANDSHAKE_DONE from a client (RFC 9000 §19.20)',
    breaks: ['9000/19.20/from-client'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.HANDSHAKE_DONE,
    packets: [writeHandshakeDone],
    at: 'server',
  },
  {
    name: 'NEW_TOKEN from a client (RFC 9000 §19.7)',
    breaks: ['9000/19.7/from-client'],
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_TOKEN,
    packets: [(w) => writeNewToken(w, octets(10))],
    at: 'server',
  },
  {
    name: 'CRYPTO data further ahead than anybody keeps (RFC 9000 §7.5)',
    breaks: ['9000/7.5/after'],
    code: Code.CRYPTO_BUFFER_EXCEEDED,
    frameType: FrameType.CRYPTO,
    packets: [(w) => writeCrypto(w, 200_000, octets(1))],
  },
  {
    name: 'CRYPTO data beyond 2^62 - 1 (RFC 9000 §19.6)',
    breaks: ['9000/19.6/offset'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.CRYPTO,
    packets: [(w) => w.octets(Uint8Array.of(FrameType.CRYPTO, ...new Array<number>(8).fill(0xff), 1, 0))],
  },
  {
    name: 'a TLS KeyUpdate (RFC 9001 §6)',
    breaks: ['9001/6/key-update'],
    code: Code.CRYPTO_ERROR + 10, // unexpected_message
    frameType: FrameType.CRYPTO,
    packets: [(w) => writeCrypto(w, 0, Uint8Array.of(24, 0, 0, 1, 0))],
  },
]);
