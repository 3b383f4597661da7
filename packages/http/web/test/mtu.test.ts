import { existsSync } from 'node:fs';
import { Observer } from '@quiclab/quic';
import { createClient, type ServeOptions, serve } from '@quiclab/web';
import { expect, test } from 'vitest';

const linux = existsSync('/sys/class/net/lo/mtu');

/** The largest datagrams of a server whose client has taken several megabytes. */
async function download(options: ServeOptions = {}): Promise<{ largest: number; found: readonly number[] }> {
  let largest = 0;
  const found: number[] = [];
  class Watching extends Observer {
    override datagramSent(...[, , , length]: Parameters<Observer['datagramSent']>): void {
      largest = Math.max(largest, length);
    }
    override mtuUpdated(...[, , , after]: Parameters<Observer['mtuUpdated']>): void {
      found.push(after);
    }
  }
  const policies = { observer: () => new Watching() };
  const server = await serve(() => new Response(new Uint8Array(4 << 20)), { policies, ...options });
  const client = createClient({ ca: server.certificate.pem });
  const response = await client.fetch(`${server.origin}/`);
  expect((await response.arrayBuffer()).byteLength).toBe(4 << 20);
  await client.close();
  await server.close();
  return { largest, found };
}

test.skipIf(!linux)(
  'over loopback datagrams become as large as UDP lets them (RFC 9000 §14.3; skipped where there is no /sys/class/net)',
  async () => {
    const { largest, found } = await download();
    expect(found.at(-1)).toBe(65_507);
    expect(largest).toBe(65_507);
  },
);

test('whoever does not want that says so', async () => {
  const { largest, found } = await download({ transport: { mtuDiscovery: false } });
  expect([largest, found]).toEqual([1200, []]);
});
