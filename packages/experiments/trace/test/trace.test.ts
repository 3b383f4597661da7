import { fromHex } from '@quiclab/bytes';
import { Observer } from '@quiclab/quic';
import { KeyLogObserver, keyLogLine, TeeObserver } from '@quiclab/trace';
import { expect, test } from 'vitest';

test('a key log line is label, client random and secret (NSS key log)', () => {
  expect(keyLogLine('CLIENT_HANDSHAKE_TRAFFIC_SECRET', fromHex('0a0b'), fromHex('ff00'))).toBe('CLIENT_HANDSHAKE_TRAFFIC_SECRET 0a0b ff00');
  const lines: string[] = [];
  new KeyLogObserver((line) => lines.push(line)).secret('LABEL', fromHex('01'), fromHex('02'));
  expect(lines).toEqual(['LABEL 01 02\n']);
});

test('several observers are told all that one would be, in their order', () => {
  const told: string[] = [];
  const methods = Object.getOwnPropertyNames(Observer.prototype).filter((name) => name !== 'constructor');
  const listener = (name: string): Observer => {
    const observer = new Observer();
    for (const method of methods)
      Object.assign(observer, { [method]: (...values: unknown[]) => told.push(`${name} ${method} ${values.join()}`) });
    return observer;
  };
  const tee = new TeeObserver([listener('a'), listener('b')]);
  for (const method of methods) (tee as unknown as Record<string, (...values: unknown[]) => void>)[method]!(1, 2, 3);
  expect(told).toEqual(methods.flatMap((method) => [`a ${method} 1,2,3`, `b ${method} 1,2,3`]));
  expect(methods.length).toBeGreaterThan(15);
  expect(tee.readsPayloads).toBe(true);
  expect(new TeeObserver([]).readsPayloads).toBe(false);
});
