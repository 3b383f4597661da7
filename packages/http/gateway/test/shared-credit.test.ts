import { once } from 'node:events';
import { createServer, type Http2Server, connect as http2Connect, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { LIMITS, windowsFor } from '@quiclab/gateway';
import { startGateway } from '@quiclab/gateway/node';
import { createClient, serve } from '@quiclab/web';
import { afterEach, describe, expect, test } from 'vitest';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const OCTETS = 2_000_000;
const PIECE = new Uint8Array(50_000);
const STALLED = 40;

interface Origin {
  readonly url: string;
  readonly back: 'h2' | 'h3';
  readonly originCa?: string;
}

/** Says two million octets to whoever asks. */
async function overH2(onSession: (session: ServerHttp2Session) => void = () => {}): Promise<Origin> {
  const sessions = new Set<ServerHttp2Session>();
  const server: Http2Server = createServer({ maxSessionMemory: 1_000 }, (_request, response) => {
    response.on('error', () => {});
    response.end(Buffer.alloc(OCTETS));
  });
  server.on('session', (session) => {
    sessions.add(session.on('error', () => {}));
    onSession(session);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    for (const session of sessions) session.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, back: 'h2' };
}

async function overH3(): Promise<Origin> {
  const server = await serve(
    () => {
      let left = OCTETS;
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(PIECE.slice());
            left -= PIECE.length;
            if (left === 0) controller.close();
          },
        }),
      );
    },
    { closeTimeoutMs: 0 },
  );
  open.push(() => server.close());
  return { url: server.origin, back: 'h3', originCa: server.certificate.pem };
}

/** A client over HTTP/2 that has asked so often, has heads of responses, and takes nothing of their content. */
async function stalled(at: string, ca: string): Promise<void> {
  const session = http2Connect(at, { ca });
  session.on('error', () => {});
  open.push(async () => session.destroy());
  const asked = Array.from({ length: STALLED }, () => session.request({ ':path': '/' }).on('error', () => {}));
  await Promise.all(asked.map((stream) => once(stream, 'response')));
}

describe.each([
  ['HTTP/2', overH2],
  ['HTTP/3', overH3],
] as const)('an origin over %s, asked by many on one connection', (_name, made) => {
  test('who takes nothing of an answer holds up nobody else (RFC 9113 §5.2.2, RFC 9000 §4.2)', { timeout: 60_000 }, async () => {
    const { url: origin, back, originCa } = await made();
    const gateway = await startGateway({ origin, back, ...(originCa === undefined ? {} : { originCa }) });
    open.push(() => gateway.close(0));
    const at = `https://127.0.0.1:${gateway.address!.port}`;
    await stalled(at, gateway.certificate.pem);
    await using client = createClient({ ca: gateway.certificate.pem });
    const answer = await client.fetch(at);
    expect((await answer.arrayBuffer()).byteLength).toBe(OCTETS);
    expect(gateway.connections.back).toBe(1);
  });
});

test('the origin is told of a window for each stream, and of one in which all of them have room', { timeout: 30_000 }, async () => {
  const maxRequests = 1_000;
  const maxBuffered = 100_000_000;
  const { stream, connection } = windowsFor(LIMITS.sharing.value, maxRequests, maxBuffered);
  let session: ServerHttp2Session | undefined;
  const { url: origin } = await overH2((begun) => {
    session = begun;
  });
  const gateway = await startGateway({ origin, back: 'h2', maxRequests, maxBuffered, listen: ['h2'] });
  open.push(() => gateway.close(0));
  await stalled(`https://127.0.0.1:${gateway.address!.port}`, gateway.certificate.pem);
  const { remoteSettings, state } = session!;
  expect([stream, remoteSettings.initialWindowSize]).toEqual([100_000, 100_000]);
  expect(state.remoteWindowSize! + STALLED * stream).toBeGreaterThanOrEqual(connection);
});
