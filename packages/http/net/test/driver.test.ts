import type { ByteStream, ByteStreamEvent, Micros } from '@quiclab/sansio';
import { NEVER } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { driveStream, type StreamMachine } from '../src/index.ts';
import { KINDS, octets, pair, pattern, text } from './ends.ts';

/** Tells lines as events; closes a peer that says none for too long; its own events may lead to more. */
class Lines implements StreamMachine<string> {
  readonly stream: ByteStream;
  readonly events: string[] = [];
  readonly patience: Micros;
  due: Micros = NEVER;
  #rest = '';

  constructor(stream: ByteStream, patience: Micros = NEVER) {
    this.stream = stream;
    this.patience = patience;
  }

  begin(now: Micros): void {
    this.due = now + this.patience;
  }

  onTransport(now: Micros, event: ByteStreamEvent): void {
    if (event.type === 'closed') this.events.push(`closed ${event.clean}`);
    if (event.type !== 'readable') return;
    for (let piece = this.stream.read(now); piece !== undefined; piece = this.stream.read(now)) {
      this.#rest += text(piece.data);
      if (piece.fin) this.stream.finish(now);
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop()!;
    this.events.push(...lines);
    if (lines.length > 0) this.due = now + this.patience;
  }

  say(now: Micros, line: string): void {
    this.stream.write(now, octets(`${line}\n`));
    this.events.push(`said ${line}`);
  }

  pollEvent(): string | undefined {
    return this.events.shift();
  }

  nextTimeout(): Micros {
    return this.due;
  }

  onTimeout(now: Micros): void {
    this.due = NEVER;
    this.stream.abort(now, 'silence');
  }
}

/** Writes as much as is taken, for ever. */
class Flood implements StreamMachine<never> {
  readonly #stream: ByteStream;
  taken = 0;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  onTransport(now: Micros, event: ByteStreamEvent): void {
    if (event.type === 'writable') this.flood(now);
  }

  flood(now: Micros): void {
    for (let taken = 1; taken > 0; this.taken += taken) taken = this.#stream.write(now, pattern(1 << 20));
  }

  pollEvent(): undefined {}
}

/** Resolves with how that ended. */
function flooded(machine: Flood, stream: Parameters<typeof driveStream>[1], stallTimeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const driver = driveStream(machine, stream, {
      handle: () => {},
      onClosed: (_clean, reason) => resolve(reason),
      onError: reject,
      stallTimeoutMs,
    });
    machine.flood(0);
    driver.wake();
  });
}

/** Resolves with everything that the machine told, once the stream is over. */
function drivenToTheEnd(
  machine: Lines,
  end: { stream: Parameters<typeof driveStream>[1] },
  answer?: (line: string) => void,
): Promise<string[]> {
  const told: string[] = [];
  return new Promise((resolve, reject) => {
    driveStream(machine, end.stream, {
      handle: (line) => {
        told.push(line);
        answer?.(line);
      },
      onClosed: (clean, reason) => resolve([...told, clean ? 'clean' : reason]),
      onError: reject,
    });
  });
}

describe.each(KINDS)('a machine over %s', (kind) => {
  test('is told what the stream tells, and its events are handled in the same turn', async () => {
    await using ends = await pair(kind);
    const server = new Lines(ends.server.stream);
    const over = drivenToTheEnd(server, ends.server, (line) => {
      if (line === 'hello') server.say(0, 'good day');
    });
    await ends.client.send(octets('hello\nand good bye\n'));
    const answer = await ends.client.receive(Number.POSITIVE_INFINITY);
    expect(text(answer.data)).toBe('good day\n');
    expect(await over).toEqual(['hello', 'and good bye', 'said good day', 'closed true', 'clean']);
  });

  test('a call from outside is followed by a turn, once', async () => {
    await using ends = await pair(kind);
    const machine = new Lines(ends.client.stream);
    const told: string[] = [];
    const driver = driveStream(machine, ends.client.stream, { handle: (line) => told.push(line), onError: () => {} });
    machine.say(0, 'one');
    machine.say(0, 'two');
    driver.wake();
    driver.wake();
    expect(told).toEqual([]);
    expect(text((await ends.server.receive(8)).data)).toBe('one\ntwo\n');
    expect(told).toEqual(['said one', 'said two']);
    machine.say(0, 'three');
    driver.turnNow();
    expect(told).toEqual(['said one', 'said two', 'said three']);
  });

  test('the deadline of the machine is kept', async () => {
    await using ends = await pair(kind);
    const machine = new Lines(ends.server.stream, 30_000);
    machine.begin((performance.timeOrigin + performance.now()) * 1000);
    const over = drivenToTheEnd(machine, ends.server);
    ends.client.stream.write(0, octets('one line\nand half of anoth'));
    expect(await over).toEqual(['one line', 'closed false', 'silence']);
    expect((await ends.client.closed()).reason).toContain('ECONNRESET');
  });

  test('a peer that takes nothing for too long is given up', async () => {
    await using ends = await pair(kind);
    const flood = new Flood(ends.server.stream);
    expect(await flooded(flood, ends.server.stream, 60)).toBe('the peer took nothing for 60 ms');
    expect(flood.taken).toBeGreaterThan(0);
  });

  test('a peer that takes a little now and then is not', async () => {
    await using ends = await pair(kind);
    const { client, server } = ends;
    const over = flooded(new Flood(server.stream), server.stream, 300);
    for (let i = 0; i < 12; i++) {
      await client.receive(4 << 20); // the kernel tells of room only when there is a good deal of it
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(server.events.concat(client.events).filter((event) => event.type === 'closed')).toEqual([]);
    client.stream.abort(0, 'enough');
    expect(await over).toContain('ECONNRESET');
  });

  test('a machine that throws costs its own connection, and whoever drives it is told', async () => {
    await using ends = await pair(kind);
    const error = new Promise<Error>((resolve) => {
      driveStream(new Lines(ends.server.stream), ends.server.stream, {
        handle: () => {
          throw new Error('a fault');
        },
        onError: resolve,
      });
    });
    ends.client.stream.write(0, octets('line\n'));
    expect((await error).message).toBe('a fault');
    expect((await ends.client.closed()).clean).toBe(false);
  });

  test('a connection that was over before it was driven is told so', async () => {
    await using ends = await pair(kind);
    ends.client.stream.abort(0, 'gone');
    await ends.client.closed();
    const stream = ends.client.stream;
    expect(await drivenToTheEnd(new Lines(stream), { stream })).toEqual(['closed false', 'gone']);
  });
});
