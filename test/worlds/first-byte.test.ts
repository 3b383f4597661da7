import { piecesOn, runSimulated } from '@quiclab/lab';
import { Observer } from '@quiclab/quic';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { type SegmentView, Observer as TcpObserver } from '@quiclab/tcp';
import { describe, expect, test } from 'vitest';
import { equalObjects } from './one-loss.ts';

const SIZE = 1_000;
const IP = 20; // what a rate charges besides what is sent, EXPERIMENTS §2
const IP_AND_UDP = 28;
const WAYS = [1, 20, 150]; // one way, ms
const RATE = 8_000_000; // an octet takes a microsecond

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

describe('QUIC (RFC 9001 §4.1)', () => {
  test.each(WAYS)('without a rate limit the first octet of the response comes after exactly 2 RTT: one way %i ms', (ms) => {
    const delay = ms * MILLISECOND;
    expect(fetchOne(delay, 0).firstByte).toBe(4 * delay);
  });

  test.each(WAYS)('and in 0-RTT, on what an earlier connection left, after exactly one: one way %i ms (RFC 9001 §4.6)', (ms) => {
    const delay = ms * MILLISECOND;
    expect(fetchOne(delay, 0, 'h3-0rtt').firstByte).toBe(2 * delay);
  });

  test('with one, 2 RTT and the serialisation of the datagrams that it waits for, to the microsecond (EXPERIMENTS §2)', () => {
    const delay = 20 * MILLISECOND;
    const { record, client, server, firstByte } = fetchOne(delay, RATE);
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
});

/** What an end's TCP sent, in order. */
class Segments extends TcpObserver {
  readonly sent: (Pick<SegmentView, 'bytes' | 'length' | 'syn' | 'acknowledged'> & { readonly at: Micros })[] = [];
  override segmentSent(at: Micros, { bytes, length, syn, acknowledged }: SegmentView): void {
    this.sent.push({ at, bytes, length, syn, acknowledged });
  }
  leftAt(at: Micros) {
    return this.sent.filter((segment) => segment.at === at);
  }
}

function fetchOverTcp(model: 'h1-persistent' | 'h2', delay: Micros, rate: number) {
  const client = new Segments();
  const server = new Segments();
  const link = { delay, ...(rate > 0 && { rate }) };
  const record = runSimulated({
    model,
    seed: 1,
    links: { up: link, down: link },
    page: equalObjects(1, SIZE),
    source: () => new Uint8Array(SIZE),
    tcp: { policies: { observer: ({ side }) => (side === 'client' ? client : server) } },
  });
  expect(record.connections.map(({ openedAt }) => openedAt)).toEqual([record.startedAt]); // connect and request at one instant
  return { client, server, firstByte: record.objects[0]!.headersAt - record.startedAt };
}

describe.each(['h1-persistent', 'h2'] as const)('TCP with TLS 1.3, %s (RFC 9293 §3.5, RFC 8446 §2)', (model) => {
  test.each(WAYS)('without a rate limit the first octet of the response comes after exactly 3 RTT: one way %i ms', (ms) => {
    const delay = ms * MILLISECOND;
    expect(fetchOverTcp(model, delay, 0).firstByte).toBe(6 * delay);
  });

  test('with one, 3 RTT and the serialisation of the segments that it waits for, to the microsecond (EXPERIMENTS §2)', () => {
    const delay = 20 * MILLISECOND;
    const { client, server, firstByte } = fetchOverTcp(model, delay, RATE);
    const serialised = (segments: readonly { readonly bytes: number }[]): Micros =>
      segments.reduce((sum, { bytes }) => sum + bytes + IP, 0);
    const arrival = (at: Micros, segments: readonly { readonly bytes: number }[]): Micros => at + serialised(segments) + delay;

    const syn = client.leftAt(0);
    const synAck = server.leftAt(arrival(0, syn));
    const helloAt = arrival(arrival(0, syn), synAck);
    const hello = client.leftAt(helloAt); // behind the acknowledgement that ends TCP's handshake
    const flightAt = arrival(helloAt, hello);
    const flight = server.leftAt(flightAt); // certificates; the client's turn is when the last of it is there
    const requestAt = arrival(flightAt, flight);
    const request = client.leftAt(requestAt); // its Finished and the request
    const answer = server.leftAt(arrival(requestAt, request));

    expect(syn.map(({ bytes, syn }) => [bytes, syn])).toEqual([[40, true]]); // 20 and the options
    expect(synAck.map(({ bytes, syn, acknowledged }) => [bytes, syn, acknowledged])).toEqual([[40, true, 0]]);
    expect(hello.map(({ bytes, length }) => [bytes - length, length > 0])).toEqual([
      [32, false], // 20 and the timestamps
      [32, true],
    ]);
    expect(flight.map(({ length }) => length > 0)).toEqual([true, true]);
    expect(flight[0]!.length).toBe(1_448);
    expect(request.map(({ length }) => length > 0)).toEqual([true]);
    expect(answer.length).toBe(1); // header and content, in one segment
    expect(answer[0]!.length).toBeGreaterThan(SIZE);
    expect(firstByte).toBe(6 * delay + serialised([...syn, ...synAck, ...hello, ...flight, ...request, ...answer]));
  });
});
