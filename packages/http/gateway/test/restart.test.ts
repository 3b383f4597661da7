import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type ClientHttp2Session, connect as http2Connect } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type GatewayServer, startGateway } from '@quiclab/gateway/node';
import { createClient } from '@quiclab/web';
import { afterEach, describe, expect, test } from 'vitest';

const REQUESTS = 1_000;
const AT_ONCE = 25;
/** Requests between two restarts. */
const LIFE = 150;

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** An origin that dies now and then: with all its connections, or, the other time, when those have their answers. */
class Origin {
  port = 0;
  restarts = 0;
  served = 0;
  #server: Server | undefined = undefined;
  #busy: Promise<void> | undefined = undefined;

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      let content = '';
      request.on('error', () => {});
      request.on('data', (piece) => (content += piece));
      request.on('end', () => {
        this.served++;
        response.end(`${request.method} ${request.url} ${content}`);
      });
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Away, and back after so many ms. One restart at a time. */
  restart(ms: number): void {
    this.#busy ??= this.#restart(ms).finally(() => {
      this.#busy = undefined;
    });
  }

  async stop(): Promise<void> {
    await this.#busy;
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  async #restart(ms: number): Promise<void> {
    const server = this.#server!;
    const closed = new Promise((resolve) => server.close(resolve)); // nothing new, and idle connections are closed
    if (this.restarts++ % 2 === 0) server.closeAllConnections();
    await closed;
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.start();
  }
}

interface Answer {
  readonly status: number;
  readonly proxyStatus: string;
  readonly body: string;
}
type Client = (method: string, path: string, content: string) => Promise<Answer>;

function nodeH1(gateway: GatewayServer): Client {
  const { host, port } = gateway.address!;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca: gateway.certificate.pem });
  open.push(() => agent.destroy());
  return (method, path, content) =>
    new Promise((resolve, reject) => {
      const sent = httpsRequest({ host, port, method, path, agent, headers: { 'content-length': content.length } }, (response) => {
        collect(response).then(
          (body) => resolve({ status: response.statusCode!, proxyStatus: String(response.headers['proxy-status']), body }),
          reject,
        );
      });
      sent.on('error', reject).end(content);
    });
}

function nodeH2(gateway: GatewayServer): Client {
  const { host, port } = gateway.address!;
  const session: ClientHttp2Session = http2Connect(`https://${host}:${port}`, { ca: gateway.certificate.pem });
  open.push(() => session.destroy());
  return (method, path, content) =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':method': method, ':path': path });
      let answered = false;
      stream.on('error', reject).on('close', () => answered || reject(new Error('closed without an answer')));
      stream.once('response', (head) => {
        answered = true;
        collect(stream).then((body) => resolve({ status: head[':status']!, proxyStatus: String(head['proxy-status']), body }), reject);
      });
      if (method === 'POST') stream.end(content);
    });
}

function ours(gateway: GatewayServer): Client {
  const { host, port } = gateway.address!;
  const client = createClient({ ca: gateway.certificate.pem });
  open.push(() => client.close());
  return async (method, path, content) => {
    const body = content === '' ? {} : { body: content };
    const response = await client.fetch(`https://${host}:${port}${path}`, { method, ...body });
    return { status: response.status, proxyStatus: response.headers.get('proxy-status') ?? '', body: await response.text() };
  };
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe.each([
  ['HTTP/1.1, by Node', nodeH1],
  ['HTTP/2, by Node', nodeH2],
  ['HTTP/3, by ours', ours],
])('%s', (_name, clientOf) => {
  test('a thousand requests while the origin is restarted: each is answered by it, or by a 502 that says what happened', async () => {
    const origin = new Origin();
    await origin.start();
    open.push(() => origin.stop());
    const gateway = await startGateway({ origin: `http://127.0.0.1:${origin.port}` });
    open.push(() => gateway.close(0));
    const client = clientOf(gateway);
    const outcomes: string[] = [];
    let next = 0;
    const one = async (): Promise<void> => {
      for (let i = next++; i < REQUESTS; i = next++) {
        if (i % LIFE === LIFE - 1) origin.restart(20);
        const [method, content] = i % 3 === 0 ? ['POST', `content ${i}`] : ['GET', ''];
        const { status, body, proxyStatus } = await client(method, `/${i}`, content);
        if (status === 200) {
          expect(body).toBe(`${method} /${i} ${content}`);
          outcomes.push('answered');
        } else {
          const error = /; error=(\w+); details="/.exec(proxyStatus)?.[1];
          expect([status, body]).toEqual([502, expect.stringMatching(/^502 Bad Gateway\nthe origin .+\n$/)]);
          outcomes.push(error ?? 'unclear');
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    expect(outcomes).toHaveLength(REQUESTS);
    const counts = Object.fromEntries(
      [...new Set(outcomes)].sort().map((kind) => [kind, outcomes.filter((other) => other === kind).length]),
    );
    expect(Object.keys(counts).filter((kind) => !['answered', 'connection_refused', 'connection_terminated'].includes(kind))).toEqual([]);
    expect(counts.answered).toBeGreaterThan(REQUESTS / 2);
    expect(origin.restarts).toBeGreaterThanOrEqual(3);
    expect(await gateway.close(10_000)).toMatchObject({ brokenOff: 0 }); // over HTTP/3 the last responses may not be acknowledged yet
  });
});
