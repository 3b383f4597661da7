import { World } from '@quiclab/netsim';
import { type Datagram, ECN_UNSUPPORTED } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { CLIENT, Scripted, SERVER } from './scripted.ts';

/** Marks what it sends with ECT(0), and notes what slots and datagrams say. */
class Marking extends Scripted {
  readonly fields: string[] = [];
  override receive(now: number, datagram: Datagram): void {
    this.fields.push(`in ${datagram.ecn}`);
    super.receive(now, datagram);
  }
  override pollTransmit(now: number, into: Datagram): boolean {
    const { ecn } = into;
    if (!super.pollTransmit(now, into)) return false;
    this.fields.push(`out ${ecn}`);
    into.ecn = 2;
    return true;
  }
}

/** Two datagrams over a link that marks what has to wait. @param ends  whose systems let them at the ECN bits */
function exchange(ends: { client: boolean; server: boolean }) {
  const world = new World({ seed: 1 });
  const [client, server] = [new Marking(), new Marking()];
  const host = world.addHost({ address: CLIENT, machine: client, handle() {}, ecn: ends.client });
  const other = world.addHost({ address: SERVER, machine: server, handle() {}, ecn: ends.server });
  world.connect(host, other, { delay: 10, rate: 1e6, ecnThreshold: 0 }, { delay: 10 });
  for (const text of ['one', 'two']) client.say(text, SERVER);
  host.turn();
  world.run();
  return [...client.fields, ...server.fields];
}

test('what a machine writes travels, links change it, and the other machine reads it (RFC 3168 §5)', () => {
  expect(exchange({ client: true, server: true })).toEqual(['out 0', 'out 0', 'in 3', 'in 3']);
});

test("a host whose system has no way to the bits sets none, whatever its machine writes, and reads none: Node's", () => {
  expect(exchange({ client: false, server: true })).toEqual([`out ${ECN_UNSUPPORTED}`, `out ${ECN_UNSUPPORTED}`, 'in 0', 'in 0']);
  expect(exchange({ client: true, server: false })).toEqual(['out 0', 'out 0', `in ${ECN_UNSUPPORTED}`, `in ${ECN_UNSUPPORTED}`]);
});
