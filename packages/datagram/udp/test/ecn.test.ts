import { type Address, ECN_UNSUPPORTED } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { type DatagramSocket, drive, monotonicClock, type OnMessage, UdpSocket } from '../src/index.ts';
import { ToyMachine } from './toy-machine.ts';

const clock = monotonicClock();
const nothing = (): void => {};
const fail = (error: Error): void => {
  throw error;
};

/** What an adapter to the system could be: it sets the bits and reads them. This one hands datagrams to its twin. */
class MarkingSocket implements DatagramSocket {
  readonly ecn = 'supported';
  readonly local: Address;
  twin: MarkingSocket | undefined = undefined;
  onMessage: OnMessage = nothing;

  constructor(port: number) {
    this.local = { host: '127.0.0.1', port };
  }

  address = (): Address => this.local;
  listen = (onMessage: OnMessage): void => void (this.onMessage = onMessage);
  ref = nothing;
  unref = nothing;
  close = (): Promise<void> => Promise.resolve();

  send: DatagramSocket['send'] = (bytes, length, _remote, ecn, sent) => {
    const from = { address: this.local.host, port: this.local.port };
    this.twin!.onMessage(bytes.slice(0, length), from, ecn);
    sent(null);
  };
}

/** A machine that notes the ECN field of what it is given, and marks what it sends. */
class Marking extends ToyMachine {
  readonly seen: number[] = [];
  readonly offered: number[] = [];

  override receive(...[now, datagram]: Parameters<ToyMachine['receive']>): void {
    this.seen.push(datagram.ecn);
    super.receive(now, datagram);
  }

  override pollTransmit(...[now, into]: Parameters<ToyMachine['pollTransmit']>): boolean {
    const { ecn } = into;
    if (!super.pollTransmit(now, into)) return false;
    this.offered.push(ecn);
    into.ecn = 2;
    return true;
  }
}

test("Node's sockets say that they can neither set nor read ECN bits, and so does every datagram (RFC 3168 §5)", async () => {
  const [a, b] = [new Marking('plain'), new Marking('plain')];
  const [from, to] = [await UdpSocket.bind({ host: '127.0.0.1', port: 0 }), await UdpSocket.bind({ host: '127.0.0.1', port: 0 })];
  expect(from.ecn).toBe('unsupported');
  const sender = drive(a, from, { clock, handle: nothing, onError: fail });
  let hear = nothing;
  const heard = new Promise<void>((resolve) => (hear = resolve));
  const receiver = drive(b, to, { clock, handle: () => hear(), onError: fail });
  for (const text of ['one', 'two']) a.say(text, to.address());
  sender.turnNow();
  await heard;
  expect(a.offered).toEqual([ECN_UNSUPPORTED, ECN_UNSUPPORTED]); // the second slot as well, whatever was written into the first
  expect(b.seen[0]).toBe(ECN_UNSUPPORTED);
  await Promise.all([sender.close(), receiver.close()]);
});

test('a socket that can set and read them is given what the machine writes, and the machine what came', async () => {
  const [a, b] = [new Marking('plain'), new Marking('plain')];
  const [from, to] = [new MarkingSocket(1), new MarkingSocket(2)];
  [from.twin, to.twin] = [to, from];
  const drivers = [drive(a, from, { clock, handle: nothing, onError: fail }), drive(b, to, { clock, handle: nothing, onError: fail })];
  for (const text of ['one', 'two']) a.say(text, to.local);
  drivers[0]!.turnNow();
  expect(a.offered).toEqual([0, 0]);
  expect(b.seen).toEqual([2, 2]);
  await Promise.all(drivers.map((driver) => driver.close()));
});
