import { createClient, serve } from '@quiclab/web';
import { expect, test } from 'vitest';

const SECOND = 1_000_000;
const transport = { maxIdleTimeout: 2 * SECOND };
/** Longer than the idle timeout: what is waited for has to outlast it. */
const SLOW_MS = 3_000;

const slowly = (): Promise<Response> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(new Response('at last')), SLOW_MS);
  });

test.each([
  ['the client', true, false],
  ['the server', false, true],
] as const)(
  '%s sees to it that a long wait does not lose the connection (RFC 9000 §10.1.2)',
  { timeout: 30_000 },
  async (_side, atClient, atServer) => {
    await using server = await serve(slowly, { transport, keepAlive: atServer, closeTimeoutMs: 0 });
    await using client = createClient({ ca: server.certificate.pem, transport, keepAlive: atClient });
    const response = await client.fetch(server.origin);
    expect(await response.text()).toBe('at last');
  },
);

test('with keepAlive false at both ends it is lost', { timeout: 30_000 }, async () => {
  await using server = await serve(() => new Promise<Response>(() => {}), { transport, keepAlive: false, closeTimeoutMs: 0 });
  await using client = createClient({ ca: server.certificate.pem, transport, keepAlive: false });
  const failed: unknown = await client.fetch(server.origin).catch((error: unknown) => error);
  expect(failed).toMatchObject({ message: 'fetch failed', cause: { cause: { kind: 'idle-timeout' } } });
});
