import { SECOND } from '@quiclab/sansio';

/** What becomes of what is beyond a limit: a status for the client, or … */
export type Beyond =
  | '408'
  | '502'
  | '503'
  | '504'
  | 'broken off' // the exchange, at both hops
  | 'waits' // until there is room
  | 'dropped' // nothing comes of it
  | 'finished'; // the connection is

/** One thing that a client or the origin can make the gateway keep, or do. */
export interface Limit {
  readonly value: number;
  readonly unit: string;
  /** The option that sets it: `value` is its default. */
  readonly option?: string;
  readonly beyond: Beyond;
  readonly reason: string;
}

/**
 * Everything that a client or the origin can make the gateway keep or do beside what the machines of each hop limit, with where that ends.
 * The code takes its numbers from here; `limits.test.ts` goes beyond each of them, and LIMITS.md is made from it.
 */
export const LIMITS = {
  requests: {
    value: 4_096,
    unit: 'requests at once, of all clients, those among them that wait for a connection to the origin',
    option: 'maxRequests',
    beyond: '503',
    reason: 'each may hold a piece of content in either direction',
  },
  heldPieces: {
    value: 1,
    unit: 'piece of content of an exchange in either direction, as the transport of one hop gives it, that the other hop did not take yet',
    beyond: 'waits',
    reason: 'no more is read until it has gone: so a slow end of one hop is felt at the other',
  },
  buffered: {
    value: 1 << 30,
    unit: 'octets of content, in either direction, that HTTP/2 and HTTP/3 keep for all requests together until the other hop takes them',
    option: 'maxBuffered',
    beyond: 'waits',
    reason:
      'each stream has its share of it as its window, 16 KiB to 1 MiB, and each connection credit for all of its streams: who takes nothing holds up nobody else (RFC 9113 §5.2.2, RFC 9000 §4.2)',
  },
  sharing: {
    value: 64,
    unit: 'requests at once on one connection to the origin over HTTP/2 or HTTP/3; over HTTP/1.1 it is one',
    option: 'exchangesPerConnection',
    beyond: 'waits',
    reason: 'the credit of a connection is that for so many; more requests have another connection',
  },
  replay: {
    value: 16_384,
    unit: 'octets of content of a request, kept until the origin answers',
    option: 'maxReplay',
    beyond: 'dropped',
    reason: 'so that a small request can be asked once more where that is safe; a larger one is not',
  },
  attempts: {
    value: 3,
    unit: 'times that a request is asked',
    beyond: '502',
    reason: 'an origin can turn requests away, or close connections, without end (RFC 9110 §9.2.2)',
  },
  connections: {
    value: 64,
    unit: 'connections to the origin',
    option: 'maxConnections',
    beyond: 'waits',
    reason: 'an origin has its limits, too',
  },
  waitTime: {
    value: 15 * SECOND,
    unit: 'µs until a request has a connection to the origin',
    option: 'waitTimeout',
    beyond: '504',
    reason: 'a client should learn that the origin is busy, or cannot be reached',
  },
  uploadTime: {
    value: 60 * SECOND,
    unit: 'µs for which the client says nothing of a request that it has begun, or less than `pace`, while the origin did not answer yet',
    option: 'headTimeout',
    beyond: '408',
    reason: 'a request must not be open for ever (RFC 9110 §15.5.9)',
  },
  pace: {
    value: 32_768,
    unit: 'octets that a client has to send of a request before it is answered, or to take of a response that waits for it, for the time that it has to begin anew',
    beyond: '408',
    reason:
      'one octet a minute must not hold a connection to the origin (RFC 9110 §15.5.9); where it is a response that stands still, it is broken off',
  },
  headTime: {
    value: 60 * SECOND,
    unit: 'µs from the last that the origin took of a request to the head of its response',
    option: 'headTimeout',
    beyond: '504',
    reason: 'an origin that is there and says nothing would be waited for without end (RFC 9110 §15.6.5)',
  },
  bodyTime: {
    value: 300 * SECOND,
    unit: 'µs for which nothing of an exchange moves in either direction, or less than `pace` while it is the client that is waited for, once the head of the response is there',
    option: 'bodyTimeout',
    beyond: 'broken off',
    reason: 'whichever end it is that stands still',
  },
  tunnelTime: {
    value: 3_600 * SECOND,
    unit: 'µs for which nothing of a WebSocket moves in either direction',
    option: 'tunnelTimeout',
    beyond: 'broken off',
    reason: 'such connections are quiet for long, but not for ever',
  },
  deliveryTime: {
    value: 300 * SECOND,
    unit: 'µs until a client over HTTP/3 has taken what is left of a complete response',
    option: 'bodyTimeout',
    beyond: 'broken off',
    reason: 'a client that gives no credit makes us keep it (RFC 9114 §10.5)',
  },
  idleTime: {
    value: 4 * SECOND,
    unit: 'µs for which a connection to the origin is kept without a request',
    option: 'idleTimeout',
    beyond: 'finished',
    reason: "less than the five seconds of Node's server: who closes first loses no request (RFC 9112 §9.3.1)",
  },
} satisfies Record<string, Limit>;
