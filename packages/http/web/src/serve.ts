import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { fieldValue, type HttpEvent, methodProperties } from '@quiclab/http-semantics';
import { H3 } from '@quiclab/http3';
import type { Address } from '@quiclab/sansio';
import { type HandshakeFactory, serverHandshake, ticketKeeper } from '@quiclab/tls';
import { type BodyEnd, IncomingBody, OutgoingBody } from './body.ts';
import { type CertificateInput, describeCertificate, type ServerCertificate, serverCertificate } from './certificate.ts';
import { toFields, toHeaders } from './fields.ts';
import { Host, type TransportOptions } from './host.ts';
import { LIMITS } from './limits.ts';
import { Patience, timedOut } from './patience.ts';
import type { ExchangeListener, Session } from './session.ts';
import { Turnstile } from './turnstile.ts';

/**
 * Answers a request. One that came in 0-RTT, and may be a replay, has the field `early-data: 1` (RFC 8470 §5.1); its method is a safe one, and a
 * handler that wants it nevertheless after the handshake answers 425. What it throws becomes a 500; what its response's body throws resets the exchange. */
export type Handler = (request: Request) => Response | Promise<Response>;

export interface ServeOptions extends TransportOptions {
  /** Default 0: one that is free. */
  readonly port?: number;
  /** An address or a name of this machine. Default 127.0.0.1; '0.0.0.0' or '::' for all interfaces. */
  readonly host?: string;
  /** The certificate chain, leaf first, and its private key. Default: one for localhost, made on the fly. */
  readonly cert?: CertificateInput;
  readonly key?: CertificateInput;
  /** How long `close` waits for exchanges under way, in ms. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /**
   * Handlers that run at once for a connection, those among them whose request was given up; other requests wait. Default 100, which is also how many
   * requests a client may have open (`transport.maxStreamsBidi`): they wait only where handlers go on for requests that are gone.
   */
  readonly maxHandlers?: number;
  /** What a handler, or a faulty program, threw. Default: console.error. */
  readonly onError?: (error: unknown) => void;
}

export interface Server extends AsyncDisposable {
  readonly address: Address;
  /** `https://` and the address; no slash at the end. */
  readonly origin: string;
  /** What to trust: as `ca` of a client, or as the hash of the public key (base64) that Chromium takes. */
  readonly certificate: { readonly pem: string; readonly spkiSha256: string };
  /** No new requests; those under way are waited for, then all connections and the socket are closed. */
  close(): Promise<void>;
}

/** Set by us, or by a gateway in front of us. RFC 8470 §5.1. */
const EARLY_DATA = 'early-data';

type RequestEvent = Extract<HttpEvent, { type: 'request' }>;

/** Serves HTTP/3. Resolves when the port is bound; rejects with the system's error, or a TypeError for certificates that are none. */
export async function serve(handler: Handler, options: ServeOptions = {}): Promise<Server> {
  const onError = options.onError ?? ((error) => console.error(error));
  const certificate = serverCertificate(options.cert, options.key, Date.now() * 1_000);
  const name = options.host ?? '127.0.0.1';
  const host = await Host.open({
    ...options,
    bind: { host: isIP(name) === 0 ? (await lookup(name)).address : name, port: options.port ?? 0 },
    handshake: handshakeOf(certificate, options),
    accept: () => {
      const turnstile = new Turnstile(options.maxHandlers ?? LIMITS.handlers.value);
      return (session, request) => new ServerExchange(session, request, handler, turnstile, onError);
    },
    onFault: onError,
  });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= closeGently(host, options.closeTimeoutMs ?? LIMITS.closeTime.value));
  const { address } = host;
  return {
    address,
    origin: `https://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`,
    certificate: describeCertificate(certificate.chain),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Tickets can be opened by this server only, and only while it lives: what they stand for, the SETTINGS among it, is what still holds (RFC 9114 §7.2.4.2). */
function handshakeOf(certificate: ServerCertificate, { resume = true, earlyData = true }: ServeOptions): HandshakeFactory {
  const { chain, privateKey } = certificate;
  const tickets = resume ? { tickets: ticketKeeper({ provider: nodeProvider, random: systemRandom }), earlyData } : {};
  return serverHandshake({ provider: nodeProvider, certificates: chain, privateKey, ...tickets });
}

/** GOAWAY, then patience, then the end. RFC 9114 §5.2. */
async function closeGently(host: Host, timeoutMs: number): Promise<void> {
  const sessions = [...host.sessions.values()];
  for (const session of sessions) {
    session.http.goaway(session.now);
    session.touched();
  }
  const idle = Promise.all(sessions.map((session) => (session.lost === undefined ? session.idle() : undefined)));
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([idle, patience]);
  clearTimeout(timer);
  await host.close();
}

/** One request and the handler's answer. */
class ServerExchange implements ExchangeListener {
  readonly #session: Session;
  readonly #id: number;
  readonly #onError: (error: unknown) => void;
  readonly #abort = new AbortController();
  readonly #turnstile: Turnstile;
  /** Has the handler run. */
  readonly #run: () => void;
  readonly #patience: Patience;
  readonly #incoming: IncomingBody | undefined;
  #outgoing: OutgoingBody | undefined = undefined;
  #requestOver: boolean;
  #responseOver = false;
  /** The client has all of the response, or will not have it. */
  #delivered = false;

  constructor(session: Session, request: RequestEvent, handler: Handler, turnstile: Turnstile, onError: (error: unknown) => void) {
    this.#session = session;
    this.#id = request.id;
    this.#onError = onError;
    this.#requestOver = request.end;
    this.#incoming = request.end
      ? undefined
      : new IncomingBody(
          () => this.#session.readBody(this.#id),
          (how) => this.#bodyOver(how),
          session.bodyTimeoutMs,
        );
    session.listen(this.#id, this);
    this.#patience = new Patience(session.bodyTimeoutMs, () => this.#notTaken());
    this.#turnstile = turnstile;
    // never within a turn: a handler may do anything
    this.#run = () => queueMicrotask(() => void this.#answer(request, handler));
    turnstile.enter(this.#run);
  }

  onEvent(event: HttpEvent): void {
    switch (event.type) {
      case 'body-readable':
        this.#incoming?.readable();
        return;
      case 'body-writable':
        this.#outgoing?.writable();
        return;
      case 'sent':
        this.#delivered = true;
        this.#patience.end();
        this.#end();
        return;
      case 'reset':
      case 'failed':
        this.#requestOver = true;
        this.#giveUp(new DOMException('the client gave the request up', 'AbortError'));
        if (event.type === 'reset') this.#session.http.cancel(this.#session.now, this.#id);
        this.#end();
        return;
      case 'stopped':
        this.#requestOver = true;
        this.#giveUp(new DOMException('the client does not want the response', 'AbortError'));
        this.#session.http.cancel(this.#session.now, this.#id);
        this.#end();
    }
  }

  onLost(error: Error): void {
    this.#giveUp(error);
  }

  #giveUp(reason: unknown): void {
    this.#responseOver = true;
    this.#delivered = true;
    this.#patience.end();
    this.#turnstile.giveUp(this.#run);
    this.#abort.abort(reason);
    this.#incoming?.fail(reason);
    this.#outgoing?.stop(reason);
  }

  async #answer(event: RequestEvent, handler: Handler): Promise<void> {
    let response: Response;
    try {
      const request = this.#request(event);
      if (request === undefined) response = new Response(null, { status: 501 });
      else if (request.headers.get(EARLY_DATA) === '1' && !methodProperties(request.method).safe)
        response = new Response(null, { status: 425 });
      else response = await handler(request);
      if (!(response instanceof Response)) throw new TypeError('the handler gave no Response');
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#onError(error);
      response = new Response(null, { status: 500 });
    }
    this.#turnstile.leave();
    try {
      await this.#respond(response, fieldValue(event.fields, ':method') === 'HEAD');
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#onError(error);
      this.#session.http.cancel(this.#session.now, this.#id, H3.INTERNAL_ERROR);
      this.#session.touched();
      this.#requestOver = true;
      this.#giveUp(error);
      this.#end();
    }
  }

  /** undefined: a method that Request does not take. */
  #request(event: RequestEvent): Request | undefined {
    const { fields } = event;
    const method = fieldValue(fields, ':method')!;
    if (method === 'CONNECT' || method === 'TRACE' || method === 'TRACK') return undefined;
    const authority = fieldValue(fields, ':authority') ?? fieldValue(fields, 'host') ?? '';
    const url = `${fieldValue(fields, ':scheme')}://${authority}${fieldValue(fields, ':path')}`;
    const headers = toHeaders(fields);
    // with the handshake complete, the client is known to be there: no replay gets that far
    if (event.early && !this.#session.connection.handshakeComplete) headers.set(EARLY_DATA, '1');
    const init = { method, headers, signal: this.#abort.signal };
    // Request has no content for GET and HEAD; whoever sent some is told to stop when the response is through
    if (this.#incoming === undefined || method === 'GET' || method === 'HEAD') return new Request(url, init);
    const withBody: RequestInit & { duplex: 'half' } = { ...init, body: this.#incoming.stream, duplex: 'half' };
    return new Request(url, withBody);
  }

  async #respond(response: Response, head: boolean): Promise<void> {
    const { http, now } = this.#session;
    const { body } = response;
    if (this.#responseOver) {
      void body?.cancel().catch(() => {});
      return;
    }
    const fields = toFields([[':status', `${response.status}`]], response.headers);
    if (body === null || head) {
      http.respond(now, this.#id, fields, true);
      void body?.cancel().catch(() => {});
    } else {
      http.respond(now, this.#id, fields, false);
      this.#session.touched();
      this.#outgoing = new OutgoingBody((data) => this.#session.writeBody(this.#id, data), this.#patience);
      if (!(await this.#outgoing.send(body))) return;
      http.finish(this.#session.now, this.#id);
    }
    this.#responseOver = true;
    if (!this.#delivered) this.#patience.wait(); // for 'sent'
    if (!this.#requestOver && !this.#incoming?.stream.locked) {
      // RFC 9114 §4.1: the response is complete, and nobody reads the rest of the request
      http.stopReading(this.#session.now, this.#id, H3.NO_ERROR);
      this.#requestOver = true;
      this.#incoming?.fail(new DOMException('the response is complete', 'AbortError'));
    }
    this.#session.touched();
    this.#end();
  }

  /** The client does not take the response. */
  #notTaken(): void {
    const { http, connection, now, bodyTimeoutMs } = this.#session;
    http.cancel(now, this.#id, H3.REQUEST_CANCELLED);
    connection.reset(this.#id, H3.REQUEST_CANCELLED); // where all of it was laid out, that is no longer http's business
    this.#requestOver = true;
    this.#giveUp(timedOut(`the client took nothing of the response for ${bodyTimeoutMs} ms`));
    this.#session.touched();
    this.#end();
  }

  #bodyOver(how: BodyEnd): void {
    this.#requestOver = true;
    const code = how === 'stalled' ? H3.REQUEST_CANCELLED : H3.NO_ERROR;
    if (how !== 'complete') this.#session.http.stopReading(this.#session.now, this.#id, code);
    this.#session.touched();
    this.#end();
  }

  #end(): void {
    if (this.#requestOver && this.#responseOver && this.#delivered) this.#session.forget(this.#id);
  }
}
