/** The server's end of the tunnel: pages by any model. */

import { makeCertificate, nodeProvider, systemRandom, toPem } from '@quiclab/crypto/node';
import { SECOND } from '@quiclab/sansio';
import { ticketKeeper } from '@quiclab/tls';
import { type Driver, drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import { sizedSource } from '../apps/file-server.ts';
import { hostsOf } from '../apps/page-client.ts';
import { serving } from '../apps/serving.ts';
import { QuicServer } from '../carriers/quic-ends.ts';
import { isOverQuic, modelOf } from '../models/model.ts';
import { nodeServe } from '../node/serve.ts';
import { RunNotes } from '../observe/run-notes.ts';
import { setupOf } from '../plan/ends.ts';
import { realTimers } from '../worlds/real-timers.ts';
import { answering } from './child.ts';
import type { FromServer, ToServer } from './messages.ts';
import { addressOf } from './namespaces.ts';

const clock = monotonicClock();
const host = addressOf('server');
/** As long as real chains are: what a simulated run has. */
const CHAIN = 2_400;
const DAY = 86_400 * SECOND;

/** One at a time. */
let running: { close(): unknown } | undefined;

answering(async ({ model: name, page, ends }: ToServer): Promise<FromServer> => {
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
  const source = sizedSource(page);
  await running?.close();
  if (!isOverQuic(model)) {
    const server = await nodeServe({ model, page, source, cert: pem, key: toPem('PRIVATE KEY', privateKey), host, clock });
    running = server;
    return { type: 'serving', port: server.port, certificate: pem };
  }
  const tickets = model.earlyData ? { tickets: ticketKeeper({ provider: nodeProvider, random: systemRandom }) } : {};
  const notes = new RunNotes(() => clock.now());
  const server = new QuicServer(
    { random: systemRandom, crypto: nodeProvider, ...setupOf(ends) },
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
