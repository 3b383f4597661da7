import { expect, test } from 'vitest';
import { formatIpv6, ipv4Octets, ipv6Octets } from '../src/connection/ip-octets.ts';

test.each([
  ['::', '::'],
  ['::1', '::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // of two runs the first (RFC 5952 §4.2.3)
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // one group is not shortened (§4.2.2)
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['fe80::', 'fe80::'],
])('%s is written %s (RFC 5952 §4)', (text, canonical) => {
  expect(formatIpv6(ipv6Octets(text))).toBe(canonical);
  expect(new URL(`http://[${text}]`).hostname).toBe(`[${canonical}]`);
});

test('what is no literal address is refused by name', () => {
  for (const bad of ['', '1.2.3', '1.2.3.256', '1.2.3.x', '::1']) expect(() => ipv4Octets(bad)).toThrow(`'${bad}'`);
  for (const bad of ['', '1', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', '12345::', '1:2:3:4:5:6:7::8:9', '10.0.0.1'])
    expect(() => ipv6Octets(bad)).toThrow(`'${bad}'`);
  expect([...ipv4Octets('192.0.2.1')]).toEqual([192, 0, 2, 1]);
});
