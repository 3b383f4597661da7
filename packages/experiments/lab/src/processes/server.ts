import { developmentCertificate, nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import { sizedSource } from '../apps/file-server.ts';
import { hostsOf } from '../apps/page-client.ts';
import { serving } from '../apps/serving.ts';
import { QuicServer } from '../carriers/quic-ends.ts';
import { fileSource } from '../files.ts';
import { modelOf } from '../models/model.ts';
import { RunNotes } from '../observe/run-notes.ts';
import { setupOf } from '../plan/ends.ts';
import { openTraces } from '../trace-files.ts';
import { realTimers } from '../worlds/real-timers.ts';
import type { FromServer, ToServer } from './messages.ts';
import { ToldClock } from './told-clock.ts';

// The server process of a relay run: serves files over HTTP/3 until it is told to stop, then says what its datagrams carried.

const say = (message: FromServer): void => void process.send?.(message);

process.on('message', (message: ToServer) => {
  if (message.type === 'start') start(message).catch((error: unknown) => say({ type: 'failed', reason: String(error) }));
});

async function start({ model: name, page, content, traces, ends }: Extract<ToServer, { type: 'start' }>): Promise<void> {
  const clock = new ToldClock(monotonicClock());
  const identity = developmentCertificate(clock.now(), hostsOf(page, modelOf(name).shards));
  const trace = openTraces('server', traces, clock.now());
  const model = modelOf(name);
  const notes = new RunNotes(() => clock.last, true);
  const server = new QuicServer(
    { random: systemRandom, crypto: nodeProvider, observer: trace.observer, ...setupOf(ends) },
    model,
    { certificates: [identity.certificate], privateKey: identity.privateKey },
    notes,
    realTimers(clock, () => driver.wake()),
    serving({ page, source: content === 'zeros' ? sizedSource(page) : fileSource(content.dir, content.files) }, notes.log),
  );
  const socket = await UdpSocket.bind({ host: '127.0.0.1', port: 0 });
  const driver = drive(server.endpoint, socket, {
    clock,
    handle: (event) => server.handle(clock.now(), event),
    onError: (error) => say({ type: 'failed', reason: error.stack ?? error.message }),
  });
  say({ type: 'listening', address: socket.local, certificate: Buffer.from(identity.certificate).toString('base64') });
  process.on('message', (message: ToServer) => {
    if (message.type !== 'stop') return;
    say({ type: 'record', notes: notes.part() });
    void driver.close().then(() => {
      trace.close();
      process.disconnect();
    });
  });
}
