import { expect, test } from 'vitest';
import { Resumption } from '../src/resumption.ts';

const octets = (fill: number, length = 4): Uint8Array => new Uint8Array(length).fill(fill);

test('a session is given away once, the newest first; the older ones are forgotten (RFC 9846 §C.4)', () => {
  const resumption = new Resumption();
  for (const n of [1, 2, 3]) resumption.onSession('a', octets(n));
  expect(resumption.take('a')).toEqual({ session: octets(3) });
  expect(resumption.take('a')).toEqual({ session: octets(2) });
  expect(resumption.take('a')).toEqual({});
  expect(resumption.take('b')).toEqual({});
});

test('so is a token, of which the last counts (RFC 9000 §8.1.3); an address stays', () => {
  const resumption = new Resumption();
  resumption.onToken('a', octets(1));
  resumption.onToken('a', octets(2));
  resumption.onAddress('a', '192.0.2.1');
  expect(resumption.take('a')).toEqual({ token: octets(2), address: '192.0.2.1' });
  expect(resumption.take('a')).toEqual({ address: '192.0.2.1' });
});

test('a hundred origins are remembered, those that were heard of last; nothing that is too large', () => {
  const resumption = new Resumption();
  for (let i = 0; i < 100; i++) resumption.onSession(`${i}`, octets(i));
  resumption.onToken('0', octets(0)); // heard of again
  resumption.onSession('new', octets(1));
  expect(resumption.take('1')).toEqual({});
  expect(resumption.take('0')).toEqual({ session: octets(0), token: octets(0) });
  expect(resumption.take('2')).toEqual({ session: octets(2) });
  resumption.onSession('new', octets(1, 8_193));
  resumption.onToken('new', octets(1, 8_193));
  expect(resumption.take('new')).toEqual({ session: octets(1) });
});
