import { piecesOn, runSimulated } from '@quiclab/lab';
import { Observer } from '@quiclab/quic';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { equalObjects } from './one-loss.ts';

const SIZE = 1_000;
const IP_AND_UDP = 28; // what a rate charges besides the payload, EXPERIMENTS §2

/** Lengths of the datagrams that an end sent, and when. */
class Sendings extends Observer {
  readonly lengths: number[] = [];
  readonly instants: Micros[] = [];
  override datagramSent(now: Micros, _datagram: number, _path: number, length: number): void {
    this.lengths.push(length);
    this.instants.push(now);
  }
}

function fetchOne(delay: Micros, rate: number, model: 'h3' | 'h3-0rtt' = 'h3') {
  const client = new Sendings();
  const server = new Sendings();
  const link = { delay, ...(rate > 0 && { rate }) };
  const record = runSimulated({
    model,
    seed: 1,
    links: { up: link, down: link },
    page: equalObjects(1, SIZE),
    source: () => new Uint8Array(SIZE),
    observers: { client: () => client, server: () => server },
  });
  return { record, client, server, firstByte: record.objects[0]!.headersAt - record.startedAt };
}

test.each([1, 20, 150])('without a rate limit the first octet of the response comes after exactly 2 RTT: one way %i ms', (ms) => {
  const delay = ms * MILLISECOND;
  expect(fetchOne(delay, 0).firstByte).toBe(4 * delay);
});

test.each([1, 20, 150])('and in 0-RTT, on what an earlier connection left, after exactly one: one way %i ms (RFC 9001 §4.6)', (ms) => {
  const delay = ms * MILLISECOND;
  expect(fetchOne(delay, 0, 'h3-0rtt').firstByte).toBe(2 * delay);
});

test('with one, 2 RTT and the serialisation of the datagrams that it waits for, to the microsecond (EXPERIMENTS §2)', () => {
  const delay = 20 * MILLISECOND;
  const rate = 8_000_000; // an octet takes a microsecond
  const { record, client, server, firstByte } = fetchOne(delay, rate);
  const serialised = (lengths: readonly number[]): Micros => lengths.reduce((sum, length) => sum + length + IP_AND_UDP, 0);
  const sentAt = (end: Sendings, at: Micros): number[] => end.lengths.filter((_, i) => end.instants[i] === at);

  const initial = client.lengths.slice(0, 1);
  const helloAt = serialised(initial) + delay;
  const flight = sentAt(server, helloAt);
  const flightAt = helloAt + serialised(flight) + delay; // when its last datagram is there
  const request = sentAt(client, flightAt); // what the client acknowledged meanwhile has left the link by then
  const requestAt = flightAt + serialised(request) + delay;
  const answer = sentAt(server, requestAt);
  const first = piecesOn(record, 'down')
    .slice(flight.length)
    .findIndex((pieces) => pieces.length > 0); // control streams come before it
  const upToFirst = answer.slice(0, first + 1);

  expect(initial).toEqual([1_200]);
  expect(flight.length).toBeGreaterThan(1); // certificates
  expect(serialised(flight)).toBeLessThanOrEqual(3 * 1_200 + flight.length * IP_AND_UDP); // RFC 9000 §8.1
  expect(request.length).toBe(1); // the client's Finished and the request
  expect(firstByte).toBe(4 * delay + serialised([...initial, ...flight, ...request, ...upToFirst]));
});
