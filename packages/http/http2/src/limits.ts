import { SECOND } from '@quiclab/sansio';
import type { H2 } from './errors.ts';

/** What becomes of what is beyond a limit: the connection closes with a code, or the exchange ends with one, or both live and … */
export type Beyond =
  | keyof typeof H2
  | `exchange: ${keyof typeof H2}`
  | 'refused' // and told so
  | 'oldest goes' // the newest is kept in its place
  | 'dropped' // as if it had not been asked for
  | 'waits' // until there is room
  | 'aborted'; // the transport is

/** One thing that a peer can make us keep, or do. */
export interface Limit {
  readonly value: number;
  readonly unit: string;
  /** The option that sets it: `value` is its default. */
  readonly option?: string;
  /** Where the value is a burst: how many more there may be in a second. */
  readonly perSecond?: number;
  readonly beyond: Beyond;
  readonly reason: string;
}

/**
 * Everything that a peer can make this package keep or do, with where that ends. The code takes its numbers from here; `limits.test.ts`
 * goes beyond each of them, and LIMITS.md is made from it.
 */
export const LIMITS = {
  // ---- messages
  requestFields: {
    value: 65_536,
    unit: 'octets of a header section of a request, 32 more for each line',
    option: 'maxFieldSectionSize',
    beyond: 'refused',
    reason: 'SETTINGS_MAX_HEADER_LIST_SIZE says so; answered with 431, after HPACK has had its due (RFC 9113 §10.5.1)',
  },
  responseFields: {
    value: 65_536,
    unit: 'octets of any other field section, 32 more for each line',
    option: 'maxFieldSectionSize',
    beyond: 'exchange: ENHANCE_YOUR_CALM',
    reason: 'the same, where there is nobody to be answered (RFC 9113 §10.5.1)',
  },
  fieldBlock: {
    value: 131_072,
    unit: 'octets of a field block, as it is encoded; not below twice `maxFieldSectionSize`',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'it is gathered whole, and no flow control holds it back; to leave it undecoded costs the connection (RFC 9113 §4.3, §10.5.1)',
  },
  continuations: {
    value: 128,
    unit: 'CONTINUATION frames of a field block',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'eight of the usual size hold the largest block; empty ones could come without end (RFC 9113 §10.5)',
  },
  headersTime: {
    value: 60 * SECOND,
    unit: 'µs from the beginning of a field block to its end',
    option: 'headersTimeout',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'nothing else may come in between, so it holds up all exchanges (RFC 9113 §4.3)',
  },
  informational: {
    value: 64,
    unit: 'informational responses to a request',
    beyond: 'exchange: ENHANCE_YOUR_CALM',
    reason: 'each is told to the application, and nothing says how many there may be (RFC 9110 §15.2)',
  },
  streamWindow: {
    value: 262_144,
    unit: 'octets of content that may come of an exchange before anybody reads, to begin with; up to `maxStreamWindow` (4 MiB) for who reads fast',
    option: 'streamWindow',
    beyond: 'exchange: FLOW_CONTROL_ERROR',
    reason: 'they are kept; SETTINGS_INITIAL_WINDOW_SIZE and WINDOW_UPDATE say so (RFC 9113 §6.9)',
  },
  connectionWindow: {
    value: 1_048_576,
    unit: 'octets of content that may come of all exchanges before anybody reads, to begin with; up to `maxConnectionWindow` (16 MiB)',
    option: 'connectionWindow',
    beyond: 'FLOW_CONTROL_ERROR',
    reason: 'the same, for all together (RFC 9113 §6.9)',
  },
  queued: {
    value: 65_536,
    unit: 'octets of our content for each exchange that were not laid out yet',
    option: 'maxQueued',
    beyond: 'waits',
    reason: 'a peer that gives no credit, or reads nothing, makes us keep them (RFC 9113 §10.5)',
  },

  // ---- streams
  exchanges: {
    value: 100,
    unit: 'streams of requests that are not closed',
    option: 'maxConcurrentStreams',
    beyond: 'exchange: REFUSED_STREAM',
    reason: 'SETTINGS_MAX_CONCURRENT_STREAMS says so (RFC 9113 §5.1.2)',
  },
  unread: {
    value: 100,
    unit: 'more exchanges, whose streams are closed and whose content nobody has read to its end',
    beyond: 'exchange: REFUSED_STREAM',
    reason: 'a closed stream makes room for another one, whatever it left behind',
  },
  resets: {
    value: 256,
    perSecond: 32,
    unit: 'streams that the peer resets, or makes us reset',
    beyond: 'ENHANCE_YOUR_CALM',
    reason:
      'each may have begun work, and makes room for the next one at once: rapid reset, CVE-2023-44487, and its reverse, CVE-2025-8671',
  },
  resetStreams: {
    value: 256,
    unit: 'streams that we have reset, and of which frames may still come',
    beyond: 'oldest goes',
    reason: 'these frames are passed over; those of streams that are closed otherwise are errors (RFC 9113 §5.1)',
  },
  openedRanges: {
    value: 64,
    unit: 'ranges of stream numbers that were opened, with gaps between them',
    beyond: 'oldest goes',
    reason: 'a stream in a gap was never opened, which is another error than one that is closed (RFC 9113 §5.1.1)',
  },
  pushes: { value: 0, unit: 'pushes', beyond: 'PROTOCOL_ERROR', reason: 'SETTINGS_ENABLE_PUSH is 0 from the start (RFC 9113 §6.6)' },

  // ---- the connection
  settingsTime: {
    value: 30 * SECOND,
    unit: 'µs from our SETTINGS to their acknowledgment',
    option: 'settingsTimeout',
    beyond: 'SETTINGS_TIMEOUT',
    reason: 'also somebody who connects and says nothing; our limits hold from then on (RFC 9113 §6.5.3)',
  },
  closeTime: {
    value: 60 * SECOND,
    unit: 'µs from our last frame to the end of the transport, and as long again while the peer takes what we sent before',
    option: 'closeTimeout',
    beyond: 'aborted',
    reason: 'a peer that does not close keeps a socket; a slow one needs time for what it was sent (RFC 9113 §5.4.1)',
  },
  faultTime: {
    value: 5 * SECOND,
    unit: 'µs from our last frame to the end of the transport, after a fault of the peer’s',
    beyond: 'aborted',
    reason: 'what comes until then is read and thrown away, so that GOAWAY is not lost to a reset (RFC 9113 §5.4.1)',
  },
  tableSize: {
    value: 4_096,
    unit: 'octets of the table for decoding field blocks',
    option: 'headerTableSize',
    beyond: 'COMPRESSION_ERROR',
    reason: 'SETTINGS_HEADER_TABLE_SIZE says so (RFC 7541 §4.2)',
  },
  frameSize: {
    value: 16_384,
    unit: 'octets of the payload of a frame',
    option: 'maxFrameSize',
    beyond: 'FRAME_SIZE_ERROR',
    reason: 'SETTINGS_MAX_FRAME_SIZE says so; what is not content is gathered whole (RFC 9113 §4.2)',
  },
  settings: {
    value: 128,
    unit: 'settings in a frame, known or not',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'all are told to the application; a dozen are registered (RFC 9113 §6.5.2)',
  },
  settingsFrames: {
    value: 64,
    perSecond: 1,
    unit: 'SETTINGS frames',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'each is answered, and a new window size is work for each stream (RFC 9113 §10.5)',
  },
  pings: {
    value: 512,
    perSecond: 64,
    unit: 'PING frames',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'each is answered (RFC 9113 §10.5)',
  },
  windowUpdates: {
    value: 1_024,
    unit: 'WINDOW_UPDATE frames beyond ten for each DATA frame of ours and each stream',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'nobody has to give credit more often than it is used (RFC 9113 §10.5)',
  },
  priorities: {
    value: 512,
    perSecond: 128,
    unit: 'PRIORITY and PRIORITY_UPDATE frames',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'the first say nothing any more, the others are hints (RFC 9113 §5.3.2, RFC 9218 §7)',
  },
  ignoredFrames: {
    value: 256,
    unit: 'frames in a row that say nothing: unknown, DATA without content, fields of streams that are gone',
    option: 'maxIgnoredFrames',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'nine octets each, and work for us (RFC 9113 §10.5)',
  },
  goaways: {
    value: 16,
    unit: 'GOAWAY frames',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'for each we look at all exchanges; a server that shuts down says two (RFC 9113 §6.8)',
  },
  answers: {
    value: 1_000,
    unit: 'frames that the peer made us say, and that the transport did not take yet',
    beyond: 'ENHANCE_YOUR_CALM',
    reason: 'a peer can go on asking for them, and not read them (RFC 9113 §10.5)',
  },
  earlyPriorities: {
    value: 128,
    unit: 'PRIORITY_UPDATEs kept for requests that did not come yet; with the streams there are never more than `maxConcurrentStreams` (PROTOCOL_ERROR)',
    beyond: 'oldest goes',
    reason: 'they are a hint (RFC 9218 §7.1)',
  },
  priorityUpdates: {
    value: 64,
    unit: 'PRIORITY_UPDATEs of ours that the transport did not take yet',
    beyond: 'dropped',
    reason: 'a server that reads nothing makes us keep them, and they are a hint (RFC 9218 §7)',
  },
} satisfies Record<string, Limit>;
