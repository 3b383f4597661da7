import { expect, test } from 'vitest';
import { Pair, text } from './pair.ts';

test('a handshake completes, and a request is answered', () => {
  const pair = new Pair();
  pair.handshake();
  expect(pair.clientEvents.map((e) => e.type)).toContain('handshake-confirmed');
  const id = pair.connection.openStream('bidi')!;
  pair.connection.write(pair.now, id, text('hello'));
  pair.connection.finish(id);
  pair.run(pair.now + 100_000);
  expect(pair.serverEvents.map((e) => e.type)).toContain('stream-readable');
  expect(pair.readAll(pair.accepted!, id)).toEqual({ data: 'hello', fin: true });
});
