import { lookup } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { nodeProvider, readPem } from '@quiclab/crypto/node';
import { H1_ALPN, Http1Client } from '@quiclab/http1';
import { H2_ALPN, Http2Connection } from '@quiclab/http2';
import { ConnectError, type ConnectFailure, connect } from '@quiclab/net';
import { type CloseCause, describeClose } from '@quiclab/quic';
import { MILLISECOND, type Micros } from '@quiclab/sansio';
import { clientHandshake } from '@quiclab/tls';
import type { MonotonicClock } from '@quiclab/udp';
import type { Back, DialFailure } from '../back.ts';
import type { Windows } from '../windows.ts';
import { QuicHost } from './quic-host.ts';
import { StreamHop, type StreamHttp } from './stream-hop.ts';
import { http2Windows, quicWindows } from './windows.ts';

export interface DialOptions {
  readonly clock: MonotonicClock;
  readonly host: string;
  readonly port: number;
  readonly version: 'h1' | 'h2' | 'h3';
  readonly secure: boolean;
  /** The name that the origin's certificate has to be for, and SNI. Default: `host`. */
  readonly serverName?: string;
  /** PEM: roots to trust beside the platform's. */
  readonly ca?: string;
  /** False: any certificate will do. */
  readonly verify: boolean;
  readonly connectTimeout: Micros;
  readonly stallTimeout: Micros;
  readonly maxFieldSectionSize: number;
  readonly windows: Windows;
  readonly onFault: (error: Error) => void;
  /** What a failure is about, with addresses, for the log. */
  readonly onFailure: (failure: DialFailure, detail: string) => void;
}

/** Connections to the origin over TCP, TLS or QUIC. */
export class OriginDialer {
  readonly #options: DialOptions;
  readonly #giveUp = new AbortController();
  /** A socket for each address family. */
  readonly #quic = new Map<number, Promise<QuicHost>>();
  #session: Uint8Array | undefined = undefined;

  constructor(options: DialOptions) {
    this.#options = options;
    setMaxListeners(0, this.#giveUp.signal); // one for each connection that is being made
  }

  dial(back: Back): void {
    const dialed = this.#options.version === 'h3' ? this.#overQuic(back) : this.#overTcp(back);
    dialed
      .catch((error: unknown) => {
        if (back.isOpen) throw error; // it is there: this is of what followed
        const failure = failureOf(error);
        this.#options.onFailure(failure, describe(error));
        back.failed(this.#options.clock.now(), failure);
      })
      .catch((error: unknown) => this.#options.onFault(error as Error));
  }

  /** No further connections; those that are being made are given up. */
  async close(): Promise<void> {
    this.#giveUp.abort();
    for (const opening of this.#quic.values()) await opening.then((host) => host.close()).catch(() => {});
  }

  async #overTcp(back: Back): Promise<void> {
    const { clock, host, port, version, secure, serverName, ca, verify, connectTimeout, stallTimeout, onFault } = this.#options;
    const alpn = version === 'h2' ? H2_ALPN : H1_ALPN;
    const session = this.#session;
    const stream = await connect({
      host,
      port,
      timeoutMs: connectTimeout / MILLISECOND,
      signal: this.#giveUp.signal,
      ...(secure
        ? {
            tls: {
              alpn: [alpn],
              verify,
              allowTls12: true,
              ...(serverName === undefined ? {} : { serverName }),
              ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
              ...(session === undefined ? {} : { session }),
              onSession: (given) => {
                this.#session = given;
              },
            },
          }
        : {}),
    });
    if (version === 'h2' && secure && stream.tls?.alpn !== H2_ALPN) {
      stream.abort(clock.now(), 'no HTTP/2');
      throw new NotSpoken('HTTP/2');
    }
    const { maxFieldSectionSize, windows } = this.#options;
    const http: StreamHttp =
      version === 'h2'
        ? new Http2Connection({ side: 'client', transport: stream, maxFieldSectionSize, ...http2Windows(windows) })
        : new Http1Client({ transport: stream, maxFieldSectionSize });
    new StreamHop(http, stream, { clock, stallTimeout, onFault }, (self) => {
      back.opened(clock.now(), {
        http,
        version: version === 'h2' ? '2' : '1.1',
        received: () => stream.bytesRead,
        wake: () => self.wake(),
      });
      return back;
    });
  }

  async #overQuic(back: Back): Promise<void> {
    const { clock, host, port } = this.#options;
    const addresses = await addressesOf(host);
    let failure: unknown;
    for (const address of addresses) {
      if (this.#giveUp.signal.aborted) throw new ConnectError('aborted', '', 'given up');
      try {
        const quic = await this.#quicHost(isIP(address));
        const made = quic.connect({ host: address, port }, this.#options.serverName ?? host);
        await made.established;
        if (made.over !== undefined) throw made.over;
        made.hop = back;
        back.opened(clock.now(), { http: made.http, version: '3', wake: () => made.wake() });
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  #quicHost(family: number): Promise<QuicHost> {
    const known = this.#quic.get(family);
    if (known !== undefined) return known;
    const { clock, ca, verify, connectTimeout, maxFieldSectionSize, windows, onFault } = this.#options;
    const opening = QuicHost.open({
      host: family === 6 ? '::' : '0.0.0.0',
      port: 0,
      clock,
      handshake: clientHandshake({ provider: nodeProvider, trust: { verify, ca: ca === undefined ? [] : readPem(ca).certificates } }),
      transport: { handshakeTimeout: connectTimeout, ...quicWindows(windows) },
      http: { maxFieldSectionSize },
      onFault,
    });
    this.#quic.set(family, opening);
    opening.catch(() => this.#quic.delete(family));
    return opening;
  }
}

/** The origin was reached, and speaks something else. */
class NotSpoken extends Error {
  constructor(what: string) {
    super(`the origin does not speak ${what}`);
  }
}

/** What is called in vain, as clients of the gateway may know it: no addresses. The error types are those of RFC 9209 §2.3. */
function failureOf(error: unknown): DialFailure {
  if (error instanceof NotSpoken) return { error: 'http_protocol_error', what: error.message };
  if (isCloseCause(error)) return quicFailure(error);
  const { code = '' } = error as NodeJS.ErrnoException;
  const suffix = code === '' ? '' : ` (${code})`;
  const kind: ConnectFailure = error instanceof ConnectError ? error.kind : 'lookup';
  switch (kind) {
    case 'lookup':
      return { error: 'dns_error', what: `the origin's name has no address${suffix}` };
    case 'connect':
      if (code === 'ECONNREFUSED') return { error: 'connection_refused', what: `the origin refused the connection${suffix}` };
      return { error: 'destination_unavailable', what: `the origin cannot be reached${suffix}` };
    case 'tls':
      return /CERT|ALTNAME|SIGNED|SIGNATURE|ISSUER/.test(code)
        ? { error: 'tls_certificate_error', what: `the origin's certificate is not trusted${suffix}` }
        : { error: 'tls_protocol_error', what: `the TLS handshake with the origin failed${suffix}` };
    case 'timeout':
      return { error: 'connection_timeout', what: 'connecting to the origin took too long' };
    case 'aborted':
      return { error: 'connection_terminated', what: 'the gateway is closing' };
  }
}

function quicFailure(cause: CloseCause): DialFailure {
  if (cause.kind === 'handshake-timeout' || cause.kind === 'idle-timeout')
    return { error: 'connection_timeout', what: 'connecting to the origin took too long' };
  const alert = 'code' in cause && cause.kind.endsWith('transport') ? cause.code - 0x100 : -1; // RFC 9001 §4.8
  if (alert >= 42 && alert <= 49) return { error: 'tls_certificate_error', what: "the origin's certificate is not trusted" };
  if (alert === 120) return { error: 'http_protocol_error', what: 'the origin does not speak HTTP/3' };
  if (alert >= 0 && alert < 0x100)
    return { error: 'tls_protocol_error', what: `the TLS handshake with the origin failed (alert ${alert})` };
  return { error: 'connection_terminated', what: 'the origin ended the connection while it was made' };
}

const isCloseCause = (error: unknown): error is CloseCause =>
  typeof error === 'object' && error !== null && 'kind' in error && !(error instanceof Error);
const describe = (error: unknown): string =>
  error instanceof Error ? error.message : isCloseCause(error) ? describeClose(error) : String(error);

async function addressesOf(host: string): Promise<string[]> {
  return isIP(host) === 0 ? (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address) : [host];
}
