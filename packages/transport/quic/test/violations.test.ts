import type { ByteWriter } from '@quiclab/bytes';
import {
  TransportErrorCode as Code,
  FrameType,
  writeHandshakeDone,
  writeMaxStreamData,
  writeNewConnectionId,
  writeNewToken,
  writePing,
  writeResetStream,
  writeRetireConnectionId,
  writeStopSending,
  writeStreamDataBlocked,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks, other, SIDES, type Side } from './breaks.ts';
import { type Forging, find, findAll, writeCrypto, writeSimpleAck, writeStream } from './scripted-peer.ts';
import { established, expectClosed, type Ids, idsFor, octets, TOKEN } from './violating.ts';

interface Violation {
  readonly name: string;
  /** Requirements of scripts/rfc-map. */
  readonly breaks?: readonly string[];
  readonly code: number;
  readonly frameType?: number;
  /** Packets, the last of which is one too many. */
  readonly packets: readonly ((w: ByteWriter, ids: Ids) => void)[];
  readonly forging?: Forging;
  /** Which end must complain; both unless said. */
  readonly at?: Side;
}

const STREAM_FULL = 0x0e; // STREAM with offset and length
const STREAM_FIN = 0x0f;

const violations: readonly Violation[] = [
  {
    name: 'STREAM beyond the limit of its stream (RFC 9000 §4.1)',
    breaks: ['9000/4.1/stream-limit'],
    code: Code.FLOW_CONTROL_ERROR,
    frameType: STREAM_FULL,
    packets: [(w, { ownUni }) => writeStream(w, ownUni(0), 901, octets(100))],
  },
  {
    name: 'STREAM data beyond 2^62 - 1 (RFC 9000 §19.8)',
    breaks: ['9000/19.8/offset'],
    code: Code.FRAME_ENCODING_ERROR,
    frameType: STREAM_FULL,
    packets: [(w, { ownUni }) => w.octets(Uint8Array.of(STREAM_FULL, ownUni(0), ...new Array<number>(8).fill(0xff), 1, 0))],
  },
  {
    name: 'STREAM at the largest offset of all (RFC 9000 §4.1)',
    code: Code.FLOW_CONTROL_ERROR,
    packets: [(w, { ownBidi }) => writeStream(w, ownBidi(0), Number.MAX_SAFE_INTEGER - 10, octets(1))],
  },
  {
    name: 'RESET_STREAM with a final size beyond the limit of its stream (RFC 9000 §4.5)',
    breaks: ['9000/4.1/stream-limit'],
    code: Code.FLOW_CONTROL_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownUni }) => writeResetStream(w, ownUni(0), 0, 1_001)],
  },
  {
    name: "STREAM frames beyond the connection's limit (RFC 9000 §4.1)",
    breaks: ['9000/4.1/connection-limit'],
    code: Code.FLOW_CONTROL_ERROR,
    frameType: STREAM_FULL,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(1_000)),
      (w, { ownBidi }) => writeStream(w, ownBidi(0), 401, octets(100)),
    ],
  },
  {
    name: "RESET_STREAM beyond the connection's limit (RFC 9000 §4.5)",
    breaks: ['9000/4.1/connection-limit'],
    code: Code.FLOW_CONTROL_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(1_000)), (w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 501)],
  },

  ...(
    [
      ['STREAM', '19.8', STREAM_FULL, (w, id) => writeStream(w, id, 0, octets(1))],
      ['RESET_STREAM', '19.4', FrameType.RESET_STREAM, (w, id) => writeResetStream(w, id, 0, 0)],
      ['STREAM_DATA_BLOCKED', '19.13', FrameType.STREAM_DATA_BLOCKED, (w, id) => writeStreamDataBlocked(w, id, 0)],
    ] as readonly (readonly [string, string, number, (w: ByteWriter, id: number) => void])[]
  ).flatMap(([name, section, frameType, write]): Violation[] => [
    {
      name: `${name} for a bidirectional stream beyond the limit (RFC 9000 §4.6)`,
      breaks: ['9000/4.6/stream-id'],
      code: Code.STREAM_LIMIT_ERROR,
      frameType,
      packets: [(w, { ownBidi }) => write(w, ownBidi(3))],
    },
    {
      name: `${name} for a unidirectional stream beyond the limit (RFC 9000 §4.6)`,
      breaks: ['9000/4.6/stream-id'],
      code: Code.STREAM_LIMIT_ERROR,
      frameType,
      packets: [(w, { ownUni }) => write(w, ownUni(3))],
    },
    {
      name: `${name} for a stream that only the other end sends on (RFC 9000 §19)`,
      breaks: [`9000/${section}/send-only`],
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimUni }) => write(w, victimUni(0))],
    },
    {
      name: `${name} for a bidirectional stream of the other end's that is not open (RFC 9000 §19)`,
      breaks: section === '19.8' ? ['9000/19.8/not-created'] : [],
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimBidi }) => write(w, victimBidi(1))],
    },
  ]),
  ...(
    [
      ['STOP_SENDING', '19.5', FrameType.STOP_SENDING, (w, id) => writeStopSending(w, id, 0)],
      ['MAX_STREAM_DATA', '19.10', FrameType.MAX_STREAM_DATA, (w, id) => writeMaxStreamData(w, id, 1)],
    ] as readonly (readonly [string, string, number, (w: ByteWriter, id: number) => void])[]
  ).flatMap(([name, section, frameType, write]): Violation[] => [
    {
      name: `${name} for a bidirectional stream beyond the limit (RFC 9000 §4.6)`,
      breaks: ['9000/4.6/stream-id'],
      code: Code.STREAM_LIMIT_ERROR,
      frameType,
      packets: [(w, { ownBidi }) => write(w, ownBidi(3))],
    },
    {
      name: `${name} for a stream that the other end cannot send on (RFC 9000 §19)`,
      breaks: [`9000/${section}/receive-only`],
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { ownUni }) => write(w, ownUni(0))],
    },
    {
      name: `${name} for a unidirectional stream that is not open (RFC 9000 §19)`,
      breaks: [`9000/${section}/not-created`],
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimUni }) => write(w, victimUni(1))],
    },
    {
      name: `${name} for a bidirectional stream of the other end's that is not open (RFC 9000 §19)`,
      breaks: [`9000/${section}/not-created`],
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimBidi }) => write(w, victimBidi(1))],
    },
  ]),

  {
    name: 'data beyond the end of a stream (RFC 9000 §4.5)',
    breaks: ['9000/4.5/beyond'],
    code: Code.FINAL_SIZE_ERROR,
    frameType: STREAM_FULL,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(10), true),
      (w, { ownUni }) => writeStream(w, ownUni(0), 10, octets(1)),
    ],
  },
  {
    name: 'an end before data that has come (RFC 9000 §4.5)',
    breaks: ['9000/4.5/changed'],
    code: Code.FINAL_SIZE_ERROR,
    frameType: STREAM_FIN,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(10)),
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(9), true),
    ],
  },
  {
    name: 'two ends of one stream (RFC 9000 §4.5)',
    breaks: ['9000/4.5/changed'],
    code: Code.FINAL_SIZE_ERROR,
    frameType: STREAM_FIN,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(10), true),
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(11), true),
    ],
  },
  {
    name: 'RESET_STREAM with another final size than FIN said (RFC 9000 §4.5)',
    breaks: ['9000/4.5/changed'],
    code: Code.FINAL_SIZE_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownUni }) => writeStream(w, ownUni(0), 5, octets(5), true), (w, { ownUni }) => writeResetStream(w, ownUni(0), 0, 11)],
  },
  {
    name: 'RESET_STREAM with a final size below what has come (RFC 9000 §4.5)',
    breaks: ['9000/4.5/changed'],
    code: Code.FINAL_SIZE_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownBidi }) => writeStream(w, ownBidi(0), 0, octets(10)), (w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 9)],
  },
  {
    name: 'two RESET_STREAM frames that do not agree (RFC 9000 §4.5)',
    breaks: ['9000/4.5/changed'],
    code: Code.FINAL_SIZE_ERROR,
    frameType: FrameType.RESET_STREAM,
    // on a bidirectional stream, whose other direction keeps it from being forgotten
    packets: [(w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 5), (w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 6)],
  },

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
];

describe.each(SIDES)('what the %s does not put up with, once the connection is established:', (side) => {
  const plays = other(side);
  for (const { name, breaks: ids = [], code, frameType, packets, forging, at } of violations) {
    if (at !== undefined && at !== side) continue;
    test(name + breaks(ids, side, code), () => {
      const { pair, peer, victim } = established(plays);
      const ids = idsFor(plays);
      for (const write of packets.slice(0, -1)) {
        peer.send('application', (w) => write(w, ids));
        expect(victim.state).toBe('open');
      }
      const reply = peer.send('application', (w) => packets[packets.length - 1]!(w, ids), forging);
      expectClosed(pair, peer, victim, reply, code, frameType);
    });
  }
});

describe.each(SIDES)('limits that the %s has raised hold, too:', (side) => {
  const plays = other(side);
  const { ownUni, ownBidi } = idsFor(plays);

  /** The peer has used up a stream, the victim has read it and says a higher limit. */
  const raised = (frame: 'MAX_DATA' | 'MAX_STREAM_DATA') => {
    const { pair, peer, victim } = established(plays);
    peer.send('application', (w) => writeStream(w, ownUni(0), 0, octets(1_000)));
    expect(victim.read(pair.now, ownUni(0))!.data).toHaveLength(1_000);
    const limit = find(peer.wait(pair.now + 1_000), frame)!.limit;
    expect(limit).toBeGreaterThan(1_500);
    return { pair, peer, victim, limit };
  };

  test(`more stream data than MAX_STREAM_DATA says (RFC 9000 §19.10)${breaks('9000/19.10/limit', side, Code.FLOW_CONTROL_ERROR)}`, () => {
    const { pair, peer, victim, limit } = raised('MAX_STREAM_DATA');
    peer.send('application', (w) => writeStream(w, ownUni(0), 1_000, octets(100)));
    expect(victim.state).toBe('open');
    const reply = peer.send('application', (w) => writeStream(w, ownUni(0), limit, octets(1)));
    expectClosed(pair, peer, victim, reply, Code.FLOW_CONTROL_ERROR, STREAM_FULL);
  });

  test(`more data than MAX_DATA says (RFC 9000 §19.9)${breaks('9000/19.9/limit', side, Code.FLOW_CONTROL_ERROR)}`, () => {
    const { pair, peer, victim, limit } = raised('MAX_DATA');
    let left = limit - 1_000;
    const streams = [ownUni(1), ownUni(2), ownBidi(0), ownBidi(1), ownBidi(2)];
    for (const id of streams) {
      const size = Math.min(left, 1_000);
      if (size > 0) peer.send('application', (w) => writeStream(w, id, size - 1, octets(1)));
      left -= size;
    }
    expect([left, victim.state]).toEqual([0, 'open']);
    const last = streams[Math.ceil((limit - 1_000) / 1_000)]!; // nothing was said on it yet
    const reply = peer.send('application', (w) => writeStream(w, last, 0, octets(1)));
    expectClosed(pair, peer, victim, reply, Code.FLOW_CONTROL_ERROR, STREAM_FULL);
  });

  test(`more streams than MAX_STREAMS says (RFC 9000 §19.11)${breaks('9000/19.11/limit', side, Code.STREAM_LIMIT_ERROR)}`, () => {
    const { pair, peer, victim } = established(plays);
    for (const n of [0, 1, 2]) {
      peer.send('application', (w) => writeStream(w, ownUni(n), 0, octets(1), true));
      expect(victim.read(pair.now, ownUni(n))!.fin).toBe(true);
    }
    peer.wait(pair.now + 1_000);
    const limit = Math.max(...findAll(peer.heard, 'MAX_STREAMS_UNI').map((frame) => frame.limit));
    expect(limit).toBeGreaterThan(3);
    peer.send('application', (w) => writeStream(w, ownUni(limit - 1), 0, octets(1)));
    expect(victim.state).toBe('open');
    const reply = peer.send('application', (w) => writeStream(w, ownUni(limit), 0, octets(1)));
    expectClosed(pair, peer, victim, reply, Code.STREAM_LIMIT_ERROR, STREAM_FULL);
  });
});
