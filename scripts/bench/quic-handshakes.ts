import { nodeProvider } from '@quiclab/crypto/node';
import { describeClose } from '@quiclab/quic';
import { type Contest, HANDSHAKE_CONCURRENCY } from './contest.ts';
import { clock, connect, type Handler, quicClient, quicServer } from './quic-ends.ts';
import { measureRate, SHORT_WARM_UP_SECONDS } from './stopwatch.ts';

const ALPN = 'bench';
const REQUEST = new Uint8Array(100).fill(0x61);

/** A new connection each, with a certificate. One counts when the client's handshake is complete. */
export const full = handshakes('full');
/** The same, each with the session that the connection before it was given; the ticket is waited for. */
export const resumed = handshakes('resumed');
/** The same, with a small request in 0-RTT, which the server has taken. */
export const zeroRtt = handshakes('0-rtt');

function handshakes(kind: 'full' | 'resumed' | '0-rtt'): Contest {
  const early = kind === '0-rtt';
  const take: Handler = (now, connection, event) => {
    if (event.type !== 'stream-readable') return;
    while (connection.read(now, event.id) !== undefined);
    connection.finish(event.id);
  };
  return {
    serve: (options) => quicServer(options, ALPN, take, kind === 'full' ? {} : { tickets: true, earlyData: early }),

    async run(options, target) {
      let complete = 0;
      let certificates = 0;
      const provider: typeof nodeProvider = {
        ...nodeProvider,
        checkChain(...given) {
          certificates++;
          return nodeProvider.checkChain(...given);
        },
      };
      const next = (session?: Uint8Array): void => {
        const connection = connect(client, ALPN, target.port, session && { session, earlyData: early });
        if (session === undefined || !early) return;
        const now = clock.now();
        const id = connection.openStream('bidi')!;
        connection.write(now, id, REQUEST);
        connection.finish(id);
      };
      const onEvent: Handler = (now, connection, event) => {
        if (event.type === 'handshake-complete') {
          if (early && complete >= HANDSHAKE_CONCURRENCY && event.earlyData !== 'accepted')
            throw new Error(`early data: ${event.earlyData}`);
          complete++;
          if (kind !== 'full') return;
          connection.close(now, 0, '');
          next();
        } else if (event.type === 'session' && kind !== 'full') {
          connection.close(now, 0, '');
          next(event.data); // at once: a closed connection stays for three probe timeouts, longer once the handshake is confirmed
        } else if (event.type === 'closed' && event.cause.kind !== 'local-application') {
          throw new Error(`a handshake failed: ${describeClose(event.cause)}`);
        }
      };
      const client = await quicClient(options, target.certificate, onEvent, provider);
      for (let i = 0; i < HANDSHAKE_CONCURRENCY; i++) next();
      const rate = await measureRate(() => complete, SHORT_WARM_UP_SECONDS);
      if (kind !== 'full' && certificates > HANDSHAKE_CONCURRENCY)
        throw new Error(`${certificates} certificates were sent: not all was resumed`);
      return rate;
    },
  };
}
