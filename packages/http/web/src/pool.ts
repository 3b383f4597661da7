import { nodeProvider } from '@quiclab/crypto/node';
import { clientHandshake } from '@quiclab/tls';
import { type CertificateInput, certificates } from './certificate.ts';
import type { ClientOptions } from './client.ts';
import { type Attempt, connectToName } from './connect.ts';
import { Host } from './host.ts';
import { Resumption } from './resumption.ts';
import type { Session } from './session.ts';

/** A handshake that takes longer has failed, µs. */
const HANDSHAKE_TIMEOUT = 10_000_000;

/** Sockets, one for each address family, and connections, one for each origin. */
export class Pool {
  readonly #options: ClientOptions;
  readonly #hosts = new Map<number, Promise<Host>>();
  readonly #open = new Set<Host>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #resumption = new Resumption();
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

  /** @param early  the request may leave before the handshake is complete, and be a replay then */
  async session(url: URL, early: boolean): Promise<Session> {
    if (this.#closed) throw new Error('the client is closed');
    const { origin } = url;
    const known = this.#attempts.get(origin);
    if (known !== undefined) {
      for (const connecting of early ? [known.first, known.established] : [known.established]) {
        const session = await connecting.catch(() => undefined);
        if (session?.lost === undefined && session?.http.acceptsRequests === true) return session;
      }
      this.#forget(origin, known);
      return this.session(url, early);
    }
    const attempt = this.#connect(url);
    this.#attempts.set(origin, attempt);
    attempt.first.catch(() => {}); // whoever waits is told by the other, too
    attempt.established
      .then((session) => {
        this.#resumption.onAddress(origin, session.connection.remote.host);
        return session.over;
      })
      .catch(() => {}) // whoever waits is told
      .finally(() => this.#forget(origin, attempt)); // or every origin ever asked would stay
    return early ? attempt.first : attempt.established;
  }

  /** Origins to which there is a connection, or one is being made. */
  get connected(): number {
    return this.#attempts.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#attempts.clear();
    const hosts = [...this.#hosts.values()];
    this.#hosts.clear();
    for (const host of hosts) await host.then((open) => open.close()).catch(() => {});
    this.#open.clear();
  }

  #forget(origin: string, attempt: Attempt): void {
    if (this.#attempts.get(origin) === attempt) this.#attempts.delete(origin);
  }

  #connect({ origin, hostname, port }: URL): Attempt {
    const { resume = true } = this.#options;
    const name = hostname.replace(/^\[|\]$/g, '');
    const hooks = {
      onSession: (data: Uint8Array) => this.#resumption.onSession(origin, data),
      onToken: (data: Uint8Array) => this.#resumption.onToken(origin, data),
    };
    const remembered = resume ? this.#resumption.take(origin) : {};
    return connectToName(name, Number(port || 443), (family) => this.#host(family), remembered, resume ? hooks : {});
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
    const { ca = [], verify = true, transport, policies, earlyData, keepAlive, headersTimeoutMs, bodyTimeoutMs } = this.#options;
    const roots = (Array.isArray(ca) ? ca : [ca]).flatMap((one: CertificateInput) => certificates(one));
    const host = await Host.open({
      bind: { host: family === 6 ? '::' : '0.0.0.0', port: 0 },
      handshake: clientHandshake({ provider: nodeProvider, trust: { ca: roots, verify } }),
      transport: { handshakeTimeout: HANDSHAKE_TIMEOUT, ...transport },
      ...(policies === undefined ? {} : { policies }),
      ...(earlyData === undefined ? {} : { earlyData }),
      ...(keepAlive === undefined ? {} : { keepAlive }),
      ...(headersTimeoutMs === undefined ? {} : { headersTimeoutMs }),
      ...(bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs }),
      onFault: () => void this.close(),
    });
    this.#open.add(host);
    if (this.#held === 0) host.driver.unref();
    return host;
  }
}
