import type { HttpEvent } from '@quiclab/http-semantics';
import { H3 } from '@quiclab/http3';
import { type BodyEnd, IncomingBody, OutgoingBody } from './body.ts';
import { toFields, toHeaders } from './fields.ts';
import { Patience, timedOut } from './patience.ts';
import type { ExchangeListener, Session } from './session.ts';

/** The server has not looked at the request: it may be sent again. RFC 9114 §4.1.1. */
export class RequestRejected extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RequestRejected';
  }
}

const NULL_BODY = new Set([204, 205, 304]);

/** One request of a client and its response. */
export class ClientExchange implements ExchangeListener {
  /** The request left, or may have left, in 0-RTT. */
  early = false;
  readonly #session: Session;
  readonly #onOver: () => void;
  #id = -1;
  #url = '';
  #outgoing: OutgoingBody | undefined = undefined;
  #incoming: IncomingBody | undefined = undefined;
  #signal: AbortSignal | undefined = undefined;
  #over = false;
  /** The head of the response is there. */
  #answered = false;
  readonly #forHead: Patience;
  readonly #forRoom: Patience;
  #resolve!: (response: Response) => void;
  #reject!: (error: unknown) => void;

  /** @param onOver  called once, when neither side has anything more to say */
  constructor(session: Session, onOver: () => void) {
    this.#session = session;
    this.#onOver = onOver;
    const { headersTimeoutMs, bodyTimeoutMs } = session;
    const giveUp = (what: string): void => this.#fail(timedOut(what), H3.REQUEST_CANCELLED);
    this.#forHead = new Patience(headersTimeoutMs, () => giveUp(`no response came for ${headersTimeoutMs} ms`));
    this.#forRoom = new Patience(bodyTimeoutMs, () => giveUp(`the server took nothing of the request for ${bodyTimeoutMs} ms`));
  }

  /** Resolves with the head of the response. Rejects with RequestRejected, with the signal's reason, or with what went wrong. */
  async run(request: Request, url: URL, length: number): Promise<Response> {
    const pseudo = [
      [':method', request.method],
      [':scheme', 'https'],
      [':authority', url.host],
      [':path', url.pathname + url.search],
    ] as const;
    const headers = new Headers(request.headers);
    headers.delete('host'); // :authority says it
    if (length >= 0 && !headers.has('content-length')) headers.set('content-length', `${length}`);
    const fields = toFields(pseudo, headers);
    try {
      this.#id = await this.#begin(fields, request.body === null, request.signal);
    } catch (error) {
      this.#onOver();
      throw error;
    }
    this.#url = request.url.replace(/#.*/, '');
    this.#signal = request.signal;
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    const head = new Promise<Response>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#session.listen(this.#id, this);
    if (request.body !== null) void this.#upload(request.body);
    else this.#forHead.wait();
    this.#session.touched();
    return head;
  }

  async #begin(fields: Parameters<Session['http']['request']>[1], end: boolean, signal: AbortSignal): Promise<number> {
    const { http } = this.#session;
    for (;;) {
      signal.throwIfAborted();
      if (this.#session.lost !== undefined) throw this.#session.lost;
      if (!http.acceptsRequests) throw new RequestRejected('the server takes no more requests on this connection');
      const id = http.request(this.#session.now, fields, end);
      if (id !== undefined) {
        this.early = this.#session.sendsEarly;
        return id;
      }
      this.#session.touched();
      await Promise.race([this.#session.room(), aborted(signal)]);
    }
  }

  async #upload(body: ReadableStream<Uint8Array>): Promise<void> {
    this.#outgoing = new OutgoingBody((data) => this.#session.writeBody(this.#id, data), this.#forRoom);
    try {
      if (await this.#outgoing.send(body)) {
        this.#session.http.finish(this.#session.now, this.#id);
        this.#session.touched();
      }
      if (!this.#answered && !this.#over) this.#forHead.wait();
    } catch (error) {
      this.#fail(error, H3.REQUEST_CANCELLED);
    }
  }

  onEvent(event: HttpEvent): void {
    switch (event.type) {
      case 'response':
        if (!event.informational) this.#onResponse(event);
        return;
      case 'body-readable':
        this.#incoming?.readable();
        return;
      case 'body-writable':
        this.#outgoing?.writable();
        return;
      case 'stopped':
        this.#outgoing?.stop(new Error('the server does not want the rest of the request')); // the response may be complete all the same
        return;
      case 'reset':
      case 'failed': {
        const what = 'reason' in event ? event.reason : `the server reset the exchange with code 0x${event.code.toString(16)}`;
        this.#fail(event.unprocessed ? new RequestRejected(what) : new Error(what), -1);
      }
    }
  }

  onLost(error: Error): void {
    this.#fail(error, -1);
  }

  #onResponse(event: Extract<HttpEvent, { type: 'response' }>): void {
    this.#answered = true;
    this.#forHead.end();
    try {
      let body: ReadableStream<Uint8Array> | null = null;
      if (!event.end) {
        this.#incoming = new IncomingBody(
          () => this.#session.readBody(this.#id),
          (how) => this.#bodyOver(how),
          this.#session.bodyTimeoutMs,
        );
        if (NULL_BODY.has(event.status)) this.#bodyOver('unwanted');
        else body = this.#incoming.stream;
      }
      const response = new Response(body, { status: event.status, headers: toHeaders(event.fields) });
      Object.defineProperty(response, 'url', { value: this.#url });
      this.#resolve(response);
      if (event.end) this.#done();
    } catch (error) {
      this.#fail(error, H3.REQUEST_CANCELLED); // a status or a field that Response does not take
    }
  }

  #bodyOver(how: BodyEnd): void {
    if (how !== 'complete') this.#session.http.cancel(this.#session.now, this.#id);
    this.#session.touched();
    this.#done();
  }

  readonly #onAbort = (): void => this.#fail(this.#signal?.reason, H3.REQUEST_CANCELLED);

  /** @param code  what to cancel the exchange with; -1: it is over already */
  #fail(error: unknown, code: number): void {
    if (this.#over) return;
    this.#done();
    if (code >= 0) this.#session.http.cancel(this.#session.now, this.#id, code);
    this.#outgoing?.stop(error);
    this.#reject(error);
    this.#incoming?.fail(
      error instanceof RequestRejected || !(error instanceof Error) || error.name === 'AbortError'
        ? error
        : new TypeError('terminated', { cause: error }),
    );
    this.#session.touched();
  }

  /** The response is complete, or will not be. */
  #done(): void {
    if (this.#over) return;
    this.#over = true;
    this.#forHead.end();
    this.#forRoom.end();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#session.forget(this.#id);
    this.#onOver();
  }
}

/** Rejects when the signal is aborted, and never else. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
