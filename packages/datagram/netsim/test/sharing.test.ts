import { type LinkConfig, LinkObserver, type LinkPacket } from '@quiclab/impair';
import { World } from '@quiclab/netsim';
import { describe, expect, test } from 'vitest';
import { CLIENT, Scripted, SERVER } from './scripted.ts';

const LINK: LinkConfig = { rate: 8e6, delay: 10_000 };
const texts = ({ received }: Scripted): string[] => received.map(({ at, text }) => `${at} ${text}`);

describe('one host, two protocols', () => {
  /** A UDP and a TCP machine at each end, on the same port; each says one thing of 972 octets. */
  function both() {
    const sizes: string[] = [];
    class Sizes extends LinkObserver {
      override entered(_now: number, { protocol, size }: LinkPacket): void {
        sizes.push(`${protocol} ${size}`);
      }
    }
    const world = new World({ seed: 1, observer: () => new Sizes() });
    const machines = { udp: new Scripted(), tcp: new Scripted(), farUdp: new Scripted(), farTcp: new Scripted() };
    const near = world.addHost({ address: CLIENT, machine: machines.udp, handle() {} });
    near.attach({ protocol: 'tcp', machine: machines.tcp, handle() {} });
    const far = world.addHost({ address: SERVER, protocol: 'tcp', machine: machines.farTcp, handle() {} });
    return { world, near, far, sizes, ...machines };
  }

  test('each gets what is of its own, in the order of the link they share; a segment counts its own header', () => {
    const { world, near, far, sizes, udp, tcp, farUdp, farTcp } = both();
    far.attach({ machine: farUdp, handle() {} });
    world.connect(near, far, LINK, LINK);
    udp.say('datagram', SERVER, 972);
    tcp.say('segment', SERVER, 980);
    near.turn();
    world.run();
    expect(sizes).toEqual(['udp 1000', 'tcp 1000']);
    expect(texts(farUdp)).toEqual(['11000 datagram']);
    expect(texts(farTcp)).toEqual(['12000 segment']);
    expect(far.turns).toBe(2);
  });

  test('what nobody there speaks is unreachable', () => {
    const { world, near, far, udp, farTcp } = both();
    world.connect(near, far, LINK, LINK);
    udp.say('datagram', SERVER);
    near.turn();
    world.run();
    expect(farTcp.received).toEqual([]);
    expect(world.stats).toMatchObject({ sent: 1, delivered: 0, unreachable: 1 });
  });

  test('the same protocol twice is refused', () => {
    const { near } = both();
    expect(() => near.attach({ protocol: 'tcp', machine: new Scripted(), handle() {} })).toThrow(/over tcp already/);
  });
});

describe('several hosts on one pair of links', () => {
  const address = (n: number) => ({ host: `10.0.0.${n}`, port: 443 });

  function four() {
    const world = new World({ seed: 1 });
    const machines = [1, 2, 3, 4].map(() => new Scripted());
    const hosts = machines.map((machine, i) => world.addHost({ address: address(i + 1), machine, handle() {} }));
    const path = world.connect([hosts[0]!, hosts[1]!], [hosts[2]!, hosts[3]!], LINK, LINK);
    return { world, machines, hosts, path };
  }

  test('wait for each other, and each gets its own', () => {
    const { world, machines, hosts, path } = four();
    machines[0]!.say('a to c', address(3), 972);
    machines[1]!.say('b to d', address(4), 972);
    machines[3]!.answers = true;
    for (const host of hosts) host.turn();
    world.run();
    expect(texts(machines[2]!)).toEqual(['11000 a to c']);
    expect(texts(machines[3]!)).toEqual(['12000 b to d']);
    expect(texts(machines[1]!)).toEqual(['22038 re: b to d']); // 38 octets take 38 µs
    expect(path.up.stats.entered).toBe(2);
  });

  test('those of one side are not connected by it, and one that a NAT moves is found', () => {
    const { world, machines, hosts } = four();
    machines[0]!.say('to a neighbour', address(2));
    hosts[0]!.turn();
    expect(world.stats.unreachable).toBe(1);
    hosts[0]!.rebind({ host: '203.0.113.9', port: 9 });
    machines[2]!.say('to the new address', { host: '203.0.113.9', port: 9 });
    machines[2]!.say('to the old one', address(1));
    hosts[2]!.turn();
    world.run();
    expect(machines[0]!.received.map(({ text }) => text)).toEqual(['to the new address']);
    expect(world.stats.unreachable).toBe(2);
  });
});
