import { connect } from 'node:tls';
import { type Contest, HANDSHAKE_CONCURRENCY } from './contest.ts';
import { certificatePem, HOST_NAME, LOOPBACK } from './identity.ts';
import { httpsDownload } from './node-http.ts';
import { measureRate, SHORT_WARM_UP_SECONDS } from './stopwatch.ts';

/** TLS 1.3 handshakes with an HTTPS server, no session taken up again. One counts when the client's handshake is complete. */
export const full = handshakes(false);
/** The same with one session for each that is under way, over and over as Node's own agent has it: a resumed connection is given no other. */
export const resumed = handshakes(true);

function handshakes(resume: boolean): Contest {
  return {
    serve: httpsDownload.serve!,

    async run(_options, { port, certificate }) {
      const ca = certificatePem(certificate);
      let complete = 0;
      const next = (session?: Buffer): void => {
        const options = { host: LOOPBACK, port, servername: HOST_NAME, ca, ALPNProtocols: ['http/1.1'], ...(session && { session }) };
        const end = (kept?: Buffer): void => {
          socket.destroy();
          next(kept);
        };
        const socket = connect(options, () => {
          if (socket.isSessionReused() !== (session !== undefined)) throw new Error(`resumed: ${socket.isSessionReused()}`);
          complete++;
          if (!resume || session !== undefined) end(session);
        });
        if (!resume || session !== undefined) return;
        socket.once('session', end); // a server gives two; the second comes too late
        socket.resume();
      };
      for (let i = 0; i < HANDSHAKE_CONCURRENCY; i++) next();
      return measureRate(() => complete, SHORT_WARM_UP_SECONDS);
    },
  };
}
