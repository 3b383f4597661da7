import type { ByteWriter } from '@quiclab/bytes';
import {
  TransportErrorCode as Code,
  FrameType,
  writeMaxStreamData,
  writeResetStream,
  writeStopSending,
  writeStreamDataBlocked,
} from '@quiclab/wire';
import { describe, expect, test } from 'vitest';
import { breaks, other, SIDES } from './breaks.ts';
import { find, findAll, writeStream } from './scripted-peer.ts';
import { breakAll, established, expectClosed, idsFor, octets, type Violation } from './violating.ts';

const STREAM_FULL = 0x0e; // STREAM with offset and length
const STREAM_FIN = 0x0f;

breakAll([
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
]);

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
