import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { type Clock, MILLISECOND } from '@quiclab/sansio';
import type { Page } from '@quiclab/workload';
import type { FileSource } from '../apps/file-server.ts';
import { serving } from '../apps/serving.ts';
import { ALPN, type Model } from '../models/model.ts';
import { pipeliningServe } from './pipelining.ts';

export interface NodeServeOptions {
  readonly model: Model;
  readonly page: Page;
  readonly source: FileSource;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** Where to listen, on a port that is free. */
  readonly host: string;
  readonly clock: Clock;
}

export interface NodeServer {
  readonly port: number;
  close(): void;
}

/**
 * Serves a page with Node's own `https` or `http2`; pipelining with our own HTTP/1.1. The answers' fields are those of the lab's own
 * server, and what HTTP/1.1 adds in Node.
 */
export async function nodeServe({ model, page, source, cert, key, host, clock }: NodeServeOptions): Promise<NodeServer> {
  if (model.protocol === 'http/1.1' && model.exchanges > 1)
    return pipeliningServe({ model, serve: serving({ page, source }), cert, key, host, clock });
  const thinks = new Map(page.objects.map(({ path, serverTime }) => [path, serverTime / MILLISECOND]));
  const later = (path: string, answer: () => void): void => {
    const wait = thinks.get(path) ?? 0;
    if (wait === 0) answer();
    else setTimeout(answer, wait);
  };
  const tls = { cert, key, ALPNProtocols: [ALPN[model.protocol]], minVersion: 'TLSv1.3' } as const;
  const fields = (content: Uint8Array) => ({ 'content-type': 'application/octet-stream', 'content-length': content.length });
  let server: Server;
  if (model.protocol === 'h2') {
    const http2 = createSecureServer({ ...tls, settings: { maxConcurrentStreams: 1_000 } });
    http2.on('stream', (stream, headers) => {
      const path = headers[':path'] ?? '';
      stream.on('error', () => {}); // the client has gone
      later(path, () => {
        if (stream.destroyed) return;
        const content = source(path);
        if (content === undefined) stream.respond({ ':status': 404 }, { endStream: true });
        else {
          stream.respond({ ':status': 200, ...fields(content) });
          stream.end(content);
        }
      });
    });
    server = http2;
  } else {
    const https = createServer({ ...tls, keepAliveTimeout: model.idleTimeout / MILLISECOND, noDelay: true }, (request, response) => {
      const path = request.url ?? '';
      response.sendDate = false;
      later(path, () => {
        const content = source(path);
        if (content === undefined) response.writeHead(404).end();
        else response.writeHead(200, fields(content)).end(content);
      });
    });
    server = https;
  }
  server.listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
