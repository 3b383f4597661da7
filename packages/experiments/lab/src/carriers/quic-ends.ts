import type { CryptoProvider, Trust } from '@quiclab/crypto';
import { REQUEST, RESPONSE } from '@quiclab/ledger';
import {
  type Connection,
  defaultTransportConfig,
  Endpoint,
  type EndpointEvent,
  type Observer,
  type Policies,
  standardPolicies,
  type TransportConfig,
} from '@quiclab/quic';
import type { Address, Micros, Random } from '@quiclab/sansio';
import { roundRobinByByte } from '@quiclab/streams';
import { clientHandshake, serverHandshake } from '@quiclab/tls';
import { TeeObserver } from '@quiclab/trace';
import { httpOverQuic, MOST_EXCHANGES } from '../models/http.ts';
import { ALPN, type Model } from '../models/model.ts';
import type { Profile } from '../models/profile.ts';
import { FrameLog } from '../observe/frame-log.ts';
import { QuicLog } from '../observe/quic-log.ts';
import { quicKey, type RunNotes } from '../observe/run-notes.ts';
import type { Timers } from '../timers.ts';
import { type Carrier, type Dial, pumped, type Serve, type ServerIdentity } from './carrier.ts';
import { QuicCarrier } from './quic.ts';

/** What both worlds give to either end; sockets, clocks and links are theirs. */
export interface EndSetup {
  readonly random: Random;
  readonly crypto: CryptoProvider;
  /** Who watches beside the ledger: qlog, key log. Asked once for each connection. */
  readonly observer?: Policies['observer'];
  readonly profile?: Profile | undefined;
  /** Other policies and settings than those of the profile. */
  readonly policies?: Partial<Policies>;
  readonly config?: Partial<TransportConfig>;
}

/** What an earlier connection left: the TLS session, and the address token. */
export interface EarlierConnection {
  readonly session: Uint8Array;
  readonly token: Uint8Array;
}

const labConfig = ({ protocol }: Model): Partial<TransportConfig> => ({
  maxStreamsBidi: MOST_EXCHANGES,
  // where all exchanges share a stream, the connection's credit is the one that counts, as it is where they do not
  ...(protocol === 'h3-single' && {
    initialMaxStreamData: defaultTransportConfig.maxDataWindow,
    maxStreamDataWindow: defaultTransportConfig.maxDataWindow,
  }),
});

/**
 * A server that frames all exchanges onto one stream chooses the next one when a packet is about to leave, as the transport's
 * scheduler does for streams of their own. With more laid out ahead, those that asked first would be served first.
 */
const SINGLE_SEND_AHEAD = 2_400;

/** The notes are taken by the first, and whoever else wants to watch is the other. */
const watchedBy = (log: Observer, other: Observer | undefined): Observer => (other === undefined ? log : new TeeObserver([log, other]));

/** A server's endpoint with what it serves, and what was noted. */
export class QuicServer {
  readonly endpoint: Endpoint;
  readonly #notes: RunNotes;
  readonly #timers: Timers;
  readonly #serve: Serve;
  readonly #model: Model;
  readonly #profile: Profile | undefined;
  readonly #carriers = new Map<Connection, Carrier>();
  readonly #numbers: number[] = []; // of connections that are not accepted yet, in the order in which they will be

  constructor(setup: EndSetup, model: Model, identity: ServerIdentity, notes: RunNotes, timers: Timers, serve: Serve) {
    const { tickets, ...rest } = identity;
    const { profile } = setup;
    this.#notes = notes;
    this.#timers = timers;
    this.#serve = serve;
    this.#model = model;
    this.#profile = profile;
    this.endpoint = new Endpoint({
      policies: {
        ...standardPolicies({
          random: setup.random,
          crypto: setup.crypto,
          handshake: serverHandshake({ provider: setup.crypto, ...rest, ...(tickets && { tickets, earlyData: true }) }),
        }),
        observer: (connection) => {
          const number = notes.numberOf(quicKey(connection));
          this.#numbers.push(number);
          return watchedBy(
            new QuicLog(notes.log, number, 'server', notes.carried[RESPONSE], notes.watches[RESPONSE]),
            setup.observer?.(connection),
          );
        },
        ...profile?.quic.policies,
        ...(profile && { scheduler: () => profile.scheduler() }),
        ...setup.policies,
      },
      config: {
        ...labConfig(model),
        ...(model.protocol === 'h3-single' ? { sendAhead: SINGLE_SEND_AHEAD } : {}),
        ...profile?.quic.config,
        ...setup.config,
      },
      accept: { alpn: [ALPN[model.protocol]] },
    });
  }

  handle(now: Micros, { type, connection }: EndpointEvent): void {
    if (type === 'accepted') this.#accept(connection);
    else if (type === 'active') this.#carriers.get(connection)?.pump(now);
    else this.#carriers.delete(connection);
  }

  #accept(connection: Connection): void {
    const number = this.#numbers.shift()!;
    const observer = new FrameLog(this.#notes.log, number, 'server', this.#notes.clock);
    const http = () => httpOverQuic(this.#model, { side: 'server', transport: connection, observer }, this.#profile);
    const handler = this.#serve(
      pumped(this.#timers, () => this.#carriers.get(connection)),
      number,
    );
    this.#carriers.set(connection, new QuicCarrier(connection, http, handler));
  }
}

/** A client's endpoint and the connections that were opened from it. */
export class QuicClient {
  readonly endpoint: Endpoint;
  readonly #notes: RunNotes;
  readonly #model: Model;
  readonly #profile: Profile | undefined;
  readonly #carriers = new Map<Connection, Carrier>();
  /** What each host left behind on an earlier connection. */
  readonly #earlier: ((host: string) => EarlierConnection | undefined) | undefined;
  readonly #remote: Address;
  #opened = -1; // the number of the connection that was opened last

  /** @param remote  where all hosts are */
  constructor(
    setup: EndSetup,
    model: Model,
    trust: Trust,
    notes: RunNotes,
    remote: Address,
    earlier?: (host: string) => EarlierConnection | undefined,
  ) {
    this.#notes = notes;
    this.#model = model;
    this.#profile = setup.profile;
    this.#remote = remote;
    this.#earlier = earlier;
    this.endpoint = new Endpoint({
      policies: {
        ...standardPolicies({ random: setup.random, crypto: setup.crypto, handshake: clientHandshake({ provider: setup.crypto, trust }) }),
        // requests are small and come together: as browsers do, several share a packet, so that the server knows of all before it answers
        scheduler: () => roundRobinByByte(),
        observer: (connection) => {
          this.#opened = notes.numberOf(quicKey(connection));
          return watchedBy(
            new QuicLog(notes.log, this.#opened, 'client', notes.carried[REQUEST], notes.watches[REQUEST]),
            setup.observer?.(connection),
          );
        },
        ...setup.profile?.quic.policies,
        ...setup.policies,
      },
      config: { ...labConfig(model), ...setup.profile?.quic.config, ...setup.config },
    });
  }

  readonly dial: Dial = (now, host, handler) => {
    const earlier = this.#earlier?.(host);
    const connection = this.endpoint.connect(now, {
      remote: this.#remote,
      serverName: host,
      alpn: [ALPN[this.#model.protocol]],
      ...(earlier && { ...earlier, earlyData: true }),
    });
    const observer = new FrameLog(this.#notes.log, this.#opened, 'client', this.#notes.clock);
    const http = () => httpOverQuic(this.#model, { side: 'client', transport: connection, observer }, this.#profile);
    const carrier = new QuicCarrier(connection, http, handler);
    this.#carriers.set(connection, carrier);
    return carrier;
  };

  handle(now: Micros, { type, connection }: EndpointEvent): void {
    if (type === 'active') this.#carriers.get(connection)?.pump(now);
    else if (type === 'drained') this.#carriers.delete(connection);
  }
}
