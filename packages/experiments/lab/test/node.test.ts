import { makeCertificate, toPem } from '@quiclab/crypto/node';
import { RunLog } from '@quiclab/ledger';
import { SECOND } from '@quiclab/sansio';
import { definePage, medianPage, type Page, smallPage } from '@quiclab/workload';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectionPool, hostsOf, type ModelName, modelOf, PageClient, realTimers } from '../src/index.ts';
import { type NodeServer, nodeDial, nodeServe } from '../src/node/index.ts';

const clock = { now: () => Math.floor((performance.timeOrigin + performance.now()) * 1000) };
const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** A page over Node's own modules on loopback. Resolves when it is there, rejects with why it never will be. */
async function fetchPage(
  name: ModelName,
  page: Page,
  server?: (made: NodeServer) => void,
): Promise<{ client: PageClient; pool: ConnectionPool }> {
  const model = modelOf(name);
  const now = clock.now();
  const { certificate, privateKey } = makeCertificate({
    names: hostsOf(page, model.shards),
    keyType: 'p256',
    notBefore: now - 3_600 * SECOND,
    notAfter: now + 86_400 * SECOND,
  });
  const cert = toPem('CERTIFICATE', certificate);
  const contents = new Map(page.objects.map(({ path, size }) => [path, new Uint8Array(size)]));
  const source = (path: string) => contents.get(path);
  const served = await nodeServe({ model, page, source, cert, key: toPem('PRIVATE KEY', privateKey), host: '127.0.0.1', clock });
  open.push(served);
  server?.(served);
  const remote = { host: '127.0.0.1', port: served.port };
  const dial = nodeDial({ model, remote, ca: cert, clock });
  let check = (): void => {};
  const pool = new ConnectionPool({
    model,
    dial: (at, host, handler, cautious) =>
      dial(
        at,
        host,
        {
          onReady: (then, http) => handler.onReady?.(then, http),
          onHttp: (then, http, event) => {
            handler.onHttp(then, http, event);
            check();
          },
          onClosed: (then, reason) => {
            handler.onClosed?.(then, reason);
            check();
          },
        },
        cautious,
      ),
    timers: realTimers(clock, () => {}),
  });
  const client = new PageClient(page, pool, new RunLog());
  await new Promise<void>((resolve, reject) => {
    check = () => {
      if (client.done) resolve();
      else if (client.failure !== undefined) reject(new Error(client.failure));
    };
    client.start(clock.now());
  });
  pool.close(clock.now());
  return { client, pool };
}

describe("a page over Node's own http, https and http2", () => {
  test.each<[ModelName, number]>([
    ['h1-short', 12],
    ['h1-short:4', 12],
    ['h1-persistent', 1],
    ['h1-pipelined', 1],
    ['h1-parallel', 6],
    ['h2', 1],
  ])('by %s takes %i connections', async (name, connections) => {
    const { client, pool } = await fetchPage(name, smallPage);
    const sizes = new Map(smallPage.objects.map(({ id, size }) => [id, size]));
    expect(client.objects.map(({ id, bytes, status }) => [id, bytes, status]).sort()).toEqual(
      [...sizes].map(([id, size]) => [id, size, 200]).sort(),
    );
    expect(pool.figures().length).toBe(connections);
  });

  test('by h1-pipelined keeps its connection, however much waits in the pipe', async () => {
    const { client, pool } = await fetchPage('h1-pipelined', medianPage);
    expect(pool.figures()).toMatchObject([{ exchanges: medianPage.objects.length }]);
    expect(client.objects.every(({ attempts }) => attempts === 1)).toBe(true);
  });

  test('by h1-sharded goes to each host by its own connections, under its own name', async () => {
    const { pool } = await fetchPage('h1-sharded:2', smallPage);
    const hosts = pool.figures().map(({ host }) => host);
    expect(new Set(hosts)).toEqual(new Set(hostsOf(smallPage, 2)));
  });

  test('fails where an object is not there to be connected to', async () => {
    await expect(fetchPage('h1-persistent', smallPage, ({ close }) => close())).rejects.toThrow('failed');
  });

  test('is not what a model over QUIC asks for', () => {
    const options = { remote: { host: '127.0.0.1', port: 1 }, ca: '', clock };
    expect(() => nodeDial({ ...options, model: modelOf('h3') })).toThrow('does not run over TCP');
  });

  test('waits as long as the server thinks', async () => {
    const page = definePage({ name: 'slow', objects: [{ path: '/', size: 10, serverTime: 30_000 }] });
    const { client } = await fetchPage('h2', page);
    const [object] = client.objects;
    expect(object!.headersAt - object!.requestedAt).toBeGreaterThanOrEqual(29_000);
  });
});
