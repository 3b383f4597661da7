import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GatewayServer, startGateway } from '@quiclab/gateway/node';
import { type BrowserContext, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, pageHtml, visit } from '../../scripts/interop/chromium.ts';

/** The site: this repository's own sources and pictures, by Node's http server. */
const SITE = fileURLToPath(new URL('../../packages', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.png': 'image/png', '.md': 'text/markdown', '.ts': 'text/plain' };
const objects = (['experiments/report', 'experiments/report/src', 'transport/quic/src/connection', 'http/http3/src'] as const)
  .flatMap((directory) => readdirSync(join(SITE, directory), { withFileTypes: true }).filter((entry) => entry.isFile()))
  .map((entry) => relative(SITE, join(entry.parentPath, entry.name)))
  .filter((name) => TYPES[extname(name)] !== undefined);
const octets = objects.reduce((sum, name) => sum + statSync(join(SITE, name)).size, 0);

const executable = ((): string | undefined => {
  try {
    return findChromium();
  } catch {
    return undefined;
  }
})();

let origin: Server;
let gateway: GatewayServer;
const vias = new Set<string>();
let socketVia = '';
beforeAll(async () => {
  origin = createServer((request, response) => {
    vias.add(String(request.headers.via));
    const path = request.url!.slice(1);
    if (path === 'page.html') {
      response.setHeader('content-type', 'text/html');
      response.end(pageHtml(objects));
    } else if (objects.includes(path)) {
      response.setHeader('content-type', TYPES[extname(path)]!);
      createReadStream(join(SITE, path)).pipe(response);
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  origin.on('upgrade', (request, socket) => {
    socketVia = String(request.headers.via);
    socket.on('error', () => {}); // a browser that is closed takes its tunnels with it
    // RFC 6455 §4.2.2; then one message, in a frame of its own (§5.2)
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.write(Buffer.from([0x81, 5, ...Buffer.from('hello')]));
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  gateway = await startGateway({ origin: `http://127.0.0.1:${(origin.address() as AddressInfo).port}` });
});
afterAll(async () => {
  await gateway.close(0);
  origin.closeAllConnections();
  origin.close();
});

const contexts: { context: BrowserContext; profile: string }[] = [];
afterEach(async () => {
  for (const { context, profile } of contexts.splice(0)) {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
});

/** A browser that finds out by itself which version to speak. */
async function browser(): Promise<BrowserContext> {
  const profile = mkdtempSync(join(tmpdir(), 'quiclab-gateway-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable!,
    headless: true,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      `--ignore-certificate-errors-spki-list=${gateway.certificate.spkiSha256}`,
    ],
  });
  contexts.push({ context, profile });
  return context;
}

const at = (path: string): string => `https://127.0.0.1:${gateway.address!.port}/${path}`;

describe.skipIf(executable === undefined)("Chromium, the gateway, and Node's http server (needs a chromium command)", () => {
  test('over HTTP/3 from the first packet on: a page of real files', { timeout: 120_000 }, async () => {
    expect(objects.length).toBeGreaterThan(50);
    const { title, protocols } = await visit(executable!, gateway.address!.port, gateway.certificate.spkiSha256, 60_000);
    expect(title).toBe(`loaded ${octets}`);
    expect(protocols).toHaveLength(objects.length + 1);
    expect([...new Set(protocols.map(({ protocol }) => protocol))]).toEqual(['h3']);
    expect([...vias]).toEqual([`3 ${gateway.name}`]);
  });

  // it does not go on to HTTP/3 by Alt-Svc here: over QUIC, a browser trusts public authorities only, unless it is told to begin with QUIC
  test('over HTTP/2, which it asks for by ALPN, with an offer of HTTP/3 in each response', { timeout: 120_000 }, async () => {
    const context = await browser();
    const page = await context.newPage();
    const offers = new Set<string | null>();
    page.on('response', (response) => offers.add(response.headers()['alt-svc'] ?? null));
    await page.goto(at('page.html'));
    await page.waitForFunction(() => document.title.startsWith('loaded '));
    const protocols = await page.evaluate(() =>
      [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(
        (entry) => (entry as PerformanceResourceTiming).nextHopProtocol,
      ),
    );
    expect([await page.title(), [...new Set(protocols)], [...offers]]).toEqual([
      `loaded ${octets}`,
      ['h2'],
      [`h3=":${gateway.address!.port}"; ma=86400`],
    ]);
  });

  test('a WebSocket, which it asks for by CONNECT on the connection over HTTP/2 that it has, goes through to the origin (RFC 8441)', {
    timeout: 120_000,
  }, async () => {
    const context = await browser();
    const page = await context.newPage();
    await page.goto(at('page.html'));
    const heard = await page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url);
          socket.onmessage = ({ data }) => resolve(data);
          socket.onerror = () => resolve('an error');
        }),
      at('socket').replace('https', 'wss'),
    );
    expect([heard, socketVia]).toEqual(['hello', `2 ${gateway.name}`]);
  });
});
