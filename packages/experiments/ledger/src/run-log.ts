import type { Micros } from '@quiclab/sansio';
import type { ExchangeId } from './account.ts';

const STREAMS = 2 ** 32;

/** The two messages of an exchange, and the way that each of them goes: requests up, responses down. */
export const REQUEST = 0;
export const RESPONSE = 1;
export type Direction = typeof REQUEST | typeof RESPONSE;

/** One direction of one connection, as a number. */
export const flowOf = (connection: number, direction: Direction): number => 2 * connection + direction;

/**
 * A carrier, as a number: octets that are handed on in order. One direction of a QUIC stream, or of a whole TCP connection (stream 0).
 * @param connection  below 2^19
 */
export const carrierOf = (connection: number, stream: number, direction: Direction): number =>
  2 * (connection * STREAMS + stream) + direction;
export const streamOf = (carrier: number): number => Math.floor(carrier / 2) % STREAMS;
export const directionOf = (carrier: number): Direction => (carrier % 2) as Direction;
export const flowOfCarrier = (carrier: number): number => flowOf(connectionOf(carrier), directionOf(carrier));
export const connectionOf = (carrier: number): number => Math.floor(carrier / (2 * STREAMS));

/** What the octets of a frame are for. */
export const FrameKind = {
  /** A header section, whole; several where some are informational. It can be read when all of it is there. */
  HEADERS: 0,
  /** Content, behind a frame header of some length. */
  DATA: 1,
  /** A trailer section, whole. */
  TRAILERS: 2,
  /** Anything else that belongs to the message: its end where that is a frame, or a reset. */
  OTHER: 3,
  /** What is said of a table that header sections refer to (QPACK); it belongs to no message. */
  TABLE: 4,
} as const;

/** For `produced`: all of the message, its end too. */
export const WHOLE = Number.MAX_SAFE_INTEGER;

/** For `contentRefused`. */
export const EVERY_MESSAGE = STREAMS - 1;

/** Why nothing leaves, as bits, in the order in which they are asked: the lowest bit is the reason. EXPERIMENTS §4, *stalled*. */
export const Gate = {
  KEYS: 1,
  AMPLIFICATION: 2,
  /** Holds back what was never sent, and nothing else. */
  CONNECTION_CREDIT: 4,
  STREAM_CREDIT: 8,
  WINDOW: 16,
  PACER: 32,
} as const;

/** The log as plain lists of numbers, for JSON: what the processes of one run have noted, each for itself. */
export type RunLogColumns = { readonly [column in keyof RunLog as RunLog[column] extends number[] ? column : never]: number[] };

/**
 * What happened to the exchanges of one run, for any transport and any way of managing connections: flat lists of numbers, one list
 * for each kind of event, written by whoever watches the two ends, and put together only at the end (`accountOf`).
 *
 * Times are whole µs of one clock. Each list is written by one end and in order of time; nothing is asked of the order between lists.
 * Connections are numbered by the caller; both ends must use the same number. An exchange has one number for the whole run; what the HTTP
 * connection calls it is its `id`, and one exchange may have several of those, one after another, where it is sent again.
 * Offsets count from the start of a carrier. Where a carrier has records (`record`), frames are told with the offsets of their plain octets.
 */
export class RunLog {
  readonly issues: number[] = [];
  readonly waits: number[] = [];
  readonly bindings: number[] = [];
  readonly unbindings: number[] = [];
  readonly completions: number[] = [];
  readonly productions: number[] = [];
  readonly reads: number[] = [];
  readonly frames: number[] = [];
  readonly records: number[] = [];
  readonly unblockings: number[] = [];
  readonly handshakes: number[] = [];
  readonly ordered: number[] = [];
  readonly sendings: number[] = [];
  readonly arrivals: number[] = [];
  readonly receipts: number[] = [];
  readonly losses: number[] = [];
  readonly drops: number[] = [];
  readonly gateChanges: number[] = [];
  readonly limits: number[] = [];
  readonly contentGates: number[] = [];
  /** When the run ended, or this part of its log. */
  end: Micros = 0;
  readonly #gates: number[] = []; // by flow: the gates as they were told last

  // ---- exchanges, at the client --------------------------------------------------------------------------------------

  /** The application wants the exchange: its life begins. @param after  the exchange whose arrival set it free; -1: none did */
  issued(now: Micros, exchange: ExchangeId, after: ExchangeId | -1): void {
    this.issues.push(now, exchange, after);
  }

  /** It has no stream yet, and waits for this connection to be there; -1: for one that is there to be free, or to be opened. Until told again, or bound. */
  awaits(now: Micros, exchange: ExchangeId, connection: number): void {
    this.waits.push(now, exchange, connection);
  }

  /** Its request is laid onto a connection, where it is called `id`: both messages are at their first octet. */
  bound(now: Micros, exchange: ExchangeId, connection: number, id: number): void {
    this.bindings.push(now, exchange, connection, id);
  }

  /** The connection is dead, or does not take the request: the exchange has none, and will start again. */
  unbound(now: Micros, exchange: ExchangeId): void {
    this.unbindings.push(now, exchange);
  }

  /** The application was told that the response is complete. Its life ended when the last octet of the response was readable. */
  completed(now: Micros, exchange: ExchangeId): void {
    this.completions.push(now, exchange);
  }

  // ---- messages, at the end that the octets come from, or go to --------------------------------------------------------

  /**
   * The application has its header section, and so many octets of content, or the WHOLE message, whether they are taken from it already
   * or not. Where nothing is told of a message, requests are produced when they are issued, and responses when they are laid out.
   */
  produced(now: Micros, connection: number, id: number, direction: Direction, content: number): void {
    this.productions.push(now, messageOf(connection, id, direction), content);
  }

  /** The application was handed the header section, and so many octets of content in all. Where nothing is told of a message, it takes all at once. */
  read(now: Micros, connection: number, id: number, direction: Direction, content: number): void {
    this.reads.push(now, messageOf(connection, id, direction), content);
  }

  /** A frame was laid out, at the sender. In order of offsets; no octet twice. What no frame covers, or one with id -1, is the connection's. */
  frame(now: Micros, carrier: number, id: number, offset: number, length: number, headerLength: number, kind: number): void {
    this.frames.push(now, carrier, id, offset, length, headerLength, kind);
  }

  /**
   * Octets [plainOffset, + plainLength) travel in [offset, + length) of the carrier, behind a header of so many octets, and cannot be read
   * before all of the record is there. In order of offsets; the plain octets of a carrier have no gaps.
   */
  record(carrier: number, offset: number, length: number, headerLength: number, plainOffset: number, plainLength: number): void {
    this.records.push(carrier, offset, length, headerLength, plainOffset, plainLength);
  }

  /** A field section that was whole waited until now for others that it refers to (RFC 9204 §2.1.2). @param offset  of its frame */
  unblocked(now: Micros, carrier: number, offset: number): void {
    this.unblockings.push(now, carrier, offset);
  }

  // ---- connections ---------------------------------------------------------------------------------------------------

  /** A handshake is under way from here on; what comes before, a name look-up too, counts as waiting for a connection. */
  connecting(now: Micros, connection: number): void {
    this.handshakes.push(now, connection, 0);
  }

  /** Requests may be sent on it, early data included: nobody waits for its handshake any more. */
  ready(now: Micros, connection: number): void {
    this.handshakes.push(now, connection, 1);
  }

  /** Its responses leave in the order of its requests, as in HTTP/1. */
  inOrder(connection: number): void {
    this.ordered.push(connection);
  }

  // ---- octets --------------------------------------------------------------------------------------------------------

  /**
   * A packet carries these octets. @param copy  the packet: unique within the flow, and known to its receiver
   * @param fin  1: the stream ends behind them, and that is said
   */
  sent(now: Micros, carrier: number, offset: number, length: number, fin: 0 | 1, copy: number): void {
    this.sendings.push(now, carrier, offset, length, fin, copy);
  }

  /** A packet reached its receiver, which did not discard it. @param opened  when its keys were there: now, or later */
  arrived(now: Micros, flow: number, copy: number, opened: Micros): void {
    this.arrivals.push(now, flow, copy, opened);
  }

  /** The same as the receiver of the carrier sees it, and nobody else: these octets came, for the first time or again. */
  received(now: Micros, carrier: number, offset: number, length: number): void {
    this.receipts.push(now, carrier, offset, length);
  }

  /** The sender has given the packet up. */
  declaredLost(now: Micros, flow: number, copy: number): void {
    this.losses.push(now, flow, copy);
  }

  /** A link dropped the packet. */
  dropped(now: Micros, flow: number, copy: number): void {
    this.drops.push(now, flow, copy);
  }

  /** What refuses the sender, as bits of `Gate`, until told again. Saying the same again costs nothing. */
  gates(now: Micros, flow: number, gates: number): void {
    if ((this.#gates[flow] ?? 0) === gates) return;
    this.#gates[flow] = gates;
    this.gateChanges.push(now, flow, gates);
  }

  /** Octets of the carrier below this one may be sent. Where nothing is told of a carrier, all may. */
  limit(now: Micros, carrier: number, limit: number): void {
    this.limits.push(now, carrier, limit);
  }

  /**
   * What keeps content of a message from being laid out, as bits of `Gate`, until told again: credit of HTTP/2, which holds back nothing else.
   * @param id  EVERY_MESSAGE: of all that go this way on the connection
   */
  contentRefused(now: Micros, connection: number, id: number, direction: Direction, gates: number): void {
    this.contentGates.push(now, messageOf(connection, id, direction), gates);
  }

  /** The run is over. */
  close(now: Micros): void {
    this.end = Math.max(this.end, now);
  }

  /**
   * Adds what another process has noted.
   * @param numbers  what the connections are called here that have the numbers 0, 1, … there; default: the same
   */
  append(part: RunLogColumns & { readonly end: Micros }, numbers?: readonly number[]): void {
    const numberOf = (connection: number): number => {
      const number = numbers === undefined ? connection : numbers[connection];
      if (number === undefined || number < 0) throw new Error(`ledger: connection ${connection} of another log is none of this one`);
      return number;
    };
    for (const [name, fields] of Object.entries(COLUMNS)) {
      const to = this[name as keyof typeof COLUMNS];
      const from = part[name as keyof typeof COLUMNS];
      for (let i = 0; i < from.length; i++) {
        const number = from[i]!;
        const field = fields[i % fields.length];
        if (field === 'connection') to.push(number < 0 ? number : numberOf(number));
        else if (field === 'flow') to.push(2 * numberOf(Math.floor(number / 2)) + (number % 2));
        else if (field === 'carrier') {
          const connection = connectionOf(number);
          to.push(number + 2 * STREAMS * (numberOf(connection) - connection));
        } else to.push(number);
      }
    }
    this.close(part.end);
  }
}

/** One message, as a number. */
export const messageOf = (connection: number, id: number, direction: Direction): number => carrierOf(connection, id, direction);

/** What the numbers of each list are, as far as connections are in them; messages are numbered as carriers are. */
const COLUMNS = {
  issues: ['', '', ''],
  waits: ['', '', 'connection'],
  bindings: ['', '', 'connection', ''],
  unbindings: ['', ''],
  completions: ['', ''],
  productions: ['', 'carrier', ''],
  reads: ['', 'carrier', ''],
  frames: ['', 'carrier', '', '', '', '', ''],
  records: ['carrier', '', '', '', '', ''],
  unblockings: ['', 'carrier', ''],
  handshakes: ['', 'connection', ''],
  ordered: ['connection'],
  sendings: ['', 'carrier', '', '', '', ''],
  arrivals: ['', 'flow', '', ''],
  receipts: ['', 'carrier', '', ''],
  losses: ['', 'flow', ''],
  drops: ['', 'flow', ''],
  gateChanges: ['', 'flow', ''],
  limits: ['', 'carrier', ''],
  contentGates: ['', 'carrier', ''],
} as const satisfies { readonly [column in keyof RunLogColumns]: readonly ('' | 'carrier' | 'flow' | 'connection')[] };
