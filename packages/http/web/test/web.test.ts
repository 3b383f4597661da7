import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type StreamScheduler, strictUrgency } from '@quiclab/streams';
import { type Client, createClient, type Handler, type ServeOptions, type Server, serve } from '@quiclab/web';
import { afterEach, describe, expect, test } from 'vitest';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface World {
  readonly server: Server;
  readonly client: Client;
  get(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
}

async function world(handler: Handler, options: ServeOptions = {}): Promise<World> {
  const server = await serve(handler, options);
  const client = createClient({ ca: server.certificate.pem });
  open.push(server, client);
  return { server, client, get: (path, init) => client.fetch(server.origin + path, init) };
}

const octets = (length: number, fill = 0): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(fill);

/** A stream of so many chunks, that counts how many were asked for. */
function chunks(count: number, size: number): { stream: ReadableStream<Uint8Array>; made: () => number; cancelled: Promise<unknown> } {
  let made = 0;
  let onCancel: (reason: unknown) => void;
  const cancelled = new Promise((resolve) => {
    onCancel = resolve;
  });
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (made === count) controller.close();
        else controller.enqueue(octets(size, made++ & 0xff));
      },
      cancel: (reason) => onCancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, made: () => made, cancelled };
}

test("the server's scheduler is told the priority of a request, and what the response makes of it (RFC 9218 §5, §8)", async () => {
  const told = new Map<number, string>();
  const scheduler = (): StreamScheduler => {
    const order = strictUrgency();
    const onReady = order.onReady.bind(order);
    order.onReady = (id, priority) => {
      told.set(id, `u=${priority.urgency}, i=${priority.incremental}`);
      onReady(id, priority);
    };
    return order;
  };
  const { get } = await world(
    (request) => new Response('x', { headers: new URL(request.url).pathname === '/urgent' ? { priority: 'u=0' } : {} }),
    { policies: { scheduler } },
  );
  for (const path of ['/', '/urgent']) expect(await (await get(path, { headers: { priority: 'u=5, i' } })).text()).toBe('x');
  expect([told.get(0), told.get(4)]).toEqual(['u=5, i=true', 'u=0, i=true']);
});

describe('requests and responses', () => {
  test('carry method, URL, headers and text both ways', async () => {
    const { server, get } = await world(async (request) => {
      const text = await request.text();
      const headers = new Headers({ 'content-type': 'text/plain', 'x-method': request.method, 'x-url': request.url });
      headers.append('set-cookie', 'a=1');
      headers.append('set-cookie', 'b=2');
      headers.set('x-seen', request.headers.get('x-mine') ?? '');
      return new Response(`you said: ${text}`, { status: 201, headers });
    });
    const response = await get('/path?query=1', { method: 'POST', body: 'hello', headers: { 'x-mine': 'value' } });
    expect(response.status).toBe(201);
    expect(response.url).toBe(`${server.origin}/path?query=1`);
    expect(response.headers.get('x-method')).toBe('POST');
    expect(response.headers.get('x-url')).toBe(`${server.origin}/path?query=1`);
    expect(response.headers.get('x-seen')).toBe('value');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.text()).toBe('you said: hello');
  });

  test('without content have none: 204, 304, HEAD', async () => {
    const { get } = await world((request) => {
      if (request.method === 'HEAD') return new Response('a body that nobody sees', { headers: { 'content-length': '23' } });
      return new Response(null, { status: Number(new URL(request.url).pathname.slice(1)) });
    });
    for (const status of [204, 304, 200]) {
      const response = await get(`/${status}`);
      expect([response.status, await response.text()]).toEqual([status, '']);
    }
    const head = await get('/', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '23', '']);
  });

  test('many at once share one connection', async () => {
    let seen = 0;
    const { get } = await world(async (request) => {
      seen++;
      return new Response(new URL(request.url).pathname);
    });
    const paths = Array.from({ length: 250 }, (_, i) => `/file/${i}`);
    const texts = await Promise.all(paths.map(async (path) => (await get(path)).text()));
    expect(texts).toEqual(paths);
    expect(seen).toBe(250);
  });

  test('large content comes through whole, both ways', async () => {
    const { get } = await world((request) => new Response(request.body));
    const body = octets(3_000_000);
    for (let i = 0; i < body.length; i++) body[i] = (i * 7 + (i >>> 10)) & 0xff;
    const echo = new Uint8Array(await (await get('/', { method: 'PUT', body })).arrayBuffer());
    expect(Buffer.compare(echo, body)).toBe(0);
  });

  test('streams go both ways at once', async () => {
    const { get } = await world((request) => new Response(request.body!.pipeThrough(new TransformStream())));
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(octets(3, 1));
    const response = await get('/', { method: 'POST', body: readable, duplex: 'half' });
    const reader = response.body!.getReader();
    expect((await reader.read()).value).toEqual(octets(3, 1));
    void writer.write(octets(4, 2));
    expect((await reader.read()).value).toEqual(octets(4, 2));
    void writer.close();
    expect((await reader.read()).done).toBe(true);
  });

  test('a redirect is followed as the Fetch standard has it, or not, as asked', async () => {
    const seen: string[] = [];
    const { get, server } = await world(async (request) => {
      const { pathname } = new URL(request.url);
      seen.push(`${request.method} ${pathname} ${await request.text()}`);
      const status = Number(pathname.slice(1));
      return status === 0 ? new Response('there') : new Response(null, { status, headers: { location: '/0' } });
    });
    const post = { method: 'POST', body: 'body' };
    expect(await (await get('/302', post)).text()).toBe('there');
    expect((await get('/307', post)).url).toBe(`${server.origin}/0`);
    expect((await get('/301', { redirect: 'manual' })).status).toBe(301);
    await expect(get('/301', { redirect: 'error' })).rejects.toMatchObject({ message: 'fetch failed' });
    expect(seen).toEqual(['POST /302 body', 'GET /0 ', 'POST /307 body', 'POST /0 body', 'GET /301 ', 'GET /301 ']);
  });
});

describe('back-pressure', () => {
  test('a response that nobody reads is not made further than the windows', async () => {
    const source = chunks(1000, 65_536); // 64 MiB
    const { get } = await world(() => new Response(source.stream), { transport: { sendBuffer: 262_144 } });
    const response = await get('/');
    const reader = response.body!.getReader();
    await reader.read();
    const settled = await steady(source.made);
    expect(settled).toBeLessThan(100);
    let read = 0;
    for (let i = 0; i < 200; i++) read += (await reader.read()).value!.length;
    expect(read).toBeGreaterThan(0);
    await reader.cancel();
    await source.cancelled;
  });

  test('a request that the handler does not read is not made further than the windows', async () => {
    const source = chunks(1000, 65_536);
    let answer: (response: Response) => void = () => {};
    const { get } = await world(() => new Promise((resolve) => (answer = resolve)));
    const response = get('/', { method: 'POST', body: source.stream, duplex: 'half' });
    expect(await steady(source.made)).toBeLessThan(100);
    answer(new Response('enough'));
    expect(await (await response).text()).toBe('enough'); // RFC 9114 §4.1: complete without the rest of the request
    await source.cancelled;
  });

  /** What a counter comes to rest at. */
  async function steady(counter: () => number): Promise<number> {
    for (let last = -1, same = 0; ; ) {
      await new Promise((resolve) => setImmediate(resolve));
      same = counter() === last && last > 0 ? same + 1 : 0;
      last = counter();
      if (same > 2_000) return last;
    }
  }
});

describe('giving up', () => {
  test('an aborted fetch rejects with the reason, and the handler hears of it', async () => {
    const abort = new AbortController();
    let aborted: (reason: unknown) => void;
    const heard = new Promise((resolve) => (aborted = resolve));
    const { get } = await world(
      (request) =>
        new Promise<Response>(() => {
          request.signal.addEventListener('abort', () => aborted(request.signal.reason));
          abort.abort(new Error('changed my mind'));
        }),
    );
    await expect(get('/', { signal: abort.signal })).rejects.toThrow('changed my mind');
    expect(await heard).toBeInstanceOf(Error);
  });

  test('aborting while content comes fails its stream and stops its source', async () => {
    const abort = new AbortController();
    const source = chunks(1_000_000, 1_000);
    const { get } = await world(() => new Response(source.stream));
    const response = await get('/', { signal: abort.signal });
    const reader = response.body!.getReader();
    await reader.read();
    abort.abort();
    await expect(
      (async () => {
        for (;;) if ((await reader.read()).done) return;
      })(),
    ).rejects.toMatchObject({ name: 'AbortError' });
    await source.cancelled;
  });

  test('an already aborted signal sends nothing', async () => {
    const { get } = await world(() => new Response('never'));
    await expect(get('/', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('a request body that fails rejects the fetch, and the handler sees its body fail', async () => {
    let seen: (error: unknown) => void;
    const failure = new Promise((resolve) => (seen = resolve));
    let begun: () => void;
    const reading = new Promise<void>((resolve) => (begun = resolve));
    const { get } = await world(async (request) => {
      begun();
      await request.text().catch((error: unknown) => seen(error));
      return new Response();
    });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(octets(10)),
      pull: async (controller) => {
        await reading;
        controller.error(new Error('disk on fire'));
      },
    });
    await expect(get('/', { method: 'POST', body, duplex: 'half' })).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { message: 'disk on fire' },
    });
    expect(await failure).toBeInstanceOf(Error);
  });
});

describe('errors', () => {
  test('what a handler throws is a 500 for the client, and told to onError', async () => {
    const errors: unknown[] = [];
    const { get } = await world(
      (request) => {
        if (new URL(request.url).pathname === '/sync') throw new Error('sync');
        return Promise.reject(new Error('async'));
      },
      { onError: (error) => errors.push(error) },
    );
    expect((await get('/sync')).status).toBe(500);
    expect((await get('/async')).status).toBe(500);
    expect(errors.map((error) => (error as Error).message)).toEqual(['sync', 'async']);
  });

  test('a response body that fails ends the content with an error, and the connection goes on', async () => {
    const { get } = await world(
      (request) => {
        if (new URL(request.url).pathname === '/good') return new Response('good');
        const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('disk on fire')) });
        return new Response(body);
      },
      { onError: () => {} },
    );
    const outcome = await get('/bad').then(
      (response) => response.text().then(String, (error: Error) => error),
      (error: Error) => error,
    );
    expect(outcome).toBeInstanceOf(TypeError);
    expect(await (await get('/good')).text()).toBe('good');
  });

  test('a certificate that nobody vouches for is refused, unless that is switched off', async () => {
    const { server } = await world(() => new Response('hello'));
    const strict = createClient();
    const lax = createClient({ verify: false });
    open.push(strict, lax);
    await expect(strict.fetch(server.origin)).rejects.toMatchObject({ name: 'TypeError', message: 'fetch failed' });
    expect(await (await lax.fetch(server.origin)).text()).toBe('hello');
  });

  test('only https is spoken, and a port where nobody listens is an error', async () => {
    const client = createClient({ transport: { handshakeTimeout: 300_000 } });
    open.push(client);
    await expect(client.fetch('http://localhost/')).rejects.toMatchObject({ message: 'fetch failed' });
    await expect(client.fetch('https://127.0.0.1:9/')).rejects.toMatchObject({ message: 'fetch failed' });
    await expect(client.fetch('not a url')).rejects.toBeInstanceOf(TypeError);
  });

  test('a client that was closed makes no requests, and fails those under way', async () => {
    const { client, get } = await world(() => new Promise<Response>(() => {}), { closeTimeoutMs: 1 });
    const waiting = get('/');
    const failed = expect(waiting).rejects.toMatchObject({ message: 'fetch failed' });
    await new Promise((resolve) => setImmediate(resolve));
    await client.close();
    await failed;
    await expect(get('/')).rejects.toMatchObject({ message: 'fetch failed' });
  });
});

describe('a life', () => {
  test('closing a server waits for what is under way, and takes nothing new', async () => {
    let answer: (response: Response) => void = () => {};
    let asked: () => void;
    const request = new Promise<void>((resolve) => (asked = resolve));
    const { server, get } = await world(() => {
      asked();
      return new Promise((resolve) => (answer = resolve));
    });
    const response = get('/');
    await request;
    const closed = server.close();
    answer(new Response('still here'));
    expect(await (await response).text()).toBe('still here');
    await closed;
  });

  test('a client goes on with a new connection when the old one is gone', async () => {
    const first = await serve(() => new Response('first'));
    const { address } = first;
    const client = createClient({ verify: false });
    open.push(client);
    expect(await (await client.fetch(first.origin)).text()).toBe('first');
    await first.close();
    const second = await serve(() => new Response('second'), { port: address.port });
    open.push(second);
    expect(await (await client.fetch(second.origin)).text()).toBe('second');
  });

  test('localhost finds whichever address answers', async () => {
    const { server, client } = await world(() => new Response('hello'));
    expect(await (await client.fetch(`https://localhost:${server.address.port}/`)).text()).toBe('hello');
  });

  test('IPv6 is spoken', async () => {
    const server = await serve((request) => new Response(request.url), { host: '::1' }).catch(() => undefined);
    if (server === undefined) return; // this machine has none
    const client = createClient({ ca: server.certificate.pem });
    open.push(server, client);
    expect(await (await client.fetch(`${server.origin}/x`)).text()).toBe(`https://[::1]:${server.address.port}/x`);
  });

  test('a given certificate and key are used, as PEM text or octets', async () => {
    const { developmentCertificate, toPem } = await import('@quiclab/crypto/node');
    const made = developmentCertificate(Date.now() * 1_000);
    const pem = { cert: toPem('CERTIFICATE', made.certificate), key: toPem('PRIVATE KEY', made.privateKey) };
    for (const options of [
      pem,
      { cert: Buffer.from(pem.cert), key: Buffer.from(pem.key) },
      { cert: made.certificate, key: made.privateKey },
    ]) {
      const { server, get } = await world(() => new Response('hello'), options);
      expect(server.certificate.spkiSha256).toBe(made.spkiSha256Base64);
      expect(await (await get('/')).text()).toBe('hello');
    }
    await expect(serve(() => new Response(), { key: pem.key })).rejects.toThrow(/a key without its cert/);
    await expect(serve(() => new Response(), { cert: pem.cert })).rejects.toThrow(/without its private key/);
  });

  test('await using closes both', async () => {
    let port = 0;
    {
      await using server = await serve(() => new Response('hello'));
      await using client = createClient({ ca: server.certificate.pem });
      expect(await (await client.fetch(server.origin)).text()).toBe('hello');
      port = server.address.port;
    }
    const again = await serve(() => new Response('again'), { port }); // the port is free
    await again.close();
  });

  test('idle connections keep no process running', async () => {
    const script = `
      import { createClient, fetch, serve } from '@quiclab/web';
      const server = await serve(() => new Response('hello'));
      const client = createClient({ ca: server.certificate.pem });
      console.log(await (await client.fetch(server.origin)).text());
      await server.close();
      // neither the client nor the default one is closed
      await fetch('https://127.0.0.1:1/', { signal: AbortSignal.timeout(50) }).catch((error) => console.log(error.name));
    `;
    const root = fileURLToPath(new URL('../../../../', import.meta.url));
    const output = await new Promise<string>((resolve, reject) => {
      const args = ['--import', 'tsx', '--input-type=module', '-e', script];
      execFile(process.execPath, args, { cwd: root, timeout: 20_000 }, (error, stdout, stderr) =>
        error ? reject(new Error(stderr || error.message)) : resolve(stdout),
      );
    });
    expect(output).toBe('hello\nTimeoutError\n');
  });
});
