import { existsSync } from 'node:fs';
import { ECN_UNSUPPORTED } from '@quiclab/sansio';
import { describe, expect, test } from 'vitest';
import { drive, monotonicClock, UdpSocket } from '../src/index.ts';
import { Interfaces } from '../src/interfaces.ts';

const owned = (address: string, internal = false) => ({
  address,
  internal,
  netmask: '',
  mac: '',
  cidr: null,
  ...(address.includes(':') ? ({ family: 'IPv6', scopeid: 0 } as const) : ({ family: 'IPv4' } as const)),
});

const MTU: Readonly<Record<string, number>> = { lo: 65_536, eth0: 1500, jumbo: 9000, tunnel: 1280, strange: 0, tiny: 576 };
const machine = (...names: string[]): Interfaces => {
  const all = {
    lo: [owned('127.0.0.1', true), owned('::1', true)],
    eth0: [owned('192.0.2.1'), owned('2001:db8::1')],
    jumbo: [owned('198.51.100.1')],
    tunnel: [owned('203.0.113.1')],
    strange: [owned('203.0.113.2')],
    tiny: [owned('203.0.113.3')],
  };
  return new Interfaces(Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))), (name) => MTU[name]!);
};
const at = (host: string) => ({ host, port: 443 });
const FAR = at('8.8.8.8');

describe('what leaves in one piece (RFC 9000 §14)', () => {
  const all = machine('lo', 'eth0', 'jumbo', 'tunnel', 'strange', 'tiny');

  test.each([
    ['127.0.0.1', 65_507],
    ['::1', 65_488],
    ['192.0.2.1', 1472],
    ['2001:db8::1', 1452],
    ['198.51.100.1', 8972],
    ['203.0.113.1', 1252],
  ])('from %s: %i octets, the MTU of its interface without headers', (host, octets) => {
    expect(all.largestDatagram(at(host), at(host.includes(':') ? '2001:db8::2' : '8.8.8.8'))).toBe(octets);
  });

  test('1,452 where the system does not say, or the address is nobody’s', () => {
    expect(all.largestDatagram(at('203.0.113.2'), FAR)).toBe(1452);
    expect(all.largestDatagram(at('192.0.2.99'), FAR)).toBe(1452);
    expect(new Interfaces({}).largestDatagram(at(''), FAR)).toBe(1452);
  });

  test('never less than QUIC needs', () => {
    expect(all.largestDatagram(at('203.0.113.3'), FAR)).toBe(1200);
  });

  test('a wildcard socket: the least of all interfaces that may lead there; loopback leads to loopback only', () => {
    expect(machine('lo', 'eth0', 'jumbo').largestDatagram(at(''), FAR)).toBe(1472);
    expect(machine('lo', 'eth0', 'jumbo').largestDatagram(at(''), at('2001:db8::2'))).toBe(1452);
    expect(machine('lo', 'jumbo').largestDatagram(at(''), FAR)).toBe(8972);
    expect(machine('lo', 'jumbo', 'strange').largestDatagram(at(''), FAR)).toBe(1452);
    for (const host of ['127.0.0.1', '127.1.2.3', '::ffff:127.0.0.1', '::1'])
      expect(all.largestDatagram(at(''), at(host))).toBe(host.includes(':') ? 65_488 : 65_507);
    expect(machine('lo').largestDatagram(at(''), FAR)).toBe(1452);
  });

  test('slots for whatever it may be', () => {
    expect(all.largestOfAll).toBe(65_507);
    expect(machine('eth0', 'tunnel').largestOfAll).toBe(1472);
    expect(machine('tunnel').largestOfAll).toBe(1452);
  });
});

const linux = existsSync('/sys/class/net/lo/mtu');

test.skipIf(!linux)('loopback is known, and what it takes arrives in one piece (skipped where there is no /sys/class/net)', async () => {
  const [here, there] = [await UdpSocket.bind({ host: '127.0.0.1', port: 0 }), await UdpSocket.bind({ host: '127.0.0.1', port: 0 })];
  const largest = here.largestDatagram({ host: '', port: 0 }, there.local);
  expect(largest).toBe(65_507);
  expect(here.largestSlot).toBe(largest);
  const arrived = new Promise<Uint8Array>((resolve) => {
    there.listen(
      (octets) => resolve(octets),
      () => {},
    );
  });
  let toSend = 1;
  const driver = drive<never>(
    {
      receive() {},
      nextTimeout: () => Number.POSITIVE_INFINITY,
      onTimeout() {},
      pollEvent: () => undefined,
      pollTransmit(_now, into) {
        if (toSend-- <= 0) return false;
        into.length = into.bytes.fill(7).length;
        into.remote = there.local;
        into.ecn = ECN_UNSUPPORTED;
        return true;
      },
    },
    here,
    { clock: monotonicClock(), handle() {}, onError: (error) => expect(error).toBeUndefined(), slotSize: here.largestSlot },
  );
  const octets = await arrived;
  expect([octets.length, octets.every((octet) => octet === 7)]).toEqual([65_507, true]);
  await driver.close();
  await there.close();
});
