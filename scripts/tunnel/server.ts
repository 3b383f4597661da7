/** The server's end of the tunnel: pages by any model, and bulk for cross traffic. */

import { makeCertificate, nodeProvider, systemRandom, toPem } from '@quiclab/crypto/node';
import { hostsOf, KERNEL_PROFILE, modelOf, QuicServer, RunNotes, realTimers, serving } from '@quiclab/lab';
import { nodeServe } from '@quiclab/lab/node';
import { SECOND } from '@quiclab/sansio';
import { ticketKeeper } from '@quiclab/tls';
import { type Driver, drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import { answering } from './child.ts';
import type { FromServer, ToServer } from './messages.ts';
import { addressOf } from './namespaces.ts';
import { contentOf } from './pages.ts';

const clock = monotonicClock();
const host = addressOf('server');
/** As long as real chains are: what a simulated run has. */
const CHAIN = 2_400;
const DAY = 86_400 * SECOND;

/** One at a time. */
let running: { close(): unknown } | undefined;

answering(async ({ model: name, page }: ToServer): Promise<FromServer> => {
  const model = modelOf(name);
  const now = clock.now();
  const { certificate, privateKey } = makeCertificate({
    names: hostsOf(page, model.shards),
    keyType: 'p256',
    notBefore: now - DAY,
    notAfter: now + 13 * DAY,
    padTo: CHAIN,
  });
  const pem = toPem('CERTIFICATE', certificate);
  const source = contentOf(page);
  await running?.close();
  if (model.protocol === 'h2' || model.protocol === 'http/1.1') {
    const server = await nodeServe({ model, page, source, cert: pem, key: toPem('PRIVATE KEY', privateKey), host, clock });
    running = server;
    return { type: 'serving', port: server.port, certificate: pem };
  }
  const tickets = model.earlyData ? { tickets: ticketKeeper({ provider: nodeProvider, random: systemRandom }) } : {};
  const notes = new RunNotes(() => clock.now());
  const server = new QuicServer(
    { random: systemRandom, crypto: nodeProvider, profile: KERNEL_PROFILE },
    model,
    { certificates: [certificate], privateKey, ...tickets },
    notes,
    realTimers(clock, () => driver.wake()),
    serving({ page, source }, notes.log),
  );
  const socket = await UdpSocket.bind({ host, port: 0 });
  const driver: Driver = drive(server.endpoint, socket, {
    clock,
    handle: (event) => server.handle(clock.now(), event),
    onError: (error) => process.send?.({ type: 'failed', reason: error.stack ?? error.message }),
  });
  running = driver;
  return { type: 'serving', port: socket.local.port, certificate: pem };
});
