import type { Micros } from '@quiclab/sansio';
import type { Logger } from 'pino';
import type { GatewayOptions } from '../options.ts';

/** Versions of HTTP as the command line names them. */
export type Version = 'h1' | 'h2' | 'h3';
export const VERSIONS: readonly Version[] = ['h1', 'h2', 'h3'];

export interface ServerOptions
  extends Partial<
    Pick<
      GatewayOptions,
      | 'rewriteHost'
      | 'forwarded'
      | 'trustForwarded'
      | 'maxRequests'
      | 'maxReplay'
      | 'maxConnections'
      | 'waitTimeout'
      | 'headTimeout'
      | 'bodyTimeout'
      | 'tunnelTimeout'
      | 'idleTimeout'
      | 'observer'
    >
  > {
  /** `http://` or `https://`, host and port; no path. */
  readonly origin: string | URL;
  /** How the origin is asked. Default h1. h2 without TLS begins with HTTP/2 at once (RFC 9113 §3.3); h3 needs https. */
  readonly back?: Version;
  /** What is spoken with clients. h1 and h2 share a TLS port, and h3 has its number over UDP. Default: all three. */
  readonly listen?: readonly Version[];
  /** Default 127.0.0.1; '0.0.0.0' or '::' for all interfaces. */
  readonly host?: string;
  /** For TLS and QUIC. Default 0: one that is free. */
  readonly port?: number;
  /** Present: HTTP/1.1 in clear text is spoken there, too. */
  readonly clearPort?: number;
  /** PEM: the chain, leaf first, and its private key, which may be in the same text. Without them one is made for localhost. */
  readonly cert?: string;
  readonly key?: string;
  /** Clients may speak TLS 1.2. Default false. */
  readonly allowTls12?: boolean;
  /** Of an origin over https: PEM of roots to trust beside the platform's; the name that its certificate has to be for; false: any will do. */
  readonly originCa?: string;
  readonly originName?: string;
  readonly verifyOrigin?: boolean;
  /** What the gateway is called in Via. Default: `quiclab-` and eight digits drawn when it starts. */
  readonly name?: string;
  /** How long a connection to the origin may take to be made, in µs. Default 10 s. */
  readonly connectTimeout?: Micros;
  /** The largest header section on either hop, as HTTP/3 counts. Default 65,536. */
  readonly maxFieldSectionSize?: number;
  /** Octets of content that HTTP/2 and HTTP/3 keep for all requests together; a request's share is its window. Default in `LIMITS`. */
  readonly maxBuffered?: number;
  /** Clients' connections at once, over TCP, and as many over QUIC. Default 10,000. */
  readonly maxClients?: number;
  /** The program has a fault, that is, an error that nobody expected (an observer's among them): the gateway is closed, and this is called when it is. */
  readonly onFault?: (error: Error) => void;
  readonly logger?: Logger;
}

/** An origin's scheme, host and port. Throws a TypeError for anything else. */
export function originOf(given: string | URL): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw noUrl(given);
  }
  if (!/^\w+:\/\//.test(String(given))) throw noUrl(given); // 'localhost:3000' would be of the scheme 'localhost'
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError(`an origin begins with http:// or https://, not ${url.protocol}//`);
  if (url.username !== '' || url.password !== '') throw new TypeError('an origin has no user name and no password');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new TypeError(`an origin has no path: the path is the client's (${url.href})`);
  return url;
}

const noUrl = (given: string | URL): TypeError => new TypeError(`'${given}' is no URL; an origin is something like http://localhost:3000`);

/** Those of the options that are the core's own, where they are given. */
export function gatewayOptions(options: ServerOptions): Partial<GatewayOptions> {
  const { rewriteHost, forwarded, trustForwarded, maxRequests, maxReplay, maxConnections, waitTimeout, headTimeout, bodyTimeout } = options;
  const { tunnelTimeout, idleTimeout, observer } = options;
  const all = {
    rewriteHost,
    forwarded,
    trustForwarded,
    maxRequests,
    maxReplay,
    maxConnections,
    waitTimeout,
    headTimeout,
    bodyTimeout,
    tunnelTimeout,
    idleTimeout,
    observer,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
