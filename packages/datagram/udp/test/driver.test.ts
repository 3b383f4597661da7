import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { type DriveOptions, type Driver, drive, monotonicClock, UdpSocket } from '../src/index.ts';
import { ToyMachine } from './toy-machine.ts';

const clock = monotonicClock();
const open: Driver[] = [];
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close();
});

/** A toy machine on a socket of its own; `until` resolves at the first event that satisfies a condition. */
async function toy(role: 'echo' | 'plain', options: Partial<DriveOptions<string>> & { host?: string } = {}) {
  const machine = new ToyMachine(role);
  const socket = await UdpSocket.bind({ host: options.host ?? '127.0.0.1', port: 0 });
  let check: () => void = () => {};
  let fail: (error: Error) => void = () => {};
  const driver = drive(machine, socket, { clock, handle: () => check(), onError: (error) => fail(error), ...options });
  open.push(driver);
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      fail = reject;
      check = () => condition() && resolve();
      check();
    });
  return { machine, driver, socket, address: socket.address(), until };
}

for (const host of ['127.0.0.1', '::1']) {
  test(`what a machine says comes back from an echo over ${host}`, async () => {
    const server = await toy('echo', { host });
    const client = await toy('plain', { host });
    client.machine.say('hello', server.address);
    client.driver.wake();
    await client.until(() => client.machine.heard.length === 1);
    expect(client.machine.heard).toEqual(['hello']);
    expect(server.socket.local).toEqual(server.address);
  });
}

test('a machine on two sockets answers from the one that was spoken to, and closing closes both', async () => {
  const server = await toy('echo');
  const second = await UdpSocket.bind({ host: '127.0.0.1', port: 0 });
  server.driver.add(second);
  const froms: unknown[] = [];
  for (const target of [server.address, second.address()]) {
    const client = await toy('plain');
    const { receive } = client.machine;
    client.machine.receive = (now, datagram) => {
      froms.push(datagram.remote);
      receive.call(client.machine, now, datagram);
    };
    client.machine.say('who are you?', target);
    client.driver.wake();
    await client.until(() => client.machine.heard.length === 1);
  }
  expect(froms).toEqual([server.address, second.address()]);
  await server.driver.close();
  const { host, port } = second.address();
  await (await UdpSocket.bind({ host, port })).close(); // the port is free again
});

test('a turn ends after its share of datagrams, and the rest follows in later turns', async () => {
  const server = await toy('plain');
  const client = await toy('plain', { datagramsPerTurn: 4, slots: 8 });
  const texts = Array.from({ length: 30 }, (_, i) => `datagram ${i}`);
  for (const text of texts) client.machine.say(text, server.address);
  client.driver.turnNow();
  const turns = client.driver.counters().turns;
  await server.until(() => server.machine.heard.length === texts.length);
  expect(server.machine.heard).toEqual(texts); // each with its own content: no slot was filled again too early
  expect(client.driver.counters().turns - turns).toBeGreaterThanOrEqual(7); // 30 = 4 + 7 × 3.7
});

test('when every slot is with the kernel, sending goes on as they come back', async () => {
  const server = await toy('plain');
  const client = await toy('plain', { datagramsPerTurn: 100, slots: 2 });
  for (let i = 0; i < 20; i++) client.machine.say(String(i), server.address);
  client.driver.wake();
  await server.until(() => server.machine.heard.length === 20);
  expect(server.machine.heard).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
});

test('an event that makes the machine speak is answered in the same turn', async () => {
  const server = await toy('plain');
  const client = await toy('plain');
  const greeter = await toy('plain', { handle: () => greeter.machine.say('and hello to you', client.address) });
  client.machine.say('hello', greeter.address);
  client.driver.wake();
  await client.until(() => client.machine.heard.length === 1);
  expect(greeter.driver.counters().turns).toBe(2); // the first when it was driven, the second for the datagram
  expect(server.machine.heard).toEqual([]);
});

test.each([100, 700, 3_300])('an alarm %i µs ahead rings, and never early', async (ahead) => {
  const { machine, driver, until } = await toy('plain');
  const due = clock.now() + ahead;
  machine.alarmAt(due);
  driver.wake();
  await until(() => machine.alarms.length === 1);
  expect(machine.alarms[0]).toBeGreaterThanOrEqual(due);
});

test('an alarm that is moved closer rings at its new time', async () => {
  const { machine, driver, until } = await toy('plain');
  machine.alarmAt(clock.now() + 3_600_000_000);
  driver.turnNow();
  machine.alarmAt(clock.now() + 2_000);
  driver.turnNow();
  await until(() => machine.alarms.length === 1); // in an hour, the test would time out
  expect(machine.alarms.length).toBe(1);
});

test('what the system refuses to send is counted and logged once, and the rest arrives', async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const server = await toy('plain');
  const client = await toy('plain', { slotSize: 70_000, logger: pino({ level: 'warn' }, sink) });
  const tooLong = 'x'.repeat(66_000); // the longest UDP payload over IPv4 is 65,507 octets
  client.machine.say(tooLong, server.address);
  client.machine.say(tooLong, server.address);
  client.machine.say('fits', server.address);
  client.driver.wake();
  await server.until(() => server.machine.heard.length === 1);
  await client.driver.close();
  expect(server.machine.heard).toEqual(['fits']);
  expect(client.driver.counters()).toMatchObject({ datagramsSent: 1, octetsSent: 4, sendErrors: { EMSGSIZE: 2 } });
  expect(lines.map((line) => JSON.parse(line).code)).toEqual(['EMSGSIZE']);
});

test('a machine that throws is not driven any further', async () => {
  const errors: Error[] = [];
  const { machine, driver } = await toy('plain', { onError: (error) => errors.push(error) });
  machine.pollEvent = () => {
    throw new Error('a fault in the machine');
  };
  driver.turnNow();
  driver.turnNow();
  driver.wake();
  expect(errors.map((error) => error.message)).toEqual(['a fault in the machine']);
});

test('closing frees the port after everything sent has left, and may be asked twice', async () => {
  const server = await toy('plain');
  const client = await toy('plain');
  client.machine.say('last words', server.address);
  client.driver.turnNow();
  await Promise.all([client.driver.close(), client.driver.close()]);
  const again = await UdpSocket.bind({ host: client.address.host, port: client.address.port });
  expect(again.address()).toEqual(client.address);
  await again.close();
  await server.until(() => server.machine.heard.length === 1);
  expect(server.machine.heard).toEqual(['last words']);
});

test('a handler may close: what the machine says to its last event still leaves', async () => {
  const server = await toy('plain');
  const closer = await toy('echo', { handle: () => void closer.driver.close() });
  server.machine.say('close, please', closer.address);
  server.driver.wake();
  await server.until(() => server.machine.heard.length === 1);
  expect(server.machine.heard).toEqual(['close, please']);
  expect(closer.driver.counters().sendErrors).toEqual({});
});

test('a wildcard socket does not claim to know its host', async () => {
  const socket = await UdpSocket.bind({ host: '0.0.0.0', port: 0 });
  expect(socket.local).toEqual({ host: '', port: socket.address().port });
  await socket.close();
});

test('a name, a port out of range and a port in use are refused', async () => {
  await expect(UdpSocket.bind({ host: 'localhost', port: 0 })).rejects.toThrow("'localhost' is not a literal");
  await expect(UdpSocket.bind({ host: '127.0.0.1', port: 65_536 })).rejects.toThrow('not in 0..65535');
  const { address } = await toy('plain');
  await expect(UdpSocket.bind({ host: '127.0.0.1', port: address.port })).rejects.toThrow('EADDRINUSE');
});

test('a clock with the offset of another counts the same instants', () => {
  const first = monotonicClock();
  const second = monotonicClock(first.offset);
  const [a, b, c] = [first.now(), second.now(), first.now()];
  expect(a <= b && b <= c).toBe(true);
  expect([a, b, c].every(Number.isInteger)).toBe(true);
});
