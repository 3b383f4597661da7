import { Agent, type ClientRequest, request as httpRequest } from 'node:http';
import { type ClientHttp2Session, constants, connect as http2Connect } from 'node:http2';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { type Fields, fieldValue } from '@quiclab/http-semantics';
import type { Address, Clock } from '@quiclab/sansio';
import type { Dial } from '../carriers/carrier.ts';
import { ALPN, type Model } from '../models/model.ts';
import { type Answer, NodeCarrier, NodeHttp } from './exchanges.ts';
import { pipeliningDial } from './pipelining.ts';

export interface NodeDialOptions {
  readonly model: Model;
  /** Where all hosts are. */
  readonly remote: Address;
  /** What is trusted, PEM. */
  readonly ca: string;
  readonly clock: Clock;
}

/** As browsers have it: credit that does not bind on the paths of an experiment. */
const STREAM_WINDOW = 6 << 20;
const CONNECTION_WINDOW = 15 << 20;

/** Opens connections with Node's own `tls`, `http` and `http2`, over the kernel's TCP: EXPERIMENTS §1. Pipelining is our own HTTP/1.1 on such a socket. Full handshakes, TLS 1.3. */
export function nodeDial(options: NodeDialOptions): Dial {
  const { model, remote, ca, clock } = options;
  const { protocol, exchanges, persistent, name } = model;
  if (protocol !== 'h2' && protocol !== 'http/1.1') throw new Error(`${name} does not run over TCP`);
  if (protocol === 'http/1.1' && exchanges > 1) return pipeliningDial(options);
  return (_now, host, handler) => {
    const socket = tlsConnect({
      host: remote.host,
      port: remote.port,
      servername: host,
      ca,
      ALPNProtocols: [ALPN[protocol]],
      minVersion: 'TLSv1.3',
    });
    socket.setNoDelay(true);
    const carrier = new NodeCarrier(handler, clock, () => socket.destroy());
    let reason = 'closed by the server';
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.once('close', () => carrier.ended(reason));
    if (protocol === 'h2') {
      const settings = { enablePush: false, initialWindowSize: STREAM_WINDOW };
      const session = http2Connect(`https://${host}`, { createConnection: () => socket, settings });
      session.on('error', (error) => {
        reason = error.message;
      });
      session.once('connect', () => {
        session.setLocalWindowSize(CONNECTION_WINDOW);
        carrier.ready(new NodeHttp2(session, carrier.changed));
      });
    } else socket.once('secureConnect', () => carrier.ready(new NodeHttp1(socket, persistent, carrier.changed)));
    return carrier;
  };
}

/** One keep-alive connection, and one exchange at a time. */
class NodeHttp1 extends NodeHttp {
  readonly #socket: TLSSocket;
  readonly #agent: Agent;

  constructor(socket: TLSSocket, persistent: boolean, changed: () => void) {
    super(changed, 1, persistent ? Number.POSITIVE_INFINITY : 1);
    this.#socket = socket;
    this.#agent = new OneSocket(socket, persistent);
    socket.once('close', () => this.tellClosed());
  }

  protected override send(fields: Fields, answer: Answer): void {
    const headers: Record<string, string> = { host: fieldValue(fields, ':authority') ?? '' };
    for (const [name, value] of fields) if (!name.startsWith(':')) headers[name] = value;
    const [method, path] = [':method', ':path'].map((name) => fieldValue(fields, name) ?? '');
    const request: ClientRequest = httpRequest({ agent: this.#agent, method: method!, path: path!, headers });
    request.once('response', (response) => {
      const { statusCode = 0, rawHeaders } = response;
      answer.response(statusCode, fieldsOf(rawHeaders));
      response.on('data', (data: Buffer) => answer.content(data));
      response.once('end', () => answer.end());
      response.once('error', (error) => answer.failed(0, error.message, false));
    });
    request.once('error', (error) => answer.failed(0, error.message, false));
    request.end();
  }

  protected override end(): void {
    this.#socket.end();
  }
}

/** The agent of a connection that is there already. */
class OneSocket extends Agent {
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket, persistent: boolean) {
    super({ keepAlive: persistent, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(): TLSSocket {
    return this.#socket;
  }
}

const fieldsOf = (raw: readonly string[]): Fields => {
  const fields: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) fields.push([raw[i]!.toLowerCase(), raw[i + 1]!]);
  return fields;
};

class NodeHttp2 extends NodeHttp {
  readonly #session: ClientHttp2Session;

  constructor(session: ClientHttp2Session, changed: () => void) {
    super(changed, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.#session = session;
    session.once('close', () => this.tellClosed());
  }

  protected override send(fields: Fields, answer: Answer): void {
    const stream = this.#session.request(Object.fromEntries(fields), { endStream: true });
    stream.once('response', (headers) => {
      const { ':status': status = 0, ...rest } = headers;
      answer.response(
        status,
        Object.entries(rest).map(([name, value]) => [name, String(value)] as const),
      );
    });
    stream.on('data', (data: Buffer) => answer.content(data));
    stream.once('end', () => answer.end());
    stream.once('error', (error) => answer.failed(stream.rstCode, error.message, stream.rstCode === constants.NGHTTP2_REFUSED_STREAM));
  }

  protected override end(): void {
    this.#session.close();
  }
}
