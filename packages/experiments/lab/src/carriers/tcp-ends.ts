import type { CryptoProvider, Trust } from '@quiclab/crypto';
import { REQUEST, RESPONSE } from '@quiclab/ledger';
import { type Address, type Micros, type Random, SECOND } from '@quiclab/sansio';
import { type Policies, standardTcpPolicies, type TcpConfig, type TcpConnection, TcpEndpoint, type TcpEvent } from '@quiclab/tcp';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { TlsStream } from '@quiclab/tls/record';
import { httpOverTcp } from '../models/http.ts';
import { ALPN, type Model } from '../models/model.ts';
import type { Profile } from '../models/profile.ts';
import { FrameLog } from '../observe/frame-log.ts';
import { RecordLog, type Secrets } from '../observe/record-log.ts';
import { type RunNotes, tcpKey } from '../observe/run-notes.ts';
import { TcpLog } from '../observe/tcp-log.ts';
import type { Timers } from '../timers.ts';
import { type Dial, pumped, type Serve, type ServerIdentity } from './carrier.ts';
import { TlsCarrier } from './tls.ts';

/**
 * As browsers ask a server that is silent whether it is still there: one whose reset was lost would be waited for without end.
 * HTTP has no limit of its own for an answer. RFC 9293 §3.8.4.
 */
const KEEP_ALIVE: Partial<TcpConfig> = { keepAlive: true, keepAliveTime: 45 * SECOND, keepAliveInterval: 45 * SECOND };

/** What the world gives to either end, and what an experiment replaces there. */
export interface TcpEndSetup {
  readonly random: Random;
  /** Of TLS. */
  readonly crypto: CryptoProvider;
  readonly timers: Timers;
  readonly profile?: Profile | undefined;
  /** Other policies and settings than those of the profile. */
  readonly policies?: Partial<Policies>;
  readonly config?: Partial<TcpConfig>;
  /** Who watches recovery beside the log. */
  readonly observer?: Policies['observer'] | undefined;
  /** Told those of TLS. */
  readonly secrets?: Secrets | undefined;
}

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
    const { random, crypto, profile, policies, config, observer } = setup;
    this.#notes = notes;
    this.#setup = setup;
    this.#model = model;
    this.#serve = serve;
    this.#handshake = serverHandshake({ provider: crypto, ...identity });
    this.#random = random.fork('tls');
    this.endpoint = new TcpEndpoint({
      host: address.host,
      policies: {
        ...standardTcpPolicies({ random }),
        observer: (facts) =>
          new TcpLog(notes.log, notes.numberOf(tcpKey(facts.remote)), 'server', notes.carried, notes.watches[RESPONSE], observer?.(facts)),
        ...profile?.tcp.policies,
        ...policies,
      },
      config: { ...profile?.tcp.config, ...config },
    });
    this.endpoint.listen(address.port);
  }

  handle(now: Micros, { type, connection }: TcpEvent): void {
    if (type === 'accepted') this.#accept(now, connection);
    else if (type === 'active') this.#carriers.get(connection)?.pump(now);
    else if (type === 'drained') this.#carriers.delete(connection);
  }

  #accept(now: Micros, below: TcpConnection): void {
    const { crypto, timers, profile, secrets } = this.#setup;
    const number = this.#notes.numberOf(tcpKey(below.remote));
    const handler = this.#serve(
      pumped(timers, () => this.#carriers.get(below)),
      number,
    );
    const observer = new FrameLog(this.#notes.log, number, 'server', this.#notes.clock);
    const random = this.#random.fork(`${below.remote.port}`);
    const tls = new TlsStream({
      below,
      handshake: this.#handshake,
      provider: crypto,
      side: 'server',
      serverName: '',
      alpn: [ALPN[this.#model.protocol]],
      random,
      observer: new RecordLog(this.#notes.log, number, 'server', secrets),
      ...profile?.records,
    });
    const carrier = new TlsCarrier({
      below,
      tls,
      makeHttp: (transport) => httpOverTcp(this.#model, { side: 'server', transport, observer }, profile, false),
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
    const { random, crypto, profile, policies, config, observer } = setup;
    this.#notes = notes;
    this.#setup = setup;
    this.#model = model;
    this.#remote = remote;
    this.#handshake = clientHandshake({ provider: crypto, trust });
    this.#random = random.fork('tls');
    this.endpoint = new TcpEndpoint({
      host,
      policies: {
        ...standardTcpPolicies({ random }),
        observer: (facts) =>
          new TcpLog(notes.log, notes.numberOf(tcpKey(facts.local)), 'client', notes.carried, notes.watches[REQUEST], observer?.(facts)),
        ...profile?.tcp.policies,
        ...policies,
      },
      config: { ...KEEP_ALIVE, ...profile?.tcp.config, ...config },
    });
  }

  readonly dial: Dial = (now, host, handler, cautious) => {
    const { crypto, timers, profile, secrets } = this.#setup;
    const below = this.endpoint.connect(now, { remote: this.#remote });
    const number = this.#notes.numberOf(tcpKey(below.local));
    const observer = new FrameLog(this.#notes.log, number, 'client', this.#notes.clock);
    const tls = new TlsStream({
      below,
      handshake: this.#handshake,
      provider: crypto,
      side: 'client',
      serverName: host,
      alpn: [ALPN[this.#model.protocol]],
      random: this.#random.fork(`${number}`),
      observer: new RecordLog(this.#notes.log, number, 'client', secrets),
      ...profile?.records,
    });
    const carrier = new TlsCarrier({
      below,
      tls,
      makeHttp: (transport) => httpOverTcp(this.#model, { side: 'client', transport, observer }, profile, cautious),
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
