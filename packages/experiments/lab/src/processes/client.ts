import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import { PageClient } from '../apps/page-client.ts';
import { QuicClient } from '../carriers/quic-ends.ts';
import { modelOf } from '../models/model.ts';
import { ConnectionPool } from '../models/pool.ts';
import { RunNotes } from '../observe/run-notes.ts';
import { setupOf } from '../plan/ends.ts';
import { openTraces } from '../trace-files.ts';
import { realTimers } from '../worlds/real-timers.ts';
import type { FromClient, ToClient } from './messages.ts';
import { ToldClock } from './told-clock.ts';

// The client process of a relay run: fetches one page, says how far it is, and what it noted.

const PROGRESS_EVERY_MS = 100;

const say = (message: FromClient): void => void process.send?.(message);

process.on('message', (message: ToClient) => {
  run(message).catch((error: unknown) => {
    say({ type: 'failed', reason: String(error) });
    process.disconnect();
  });
});

async function run({ model: name, page, remote, certificate, traces, ends, nameLookup = 0 }: ToClient): Promise<void> {
  const clock = new ToldClock(monotonicClock());
  const trace = openTraces('client', traces, clock.now());
  const socket = await UdpSocket.bind({ host: '127.0.0.1', port: 0 });
  const model = modelOf(name);
  const notes = new RunNotes(() => clock.last, true);
  const { log } = notes;
  const client = new QuicClient(
    { random: systemRandom, crypto: nodeProvider, observer: trace.observer, ...setupOf(ends) },
    model,
    { ca: [new Uint8Array(Buffer.from(certificate, 'base64'))] },
    notes,
    remote,
  );
  const pool = new ConnectionPool({
    model,
    dial: client.dial,
    timers: realTimers(clock, () => driver.wake()),
    nameLookup,
    observer: { opened: (now, connection) => log.connecting(now, connection), ready: (now, connection) => log.ready(now, connection) },
  });
  const fetched = new PageClient(page, pool, log);
  let over = false;
  const progress = setInterval(() => say({ type: 'progress', bytes: fetched.bytes }), PROGRESS_EVERY_MS);
  const finish = async (failure: string | undefined): Promise<void> => {
    if (over) return;
    over = true;
    clearInterval(progress);
    pool.close(clock.now());
    driver.turnNow();
    await driver.close();
    trace.close();
    log.close(clock.now());
    const { startedAt, finishedAt, objects } = fetched;
    say(
      failure === undefined
        ? { type: 'record', startedAt, finishedAt, objects, connections: pool.figures(), notes: notes.part() }
        : { type: 'failed', reason: failure },
    );
    process.disconnect();
  };
  const driver = drive(client.endpoint, socket, {
    clock,
    handle: (event) => {
      client.handle(clock.now(), event);
      if (fetched.done || fetched.failure !== undefined) setImmediate(() => void finish(fetched.failure));
    },
    onError: (error) => void finish(error.stack ?? error.message),
  });
  fetched.start(clock.now());
  driver.wake();
}
