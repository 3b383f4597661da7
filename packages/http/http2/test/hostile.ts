import { concat, utf8 } from '@quiclab/bytes';
import { H2 } from '@quiclab/http2';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { expect } from 'vitest';
import { fakePair } from './fake-stream.ts';
import {
  data,
  type End,
  type Fields,
  frame,
  GET,
  http2Against,
  http2Pair,
  OK,
  POST,
  PREFACE,
  pattern,
  Raw,
  reset,
  type Side,
  uint32,
  windowUpdate,
} from './world.ts';

/** All that a client may say, from its preface on: requests, content, priorities, and what changes its mind. */
function clientSays(): Uint8Array {
  const raw = new Raw(fakePair().client);
  // in the order in which they are said: HPACK
  const [request, trailers] = [
    raw.headers(1, [...POST, ['content-length', '12'], ['cookie', 'a=b']]),
    raw.headers(1, [['x-check', '1']], true),
  ];
  const long = raw.block([...POST, ['x-long', 'value'.repeat(20)]]);
  return concat(
    PREFACE,
    frame(4, 0, 0, '000300000064000400010000'),
    frame(4, 1, 0),
    windowUpdate(0, 1_000),
    frame(0x10, 0, 0, concat(uint32(3), utf8('u=1, i'))),
    request,
    frame(0x42, 0, 0, 'aabb'),
    data(1, utf8('some ')),
    frame(6, 0, 0, '0102030405060708'),
    frame(0, 8, 1, concat(Uint8Array.of(2), utf8('cont'), new Uint8Array(2))),
    data(1, utf8('ent')),
    trailers,
    frame(2, 0, 3, '0000000010'),
    frame(1, 0x21, 3, concat(uint32(0), Uint8Array.of(15), long.subarray(0, 5))),
    frame(9, 0, 3, long.subarray(5, 20)),
    frame(9, 4, 3, long.subarray(20)),
    raw.headers(5, GET, true),
    windowUpdate(5, 77),
    reset(5, H2.CANCEL),
    frame(4, 0, 0, '000400000020000100000000'),
    raw.headers(7, POST),
    frame(7, 0, 0, concat(uint32(0, 0), utf8('bye'))),
    data(7, utf8('the end'), true),
  );
}

/** All that a server may say to a client that has asked three times. */
function serverSays(): Uint8Array {
  const raw = new Raw(fakePair().server);
  return concat(
    frame(4, 0, 0, '000300000064000500004000'),
    frame(4, 1, 0),
    frame(0x0c, 0, 0),
    raw.headers(1, [[':status', '103']]),
    raw.headers(3, [...OK, ['content-length', '7']]),
    raw.headers(1, [...OK, ['server', 'x']]),
    data(1, utf8('some ')),
    frame(0, 9, 3, concat(Uint8Array.of(3), utf8('content'), new Uint8Array(3))),
    windowUpdate(1, 5),
    frame(6, 0, 0, '0102030405060708'),
    data(1, utf8('content')),
    raw.headers(1, [['x-check', '1']], true),
    reset(5, H2.REFUSED_STREAM),
    frame(7, 0, 0, uint32(5, 0)),
  );
}

/** What the peer of a side says. */
export const SAYS: Record<Side, () => Uint8Array> = { client: serverSays, server: clientSays };

/** Says these octets to one of ours, in pieces; what is there is read. Requests are answered, and three are made. */
export function say(side: Side, octets: Uint8Array, cuts: readonly number[], options: { fin?: boolean } = {}): End {
  const { end, raw, run } = http2Against(side, { preface: false, maxFieldSectionSize: 4_096, streamWindow: 1_000, maxQueued: 500 });
  let read = 0;
  end.onEvent = (event) => {
    if (event.type === 'body-readable') read += end.readAll(event.id).data.length;
    expect(read).toBeLessThanOrEqual(octets.length);
    if (event.type !== 'request') return;
    end.http.respond(0, event.id, OK, false);
    end.http.writeBody(0, event.id, pattern(200));
    end.http.finish(0, event.id);
  };
  if (side === 'client') for (let i = 0; i < 3; i++) end.http.request(0, GET, true);
  run();
  let from = 0;
  for (const cut of [...cuts, octets.length]) {
    raw.transport.peer.push(octets.slice(from, cut));
    from = cut;
    run();
  }
  if (options.fin === true) raw.transport.finish();
  run();
  return end;
}

const CODES = new Set<number>(Object.values(H2));
const STREAM_CODES = new Set<number>([
  H2.PROTOCOL_ERROR,
  H2.STREAM_CLOSED,
  H2.FLOW_CONTROL_ERROR,
  H2.FRAME_SIZE_ERROR,
  H2.ENHANCE_YOUR_CALM,
  H2.REFUSED_STREAM,
  H2.NO_ERROR,
]);

/** How it ended: the code of the connection, 100 + that of the first exchange that failed, or -1. */
export function outcome(end: End): number {
  const [closed] = end.events('closed');
  for (const { code } of end.events('failed')) expect(STREAM_CODES).toContain(code);
  if (closed !== undefined) {
    expect(CODES).toContain(closed.code);
    expect([end.http.closed, end.http.openExchanges]).toEqual([true, 0]);
    return closed.code;
  }
  expect(end.http.openExchanges).toBeLessThanOrEqual(4);
  return end.events('failed').length > 0 ? 100 + end.events('failed')[0]!.code : -1;
}

function alter(random: Random, octets: Uint8Array): Uint8Array {
  const altered = octets.slice();
  for (let n = integerBelow(random, 3); n >= 0; n--) {
    const at = integerBelow(random, altered.length);
    altered[at] = integerBelow(random, 2) === 0 ? integerBelow(random, 256) : altered[at]! ^ (1 << integerBelow(random, 8));
  }
  if (integerBelow(random, 4) > 0) return altered;
  const at = integerBelow(random, altered.length);
  return integerBelow(random, 2) === 0
    ? concat(altered.subarray(0, at), altered.subarray(at + 1 + integerBelow(random, 4)))
    : concat(altered.subarray(0, at), altered.subarray(Math.max(0, at - 5)));
}

/** The frames of a stream of octets, preface aside. */
function framesOf(octets: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = octets[0] === 0x50 ? 24 : 0;
  while (at < octets.length) {
    const length = 9 + ((octets[at]! << 16) | (octets[at + 1]! << 8) | octets[at + 2]!);
    frames.push(octets.slice(at, at + length));
    at += length;
  }
  return frames;
}

/** What was told, without what depends on when. */
export const summary = (end: End): unknown =>
  end.told.filter(({ type }) => type !== 'body-readable' && type !== 'body-writable' && type !== 'stopped');

/** One peer whose words were altered, drawn from the seed; how it ended. */
export function alteredPeer(side: Side, seed: number): number {
  const random = seededRandom(`altered for a ${side} ${seed}`);
  const octets = alter(random, SAYS[side]());
  return outcome(say(side, octets, [integerBelow(random, octets.length + 1)], { fin: integerBelow(random, 2) === 0 }));
}

/** One whose frames are shuffled, some left out and some said twice. */
export function shuffledPeer(side: Side, seed: number): number {
  const random = seededRandom(`shuffled for a ${side} ${seed}`);
  const [first, second, ...frames] = framesOf(SAYS[side]());
  const said = [first!, second!];
  const count = integerBelow(random, 2 * frames.length);
  for (let n = 0; n < count; n++) said.push(frames[integerBelow(random, frames.length)]!);
  const octets = concat(...(side === 'server' ? [PREFACE] : []), ...said);
  return outcome(say(side, octets, [integerBelow(random, octets.length + 1)]));
}

/** One that says frames of chance, most of them of a size that they may have. */
export function chancePeer(side: Side, seed: number): number {
  const random = seededRandom(`chance for a ${side} ${seed}`);
  const said = side === 'server' ? [PREFACE, frame(4, 0, 0)] : [frame(4, 0, 0)];
  for (let n = integerBelow(random, 30); n > 0; n--) {
    const payload = new Uint8Array(integerBelow(random, 3) === 0 ? integerBelow(random, 300) : [0, 4, 5, 6, 8][integerBelow(random, 5)]!);
    if (integerBelow(random, 2) === 0) random.fill(payload);
    const type = integerBelow(random, 12) === 0 ? 0x10 : integerBelow(random, 11);
    said.push(frame(type, integerBelow(random, 64), integerBelow(random, 2) === 0 ? 0 : integerBelow(random, 8), payload));
  }
  return outcome(say(side, concat(...said), []));
}

/**
 * Two of ours, and applications that call by chance, also what they may not: nothing may throw but a UsageError, hang, or make one end
 * send the other away.
 */
export function chanceCalls(seed: number): void {
  const random = seededRandom(`calls ${seed}`);
  const { client, server, run } = http2Pair(
    { random: random.fork('splits'), sendBuffer: 50 + integerBelow(random, 5_000), receiveWindow: 50 + integerBelow(random, 5_000) },
    {
      frameSize: 20 + integerBelow(random, 3_000),
      maxQueued: 1 + integerBelow(random, 5_000),
      streamWindow: 1 + integerBelow(random, 5_000),
      maxConcurrentStreams: 1 + integerBelow(random, 10),
      maxFieldSectionSize: 2_000,
    },
  );
  const ids: number[] = [];
  const fields = (first: Fields): Fields => [...first, ['x-n', 'v'.repeat(integerBelow(random, 200))]];
  for (const end of [client, server]) {
    end.onEvent = (event) => {
      if (event.type === 'body-readable' && integerBelow(random, 4) > 0) end.readAll(event.id);
      if (event.type === 'body-writable') end.http.writeBody(0, event.id, pattern(integerBelow(random, 2_000)));
      if (event.type === 'request' && integerBelow(random, 4) > 0) end.http.respond(0, event.id, fields(OK), integerBelow(random, 3) === 0);
    };
  }
  for (let step = 0; step < 120; step++) {
    const end = integerBelow(random, 2) === 0 ? client : server;
    const id = ids.length === 0 ? 1 : ids[integerBelow(random, ids.length)]!;
    try {
      switch (integerBelow(random, 10)) {
        case 0:
        case 1: {
          const made = client.http.request(0, fields(integerBelow(random, 2) === 0 ? GET : POST), integerBelow(random, 2) === 0);
          if (made !== undefined) ids.push(made);
          break;
        }
        case 2:
          end.http.writeBody(0, id, pattern(integerBelow(random, 5_000)));
          break;
        case 3:
          end.http.finish(0, id, integerBelow(random, 2) === 0 ? [['t', '1']] : []);
          break;
        case 4:
          end.readAll(id);
          break;
        case 5:
          end.http.cancel(0, id);
          break;
        case 6:
          end.http.stopReading(0, id);
          break;
        case 7:
          end.http.prioritize(0, id, { urgency: integerBelow(random, 8), incremental: integerBelow(random, 2) === 0 });
          break;
        case 8:
          server.http.respond(0, id, fields(OK), integerBelow(random, 2) === 0);
          break;
        default:
          if (integerBelow(random, 40) === 0) end.http.goaway(0);
          run();
      }
    } catch (error) {
      expect((error as Error).name).toBe('UsageError');
    }
  }
  run();
  // whatever they did, the two keep to the protocol: nobody was sent away
  expect([...client.events('closed'), ...server.events('closed')]).toEqual([]);
  for (const id of ids) {
    client.http.cancel(0, id);
    run();
    server.readAll(id); // what was complete is kept until somebody reads it
  }
  expect([client.http.openExchanges, server.http.openExchanges]).toEqual([0, 0]);
  client.http.close(0);
  run();
  expect([client.transport.finished, server.transport.finished, server.http.closed]).toEqual([true, true, true]);
}
