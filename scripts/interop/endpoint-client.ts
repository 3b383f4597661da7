import { readFileSync } from 'node:fs';
import { nodeProvider, readPem } from '@quiclab/crypto/node';
import { H3 } from '@quiclab/http3';
import { HQ_ALPN, HQ_NO_ERROR } from '@quiclab/http3/hq';
import { type Connection, Endpoint } from '@quiclab/quic';
import { clientHandshake } from '@quiclab/tls';
import { type Driver, drive, UdpSocket } from '@quiclab/udp';
import { Downloader } from './downloader.ts';
import {
  type CommonOptions,
  clock,
  config,
  Dispatch,
  fail,
  makeHttp,
  parseAddress,
  policies,
  slotSize,
  suites,
} from './endpoint-common.ts';
import { type HttpApp, HttpOverQuic } from './http-app.ts';

export interface ClientOptions extends CommonOptions {
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly connect: string;
  readonly serverName: string;
  readonly out: string;
  readonly timeout: string;
  readonly separately?: boolean;
  readonly resume?: boolean;
  readonly early?: boolean;
  readonly keyUpdate?: boolean;
  readonly version?: string;
}

export async function download(paths: readonly string[], options: ClientOptions): Promise<void> {
  const client = await Client.open(options);
  const tooLong = setTimeout(() => client.end(`not complete after ${options.timeout} s`), Number(options.timeout) * 1000);
  try {
    if (options.separately === true) for (const path of paths) await client.fetch([path], {});
    else if (options.resume === true || options.early === true) {
      const { session, token } = await client.fetch(paths.slice(0, 1), { awaitSession: true });
      await client.fetch(paths.slice(1), { session: session!, ...(token === undefined ? {} : { token }), early: options.early === true });
    } else await client.fetch(paths, {});
    client.end(undefined);
  } catch (error) {
    client.end((error as Error).message);
  } finally {
    clearTimeout(tooLong);
  }
}

/** Three probe timeouts of a slow path are longer than anybody wants to wait for the next case. */
const LONGEST_FAREWELL_MS = 500;

interface Before {
  readonly session?: Uint8Array;
  readonly token?: Uint8Array;
  readonly early?: boolean;
  /** Whether it is over only when the server has given a session. */
  readonly awaitSession?: boolean;
}

/** What a connection leaves for the next one. */
interface Left {
  session: Uint8Array | undefined;
  token: Uint8Array | undefined;
}

/** Where to bind: on loopback the address itself, so that what the peer sees as it changes is our doing. */
const localFor = (host: string): string => {
  if (host.includes(':')) return host === '::1' ? host : '::';
  return host.startsWith('127.') ? '127.0.0.1' : '0.0.0.0';
};

class Client {
  readonly #options: ClientOptions;
  readonly #endpoint: Endpoint;
  readonly #dispatch: Dispatch;
  readonly #apps = new Map<Connection, HttpApp>();
  #driver: Driver | undefined = undefined;
  #ended = false;

  static async open(options: ClientOptions): Promise<Client> {
    const socket = await UdpSocket.bind({ host: localFor(parseAddress(options.connect).host), port: 0 });
    const client = new Client(options, socket);
    client.#driver = drive(client.#endpoint, socket, {
      clock,
      slotSize: slotSize(options, socket),
      handle: (event) => {
        client.#dispatch.handle(event);
        if (event.type === 'drained') client.#closeWhenDrained();
      },
      onError: fail,
    });
    return client;
  }

  private constructor(options: ClientOptions, socket: UdpSocket) {
    const trust = options.insecure === true ? { verify: false } : { ca: readPem(readFileSync(options.ca!, 'utf8')).certificates };
    this.#options = options;
    this.#endpoint = new Endpoint({
      policies: policies(options, clientHandshake({ provider: nodeProvider, trust, ...suites(options) })),
      config: config(options),
      maxProbeSize: (local, remote) => socket.largestDatagram(local, remote),
    });
    const http = makeHttp('client', options.alpn);
    this.#dispatch = new Dispatch((connection) => new HttpOverQuic(connection, http, this.#apps.get(connection)!));
  }

  /** One connection from beginning to end. Rejects with why the files are not there. */
  fetch(paths: readonly string[], { session, token, early, awaitSession = false }: Before): Promise<Left> {
    const { serverName, alpn, version, keyUpdate, out, connect } = this.#options;
    const startedAt = clock.now();
    const left: Left = { session: undefined, token: undefined };
    return new Promise((resolve, reject) => {
      let complete = false;
      const end = (): void => {
        if (!complete || (awaitSession && left.session === undefined)) return;
        connection.close(clock.now(), alpn === HQ_ALPN ? HQ_NO_ERROR : H3.NO_ERROR, '');
        this.#driver!.wake();
        resolve(left);
      };
      const downloader = new Downloader(serverName, paths, out, (failure) => {
        if (failure !== undefined) reject(new Error(failure));
        complete = true;
        end();
      });
      const app: HttpApp = {
        onReady: (now, http) => downloader.onReady(now, http),
        onEvent: (now, http, event) => downloader.onEvent(now, http, event),
        onClosed: (now, cause) => downloader.onClosed(now, cause),
        onConnectionEvent: (now, event) => {
          if (event.type === 'handshake-complete') {
            process.stdout.write(`handshake ${((now - startedAt) / 1e6).toFixed(6)}\n`);
            if (keyUpdate === true) connection.updateKeys();
          } else if (event.type === 'session') {
            left.session = event.data;
            end();
          } else if (event.type === 'token') left.token = event.data;
        },
      };
      const connection = this.#endpoint.connect(startedAt, {
        remote: parseAddress(connect),
        serverName,
        alpn: [alpn],
        ...(version === undefined ? {} : { version: Number(version) }),
        ...(session === undefined ? {} : { session, earlyData: early === true }),
        ...(token === undefined ? {} : { token }),
      });
      this.#apps.set(connection, app);
      if (connection.sendsEarly) this.#dispatch.of(connection).begin(startedAt);
      this.#driver!.wake();
    });
  }

  end(failure: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    if (failure !== undefined) {
      process.stderr.write(`quiclab: ${failure}\n`);
      process.exitCode = 1;
    }
    this.#endpoint.close(clock.now(), this.#options.alpn === HQ_ALPN ? HQ_NO_ERROR : H3.NO_ERROR, '');
    this.#driver!.wake();
    this.#closeWhenDrained();
    setTimeout(() => this.#driver!.close(), LONGEST_FAREWELL_MS).unref();
  }

  #closeWhenDrained(): void {
    if (this.#ended && this.#endpoint.connections.size === 0) void this.#driver!.close();
  }
}
