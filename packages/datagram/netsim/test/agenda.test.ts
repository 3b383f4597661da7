import { NEVER } from '@quiclab/sansio';
import { expect, test } from 'vitest';
import { Agenda, Entry } from '../src/agenda.ts';

class Numbered extends Entry {
  readonly id: number;
  constructor(id: number) {
    super();
    this.id = id;
  }
  override happen(): void {}
}

test('the heap agrees with a sorted list, whatever is set, moved and taken out', () => {
  let state = 12_345;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const agenda = new Agenda();
  const entries = Array.from({ length: 40 }, (_, id) => new Numbered(id));
  const plain: { id: number; time: number; order: number }[] = [];
  let order = 0;
  for (let step = 0; step < 20_000; step++) {
    const entry = entries[draw(entries.length)]!;
    const at = plain.findIndex(({ id }) => id === entry.id);
    if (draw(4) > 0) {
      const time = draw(6) === 0 ? NEVER : draw(50);
      agenda.schedule(entry, time);
      if (at >= 0 && plain[at]!.time === time) continue;
      if (at >= 0) plain.splice(at, 1);
      if (time !== NEVER) plain.push({ id: entry.id, time, order: order++ });
    } else if (plain.length > 0) {
      plain.sort((a, b) => a.time - b.time || a.order - b.order);
      expect(agenda.next).toBe(plain[0]!.time);
      expect((agenda.take() as Numbered).id).toBe(plain.shift()!.id);
    }
    expect(agenda.size).toBe(plain.length);
  }
  expect(order).toBeGreaterThan(5_000);
});
