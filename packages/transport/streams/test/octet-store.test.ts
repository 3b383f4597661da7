import { sameBytes } from '@quiclab/bytes';
import { OctetStore } from '@quiclab/streams';
import { describe, expect, test } from 'vitest';
import { octetAt, octets } from './slow-reassembly.ts';

describe('octets by offset', () => {
  test('blocks grow from 2 KiB to 64 KiB: a small stream takes 256 octets', () => {
    const store = new OctetStore();
    store.write(0, octets(0, 100), 0, 100);
    expect(store.allocated).toBe(256);
    const view = store.view(0, 100);
    store.write(200, octets(200, 257), 0, 57); // one more than fit: the first block grows, and keeps what it had
    expect(store.allocated).toBe(2_048);
    expect(store.view(0, 100)).toEqual(octets(0, 100));
    expect(view).toEqual(octets(0, 100));
    store.write(100, octets(100, 3_000), 0, 2_900);
    expect(store.allocated).toBe(2_048 + 4_096);
  });
  test('what is written anywhere comes back from there, across every block border', () => {
    const store = new OctetStore();
    const whole = octets(0, 400_000);
    for (let at = 0; at < whole.length; at += 1_777) store.write(at, whole, at, Math.min(at + 1_777, whole.length));
    const copy = new Uint8Array(whole.length);
    store.copyTo(0, whole.length, copy, 0);
    expect(sameBytes(copy, whole)).toBe(true);
    let at = 0;
    const lengths: number[] = [];
    while (at < whole.length) {
      const view = store.view(at, whole.length - at);
      expect(view[0]).toBe(octetAt(at));
      lengths.push(view.length);
      at += view.length;
    }
    expect(lengths).toEqual([2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 65_536, 65_536, 65_536, 65_536, 8_832]);
  });
  test('a store that hands out no views gives its blocks to the next one, and what was in them is not to be seen', () => {
    const first = new OctetStore(true);
    first.write(0, octets(0, 3_000), 0, 3_000);
    first.release(Number.MAX_SAFE_INTEGER);
    expect(first.allocated).toBe(0);
    const stores = [new OctetStore(true), new OctetStore(true)];
    for (const [i, store] of stores.entries())
      for (let at = 0; at < 3_000; at += 500) store.write(at, octets(i + at, i + at + 500), 0, 500);
    for (const [i, store] of stores.entries()) {
      const copy = new Uint8Array(3_000);
      store.copyTo(0, 3_000, copy, 0);
      for (let at = 0; at < 3_000; at += 500) expect(copy.subarray(at, at + 500)).toEqual(octets(i + at, i + at + 500));
    }
  });
  test('releasing drops the blocks wholly below, and views stay as they were', () => {
    const store = new OctetStore();
    const whole = octets(0, 200_000);
    store.write(0, whole, 0, whole.length);
    const view = store.view(1_000, 10);
    store.release(2_047);
    const before = store.allocated;
    store.release(2_048);
    expect(before - store.allocated).toBe(2_048);
    store.release(200_000);
    expect(store.allocated).toBe(65_536);
    expect(view).toEqual(octets(1_000, 1_010));
    expect(() => store.view(0, 1)).toThrow(RangeError);
  });
  test('releasing past everything stored, then storing further on', () => {
    const store = new OctetStore();
    store.write(10, octets(10, 20), 0, 10);
    store.release(1_000_000);
    expect(store.allocated).toBe(0);
    store.write(1_000_000, octets(1_000_000, 1_000_050), 0, 50);
    expect(store.view(1_000_000, 50)).toEqual(octets(1_000_000, 1_000_050));
    store.write(5, octets(5, 6), 0, 1); // below: lost
    expect(store.allocated).toBe(65_536);
  });
  test('a long stream read as it comes holds no more than two blocks', () => {
    const store = new OctetStore();
    const piece = octets(0, 1_200);
    for (let at = 0; at < 10_000_000; at += 1_200) {
      store.write(at, piece, 0, 1_200);
      store.release(at + 1_200);
      if (store.allocated > 2 * 65_536) throw new Error(`${store.allocated} octets at ${at}`);
    }
    expect(store.allocated).toBeLessThanOrEqual(65_536);
  });
});
