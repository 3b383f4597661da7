import { EventQueue, seededRandom } from '@quiclab/sansio';
import { expect, test } from 'vitest';

test('what waits comes out as it went in, however much it is and wherever the ring begins: as an array would have it', () => {
  const random = seededRandom('fifo');
  const queue = new EventQueue<number>();
  const plain: number[] = [];
  let most = 0;
  for (let i = 0; i < 20_000; i++) {
    const fills = Math.floor(i / 1_000) % 2 === 0;
    if (random.uint32() % 4 < (fills ? 3 : 1)) {
      queue.push(i);
      plain.push(i);
    } else expect(queue.shift()).toBe(plain.shift());
    expect(queue.length).toBe(plain.length);
    most = Math.max(most, plain.length);
  }
  expect(most).toBeGreaterThan(256);
  while (plain.length > 0) expect(queue.shift()).toBe(plain.shift());
  expect(queue.shift()).toBeUndefined();
});
