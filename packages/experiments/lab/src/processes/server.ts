import { developmentCertificate, nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import { fileSource } from '../files.ts';
import { openTraces } from '../tracing.ts';
import { serverEnd } from '../worlds/endpoints.ts';
import type { FromServer, ToServer } from './messages.ts';

// The server process of a relay run: serves files over HTTP/3 until it is told to stop, then says what its datagrams carried.

const say = (message: FromServer): void => void process.send?.(message);

process.on('message', (message: ToServer) => {
  if (message.type === 'start') start(message).catch((error: unknown) => say({ type: 'failed', reason: String(error) }));
});

async function start({ model, dir, files, traces }: Extract<ToServer, { type: 'start' }>): Promise<void> {
  const clock = monotonicClock();
  const identity = developmentCertificate(clock.now());
  const trace = openTraces('server', traces, clock.now());
  const end = serverEnd(
    { random: systemRandom, crypto: nodeProvider, observer: trace.observer },
    model,
    { certificates: [identity.certificate], privateKey: identity.privateKey },
    fileSource(dir, files),
  );
  const socket = await UdpSocket.bind({ host: '127.0.0.1', port: 0 });
  const driver = drive(end.endpoint, socket, {
    clock,
    handle: (event) => end.handle(clock.now(), event),
    onError: (error) => say({ type: 'failed', reason: error.stack ?? error.message }),
  });
  say({ type: 'listening', address: socket.local, certificate: Buffer.from(identity.certificate).toString('base64') });
  process.on('message', (message: ToServer) => {
    if (message.type !== 'stop') return;
    say({ type: 'record', carried: end.carried.datagrams, owners: end.owners.owners });
    void driver.close().then(() => {
      trace.close();
      process.disconnect();
    });
  });
}
