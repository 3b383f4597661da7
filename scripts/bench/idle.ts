import { createServer, get } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Connection, describeClose } from '@quiclab/quic';
import { type Contest, HANDSHAKE_CONCURRENCY, IDLE_CONNECTIONS, IDLE_WARM_UP, type Reading } from './contest.ts';
import { asPem, certificatePem, HOST_NAME, LOOPBACK, makeIdentity } from './identity.ts';
import { listen } from './node-http.ts';
import { clock, connect, quicClient, quicServer } from './quic-ends.ts';
import { Stopwatch } from './stopwatch.ts';

const ALPN = 'bench';
/** After which acknowledgements have been exchanged, closed connections are forgotten, and handshakes are garbage; in ms. */
const SETTLED_AFTER = 1_000;

/** Of the server's process, octets. Resident is what the machine is asked for; the rest is what V8 knows of: OpenSSL's own memory is not in it. */
interface Memory {
  readonly resident: number;
  readonly heap: number;
}

/** What is left when all garbage is gone. */
export async function memory(): Promise<Memory> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 5; i++) {
    collect();
    await pause(20); // what V8 finalizes is freed between two turns of the event loop
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, heap: heapUsed + external };
}

/** What one of so many connections takes at a server, once others have come and gone. */
async function measure(
  ask: () => Promise<Memory>,
  /** Opens one; resolves when the handshake is over. */
  open: () => Promise<{ close(): void }>,
): Promise<Reading> {
  const openMany = async (count: number): Promise<{ close(): void }[]> => {
    const opened: { close(): void }[] = [];
    let left = count;
    const one = async (): Promise<void> => {
      while (left-- > 0) opened.push(await open());
    };
    await Promise.all(Array.from({ length: HANDSHAKE_CONCURRENCY }, one));
    await pause(SETTLED_AFTER);
    return opened;
  };
  const watch = new Stopwatch();
  for (const connection of await openMany(IDLE_WARM_UP)) connection.close();
  await pause(SETTLED_AFTER);
  const before = await ask();
  await openMany(IDLE_CONNECTIONS);
  const after = await ask();
  const each = (key: keyof Memory): number => Number(((after[key] - before[key]) / 1024 / IDLE_CONNECTIONS).toPrecision(4));
  return { value: each('resident'), cpuSeconds: watch.cpuSeconds, notes: { 'heap KiB': each('heap') } };
}

/** Connections that are open and do nothing; another asks the server what they cost. */
export const quicIdle: Contest = {
  async serve(options) {
    const server = await quicServer(options, ALPN, (now, connection, event) => {
      if (event.type !== 'stream-readable') return;
      const piece = connection.read(now, event.id);
      while (connection.read(now, event.id) !== undefined);
      if (piece?.fin !== true) return;
      void memory().then((found) => {
        connection.write(clock.now(), event.id, Buffer.from(JSON.stringify(found)));
        connection.finish(event.id);
        server.driver.wake();
      });
    });
    return { port: server.port, certificate: server.certificate };
  },

  async run(options, target) {
    const opening = new Map<Connection, () => void>();
    let onAnswer = (_found: Memory): void => {};
    const client = await quicClient(options, target.certificate, (now, connection, event) => {
      if (event.type === 'handshake-confirmed') {
        opening.get(connection)?.();
        opening.delete(connection);
      } else if (event.type === 'stream-readable') {
        const piece = connection.read(now, event.id); // it fits in one packet
        if (piece !== undefined && piece.data.length > 0) onAnswer(JSON.parse(Buffer.from(piece.data).toString()));
      } else if (event.type === 'closed' && event.cause.kind !== 'local-application')
        throw new Error(`a connection ended: ${describeClose(event.cause)}`);
    });
    const open = (): Promise<Connection> =>
      new Promise((resolve) => {
        const connection = connect(client, ALPN, target.port);
        opening.set(connection, () => resolve(connection));
      });
    const asking = await open();
    const ask = (): Promise<Memory> =>
      new Promise((resolve) => {
        onAnswer = resolve;
        const id = asking.openStream('bidi')!;
        asking.write(clock.now(), id, Uint8Array.of(0x3f));
        asking.finish(id);
        client.driver.wake();
      });
    return measure(ask, async () => {
      const connection = await open();
      return {
        close() {
          connection.close(clock.now(), 0, '');
          client.driver.wake();
        },
      };
    });
  },
};

/** TLS connections to an HTTPS server that ask for nothing. */
export const httpsIdle: Contest = {
  async serve() {
    const identity = makeIdentity();
    const server = createServer(asPem(identity), (_request, response) => {
      void memory().then((found) => response.end(JSON.stringify(found)));
    });
    return listen(server, identity.certificate);
  },

  async run(_options, { port, certificate }) {
    const options = { host: LOOPBACK, port, servername: HOST_NAME, ca: certificatePem(certificate) };
    const ask = async (): Promise<Memory> => {
      const chunks: Buffer[] = [];
      const response = await new Promise<AsyncIterable<Buffer>>((resolve, reject) =>
        get({ ...options, agent: false }, resolve).on('error', reject),
      );
      for await (const chunk of response) chunks.push(chunk);
      return JSON.parse(Buffer.concat(chunks).toString());
    };
    return measure(ask, async () => {
      const socket = await new Promise<TLSSocket>((resolve, reject) => {
        const made = connectTls({ ...options, ALPNProtocols: ['http/1.1'] }, () => resolve(made));
        made.once('error', reject).resume();
      });
      return { close: () => void socket.destroy() };
    });
  },
};
