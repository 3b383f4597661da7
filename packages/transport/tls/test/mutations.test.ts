import { concat } from '@quiclab/bytes';
import type { KeyExchangeGroup } from '@quiclab/crypto';
import { integerBelow, type Random, seededRandom } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { encodeCodePoints } from '../src/extension-data.ts';
import { ExtensionType } from '../src/extensions.ts';
import { type Handshake, type Level, TlsAlert } from '../src/index.ts';
import { encodeMessage } from '../src/message-buffer.ts';
import { encodeCertificateRequest } from '../src/messages/certificate-request.ts';
import { NOW } from './certificates.ts';
import { ForgedServer } from './forged-server.ts';
import { newClient, newServer, Pair, type PairOptions, stepsOf } from './pair.ts';
import { firstSession, keeper, REMEMBERED } from './sessions.ts';

/** One message of a recorded handshake, as its receiver is given it. */
interface Recorded {
  readonly level: Level;
  readonly octets: Uint8Array;
}

/** A handshake seen from one side: how to start it, and what the peer says. With the same seed, everything comes again. */
interface Recording {
  readonly name: string;
  readonly side: 'client' | 'server';
  readonly start: () => Handshake;
  readonly messages: readonly Recorded[];
}

const SEED = 5;

function split(level: Level, octets: Uint8Array): Recorded[] {
  const messages: Recorded[] = [];
  for (let at = 0; at < octets.length; ) {
    const length = 4 + ((octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!);
    messages.push({ level, octets: octets.slice(at, at + length) });
    at += length;
  }
  return messages;
}

function record(name: string, options: PairOptions): Recording[] {
  const { flights } = new Pair({ ...options, seed: SEED }).run();
  const from = (side: 'client' | 'server') => flights.flatMap((flight) => (flight.from === side ? split(flight.level, flight.data) : []));
  const random = (side: string): Random => seededRandom(SEED).fork(side);
  return [
    { name: `client, ${name}`, side: 'client', start: () => newClient(options, random('client')), messages: [...from('server'), ticket] },
    { name: `server, ${name}`, side: 'server', start: () => newServer(options, random('server')), messages: from('client') },
  ];
}

const ticket: Recorded = {
  level: 'application',
  octets: encodeMessage(4, (w) => {
    w.uint32(3600);
    w.uint32(1);
    w.vector(1, () => w.zeros(8));
    w.vector(2, () => w.zeros(32));
    w.vector(2, () => {
      w.uint16(42);
      w.vector(2, () => w.uint32(0xffffffff));
    });
  }),
};

function recordCertificateRequest(): Recording {
  const start = (): Handshake => newClient({}, seededRandom(SEED));
  const [hello] = stepsOf(start(), 'client');
  if (hello?.type !== 'send') throw new Error('no ClientHello');
  const extensions = new Map([[ExtensionType.SIGNATURE_ALGORITHMS, encodeCodePoints([0x0403])]]);
  const certificateRequest = encodeCertificateRequest({ context: new Uint8Array(0), extensions });
  const answer = new ForgedServer({ certificateRequest }).answer(hello.data);
  return {
    name: 'client, asked for a certificate',
    side: 'client',
    start,
    messages: [...split('initial', answer.hello), ...split('handshake', concat(...answer.flight))],
  };
}

/** A session is resumed, with early data. The server's tickets are new each time, or they would be used up. */
function recordResumption(name: string, groups: readonly KeyExchangeGroup[]): Recording[] {
  const server = (): NonNullable<PairOptions['server']> => ({ tickets: keeper(), earlyData: true, groups });
  const serverOptions = { remember: REMEMBERED };
  const session = firstSession({ server: { tickets: keeper(), earlyData: true }, serverOptions });
  const options = (): PairOptions => ({ server: server(), serverOptions, clientOptions: { session, earlyData: true } });
  const { flights } = new Pair({ ...options(), seed: SEED }).run();
  const from = (side: 'client' | 'server') => flights.flatMap((flight) => (flight.from === side ? split(flight.level, flight.data) : []));
  const random = (side: string): Random => seededRandom(SEED).fork(side);
  return [
    { name: `client, ${name}`, side: 'client', start: () => newClient(options(), random('client')), messages: from('server') },
    { name: `server, ${name}`, side: 'server', start: () => newServer(options(), random('server')), messages: from('client') },
  ];
}

const recordings: readonly Recording[] = [
  ...record('one round trip', {}),
  ...record('HelloRetryRequest', { server: { groups: ['secp256r1'] } }),
  recordCertificateRequest(),
  ...recordResumption('resumed with early data', ['x25519']),
  ...recordResumption('resumed after HelloRetryRequest', ['secp256r1']),
];

type Outcome = 'alert' | 'on its way' | 'complete';

/** Replays a recording up to a message, then gives something else instead, then the rest. Anything but an alert fails the test. */
function outcome({ start, side, messages }: Recording, index: number, instead: Uint8Array): Outcome {
  const handshake = start();
  let complete = false;
  let steps = 0;
  const drain = (): void => {
    for (const step of stepsOf(handshake, side)) {
      steps++;
      if (step.type === 'complete') complete = true;
    }
  };
  drain();
  try {
    for (let i = 0; i < messages.length; i++) {
      const { level, octets } = messages[i]!;
      handshake.receive(NOW, level, i === index ? instead : octets);
      drain();
    }
  } catch (error) {
    if (!(error instanceof TlsAlert)) throw error;
    drain();
    expect(steps).toBeLessThan(16);
    return 'alert';
  }
  expect(steps).toBeLessThan(16);
  return complete ? 'complete' : 'on its way';
}

test.each(recordings)('$name: a recording can be replayed', (recording) => {
  expect(outcome(recording, 0, recording.messages[0]!.octets)).toBe('complete');
});

describe('every message cut at every octet', () => {
  test.each(recordings)('$name: ends in an alert, or waits for the rest', (recording) => {
    for (let index = 0; index < recording.messages.length; index++) {
      const { level, octets } = recording.messages[index]!;
      for (let length = 0; length < octets.length; length += octets.length > 600 ? 5 : 1) {
        const handshake = replayedTo(recording, index);
        handshake.receive(NOW, level, octets.subarray(0, length)); // no alert: it may still come
        expect(stepsOf(handshake, recording.side)).toEqual([]);
        if (length < 4) continue;
        const shorter = octets.slice(0, length);
        setLength(shorter, length - 4);
        expect(outcome(recording, index, shorter)).toBe('alert');
      }
    }
  });
});

function replayedTo({ start, side, messages }: Recording, index: number): Handshake {
  const handshake = start();
  stepsOf(handshake, side);
  for (const { level, octets } of messages.slice(0, index)) {
    handshake.receive(NOW, level, octets);
    stepsOf(handshake, side);
  }
  return handshake;
}

function setLength(message: Uint8Array, length: number): void {
  message[1] = length >>> 16;
  message[2] = length >>> 8;
  message[3] = length;
}

/** One change to a message; its header is put right again half of the time, so that the change reaches the parsers. */
function mutate(octets: Uint8Array, random: Random): Uint8Array {
  const at = integerBelow(random, octets.length);
  const run = new Uint8Array(1 + integerBelow(random, 8));
  random.fill(run);
  const changed = octets.slice();
  let result: Uint8Array = changed;
  switch (integerBelow(random, 6)) {
    case 0:
      changed[at]! ^= 1 << integerBelow(random, 8);
      break;
    case 1:
      changed[at] = run[0]!;
      break;
    case 2:
      result = concat(octets.subarray(0, at), run, octets.subarray(at));
      break;
    case 3:
      result = concat(octets.subarray(0, at), octets.subarray(Math.min(octets.length, at + run.length)));
      break;
    case 4: // what may be a length becomes its extremes
      changed[at] = random.uint32() % 2 === 0 ? 0xff : 0;
      if (at + 1 < changed.length) changed[at + 1] = run[0]!;
      break;
    default: {
      const from = integerBelow(random, octets.length); // a stretch moves elsewhere
      changed.set(octets.subarray(from, Math.min(octets.length, from + run.length, from + octets.length - at)), at);
    }
  }
  if (result.length >= 4 && random.uint32() % 2 === 0) {
    result = result === octets ? result.slice() : result;
    setLength(result, result.length - 4);
  }
  return result;
}

describe('20,000 changed messages', () => {
  const total = 20_000;
  const states = recordings.flatMap((recording) => recording.messages.map((_, index) => ({ recording, index })));
  test.each(states.map(({ recording, index }) => ({ name: recording.name, type: recording.messages[index]!.octets[0], index, recording })))(
    '$name, message $index (type $type): an alert, a wait, or a handshake',
    ({ name, recording, index }) => {
      const random = seededRandom(`mutations/${name}/${index}`);
      const seen = { alert: 0, 'on its way': 0, complete: 0 };
      const runs = Math.ceil(total / states.length);
      const { octets } = recording.messages[index]!;
      for (let i = 0; i < runs; i++) {
        const changed = mutate(octets, random);
        const end = outcome(recording, index, changed);
        seen[end]++;
        // Finished covers every message before it: what was changed must not go unnoticed (only the ticket comes later)
        if (end === 'complete' && octets[0] !== ticket.octets[0]) expect(changed).toEqual(octets);
      }
      expect(seen.alert).toBeGreaterThan(runs / 4);
      expect(seen.alert + seen['on its way'] + seen.complete).toBe(runs);
    },
  );
});
