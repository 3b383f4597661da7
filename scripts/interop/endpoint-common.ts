/** What our server and our client have in common as peers. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@quiclab/bytes';
import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import type { HttpOver } from '@quiclab/http-semantics';
import { Http3Connection, type StreamEvent } from '@quiclab/http3';
import { HQ_ALPN, HqConnection } from '@quiclab/http3/hq';
import { type Connection, type EndpointEvent, type EndpointOptions, type Observer, standardPolicies } from '@quiclab/quic';
import type { Address } from '@quiclab/sansio';
import type { HandshakeFactory } from '@quiclab/tls';
import { KeyLogObserver, QlogObserver, TeeObserver } from '@quiclab/trace';
import { monotonicClock, type UdpSocket } from '@quiclab/udp';
import type { HttpOverQuic } from './http-app.ts';

export interface CommonOptions {
  readonly alpn: string;
  readonly keylog?: string;
  readonly qlog?: string;
  readonly window?: string;
  readonly mtuDiscovery?: boolean;
  readonly chacha20?: boolean;
}

export const clock = monotonicClock();

export function policies({ keylog, qlog }: CommonOptions, handshake: HandshakeFactory): EndpointOptions['policies'] {
  const standard = standardPolicies({ random: systemRandom, crypto: nodeProvider, handshake });
  if (keylog === undefined && qlog === undefined) return standard;
  const reference = clock.now();
  const observer: EndpointOptions['policies']['observer'] = ({ side, originalId }) => {
    const observers: Observer[] = [];
    if (keylog !== undefined) observers.push(new KeyLogObserver((line) => appendFileSync(keylog, line)));
    if (qlog !== undefined) {
      const file = join(qlog, `${toHex(originalId)}_${side}.sqlog`);
      observers.push(new QlogObserver({ side, originalId, reference, write: (record) => appendFileSync(file, record) }));
    }
    return new TeeObserver(observers);
  };
  return { ...standard, observer };
}

export function config({ window, mtuDiscovery = false }: CommonOptions): NonNullable<EndpointOptions['config']> {
  return { mtuDiscovery, ...(window !== undefined && { initialMaxData: Number(window), initialMaxStreamData: Number(window) }) };
}

/** For a driver. */
export const slotSize = ({ mtuDiscovery = false }: CommonOptions, socket: UdpSocket): number => (mtuDiscovery ? socket.largestSlot : 1_500);

/** For TLS, on either side. */
export const suites = ({ chacha20 }: CommonOptions) => (chacha20 === true ? { suites: ['TLS_CHACHA20_POLY1305_SHA256'] as const } : {});

export const makeHttp =
  (side: 'client' | 'server', alpn: string) =>
  (connection: Connection): HttpOver<StreamEvent> =>
    alpn === HQ_ALPN ? new HqConnection({ side, transport: connection }) : new Http3Connection({ side, transport: connection });

/** Finds the HTTP connection for each of an endpoint's events. */
export class Dispatch {
  readonly #connections = new Map<Connection, HttpOverQuic>();
  readonly #make: (connection: Connection) => HttpOverQuic;

  constructor(make: (connection: Connection) => HttpOverQuic) {
    this.#make = make;
  }

  handle(event: EndpointEvent): void {
    const { connection } = event;
    if (event.type === 'drained') this.#connections.delete(connection);
    else this.of(connection).onActive(clock.now());
  }

  of(connection: Connection): HttpOverQuic {
    if (!this.#connections.has(connection)) this.#connections.set(connection, this.#make(connection));
    return this.#connections.get(connection)!;
  }
}

/** 127.0.0.1:443 or [::1]:443. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

export function fail(error: Error): never {
  process.stderr.write(`quiclab: ${error.stack ?? error.message}\n`);
  process.exit(1);
}
