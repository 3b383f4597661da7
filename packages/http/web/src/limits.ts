import { LIMITS as HTTP3, type Limit } from '@quiclab/http3';
import { MILLISECOND } from '@quiclab/sansio';

/**
 * Everything that a peer can make this package keep or do beside what `@quiclab/http3` and `@quiclab/quic` limit, with where that ends.
 * The code takes its numbers from here; `limits.test.ts` goes beyond each of them, and LIMITS.md is made from it. There is no entry for
 * events: each turn of the driver handles all that there are before it reads the next datagram.
 */
export const LIMITS = {
  // ---- serve
  handlers: {
    value: 100,
    unit: 'handlers that run at once for a connection, those among them whose request was given up',
    option: 'maxHandlers',
    beyond: 'waits',
    reason:
      'to give a request up costs the client nothing, and a handler may not hear of it; one that is given up meanwhile never runs (CVE-2023-44487)',
  },
  requestTime: {
    value: HTTP3.headersTime.value / MILLISECOND,
    unit: 'ms for the header section of a request',
    option: 'headersTimeoutMs',
    beyond: HTTP3.headersTime.beyond,
    reason: "as in `@quiclab/http3`, and as Node's own server has it",
  },
  deliveryTime: {
    value: 300_000,
    unit: 'ms until a client has taken what is left of a complete response',
    option: 'bodyTimeoutMs',
    beyond: 'exchange: REQUEST_CANCELLED',
    reason: 'a client that gives no credit makes us keep it (RFC 9114 §10.5)',
  },
  closeTime: {
    value: 5_000,
    unit: 'ms for what is under way when a server is closed',
    option: 'closeTimeoutMs',
    beyond: 'NO_ERROR',
    reason: 'a client may have no end (RFC 9114 §5.2)',
  },

  // ---- both
  bodyTime: {
    value: 300_000,
    unit: 'ms for which content stands still, in either direction, while it is the peer that we wait for',
    option: 'bodyTimeoutMs',
    beyond: 'exchange: REQUEST_CANCELLED',
    reason: 'a peer that is there and says nothing would be waited for without end; while we do not read, no time runs',
  },

  // ---- fetch
  responseTime: {
    value: 300_000,
    unit: 'ms from the end of a request to the head of its response, however many informational ones come',
    option: 'headersTimeoutMs',
    beyond: 'exchange: REQUEST_CANCELLED',
    reason: "as Node's own fetch has it; a signal can say less",
  },
  redirects: {
    value: 20,
    unit: 'redirects of a request',
    beyond: 'refused',
    reason: 'as the Fetch standard has it; each may be another connection',
  },
  attempts: {
    value: 2,
    unit: 'times that a request is sent, where the server did not look at it or the connection was gone',
    beyond: 'refused',
    reason: 'a server can reject without end (RFC 9114 §4.1.1)',
  },
  origins: {
    value: 100,
    unit: 'origins of which a client remembers sessions, a token and an address',
    beyond: 'oldest goes',
    reason: 'redirects can name any number',
  },
  sessions: {
    value: 2,
    unit: 'sessions of each',
    beyond: 'oldest goes',
    reason: 'servers give one or two, and there is one connection at a time',
  },
  sessionOctets: { value: 8_192, unit: 'octets of a session or a token', beyond: 'dropped', reason: 'they are kept as long as the client' },
} satisfies Record<string, Limit>;
