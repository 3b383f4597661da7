import type { ByteWriter } from '@quiclab/bytes';
import { streamId } from '@quiclab/streams';
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
import { Pair, type PairOptions } from './pair.ts';
import {
  type Forging,
  find,
  type Level,
  type ReadPacket,
  ScriptedPeer,
  writeCrypto,
  writeSimpleAck,
  writeStream,
} from './scripted-peer.ts';

type Side = 'client' | 'server';
const SIDES: readonly Side[] = ['client', 'server'];
const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');

/** What the peer that breaks the rules can say about streams: its own, and those of the end that it talks to, which has opened one of each. */
interface Ids {
  readonly ownBidi: (n: number) => number;
  readonly ownUni: (n: number) => number;
  readonly victimBidi: (n: number) => number;
  readonly victimUni: (n: number) => number;
}
const idsFor = (plays: Side): Ids => ({
  ownBidi: (n) => streamId(n, 'bidi', plays),
  ownUni: (n) => streamId(n, 'uni', plays),
  victimBidi: (n) => streamId(n, 'bidi', other(plays)),
  victimUni: (n) => streamId(n, 'uni', other(plays)),
});

const CONFIG = { initialMaxData: 1_500, initialMaxStreamData: 1_000, maxStreamsBidi: 3, maxStreamsUni: 3 };

/** A connection that is established and quiet, one end of which is played by a scripted peer. */
function established(plays: Side, options: PairOptions = {}): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection'] } {
  const pair = new Pair({ config: CONFIG, ...options }).handshake();
  pair.run(pair.now + 1_000_000);
  const victim = plays === 'client' ? pair.accepted! : pair.connection;
  victim.openStream('bidi');
  victim.openStream('uni');
  return { pair, peer: new ScriptedPeer(pair, plays), victim };
}

/** The victim has closed with this code, says so, and ends. */
function expectClosed(
  pair: Pair,
  peer: ScriptedPeer,
  victim: Pair['connection'],
  reply: readonly ReadPacket[],
  code: number,
  frameType?: number,
): void {
  expect(victim.state).toBe('closing');
  const close = find(reply, 'CONNECTION_CLOSE');
  expect(close).toBeDefined();
  expect({ code: close!.code, reason: close!.data.length > 0 }).toEqual({ code, reason: true });
  if (frameType !== undefined) expect(close!.frameType).toBe(frameType);
  expect(victim.cause).toMatchObject({ kind: 'local-transport', code });
  expect(victim.pollEvent()).toBeUndefined();
  peer.wait(pair.now + 10_000_000);
  expect(victim.state).toBe('drained');
  expect((peer.plays === 'client' ? pair.server : pair.client).connections.size).toBe(0);
}

const octets = (length: number): Uint8Array => new Uint8Array(length).fill(7);
const TOKEN = octets(16);

interface Violation {
  readonly name: string;
  readonly code: number;
  readonly frameType?: number;
  /** Packets, the last of which is one too many. */
  readonly packets: readonly ((w: ByteWriter, ids: Ids) => void)[];
  readonly forging?: Forging;
  /** Which end must complain; both unless said. */
  readonly at?: Side;
  readonly level?: Level;
}

const STREAM_FULL = 0x0e; // STREAM with offset and length
const STREAM_FIN = 0x0f;

const violations: readonly Violation[] = [
  {
    name: 'STREAM beyond the limit of its stream (RFC 9000 §4.1)',
    code: Code.FLOW_CONTROL_ERROR,
    frameType: STREAM_FULL,
    packets: [(w, { ownUni }) => writeStream(w, ownUni(0), 901, octets(100))],
  },
  {
    name: 'STREAM at the largest offset of all (RFC 9000 §4.1)',
    code: Code.FLOW_CONTROL_ERROR,
    packets: [(w, { ownBidi }) => writeStream(w, ownBidi(0), Number.MAX_SAFE_INTEGER - 10, octets(1))],
  },
  {
    name: 'RESET_STREAM with a final size beyond the limit of its stream (RFC 9000 §4.5)',
    code: Code.FLOW_CONTROL_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownUni }) => writeResetStream(w, ownUni(0), 0, 1_001)],
  },
  {
    name: "STREAM frames beyond the connection's limit (RFC 9000 §4.1)",
    code: Code.FLOW_CONTROL_ERROR,
    frameType: STREAM_FULL,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(1_000)),
      (w, { ownBidi }) => writeStream(w, ownBidi(0), 401, octets(100)),
    ],
  },
  {
    name: "RESET_STREAM beyond the connection's limit (RFC 9000 §4.5)",
    code: Code.FLOW_CONTROL_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(1_000)), (w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 501)],
  },

  ...(
    [
      ['STREAM', STREAM_FULL, (w, id) => writeStream(w, id, 0, octets(1))],
      ['RESET_STREAM', FrameType.RESET_STREAM, (w, id) => writeResetStream(w, id, 0, 0)],
      ['STREAM_DATA_BLOCKED', FrameType.STREAM_DATA_BLOCKED, (w, id) => writeStreamDataBlocked(w, id, 0)],
    ] as readonly (readonly [string, number, (w: ByteWriter, id: number) => void])[]
  ).flatMap(([name, frameType, write]): Violation[] => [
    {
      name: `${name} for a bidirectional stream beyond the limit (RFC 9000 §4.6)`,
      code: Code.STREAM_LIMIT_ERROR,
      frameType,
      packets: [(w, { ownBidi }) => write(w, ownBidi(3))],
    },
    {
      name: `${name} for a unidirectional stream beyond the limit (RFC 9000 §4.6)`,
      code: Code.STREAM_LIMIT_ERROR,
      frameType,
      packets: [(w, { ownUni }) => write(w, ownUni(3))],
    },
    {
      name: `${name} for a stream that only the other end sends on (RFC 9000 §19)`,
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimUni }) => write(w, victimUni(0))],
    },
    {
      name: `${name} for a bidirectional stream of the other end's that is not open (RFC 9000 §19)`,
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimBidi }) => write(w, victimBidi(1))],
    },
  ]),
  ...(
    [
      ['STOP_SENDING', FrameType.STOP_SENDING, (w, id) => writeStopSending(w, id, 0)],
      ['MAX_STREAM_DATA', FrameType.MAX_STREAM_DATA, (w, id) => writeMaxStreamData(w, id, 1)],
    ] as readonly (readonly [string, number, (w: ByteWriter, id: number) => void])[]
  ).flatMap(([name, frameType, write]): Violation[] => [
    {
      name: `${name} for a bidirectional stream beyond the limit (RFC 9000 §4.6)`,
      code: Code.STREAM_LIMIT_ERROR,
      frameType,
      packets: [(w, { ownBidi }) => write(w, ownBidi(3))],
    },
    {
      name: `${name} for a stream that the other end cannot send on (RFC 9000 §19)`,
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { ownUni }) => write(w, ownUni(0))],
    },
    {
      name: `${name} for a unidirectional stream that is not open (RFC 9000 §19)`,
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimUni }) => write(w, victimUni(1))],
    },
    {
      name: `${name} for a bidirectional stream of the other end's that is not open (RFC 9000 §19)`,
      code: Code.STREAM_STATE_ERROR,
      frameType,
      packets: [(w, { victimBidi }) => write(w, victimBidi(1))],
    },
  ]),

  {
    name: 'data beyond the end of a stream (RFC 9000 §4.5)',
    code: Code.FINAL_SIZE_ERROR,
    frameType: STREAM_FULL,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(10), true),
      (w, { ownUni }) => writeStream(w, ownUni(0), 10, octets(1)),
    ],
  },
  {
    name: 'an end before data that has come (RFC 9000 §4.5)',
    code: Code.FINAL_SIZE_ERROR,
    frameType: STREAM_FIN,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(10)),
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(9), true),
    ],
  },
  {
    name: 'two ends of one stream (RFC 9000 §4.5)',
    code: Code.FINAL_SIZE_ERROR,
    frameType: STREAM_FIN,
    packets: [
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(10), true),
      (w, { ownUni }) => writeStream(w, ownUni(0), 0, octets(11), true),
    ],
  },
  {
    name: 'RESET_STREAM with another final size than FIN said (RFC 9000 §4.5)',
    code: Code.FINAL_SIZE_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownUni }) => writeStream(w, ownUni(0), 5, octets(5), true), (w, { ownUni }) => writeResetStream(w, ownUni(0), 0, 11)],
  },
  {
    name: 'RESET_STREAM with a final size below what has come (RFC 9000 §4.5)',
    code: Code.FINAL_SIZE_ERROR,
    frameType: FrameType.RESET_STREAM,
    packets: [(w, { ownBidi }) => writeStream(w, ownBidi(0), 0, octets(10)), (w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 9)],
  },
  {
    name: 'two RESET_STREAM frames that do not agree (RFC 9000 §4.5)',
    code: Code.FINAL_SIZE_ERROR,
    frameType: FrameType.RESET_STREAM,
    // on a bidirectional stream, whose other direction keeps it from being forgotten
    packets: [(w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 5), (w, { ownBidi }) => writeResetStream(w, ownBidi(0), 0, 6)],
  },

  {
    name: 'a frame of an unknown type (RFC 9000 §12.4)',
    code: Code.FRAME_ENCODING_ERROR,
    frameType: 0x1f,
    packets: [(w) => w.uint8(0x1f)],
  },
  {
    name: 'a frame of an unknown type of four octets',
    code: Code.FRAME_ENCODING_ERROR,
    frameType: 0x12345,
    packets: [(w) => w.varint(0x12345)],
  },
  {
    name: 'a type in more octets than it needs (RFC 9000 §12.4)',
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
    code: Code.FRAME_ENCODING_ERROR,
    frameType: 2,
    packets: [(w) => w.octets(Uint8Array.of(2, 3, 0, 0, 4))],
  },
  {
    name: 'an empty NEW_TOKEN (RFC 9000 §19.7)',
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_TOKEN,
    packets: [(w) => w.octets(Uint8Array.of(7, 0))],
    at: 'client',
  },
  ...[FrameType.MAX_STREAMS_BIDI, FrameType.MAX_STREAMS_UNI, FrameType.STREAMS_BLOCKED_BIDI, FrameType.STREAMS_BLOCKED_UNI].map(
    (type): Violation => ({
      name: `0x${type.toString(16)} for more than 2^60 streams (RFC 9000 §4.6)`,
      code: Code.FRAME_ENCODING_ERROR,
      frameType: type,
      packets: [(w) => w.octets(Uint8Array.of(type, 0xd0, 0, 0, 0, 0, 0, 0, 1))],
    }),
  ),
  {
    name: 'NEW_CONNECTION_ID of 21 octets (RFC 9000 §19.15)',
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 2, 0, octets(21), TOKEN)],
  },
  {
    name: 'NEW_CONNECTION_ID of no octets (RFC 9000 §19.15)',
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 2, 0, octets(0), TOKEN)],
  },
  {
    name: 'NEW_CONNECTION_ID that retires more than there are (RFC 9000 §19.15)',
    code: Code.FRAME_ENCODING_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 20, 21, octets(8), TOKEN)],
  },

  {
    name: 'more connection IDs than active_connection_id_limit (RFC 9000 §5.1.1)',
    code: Code.CONNECTION_ID_LIMIT_ERROR,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 4, 0, octets(8), TOKEN)], // the handshake and what followed gave the four that fit
  },
  {
    name: 'retirements without end and without acknowledgement (RFC 9000 §5.1.2)',
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
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 9, 9, octets(8), TOKEN), (w) => writeNewConnectionId(w, 9, 9, octets(9), TOKEN)],
  },
  {
    name: 'one connection ID with two tokens (RFC 9000 §19.15)',
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 9, 9, octets(8), TOKEN), (w) => writeNewConnectionId(w, 9, 9, octets(8), new Uint8Array(16))],
  },
  {
    name: 'one connection ID under two sequence numbers (RFC 9000 §19.15)',
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_CONNECTION_ID,
    packets: [(w) => writeNewConnectionId(w, 9, 9, octets(8), TOKEN), (w) => writeNewConnectionId(w, 10, 9, octets(8), TOKEN)],
  },
  {
    name: 'RETIRE_CONNECTION_ID for one that was not issued (RFC 9000 §19.16)',
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.RETIRE_CONNECTION_ID,
    packets: [(w) => writeRetireConnectionId(w, 4)],
  },
  {
    name: 'RETIRE_CONNECTION_ID in a packet that uses it (RFC 9000 §19.16)',
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.RETIRE_CONNECTION_ID,
    packets: [(w) => writeRetireConnectionId(w, 0)],
  },

  {
    name: 'an ACK of a packet that was never sent (RFC 9000 §13.1)',
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.ACK,
    packets: [(w) => writeSimpleAck(w, 500)],
  },
  { name: 'a packet without frames (RFC 9000 §12.4)', code: Code.PROTOCOL_VIOLATION, packets: [() => {}] },
  {
    name: 'a reserved bit in a short header (RFC 9000 §17.3.1)',
    code: Code.PROTOCOL_VIOLATION,
    packets: [writePing],
    forging: { firstOctet: 0x08 },
  },
  { name: 'the other reserved bit in a short header', code: Code.PROTOCOL_VIOLATION, packets: [writePing], forging: { firstOctet: 0x10 } },
  {
    name: 'HANDSHAKE_DONE from a client (RFC 9000 §19.20)',
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.HANDSHAKE_DONE,
    packets: [writeHandshakeDone],
    at: 'server',
  },
  {
    name: 'NEW_TOKEN from a client (RFC 9000 §19.7)',
    code: Code.PROTOCOL_VIOLATION,
    frameType: FrameType.NEW_TOKEN,
    packets: [(w) => writeNewToken(w, octets(10))],
    at: 'server',
  },
  {
    name: 'CRYPTO data further ahead than anybody keeps (RFC 9000 §7.5)',
    code: Code.CRYPTO_BUFFER_EXCEEDED,
    frameType: FrameType.CRYPTO,
    packets: [(w) => writeCrypto(w, 200_000, octets(1))],
  },
  {
    name: 'a TLS KeyUpdate (RFC 9001 §6)',
    code: Code.CRYPTO_ERROR + 10, // unexpected_message
    frameType: FrameType.CRYPTO,
    packets: [(w) => writeCrypto(w, 0, Uint8Array.of(24, 0, 0, 1, 0))],
  },
];

describe.each(SIDES)('what the %s does not put up with, once the connection is established:', (side) => {
  const plays = other(side);
  for (const { name, code, frameType, packets, forging, at } of violations) {
    if (at !== undefined && at !== side) continue;
    test(name, () => {
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

/** RFC 9000 Table 3: whether a frame may be in Initial and Handshake packets. One valid frame of each type. */
const frameSamples: readonly (readonly [string, number, (w: ByteWriter) => void])[] = [
  ['RESET_STREAM', 0x04, (w) => writeResetStream(w, 0, 0, 0)],
  ['STOP_SENDING', 0x05, (w) => writeStopSending(w, 0, 0)],
  ['NEW_TOKEN', 0x07, (w) => writeNewToken(w, octets(3))],
  ['STREAM', 0x0e, (w) => writeStream(w, 0, 0, octets(3))],
  ['MAX_DATA', 0x10, (w) => w.octets(Uint8Array.of(0x10, 1))],
  ['MAX_STREAM_DATA', 0x11, (w) => writeMaxStreamData(w, 0, 1)],
  ['MAX_STREAMS (bidi)', 0x12, (w) => w.octets(Uint8Array.of(0x12, 1))],
  ['MAX_STREAMS (uni)', 0x13, (w) => w.octets(Uint8Array.of(0x13, 1))],
  ['DATA_BLOCKED', 0x14, (w) => w.octets(Uint8Array.of(0x14, 1))],
  ['STREAM_DATA_BLOCKED', 0x15, (w) => writeStreamDataBlocked(w, 0, 1)],
  ['STREAMS_BLOCKED (bidi)', 0x16, (w) => w.octets(Uint8Array.of(0x16, 1))],
  ['STREAMS_BLOCKED (uni)', 0x17, (w) => w.octets(Uint8Array.of(0x17, 1))],
  ['NEW_CONNECTION_ID', 0x18, (w) => writeNewConnectionId(w, 1, 0, octets(8), TOKEN)],
  ['RETIRE_CONNECTION_ID', 0x19, (w) => writeRetireConnectionId(w, 0)],
  ['PATH_CHALLENGE', 0x1a, (w) => w.octets(Uint8Array.of(0x1a, 1, 2, 3, 4, 5, 6, 7, 8))],
  ['PATH_RESPONSE', 0x1b, (w) => w.octets(Uint8Array.of(0x1b, 1, 2, 3, 4, 5, 6, 7, 8))],
  ['CONNECTION_CLOSE of an application', 0x1d, (w) => w.octets(Uint8Array.of(0x1d, 0, 0))],
  ['HANDSHAKE_DONE', 0x1e, writeHandshakeDone],
];

/** In the middle of a handshake: the server has answered the ClientHello, and the client has not heard it. */
function midHandshake(plays: Side): { pair: Pair; peer: ScriptedPeer; victim: Pair['connection'] } {
  const pair = new Pair();
  pair.run(10_000);
  const flight = pair.left.filter((left) => left.direction === 'down').map((left) => left.bytes);
  const peer = new ScriptedPeer(pair, plays);
  // a client has to hear the server's Initial, for the keys of the next level
  peer.flight = flight;
  return { pair, peer, victim: plays === 'client' ? pair.accepted! : pair.connection };
}

describe.each(SIDES)('what the %s does not put up with during the handshake:', (side) => {
  const plays = other(side);
  for (const level of ['initial', 'handshake'] as const) {
    for (const [name, type, write] of frameSamples)
      test(`${name} in ${level === 'initial' ? 'an Initial' : 'a Handshake packet'} (RFC 9000 §12.4, Table 3)`, () => {
        const { pair, peer, victim } = midHandshake(plays);
        if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
        const reply = peer.send(level, write);
        expectClosed(pair, peer, victim, reply, Code.PROTOCOL_VIOLATION, type);
      });
    test(`a reserved bit in ${level === 'initial' ? 'an Initial' : 'a Handshake packet'} (RFC 9000 §17.2)`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      expectClosed(pair, peer, victim, peer.send(level, writePing, { firstOctet: 0x04 }), Code.PROTOCOL_VIOLATION, 0);
    });
    test(`an ACK of an ${level} packet that was never sent (RFC 9000 §13.1)`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      expectClosed(
        pair,
        peer,
        victim,
        peer.send(level, (w) => writeSimpleAck(w, 77)),
        Code.PROTOCOL_VIOLATION,
        FrameType.ACK,
      );
    });
    test(`too much CRYPTO data in ${level} packets (RFC 9000 §7.5)`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      expectClosed(
        pair,
        peer,
        victim,
        peer.send(level, (w) => writeCrypto(w, 140_000, octets(1))),
        Code.CRYPTO_BUFFER_EXCEEDED,
        FrameType.CRYPTO,
      );
    });
    test(`a handshake message that makes no sense, in ${level} packets (RFC 9001 §4.8)`, () => {
      const { pair, peer, victim } = midHandshake(plays);
      if (side === 'client' && level === 'handshake') peer.bringClientToHandshake();
      // a server has read the ClientHello: what follows it is of a level that is over
      const isOver = side === 'server' && level === 'initial';
      const reply = peer.send(level, (w) => writeCrypto(w, isOver ? clientHelloLength(pair) : 0, Uint8Array.of(99, 0, 0, 0)));
      expectClosed(pair, peer, victim, reply, isOver ? Code.PROTOCOL_VIOLATION : Code.CRYPTO_ERROR + 10, FrameType.CRYPTO);
    });
  }
});

const clientHelloLength = (pair: Pair): number =>
  pair.clientObserver.sent.flatMap((packet) => packet.frames).find(([type]) => type === FrameType.CRYPTO)![3]!;

test('data behind the ServerHello in the same level is a PROTOCOL_VIOLATION, whose keys have come (RFC 9001 §4.1.3)', () => {
  const { pair, peer, victim } = midHandshake('server');
  const serverHello = find(peer.openOwn(peer.flight[0]!), 'CRYPTO')!;
  const reply = peer.send('initial', (w) => {
    writeCrypto(w, 0, serverHello.data);
    writeCrypto(w, serverHello.data.length, octets(4));
  });
  expectClosed(pair, peer, victim, reply, Code.PROTOCOL_VIOLATION, FrameType.CRYPTO);
});
