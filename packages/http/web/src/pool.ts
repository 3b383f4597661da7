import { nodeProvider } from '@quiclab/crypto/node';
import { clientHandshake } from '@quiclab/tls';
import { type CertificateInput, certificates } from './certificate.ts';
import type { ClientOptions } from './client.ts';
import { connectToName } from './connect.ts';
import { Host } from './host.ts';
import type { Session } from './session.ts';

/** A handshake that takes longer has failed, µs. */
const HANDSHAKE_TIMEOUT = 10_000_000;

/** Sockets, one for each address family, and connections, one for each origin. */
export class Pool {
  readonly #options: ClientOptions;
  readonly #hosts = new Map<number, Promise<Host>>();
  readonly #open = new Set<Host>();
  readonly #sessions = new Map<string, Promise<Session>>();
  #held = 0;
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** The process is kept running until the returned function is called: a connection that nobody uses keeps no process alive. */
  hold(): () => void {
    if (this.#held++ === 0) this.#eachHost((host) => host.driver.ref());
    return () => {
      if (--this.#held === 0) this.#eachHost((host) => host.driver.unref());
    };
  }

  async session(url: URL): Promise<Session> {
    if (this.#closed) throw new Error('the client is closed');
    const known = this.#sessions.get(url.origin);
    if (known !== undefined) {
      const session = await known.catch(() => undefined);
      if (session?.lost === undefined && session?.http.acceptsRequests === true) return session;
      if (this.#sessions.get(url.origin) === known) this.#sessions.delete(url.origin);
      return this.session(url);
    }
    const connecting = this.#connect(url);
    this.#sessions.set(url.origin, connecting);
    connecting.catch(() => {
      if (this.#sessions.get(url.origin) === connecting) this.#sessions.delete(url.origin);
    });
    return connecting;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sessions.clear();
    const hosts = [...this.#hosts.values()];
    this.#hosts.clear();
    for (const host of hosts) await host.then((open) => open.close()).catch(() => {});
    this.#open.clear();
  }

  #connect(url: URL): Promise<Session> {
    const name = url.hostname.replace(/^\[|\]$/g, '');
    return connectToName(name, Number(url.port || 443), (family) => this.#host(family));
  }

  #host(family: number): Promise<Host> {
    let host = this.#hosts.get(family);
    if (host === undefined) {
      host = this.#openHost(family);
      this.#hosts.set(family, host);
      host.catch(() => this.#hosts.delete(family));
    }
    return host;
  }

  #eachHost(action: (host: Host) => void): void {
    for (const host of this.#open) action(host);
  }

  async #openHost(family: number): Promise<Host> {
    const { ca = [], verify = true, transport, policies } = this.#options;
    const roots = (Array.isArray(ca) ? ca : [ca]).flatMap((one: CertificateInput) => certificates(one));
    const host = await Host.open({
      bind: { host: family === 6 ? '::' : '0.0.0.0', port: 0 },
      handshake: clientHandshake({ provider: nodeProvider, trust: { ca: roots, verify } }),
      transport: { handshakeTimeout: HANDSHAKE_TIMEOUT, ...transport },
      ...(policies === undefined ? {} : { policies }),
      onFault: () => void this.close(),
    });
    this.#open.add(host);
    if (this.#held === 0) host.driver.unref();
    return host;
  }
}
