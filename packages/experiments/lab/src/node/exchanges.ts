import type { Fields, HttpConnection, HttpEvent } from '@quiclab/http-semantics';
import type { Clock, Micros } from '@quiclab/sansio';
import type { Carrier, HttpHandler } from '../carriers/carrier.ts';

/** What an answer of Node's says, as it comes. */
export interface Answer {
  response(status: number, fields: Fields): void;
  content(data: Uint8Array): void;
  end(): void;
  /** @param unprocessed  the server says that it has not looked at the request */
  failed(code: number, reason: string, unprocessed: boolean): void;
}

interface Content {
  readonly pieces: Uint8Array[];
  ended: boolean;
}

/**
 * An HTTP connection of Node's own client modules, as far as the page client needs one: requests without content, and answers read
 * as they come. So the pool that maps exchanges to connections is the same in all worlds.
 */
export abstract class NodeHttp implements HttpConnection {
  closed = false;
  /** To be called after anything that has put an event there. */
  readonly #changed: () => void;
  readonly #events: HttpEvent[] = [];
  readonly #contents = new Map<number, Content>();
  readonly #underWay = new Set<number>();
  /** At once, and in all. */
  readonly #mostUnderWay: number;
  readonly #mostRequests: number;
  #requests = 0;
  #refused = false;

  constructor(changed: () => void, mostUnderWay: number, mostRequests: number) {
    this.#changed = changed;
    this.#mostUnderWay = mostUnderWay;
    this.#mostRequests = mostRequests;
  }

  protected abstract send(fields: Fields, answer: Answer): void;
  /** Ends the connection when what was said has left. */
  protected abstract end(): void;

  get openExchanges(): number {
    return this.#underWay.size;
  }

  get acceptsRequests(): boolean {
    return !this.closed && this.#requests < this.#mostRequests;
  }

  pollEvent(): HttpEvent | undefined {
    return this.#events.shift();
  }

  request(_now: Micros, fields: Fields, end: boolean): number | undefined {
    if (!end) throw new Error('requests with content are not made over Node here');
    if (!this.acceptsRequests) return undefined;
    if (this.#underWay.size >= this.#mostUnderWay) {
      this.#refused = true;
      return undefined;
    }
    const id = this.#requests++;
    this.#underWay.add(id);
    this.send(fields, this.#answerTo(id));
    return id;
  }

  readBody(_now: Micros, id: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const content = this.#contents.get(id);
    if (content === undefined) return undefined;
    const data = content.pieces.shift();
    const fin = content.ended && content.pieces.length === 0;
    if (fin) this.#contents.delete(id);
    return data === undefined && !fin ? undefined : { data: data ?? new Uint8Array(0), fin };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.end();
  }

  /** The connection is over, and nothing more will be answered. */
  protected tellClosed(): void {
    this.closed = true;
    this.#changed();
  }

  #answerTo(id: number): Answer {
    const tell = (event: HttpEvent): void => {
      this.#events.push(event);
      this.#changed();
    };
    const open = (): boolean => this.#underWay.has(id);
    const close = (last: HttpEvent): void => {
      this.#underWay.delete(id);
      this.#events.push(last);
      if (this.#refused) this.#events.push({ type: 'requests-available' });
      this.#refused = false;
      this.#changed();
    };
    return {
      response: (status, fields) => {
        if (!open()) return;
        this.#contents.set(id, { pieces: [], ended: false });
        tell({ type: 'response', id, status, fields, informational: false, end: false });
      },
      content: (data) => {
        this.#contents.get(id)?.pieces.push(data);
        if (open()) tell({ type: 'body-readable', id });
      },
      end: () => {
        if (!open()) return;
        this.#contents.get(id)!.ended = true;
        close({ type: 'body-readable', id });
      },
      failed: (code, reason, unprocessed) => {
        if (open()) close({ type: 'failed', id, code, reason, unprocessed });
      },
    };
  }

  respond = notHere;
  writeBody = notHere;
  finish = notHere;
  stopReading = notHere;
  cancel = notHere;
  prioritize = notHere;
  goaway = notHere;
}

const notHere = (): never => {
  throw new Error('the page client over Node has no use for this');
};

/** A connection of Node's: HTTP on it when TLS is through. */
export class NodeCarrier implements Carrier {
  http: NodeHttp | undefined = undefined;
  readonly #handler: HttpHandler;
  readonly #clock: Clock;
  /** Gives up before there is HTTP. */
  readonly #abandon: () => void;
  #pumping = false;
  #over = false;

  constructor(handler: HttpHandler, clock: Clock, abandon: () => void) {
    this.#handler = handler;
    this.#clock = clock;
    this.#abandon = abandon;
  }

  ready(http: NodeHttp): void {
    this.http = http;
    const now = this.#clock.now();
    this.#handler.onReady?.(now, http);
    this.pump(now);
  }

  readonly changed = (): void => this.pump(this.#clock.now());

  pump(now: Micros): void {
    const { http } = this;
    if (this.#pumping || http === undefined) return;
    this.#pumping = true;
    for (let event = http.pollEvent(); event !== undefined; event = http.pollEvent()) this.#handler.onHttp(now, http, event);
    this.#pumping = false;
  }

  /** The socket is closed. */
  ended(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    const now = this.#clock.now();
    this.pump(now);
    this.#handler.onClosed?.(now, reason);
  }

  close(): void {
    this.#over = true;
    if (this.http === undefined) this.#abandon();
    else this.http.close();
  }
}
