import type { Address, Micros } from '@quiclab/sansio';
import type { Back } from './back.ts';
import { LIMITS } from './limits.ts';
import type { GatewayObserver } from './observer.ts';

/** A version of HTTP, as Via names it (RFC 9110 §7.6.3). */
export type HttpVersion = '1.1' | '2' | '3';

/** That of a message: a connection of HTTP/1.1 may carry some of HTTP/1.0. */
export type MessageVersion = HttpVersion | '1.0';

/** How the origin is told who asked: Forwarded (RFC 7239), the X-Forwarded-For, -Proto and -Host that most programs look at, both, or nothing. */
export type ForwardedStyle = 'none' | 'forwarded' | 'x-forwarded' | 'both';

/** What a gateway needs of the world. */
export interface GatewayPorts {
  /**
   * Make a connection to the origin, and say how that went by `back.opened` or `back.failed`. Later that it is over, by `back.lost`,
   * whatever ended it. Calls nothing of `back` before this returns.
   */
  dial(now: Micros, back: Back): void;
  /**
   * A WebSocket that a client asks for over HTTP/2 or HTTP/3 is asked for over HTTP/1.1: a new Sec-WebSocket-Key, and the Sec-WebSocket-Accept
   * that has to answer it (RFC 6455 §4.1, RFC 8441 §5.1). Without this, such requests are answered 501.
   */
  webSocketKey?(): { readonly key: string; readonly accept: string };
  /** Call `onTimeout` at this instant; this replaces what was said before. NEVER: nothing is waited for. */
  alarm(at: Micros): void;
}

export interface GatewayOptions {
  readonly ports: GatewayPorts;
  /** What this gateway is called in Via (RFC 9110 §7.6.3): a token, unlike that of any other gateway, or loops are seen where there is none. */
  readonly name: string;
  readonly origin: {
    readonly scheme: 'http' | 'https';
    /** Host and port, as Host carries them. */
    readonly authority: string;
  };
  /** True: the origin is asked for its own authority, whatever host the client named. Default false: Host is carried on. */
  readonly rewriteHost?: boolean;
  /** Default 'none': what the client says of that kind is carried on. */
  readonly forwarded?: ForwardedStyle;
  /** What the client says in such fields is kept, and ours comes after it. Default false: with a style, it is dropped, since anyone can say anything. */
  readonly trustForwarded?: boolean;
  /** The value of Alt-Svc for clients of HTTP/1.1 and HTTP/2 over TLS (RFC 7838): where HTTP/3 is spoken. */
  readonly altSvc?: string;
  /** What a Date field says (RFC 9110 §5.6.7); without it, a response that has no Date gets none. */
  readonly date?: (now: Micros) => string;
  /** Exchanges that one connection to the origin carries at once, if it takes so many: 1 with HTTP/1.1, as many as the credit of the connection is for otherwise (`windowsFor`). Default in `LIMITS`. */
  readonly exchangesPerConnection?: number;
  /** False: each connection to the origin carries one exchange, then it is closed. Default true. */
  readonly reuse?: boolean;
  readonly observer?: GatewayObserver;

  /** Defaults of all these are in `LIMITS`; times are in µs. */
  readonly maxRequests?: number;
  readonly maxReplay?: number;
  readonly maxConnections?: number;
  readonly waitTimeout?: Micros;
  readonly headTimeout?: Micros;
  readonly bodyTimeout?: Micros;
  readonly tunnelTimeout?: Micros;
  readonly idleTimeout?: Micros;
}

/** The options with their defaults. */
export interface Settings extends Required<Omit<GatewayOptions, 'altSvc' | 'date' | 'observer'>> {
  altSvc: string;
  readonly date: ((now: Micros) => string) | undefined;
  readonly observer: GatewayObserver | undefined;
}

export function settingsOf(options: GatewayOptions): Settings {
  return {
    rewriteHost: false,
    forwarded: 'none',
    trustForwarded: false,
    altSvc: '',
    exchangesPerConnection: LIMITS.sharing.value,
    reuse: true,
    maxRequests: LIMITS.requests.value,
    maxReplay: LIMITS.replay.value,
    maxConnections: LIMITS.connections.value,
    waitTimeout: LIMITS.waitTime.value,
    headTimeout: LIMITS.headTime.value,
    bodyTimeout: LIMITS.bodyTime.value,
    tunnelTimeout: LIMITS.tunnelTime.value,
    idleTimeout: LIMITS.idleTime.value,
    ...options,
    date: options.date,
    observer: options.observer,
  };
}

/** What is known of a client's connection. */
export interface FrontFacts {
  readonly version: HttpVersion;
  /** Whether the hop is secured: what X-Forwarded-Proto says, and whether Alt-Svc is offered. */
  readonly secure: boolean;
  readonly client: Address;
  /** Something may have to be sent: called after whatever led to it. */
  wake(): void;
  /** HTTP/3: 'sent' says that the client has a response, and this takes back one that it does not take. */
  reset?(id: number): void;
}
