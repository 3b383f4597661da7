import { methodProperties } from '@quiclab/http-semantics';
import type { CertificateInput } from './certificate.ts';
import { ClientExchange, RequestRejected } from './exchange.ts';
import type { TransportOptions } from './host.ts';
import { LIMITS } from './limits.ts';
import { Pool } from './pool.ts';
import { followRedirect, isRedirect, knownLength, mayBeSentAgain } from './redirect.ts';
import type { Session } from './session.ts';

export interface ClientOptions extends TransportOptions {
  /** Roots to trust beside the platform's. */
  readonly ca?: CertificateInput | readonly CertificateInput[];
  /** False: any certificate will do. For experiments. Default true. */
  readonly verify?: boolean;
}

export interface Client extends AsyncDisposable {
  /** As the platform's `fetch`, for https URLs, over HTTP/3. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Ends all connections; requests under way fail. */
  close(): Promise<void>;
}

/** A client with connections of its own, one for each origin, which are kept for the next request. It keeps no process running that has no request under way. */
export function createClient(options: ClientOptions = {}): Client {
  const pool = new Pool(options);
  const close = (): Promise<void> => pool.close();
  return { fetch: (input, init) => fetchWith(pool, input, init), close, [Symbol.asyncDispose]: close };
}

let defaultClient: Client | undefined;

/** The platform's `fetch`, for https URLs, over HTTP/3; with a client of its own that ends with the process. */
export function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  defaultClient ??= createClient();
  return defaultClient.fetch(input, init);
}

/** `Client.fetch` over given connections. */
export async function fetchWith(pool: Pool, input: string | URL | Request, init: RequestInit | undefined): Promise<Response> {
  let request = new Request(input, init);
  request.signal.throwIfAborted();
  const source = init?.body ?? undefined;
  const repeatable = request.body === null || (source !== undefined && mayBeSentAgain(source));
  let length = source === undefined ? -1 : knownLength(source);
  for (let redirects = 0; ; redirects++) {
    const response = await send(pool, request, length);
    if (!isRedirect(response) || request.redirect === 'manual') return response;
    void response.body?.cancel().catch(() => {});
    if (request.redirect === 'error' || redirects === LIMITS.redirects.value) {
      const why = request.redirect === 'error' ? 'it is a redirect' : 'too many redirects';
      throw new TypeError('fetch failed', { cause: new Error(why) });
    }
    const next = followRedirect(request, response, repeatable ? source : undefined, repeatable);
    if (next.body === null) length = -1;
    request = next;
  }
}

const TOO_EARLY = 425;

/** One request and its response; again on another connection where that is safe, and once the handshake is complete where that was asked for. */
async function send(pool: Pool, request: Request, length: number): Promise<Response> {
  const url = new URL(request.url);
  if (url.protocol !== 'https:') throw new TypeError('fetch failed', { cause: new Error(`${url.protocol} is not spoken here, https: is`) });
  const { safe, idempotent } = methodProperties(request.method);
  let mayBeEarly = safe && request.body === null; // RFC 8470 §4
  for (let attempt = 1; ; ) {
    let session: Session | undefined;
    let reused = false;
    let early = false;
    let release = pool.hold();
    try {
      session = await untilAborted(pool.session(url, mayBeEarly), request.signal);
      reused = session.used;
      early = session.sendsEarly;
      session.used = true;
      const exchange = new ClientExchange(session, release);
      release = () => {}; // now the exchange's
      const response = await exchange.run(request, url, length);
      if (response.status !== TOO_EARLY || !exchange.early) return response;
      void response.body?.cancel().catch(() => {});
      mayBeEarly = false; // RFC 8470 §5.2
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason;
      const untouched = error instanceof RequestRejected;
      const gone = session?.lost !== undefined && session.lost.cause.kind !== 'handshake-timeout' && (reused || early) && idempotent;
      if (attempt++ < LIMITS.attempts.value && request.body === null && (untouched || gone)) continue; // RFC 9114 §4.1.1, RFC 9110 §9.2.2
      if (error instanceof TypeError && error.message === 'fetch failed') throw error;
      throw new TypeError('fetch failed', { cause: error });
    } finally {
      release();
    }
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
