import { fixedWindow, unpaced } from '@quiclab/congestion';
import type { Micros } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { Pair, type PairOptions, Recorder, text } from './pair.ts';

// What an observer is told of why nothing more leaves: a ledger explains with it what a stream waits for.

class Refusals extends Recorder {
  readonly told: string[] = [];
  override sendingRefused(now: Micros, by: string): void {
    this.told.push(`${by || 'nothing'} at ${now / 1_000}`);
  }
}

/** 60 kB from the client over a path with 10 ms each way, after the handshake; what it was refused by. */
function upload(options: PairOptions): string[] {
  const watching = new Refusals();
  const pair = new Pair({ ...options, clientPolicies: { observer: () => watching, ...options.clientPolicies } }).handshake();
  const begin = watching.told.length;
  pair.connection.write(pair.now, pair.connection.openStream('uni')!, text('x'.repeat(60_000)));
  pair.run(pair.now + 200_000);
  return watching.told.slice(begin);
}

test('a client has no keys for stream data until the handshake is complete (RFC 9001 §4.1)', () => {
  const watching = new Refusals();
  new Pair({ clientPolicies: { observer: () => watching } }).handshake();
  expect(watching.told).toEqual(['keys at 0', 'nothing at 20']);
});

test('a server may send three times what came, and stream data as soon as it has keys (RFC 9000 §8.1)', () => {
  const watching = new Refusals();
  const pair = new Pair({ seed: 3, padding: 0, serverPolicies: { observer: () => watching }, certificates: [new Uint8Array(6_000)] });
  pair.run(25_000);
  expect(watching.told[0]).toBe('amplification at 10');
  pair.run(60_000);
  expect(watching.told.at(-1)).toMatch(/^nothing at /);
});

test('the window refuses until an acknowledgement comes (RFC 9002 §7)', () => {
  expect(upload({ clientPolicies: { congestion: () => fixedWindow(12_000), pacer: () => unpaced } })).toEqual([
    'window at 40',
    'nothing at 140',
  ]);
});

test('the pacer refuses for a while (RFC 9002 §7.7)', () => {
  expect(upload({ clientPolicies: { congestion: () => fixedWindow(40_000) } })).toEqual([
    'pacer at 40',
    'window at 51.52',
    'pacer at 60',
    'nothing at 66.816',
  ]);
});
