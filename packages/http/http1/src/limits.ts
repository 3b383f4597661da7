import { SECOND } from '@quiclab/sansio';

/** What becomes of what is beyond a limit. */
export type Beyond =
  | '400' // a server answers with this status and closes; a client gives the connection up
  | '408'
  | '414'
  | '431'
  | '501'
  | 'given up' // the connection is, at once
  | 'finished' // the connection is, once nothing is under way
  | 'waits'; // until there is room

/** One thing that a peer can make us keep, or do. */
export interface Limit {
  readonly value: number;
  readonly unit: string;
  /** The option that sets it: `value` is its default. */
  readonly option?: string;
  readonly beyond: Beyond;
  readonly reason: string;
}

/**
 * Everything that a peer can make this package keep or do, with where that ends. The code takes its numbers from here; `limits.test.ts`
 * goes beyond each of them, and LIMITS.md is made from it. How much waits unread is the transport's to limit: of what comes, one
 * piece is held, as the transport gives it.
 */
export const LIMITS = {
  // ---- messages
  method: {
    value: 32,
    unit: 'octets of a method',
    beyond: '501',
    reason: 'the longest that is registered has 17 (RFC 9112 §3)',
  },
  target: {
    value: 8_192,
    unit: 'octets of a request target',
    beyond: '414',
    reason: 'RFC 9112 §3 recommends that a request line may have 8,000 octets at least',
  },
  fieldLine: {
    value: 16_384,
    unit: 'octets of a field line, or of a status line',
    beyond: '431',
    reason: 'it is gathered whole (RFC 9110 §5.4)',
  },
  fieldSection: {
    value: 65_536,
    unit: 'octets of a field section, 32 more for each line',
    option: 'maxFieldSectionSize',
    beyond: '431',
    reason: 'it is gathered whole; counted as the other versions of HTTP count it (RFC 9110 §5.4)',
  },
  fields: {
    value: 128,
    unit: 'lines of a field section',
    beyond: '431',
    reason: 'applications look through them one by one (RFC 9110 §5.4)',
  },
  emptyLines: {
    value: 1,
    unit: 'empty line before a message',
    beyond: '400',
    reason: 'some clients send one after a request with content (RFC 9112 §2.2)',
  },
  chunkSize: {
    value: 16,
    unit: 'digits of a chunk size, zeros in front included',
    beyond: '400',
    reason: 'a length below 2^53 has 14 (RFC 9112 §7.1)',
  },
  requestExtensions: {
    value: 0,
    unit: 'octets of extensions of a chunk of a request',
    beyond: '400',
    reason: 'nobody needs them, and parsers have disagreed about where they end (RFC 9112 §7.1.1)',
  },
  responseExtensions: {
    value: 256,
    unit: 'octets of extensions of a chunk of a response',
    beyond: 'given up',
    reason: 'to be ignored where they come (RFC 9112 §7.1.1)',
  },
  informational: {
    value: 64,
    unit: 'informational responses to a request',
    beyond: 'given up',
    reason: 'each is told to the application, and nothing says how many there may be (RFC 9110 §15.2)',
  },
  unasked: {
    value: 0,
    unit: 'octets of a response that no request asked for',
    beyond: 'given up',
    reason: 'whose they are cannot be known (RFC 9112 §9.2)',
  },

  // ---- the connection
  pipelined: {
    value: 32,
    unit: 'requests at a server whose responses are not wholly laid out',
    option: 'maxPipelined',
    beyond: 'waits',
    reason: 'more is not read before an answer has gone (RFC 9112 §9.3.2)',
  },
  queued: {
    value: 262_144,
    unit: 'octets of responses of ours that wait for those before them; field sections are taken beyond it, and no further request is read',
    option: 'maxQueued',
    beyond: 'waits',
    reason: 'responses leave in the order of the requests, and applications have them in any order (RFC 9112 §9.3.2)',
  },
  chunk: {
    value: 16_384,
    unit: 'octets of our content that the transport did not take yet',
    beyond: 'waits',
    reason: 'one chunk, whose size is said before its data; a peer that reads nothing makes us keep it',
  },
  discarded: {
    value: 262_144,
    unit: 'octets of content that are read only to reach the next message',
    beyond: 'finished',
    reason: 'beyond that a new connection is cheaper (RFC 9112 §9.3)',
  },
  lingering: {
    value: 262_144,
    unit: 'octets that still come after our last',
    beyond: 'given up',
    reason: 'they are read so that no reset overtakes our last response (RFC 9112 §9.6)',
  },

  // ---- time, for drivers that call `onTimeout`
  headersTime: {
    value: 60 * SECOND,
    unit: 'µs from the first octet of a request to the end of its header section',
    option: 'headersTimeout',
    beyond: '408',
    reason: 'somebody who says one octet a second must not hold connections open (RFC 9110 §15.5.9)',
  },
  contentTime: {
    value: 60 * SECOND,
    unit: 'µs without an octet of a request’s content, while there is more to come and somebody waits for it',
    option: 'contentTimeout',
    beyond: '408',
    reason: 'the same (RFC 9112 §9.5)',
  },
  idleTime: {
    value: 60 * SECOND,
    unit: 'µs without a request under way',
    option: 'idleTimeout',
    beyond: 'finished',
    reason: 'a connection costs memory; a client’s default is never (RFC 9112 §9.5)',
  },
  lingeringTime: {
    value: 30 * SECOND,
    unit: 'µs from our end of the connection to the peer’s, and as long again while it takes what we said before',
    option: 'lingerTimeout',
    beyond: 'given up',
    reason: 'a peer that never closes must not keep us (RFC 9112 §9.6)',
  },
} satisfies Record<string, Limit>;
