import { developmentCertificate } from '@quiclab/crypto/node';
import { type Server, serve } from '@quiclab/web';
import { afterEach, expect, test, vi } from 'vitest';
import { fetchWith } from '../src/client.ts';
import { Pool } from '../src/pool.ts';

const addresses = vi.hoisted((): string[] => []);
vi.mock(import('node:dns/promises'), async (original) => ({
  ...(await original()),
  lookup: (async () => addresses.map((address) => ({ address, family: 4 }))) as never,
}));

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const { certificate: cert, privateKey: key } = developmentCertificate(Date.now() * 1_000);

async function serveAt(host: string, port: number): Promise<{ server: Server; seen: string[] }> {
  const seen: string[] = [];
  const server = await serve(
    ({ headers }) => {
      seen.push(headers.get('early-data') === '1' ? 'early' : 'late');
      return new Response(host);
    },
    { host, port, cert, key },
  );
  open.push(server);
  return { server, seen };
}

// other systems have no loopback addresses beside the first
test.skipIf(process.platform !== 'linux')(
  'early data to an address that is silent now goes to the next one, without early data (RFC 8305 §5)',
  async () => {
    const first = await serveAt('127.0.0.1', 0);
    const { port } = first.server.address;
    const pool = new Pool({ ca: cert });
    open.push(pool);
    const get = async () => (await fetchWith(pool, `https://localhost:${port}/`, undefined)).text();
    addresses.splice(0, 2, '127.0.0.1');
    expect(await get()).toBe('127.0.0.1');
    await first.server.close();
    const second = await serveAt('127.0.0.2', port);
    addresses.splice(0, 2, '127.0.0.1', '127.0.0.2');
    expect(await Promise.all([get(), get()])).toEqual(['127.0.0.2', '127.0.0.2']);
    expect(second.seen).toEqual(['late', 'late']);
    expect(first.seen).toEqual(['late']);
  },
);

test.skipIf(process.platform !== 'linux')('the address that answered the last time is asked first', async () => {
  const { server, seen } = await serveAt('127.0.0.2', 0);
  const { port } = server.address;
  const pool = new Pool({ ca: cert });
  open.push(pool);
  const url = `https://localhost:${port}/`;
  addresses.splice(0, 2, '127.0.0.1', '127.0.0.2');
  expect(await (await fetchWith(pool, url, undefined)).text()).toBe('127.0.0.2');
  const session = await pool.session(new URL(url), false);
  session.http.close(session.now);
  session.touched();
  expect(await (await fetchWith(pool, url, undefined)).text()).toBe('127.0.0.2');
  expect(seen).toEqual(['late', 'early']);
});
