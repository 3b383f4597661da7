import { SECOND } from '@quiclab/sansio';
import type { H3 } from './errors.ts';

/** What becomes of what is beyond a limit: the connection closes with a code, or the exchange ends with one, or both live and … */
export type Beyond =
  | keyof typeof H3
  | `exchange: ${keyof typeof H3 | 'HQ_ERROR'}`
  | 'refused' // and told so
  | 'oldest goes' // the newest is kept in its place
  | 'dropped' // as if it had not come, or had not been asked for
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
 * goes beyond each of them, and LIMITS.md is made from it. What the streams themselves cost, how many there are, how many are opened
 * and given up in a second, and how much of them waits unread, is the transport's to limit.
 */
export const LIMITS = {
  // ---- messages
  requestFields: {
    value: 65_536,
    unit: 'octets of a header section of a request, 32 more for each line',
    option: 'maxFieldSectionSize',
    beyond: 'refused',
    reason: 'it is gathered whole, and SETTINGS_MAX_FIELD_SECTION_SIZE says so; answered with 431 (RFC 9114 §4.2.2, §10.5.1)',
  },
  responseFields: {
    value: 65_536,
    unit: 'octets of any other field section, 32 more for each line',
    option: 'maxFieldSectionSize',
    beyond: 'exchange: MESSAGE_ERROR',
    reason: 'the same, where there is nobody to be answered (RFC 9114 §10.5.1)',
  },
  headersTime: {
    value: 60 * SECOND,
    unit: 'µs from the first that is heard of a request stream to the end of its header section',
    option: 'headersTimeout',
    beyond: 'exchange: REQUEST_INCOMPLETE',
    reason: 'somebody who says one octet a second must not hold requests open; also one who does not take the 431 (RFC 9114 §10.5)',
  },
  informational: {
    value: 64,
    unit: 'informational responses to a request',
    beyond: 'exchange: EXCESSIVE_LOAD',
    reason: 'each is told to the application, and nothing says how many there may be (RFC 9110 §15.2)',
  },
  trailers: {
    value: 1,
    unit: 'trailer section of a message',
    beyond: 'FRAME_UNEXPECTED',
    reason: 'there is no other (RFC 9114 §4.1)',
  },
  ignoredFrames: {
    value: 256,
    unit: 'frames in a row on a stream that say nothing: unknown, DATA without content, MAX_PUSH_ID',
    option: 'maxIgnoredFrames',
    beyond: 'EXCESSIVE_LOAD',
    reason: 'two octets each, and work for us (RFC 9114 §10.5)',
  },
  readAhead: {
    value: 1,
    unit: 'piece of content, as the transport gives it, taken for each exchange before anybody asks',
    beyond: 'waits',
    reason: 'to know whether there is content at all; the rest stays in the transport, whose flow control holds the peer back',
  },
  dataFrame: {
    value: 16_384,
    unit: 'octets of our content for each exchange that the transport did not take yet',
    beyond: 'waits',
    reason: 'one DATA frame, whose length is said before its payload; a peer that gives no credit makes us keep it',
  },

  // ---- the connection
  untypedStreams: {
    value: 32,
    unit: 'unidirectional streams whose type did not come yet',
    beyond: 'EXCESSIVE_LOAD',
    reason: 'three are needed, and few more are opened to see them ignored (RFC 9114 §6.2)',
  },
  controlPayload: {
    value: 16_384,
    unit: 'octets of a control frame',
    beyond: 'EXCESSIVE_LOAD',
    reason: 'it is gathered whole, and no flow control keeps it in bounds that we let the peer have (RFC 9114 §10.5)',
  },
  settings: {
    value: 128,
    unit: 'settings, known or not',
    beyond: 'EXCESSIVE_LOAD',
    reason: 'all are told to the application; two dozen are registered (RFC 9114 §7.2.4.1)',
  },
  goaways: {
    value: 16,
    unit: 'GOAWAY frames',
    beyond: 'EXCESSIVE_LOAD',
    reason: 'for each we look at all exchanges; a server that shuts down says two (RFC 9114 §5.2)',
  },
  earlyPriorities: {
    value: 128,
    unit: 'PRIORITY_UPDATEs kept for requests that did not come yet',
    beyond: 'oldest goes',
    reason: 'they are a hint; RFC 9218 §7 leaves the bound to us',
  },
  priorityUpdates: {
    value: 64,
    unit: 'PRIORITY_UPDATEs of ours that the transport did not take yet',
    beyond: 'dropped',
    reason: 'a server that gives our control stream no credit makes us keep them, and they are a hint (RFC 9218 §7)',
  },
  pushes: { value: 0, unit: 'pushes', beyond: 'ID_ERROR', reason: 'we never send MAX_PUSH_ID (RFC 9114 §4.6)' },
  tableCapacity: {
    value: 0,
    unit: 'octets of the dynamic table of QPACK that the peer fills, and of ours at the peer',
    option: 'tableCapacity',
    beyond: 'QPACK_ENCODER_STREAM_ERROR',
    reason: 'so SETTINGS_QPACK_MAX_TABLE_CAPACITY says; of 0 by saying nothing (RFC 9204 §5, §7.3)',
  },
  blockedSections: {
    value: 0,
    unit: 'streams with a field section that waits for insertions into it',
    option: 'blockedStreams',
    beyond: 'QPACK_DECOMPRESSION_FAILED',
    reason: 'so SETTINGS_QPACK_BLOCKED_STREAMS says; of 0 by saying nothing. Sections are kept that wait (RFC 9204 §2.1.2, §5)',
  },
  unacknowledgedSections: {
    value: 1_000,
    unit: 'field sections of ours with references into our dynamic table that the peer does not acknowledge',
    beyond: 'dropped',
    reason: 'we keep what each refers to; beyond it sections have no references (RFC 9204 §2.1.1)',
  },
  decoderAnswers: {
    value: 1_000,
    unit: 'writes of our QPACK decoder stream that the transport did not take yet',
    beyond: 'EXCESSIVE_LOAD',
    reason: 'a peer can go on asking for acknowledgments, and give no credit for them (RFC 9204 §4.4)',
  },

  // ---- its relatives: `./single`, `./hq`
  singleExchanges: {
    value: 100,
    unit: 'exchanges on the one stream of `./single`',
    option: 'maxExchanges',
    beyond: 'exchange: REQUEST_REJECTED',
    reason: 'they are no streams, so that the transport does not count them',
  },
  singleBuffered: {
    value: 262_144,
    unit: 'octets there of an exchange that nobody reads',
    option: 'maxBuffered',
    beyond: 'waits',
    reason: 'they are in the way of all others; beyond this all wait, as on one TCP connection',
  },
  singleAnswers: {
    value: 1_000,
    unit: 'resets there that the transport did not take yet',
    beyond: 'EXCESSIVE_LOAD',
    reason: 'a peer can go on asking for them, and not read them',
  },
  hqRequestLine: {
    value: 8_192,
    unit: 'octets of a request line of `./hq`',
    option: 'maxRequestLine',
    beyond: 'exchange: HQ_ERROR',
    reason: 'it is gathered whole',
  },
} satisfies Record<string, Limit>;
