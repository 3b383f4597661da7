import { startGateway } from '@quiclab/gateway/node';
import { createClient, serve } from '@quiclab/web';
import { afterEach, expect, test } from 'vitest';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const SECOND = 1_000_000;
const transport = { maxIdleTimeout: 2 * SECOND };
/** Longer than the idle timeout that the client and the origin ask for. */
const SLOW_MS = 3_000;

test('a QUIC hop that is silent for longer than its idle timeout is kept while a request is under way (RFC 9000 §10.1.2)', {
  timeout: 30_000,
}, async () => {
  const slowly = (): Promise<Response> =>
    new Promise((resolve) => {
      setTimeout(() => resolve(new Response('at last')), SLOW_MS);
    });
  const origin = await serve(slowly, { transport, keepAlive: false, closeTimeoutMs: 0 });
  open.push(() => origin.close());
  const gateway = await startGateway({ origin: origin.origin, back: 'h3', originCa: origin.certificate.pem });
  open.push(() => gateway.close(0));
  const client = createClient({ ca: gateway.certificate.pem, transport, keepAlive: false });
  open.push(() => client.close());
  const response = await client.fetch(`https://127.0.0.1:${gateway.address!.port}`);
  expect([response.status, await response.text()]).toEqual([200, 'at last']);
});
