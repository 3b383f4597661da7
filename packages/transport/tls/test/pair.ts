import { latin1 } from '@quiclab/bytes';
import { nodeProvider } from '@quiclab/crypto/node';
import { type Micros, type Random, seededRandom } from '@quiclab/sansio';
import {
  type ClientConfig,
  clientHandshake,
  type Handshake,
  type HandshakeOptions,
  type HandshakeStep,
  type Level,
  type ServerConfig,
  serverHandshake,
} from '../src/index.ts';
import { identities, NOW, root } from './certificates.ts';

export interface Flight {
  readonly from: 'client' | 'server';
  readonly level: Level;
  readonly data: Uint8Array;
}

/** What arrives instead of a flight; undefined: nothing. */
export type Alter = (flight: Flight) => Uint8Array | undefined;

export interface PairOptions {
  readonly client?: Partial<ClientConfig>;
  readonly server?: Partial<ServerConfig>;
  readonly serverName?: string;
  readonly clientAlpn?: readonly string[];
  readonly serverAlpn?: readonly string[];
  readonly seed?: number;
  /** When all of it happens; default NOW. */
  readonly now?: Micros;
  readonly clientOptions?: Partial<HandshakeOptions>;
  readonly serverOptions?: Partial<HandshakeOptions>;
}

export const CLIENT_PARAMETERS = latin1('parameters of the client');
export const SERVER_PARAMETERS = latin1('parameters of the server');

export function newClient(options: PairOptions, random: Random): Handshake {
  const factory = clientHandshake({ provider: nodeProvider, trust: { ca: [root] }, ...options.client });
  const { serverName = 'server.example', clientAlpn: alpn = ['h3'] } = options;
  const client = factory({ side: 'client', serverName, alpn, random, ...options.clientOptions });
  client.setLocalParameters(CLIENT_PARAMETERS);
  return client;
}

export function newServer(options: PairOptions, random: Random): Handshake {
  const { certificate, privateKey } = identities.ed25519;
  const factory = serverHandshake({ provider: nodeProvider, certificates: [certificate], privateKey, ...options.server });
  return factory({ side: 'server', serverName: '', alpn: options.serverAlpn ?? ['h3'], random, ...options.serverOptions });
}

/** A client and a server, and what each had to say. */
export class Pair {
  readonly client: Handshake;
  readonly server: Handshake;
  readonly clientSteps: HandshakeStep[] = [];
  readonly serverSteps: HandshakeStep[] = [];
  readonly flights: Flight[] = [];
  readonly now: Micros;

  constructor(options: PairOptions = {}) {
    this.now = options.now ?? NOW;
    const random = seededRandom(options.seed ?? 1);
    this.client = newClient(options, random.fork('client'));
    this.server = newServer(options, random.fork('server'));
  }

  /** Runs until nobody has anything more to say. What arrives is handed over in pieces of `piece` octets. */
  run(piece = Number.POSITIVE_INFINITY, alter: Alter = (flight) => flight.data): this {
    for (let idle = false; !idle; ) {
      const flights = [...this.#poll('client'), ...this.#poll('server')];
      idle = flights.length === 0;
      for (const flight of flights) {
        this.flights.push(flight);
        const data = alter(flight);
        if (data !== undefined) receiveInPieces(flight.from === 'client' ? this.server : this.client, flight.level, data, piece, this.now);
      }
    }
    return this;
  }

  get completed(): boolean {
    return [this.clientSteps, this.serverSteps].every((steps) => steps.some(({ type }) => type === 'complete'));
  }

  #poll(from: 'client' | 'server'): Flight[] {
    const [handshake, record] = from === 'client' ? [this.client, this.clientSteps] : [this.server, this.serverSteps];
    const steps = stepsOf(handshake, from, this.now);
    record.push(...steps);
    return steps.flatMap((step) => (step.type === 'send' ? [{ from, level: step.level, data: step.data }] : []));
  }
}

export function receiveInPieces(into: Handshake, level: Level, data: Uint8Array, piece: number, now: Micros): void {
  for (let at = 0; at < data.length; at += piece) into.receive(now, level, data.subarray(at, Math.min(at + piece, data.length)));
}

/** All steps there are; a server is given its parameters when the client's have come. */
export function stepsOf(handshake: Handshake, side: 'client' | 'server', now: Micros = NOW): HandshakeStep[] {
  const steps: HandshakeStep[] = [];
  for (let step = handshake.poll(now); step !== undefined; step = handshake.poll(now)) {
    steps.push(step);
    if (side === 'server' && step.type === 'peer-parameters') handshake.setLocalParameters(SERVER_PARAMETERS);
  }
  return steps;
}

/** One line for each step: what a transport sees happen. */
export const outline = (steps: readonly HandshakeStep[]): string[] =>
  steps.map((step) => {
    if (step.type === 'send') return `send ${step.level}`;
    return step.type === 'secret' ? `${step.side} ${step.level} ${step.label}` : step.type;
  });

/** Secrets by key log label. */
export const secretsOf = (steps: readonly HandshakeStep[]): Map<string, string> =>
  new Map(
    steps.flatMap((step) =>
      step.type === 'secret'
        ? [[step.label, `${step.suite} ${Buffer.from(step.clientRandom).toString('hex')} ${Buffer.from(step.secret).toString('hex')}`]]
        : [],
    ),
  );
