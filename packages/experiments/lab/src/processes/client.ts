import { nodeProvider, systemRandom } from '@quiclab/crypto/node';
import { drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import { openTraces } from '../tracing.ts';
import { clientEnd } from '../worlds/endpoints.ts';
import type { FromClient, ToClient } from './messages.ts';

// The client process of a relay run: fetches one page over one connection, says how far it is, and what it noted.

const PROGRESS_EVERY_MS = 100;

const say = (message: FromClient): void => void process.send?.(message);

process.on('message', (message: ToClient) => {
  run(message).catch((error: unknown) => {
    say({ type: 'failed', reason: String(error) });
    process.disconnect();
  });
});

async function run({ model, page, remote, certificate, traces }: ToClient): Promise<void> {
  const clock = monotonicClock();
  const trace = openTraces('client', traces, clock.now());
  const socket = await UdpSocket.bind({ host: '127.0.0.1', port: 0 });
  const end = clientEnd(
    clock.now(),
    { random: systemRandom, crypto: nodeProvider, observer: trace.observer },
    { ca: [new Uint8Array(Buffer.from(certificate, 'base64'))] },
    model,
    page,
    remote,
    '127.0.0.1',
  );
  let over = false;
  const progress = setInterval(() => say({ type: 'progress', bytes: end.page.bytes }), PROGRESS_EVERY_MS);
  const finish = async (failure: string | undefined): Promise<void> => {
    if (over) return;
    over = true;
    clearInterval(progress);
    end.connection.close(clock.now(), 0x100, ''); // H3_NO_ERROR
    driver.turnNow();
    await driver.close();
    trace.close();
    const { startedAt, finishedAt, objects } = end.page;
    say(
      failure === undefined
        ? { type: 'record', startedAt, finishedAt, objects, arrivals: end.arrived.arrivals }
        : { type: 'failed', reason: failure },
    );
    process.disconnect();
  };
  const driver = drive(end.endpoint, socket, {
    clock,
    handle: (event) => {
      end.handle(clock.now(), event);
      if (end.page.done || end.page.failure !== undefined) setImmediate(() => void finish(end.page.failure));
    },
    onError: (error) => void finish(error.stack ?? error.message),
  });
}
