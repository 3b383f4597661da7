import { isIP, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions as TlsOptions, connect as tlsConnect } from 'node:tls';
import { describeError, SocketStream } from './stream.ts';

/** TLS at the client. */
export interface ClientTls {
  /** The name that the certificate has to be for, and SNI. Default: `host`, where that is no address. */
  readonly serverName?: string;
  /** Protocols to offer, the one liked best first (RFC 7301). */
  readonly alpn?: readonly string[];
  /** Roots to trust in place of the platform's: PEM. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** False: any certificate will do. For experiments. Default true. */
  readonly verify?: boolean;
  /** TLS 1.2 will do. Default false: 1.3 only. */
  readonly allowTls12?: boolean;
  /** What an earlier connection left, and who keeps what this one leaves. They hold secret keys. */
  readonly session?: Uint8Array;
  readonly onSession?: (session: Uint8Array) => void;
}

export interface ConnectOptions {
  /** A name or a literal address. Of a name's addresses several are tried, a little apart (RFC 8305, as Node does it). */
  readonly host: string;
  readonly port: number;
  readonly tls?: ClientTls;
  /** For name, TCP and TLS together, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Gives it up. */
  readonly signal?: AbortSignal;
}

/** What went wrong: finding the address, reaching it, its certificate or handshake; it took too long; or whoever asked gave up. */
export type ConnectFailure = 'lookup' | 'connect' | 'tls' | 'timeout' | 'aborted';

export class ConnectError extends Error {
  readonly kind: ConnectFailure;
  /** The system's or TLS's name for it ('ECONNREFUSED', 'CERT_HAS_EXPIRED'); '' where there is none. */
  readonly code: string;
  constructor(kind: ConnectFailure, code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ConnectError';
    this.kind = kind;
    this.code = code;
  }
}

const TIMEOUT_MS = 10_000;
/** `tls.connect` takes it as `net.connect` does; Node's types do not know. */
const HALF_OPEN: object = { allowHalfOpen: true };

/** A connection, once TCP, and TLS where it is asked for, are through. Rejects with a ConnectError. */
export function connect(options: ConnectOptions): Promise<SocketStream> {
  const { host, port, tls, signal, timeoutMs = TIMEOUT_MS } = options;
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(new ConnectError('aborted', '', `connecting to ${where} was given up`));
      return;
    }
    let stage: ConnectFailure = 'lookup';
    // Node tries the addresses one after the other, by default each for 250 ms: less than one round trip of a far server
    const raw = tcpConnect({ host, port, allowHalfOpen: true, noDelay: true, autoSelectFamilyAttemptTimeout: 1_000 });
    const socket = tls === undefined ? raw : tlsConnect({ ...tlsOptions(host, tls), socket: raw, ...HALF_OPEN });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      for (const one of [raw, socket]) one.removeListener('error', onError).removeListener('close', onClose);
    };
    const fail = (error: ConnectError): void => {
      settle();
      for (const one of [socket, raw]) one.on('error', () => {}).destroy();
      reject(error);
    };
    const onError = (error: Error): void => {
      const { code = '' } = error as NodeJS.ErrnoException;
      fail(new ConnectError(stage, code, `${where}: ${what(stage)}: ${reasonOf(error)}`, error));
    };
    const onClose = (): void => fail(new ConnectError(stage, '', `${where}: ${what(stage)}: the connection was closed`));
    const onAbort = (): void => fail(new ConnectError('aborted', '', `connecting to ${where} was given up`));
    const onTimeout = (): void =>
      fail(new ConnectError('timeout', 'ETIMEDOUT', `${where}: ${what(stage)}: it took longer than ${timeoutMs} ms`));
    const timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (isIP(host) !== 0) stage = 'connect';
    raw.on('lookup', (error: Error | null) => {
      if (error === null) stage = 'connect';
    });
    raw.once('connect', () => {
      stage = 'tls';
      raw.setKeepAlive(true, 60_000);
    });
    if (tls?.onSession !== undefined) socket.on('session', tls.onSession);
    for (const one of new Set([raw, socket])) one.on('error', onError).on('close', onClose);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      settle();
      resolve(new SocketStream(socket, raw));
    });
  });
}

const what = (stage: ConnectFailure): string =>
  stage === 'lookup' ? 'the name has no address' : stage === 'tls' ? 'the TLS handshake failed' : 'no connection';

/** Where several addresses were tried, the error is a list. */
function reasonOf(error: Error): string {
  const { errors } = error as AggregateError;
  return errors === undefined ? describeError(error) : errors.map(describeError).join('; ');
}

function tlsOptions(host: string, tls: ClientTls): TlsOptions {
  const serverName = tls.serverName ?? (isIP(host) === 0 ? host : '');
  return {
    ...(serverName === '' || isIP(serverName) !== 0 ? {} : { servername: serverName }),
    host: serverName === '' ? host : serverName, // what the certificate is checked for
    ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
    ...(tls.ca === undefined ? {} : { ca: [tls.ca].flat().map(nodePem) }),
    ...(tls.session === undefined ? {} : { session: Buffer.from(tls.session) }),
    rejectUnauthorized: tls.verify ?? true,
    minVersion: tls.allowTls12 === true ? 'TLSv1.2' : 'TLSv1.3',
  };
}

const nodePem = (pem: string | Uint8Array): string | Buffer => (typeof pem === 'string' ? pem : Buffer.from(pem));
