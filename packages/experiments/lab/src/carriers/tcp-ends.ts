import type { CryptoProvider, Trust } from '@quiclab/crypto';
import { Http1Client, Http1Server } from '@quiclab/http1';
import { type Address, type ByteStream, type Micros, NEVER, type Random } from '@quiclab/sansio';
import { type Policies, standardTcpPolicies, type TcpConfig, type TcpConnection, TcpEndpoint, type TcpEvent } from '@quiclab/tcp';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { TlsStream, type TlsStreamOptions } from '@quiclab/tls/record';
import { ALPN, type Model, type Protocol } from '../models/model.ts';
import { FrameLog } from '../observe/frame-log.ts';
import { type RunNotes, tcpKey } from '../observe/run-notes.ts';
import type { Timers } from '../timers.ts';
import { type Dial, pumped, type Serve, type ServerIdentity } from './carrier.ts';
import { type TimedHttp, TlsCarrier } from './tls.ts';

/** What the world gives to either end, and what an experiment replaces there. */
export interface TcpEndSetup {
  readonly random: Random;
  /** Of TLS. */
  readonly crypto: CryptoProvider;
  readonly timers: Timers;
  readonly policies?: Partial<Policies>;
  readonly config?: Partial<TcpConfig>;
  /** How large records are. */
  readonly records?: Pick<TlsStreamOptions, 'maxRecord' | 'maxPlaintext'>;
}

type TcpProtocol = Extract<Protocol, 'http/1.1' | 'h2'>;
const tcpProtocol = ({ protocol, name }: Model): TcpProtocol => {
  if (protocol === 'http/1.1') return protocol;
  throw new Error(`${name} does not run over TCP`);
};

/** A server's TCP with TLS and what it serves, and what was noted. */
export class TcpServer {
  readonly endpoint: TcpEndpoint;
  readonly #notes: RunNotes;
  readonly #setup: TcpEndSetup;
  readonly #model: Model;
  readonly #serve: Serve;
  readonly #handshake: ReturnType<typeof serverHandshake>;
  readonly #random: Random;
  readonly #carriers = new Map<TcpConnection, TlsCarrier>();

  constructor(setup: TcpEndSetup, model: Model, identity: ServerIdentity, notes: RunNotes, address: Address, serve: Serve) {
    const { random, crypto, policies, config } = setup;
    this.#notes = notes;
    this.#setup = setup;
    this.#model = model;
    this.#serve = serve;
    this.#handshake = serverHandshake({ provider: crypto, ...identity });
    this.#random = random.fork('tls');
    this.endpoint = new TcpEndpoint({
      host: address.host,
      policies: { ...standardTcpPolicies({ random }), ...policies },
      ...(config && { config }),
    });
    this.endpoint.listen(address.port);
  }

  handle(now: Micros, { type, connection }: TcpEvent): void {
    if (type === 'accepted') this.#accept(now, connection);
    else if (type === 'active') this.#carriers.get(connection)?.pump(now);
    else if (type === 'drained') this.#carriers.delete(connection);
  }

  #accept(now: Micros, below: TcpConnection): void {
    const { crypto, timers, records } = this.#setup;
    const number = this.#notes.numberOf(tcpKey(below.remote));
    const handler = this.#serve(
      pumped(timers, () => this.#carriers.get(below)),
      number,
    );
    const observer = new FrameLog(this.#notes.log, number, 'server', this.#notes.clock);
    const random = this.#random.fork(`${below.remote.port}`);
    const protocol = tcpProtocol(this.#model);
    const tls = new TlsStream({
      below,
      handshake: this.#handshake,
      provider: crypto,
      side: 'server',
      serverName: '',
      alpn: [ALPN[protocol]],
      random,
      ...records,
    });
    const carrier = new TlsCarrier({
      below,
      tls,
      makeHttp: (transport) => httpServer(this.#model, { transport, observer }),
      handler,
      timers,
    });
    this.#carriers.set(below, carrier);
    carrier.pump(now);
  }
}

/** A client's TCP, and the connections that were opened from it. */
export class TcpClient {
  readonly endpoint: TcpEndpoint;
  readonly #notes: RunNotes;
  readonly #setup: TcpEndSetup;
  readonly #model: Model;
  readonly #remote: Address;
  readonly #handshake: ReturnType<typeof clientHandshake>;
  readonly #random: Random;
  readonly #carriers = new Map<TcpConnection, TlsCarrier>();

  /** @param remote  where all hosts are */
  constructor(setup: TcpEndSetup, model: Model, trust: Trust, notes: RunNotes, host: string, remote: Address) {
    const { random, crypto, policies, config } = setup;
    this.#notes = notes;
    this.#setup = setup;
    this.#model = model;
    this.#remote = remote;
    this.#handshake = clientHandshake({ provider: crypto, trust });
    this.#random = random.fork('tls');
    this.endpoint = new TcpEndpoint({
      host,
      policies: { ...standardTcpPolicies({ random }), ...policies },
      ...(config && { config }),
    });
  }

  readonly dial: Dial = (now, host, handler, cautious) => {
    const { crypto, timers, records } = this.#setup;
    const below = this.endpoint.connect(now, { remote: this.#remote });
    const number = this.#notes.numberOf(tcpKey(below.local));
    const observer = new FrameLog(this.#notes.log, number, 'client', this.#notes.clock);
    const tls = new TlsStream({
      below,
      handshake: this.#handshake,
      provider: crypto,
      side: 'client',
      serverName: host,
      alpn: [ALPN[tcpProtocol(this.#model)]],
      random: this.#random.fork(`${number}`),
      ...records,
    });
    const carrier = new TlsCarrier({
      below,
      tls,
      makeHttp: (transport) => httpClient(this.#model, { transport, observer }, cautious),
      handler,
      timers,
    });
    this.#carriers.set(below, carrier);
    tls.start(now); // what it says leaves with the last segment of TCP's handshake
    return carrier;
  };

  handle(now: Micros, { type, connection }: TcpEvent): void {
    if (type === 'connected' || type === 'active') this.#carriers.get(connection)?.pump(now);
    else if (type === 'drained') this.#carriers.delete(connection);
  }
}

interface Over {
  readonly transport: ByteStream;
  readonly observer: FrameLog;
}

function httpServer({ idleTimeout, persistent }: Model, over: Over): TimedHttp {
  return new Http1Server({ ...over, scheme: 'https', persistent, idleTimeout: idleTimeout === 0 ? NEVER : idleTimeout });
}

function httpClient({ exchanges, persistent }: Model, over: Over, cautious: boolean): TimedHttp {
  return new Http1Client({ ...over, pipelining: exchanges, cautious, persistent });
}
