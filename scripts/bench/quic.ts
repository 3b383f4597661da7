import { type Connection, describeClose } from '@quiclab/quic';
import type { Contest } from './contest.ts';
import { connect, notesOf, quicClient, quicServer } from './quic-ends.ts';
import { Stopwatch } from './stopwatch.ts';

const ALPN = 'bench';
const CHUNK = new Uint8Array(1 << 16).fill(0x61);

/** One stream: the client says how many octets it wants, the server sends them. */
export const download: Contest = {
  async serve(options) {
    let first: Connection | undefined;
    const owed = new WeakMap<Connection, number>();
    const send = (now: number, connection: Connection, id: number): void => {
      let left = owed.get(connection) ?? 0;
      while (left > 0) {
        const piece = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
        const taken = connection.write(now, id, piece);
        left -= taken;
        if (taken < piece.length) break;
      }
      owed.set(connection, left);
      if (left === 0) connection.finish(id);
    };
    const server = await quicServer(options, ALPN, (now, connection, event) => {
      first ??= connection;
      if (event.type === 'stream-readable') {
        const request = connection.read(now, event.id); // eight octets: they come in one packet
        if (request?.data.length === 8) owed.set(connection, Number(Buffer.from(request.data).readBigUInt64BE()));
        while (connection.read(now, event.id) !== undefined);
        send(now, connection, event.id);
      } else if (event.type === 'stream-writable') send(now, connection, event.id);
    });
    return { port: server.port, certificate: server.certificate, notes: () => notesOf(server, first) };
  },

  async run(options, target) {
    let received = 0;
    let watch = new Stopwatch();
    let finish = (_error?: Error): void => {};
    const finished = new Promise<void>((resolve, reject) => {
      finish = (error) => (error === undefined ? resolve() : reject(error));
    });
    const client = await quicClient(options, target.certificate, (now, connection, event) => {
      if (event.type === 'handshake-complete') {
        watch = new Stopwatch();
        const id = connection.openStream('bidi')!;
        const request = Buffer.alloc(8);
        request.writeBigUInt64BE(BigInt(options.bytes));
        connection.write(now, id, request);
        connection.finish(id);
      } else if (event.type === 'stream-readable') {
        for (let piece = connection.read(now, event.id); piece !== undefined; piece = connection.read(now, event.id)) {
          received += piece.data.length;
          if (piece.fin) finish();
        }
      } else if (event.type === 'closed') finish(new Error(`the connection ended: ${describeClose(event.cause)}`));
    });
    connect(client, ALPN, target.port);
    await finished;
    if (received !== options.bytes) throw new Error(`${received} octets came, ${options.bytes} were asked for`);
    return { value: received / 1e6 / watch.seconds, cpuSeconds: watch.cpuSeconds };
  },
};
