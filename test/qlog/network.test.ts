import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bernoulli, bleach, corrupt, duplicate, Link, type LinkConfig } from '@quiclab/impair';
import { type ModelName, runSimulated, type SimulatedRun } from '@quiclab/lab';
import { seededRandom } from '@quiclab/sansio';
import { LINK_EVENTS_SCHEMA, networkQlog } from '@quiclab/trace';
import { smallPage } from '@quiclab/workload';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Schema } from './cddl.ts';
import { recordsOf } from './rich-world.ts';
import { checkRecord, draftSchema, hasDrafts, type QlogRecord } from './schema.ts';

// What links do, in events of our own: packages/experiments/trace/link-events.cddl.

const CDDL = fileURLToPath(new URL('../../packages/experiments/trace/link-events.cddl', import.meta.url));
const sizes = new Map(smallPage.objects.map(({ path, size }) => [path, size]));
const link: LinkConfig = { delay: 20_000, rate: 10e6, queue: { packets: 4 }, ecnThreshold: 3 };
const down: LinkConfig = { ...link, loss: bernoulli(0.03), corrupt: corrupt(0.02), duplicate: duplicate(0.02), mtu: 1_500 };
const up: LinkConfig = { ...link, ecn: bleach() };

interface LinkEvent {
  readonly time: number;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly link: 'up' | 'down'; readonly index: number };
}

function traced(model: ModelName, change: Partial<SimulatedRun> = {}) {
  let text = '';
  const run: SimulatedRun = {
    model,
    seed: 3,
    page: smallPage,
    source: (path) => new Uint8Array(sizes.get(path)!),
    links: { up, down },
    ...change,
  };
  const watch = networkQlog({ title: model, write: (record) => void (text += record) });
  const record = runSimulated({ ...run, watch });
  const [header, ...events] = recordsOf(text) as [QlogRecord, ...QlogRecord[]];
  return { record, header, records: [header, ...events], events: events as unknown as LinkEvent[] };
}

describe.each(['h3', 'h2'] as const)('the trace of a network under %s', (model) => {
  const { record, header, events } = traced(model);
  const named = (name: string, way?: 'up' | 'down') =>
    events.filter((event) => event.name === `link:${name}` && (way === undefined || event.data.link === way));

  test('says that it is of a network, with events of its own (draft-ietf-quic-qlog-main-schema, Event Schema URIs)', () => {
    expect(header.trace).toMatchObject({ vantage_point: { type: 'network', flow: 'client' }, event_schemas: [LINK_EVENTS_SCHEMA] });
    expect(readFileSync(CDDL, 'utf8')).toContain(LINK_EVENTS_SCHEMA);
  });

  test('has what entered, and what was dropped and why, as the run has it', () => {
    for (const way of ['up', 'down'] as const) {
      // the run's figures end with the page, its trace when the connections are closed
      const indexes = named('datagram_enqueued', way).map(({ data }) => data.index);
      expect(indexes.length).toBeGreaterThanOrEqual(record[way].entered);
      expect(indexes).toEqual(indexes.map((_, i) => i + 1));
      const kinds = { impairment: 'injected', queue: 'queue', mtu: 'mtu' } as Readonly<Record<string, string>>;
      expect(
        named('datagram_dropped', way)
          .map(({ time, data }) => ({
            index: data.index,
            at: Math.round(time * 1_000),
            kind: kinds[data.trigger as string],
            cause: data.cause,
          }))
          .slice(0, record[way].drops.length),
      ).toEqual(record[way].drops.map((drop) => ({ ...drop })));
    }
    expect(new Set(named('datagram_dropped').map(({ data }) => data.trigger))).toEqual(new Set(['impairment', 'queue']));
  });

  test('every datagram that enters departs or is dropped, and what departs arrives when it was said to', () => {
    const ends = [...named('datagram_dropped'), ...named('datagram_departed')];
    const key = ({ data }: LinkEvent): string => `${data.link}:${data.index}`;
    expect(ends.map(key).sort()).toEqual(named('datagram_enqueued').map(key).sort());
    const arrivals = named('datagram_departed').flatMap((event) =>
      Array<string>(event.data.copies as number).fill(
        `${key(event)} ${Math.round(1_000 * (event.time + (event.data.arrives_in as number)))}`,
      ),
    );
    expect(
      named('datagram_delivered')
        .map((event) => `${key(event)} ${Math.round(1_000 * event.time)}`)
        .sort(),
    ).toEqual(arrivals.sort());
  });

  test('has what the links did beyond that: marks of the queue, rewritten bits, copies, damage', () => {
    // our TCP has no ECN
    if (model === 'h3') expect(named('datagram_marked', 'down')[0]!.data).toMatchObject({ old: 'ECT(0)', new: 'CE', trigger: 'queue' });
    else expect(named('datagram_marked')).toEqual([]);
    expect(named('datagram_departed', 'down').some(({ data }) => data.copies === 2)).toBe(true);
    expect(named('datagram_departed', 'down').filter(({ data }) => data.damaged === true).length).toBeGreaterThan(1);
    expect(named('datagram_departed', 'up').some(({ data }) => 'damaged' in data)).toBe(false);
  });

  test('says what each datagram was made of', () => {
    const field = model === 'h3' ? 'packets' : 'segment';
    for (const { data } of named('datagram_enqueued')) expect([data.index, field in data]).toEqual([data.index, true]);
    if (model === 'h3') {
      expect(named('datagram_enqueued', 'up')[0]!.data.packets).toEqual([
        { connection: 0, packet_type: 'initial', packet_number: 0, streams: [] },
      ]);
    } else expect(named('datagram_enqueued', 'up')[0]!.data.segment).toMatchObject({ connection: 0, flags: ['SYN'], offset: 0, length: 0 });
  });

  test('is in the order of time', () => {
    const times = events.map(({ time }) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});

test('what is too large, and whose bits are rewritten, is told, too', () => {
  let text = '';
  const watch = networkQlog({ write: (record) => void (text += record), reference: 1_000 });
  const link = new Link({ delay: 500, mtu: 100, ecn: bleach() }, seededRandom(1), watch.up);
  const [from, to] = [
    { host: '192.0.2.1', port: 1 },
    { host: '192.0.2.2', port: 2 },
  ];
  link.push(1_000, new Uint8Array(73), 73, from, to, 0);
  link.push(1_250, new Uint8Array(72), 72, from, to, 2);
  link.poll(1_750);
  const events = recordsOf(text).slice(1);
  expect(events.map(({ time, name, data }) => [time, name, data]).slice(1)).toEqual([
    [0, 'link:datagram_dropped', { link: 'up', index: 1, trigger: 'mtu', cause: 'mtu' }],
    [
      0.25,
      'link:datagram_enqueued',
      { link: 'up', index: 2, protocol: 'udp', length: 100, ecn: 'ECT(0)', queue: { packets: 0, bytes: 0 } },
    ],
    [0.25, 'link:datagram_marked', { link: 'up', index: 2, old: 'ECT(0)', new: 'Not-ECT', trigger: 'rewritten' }],
    [0.25, 'link:datagram_departed', { link: 'up', index: 2, arrives_in: 0.5, copies: 1 }],
    [0.75, 'link:datagram_delivered', { link: 'up', index: 2, took: 0.5, ecn: 'Not-ECT' }],
  ]);
});

const whereDrafts = hasDrafts && existsSync(CDDL) ? describe : describe.skip;
whereDrafts(`our schema with that of the drafts${hasDrafts ? '' : ' (skipped: their texts are not in ../shared/specs)'}`, () => {
  let schema: Schema;
  let records: QlogRecord[];
  beforeAll(() => {
    schema = draftSchema(readFileSync(CDDL, 'utf8'));
    records = (['h3', 'h2', 'h1-parallel'] as const).flatMap((model) => traced(model).records);
  });

  test('every record fits', () => {
    const faults = new Set(records.map((record) => checkRecord(schema, record)));
    expect([...faults]).toEqual(['']);
    expect(new Set(records.map(({ name }) => name)).size).toBe(6); // the header has none
  });

  test('no record fits with a member too many, without one, or with one of another kind', () => {
    const samples = new Map(records.filter(({ name }) => name !== undefined).map((record) => [record.name, record]));
    for (const record of samples.values()) {
      const data = record.data as Record<string, unknown>;
      expect(checkRecord(schema, { ...record, data: { ...data, surplus: 1 } })).toContain('surplus');
      for (const member of Object.keys(data)) {
        expect(checkRecord(schema, { ...record, data: { ...data, [member]: [[{}]] } })).not.toBe('');
        if (['packets', 'segment', 'damaged'].includes(member)) continue;
        const { [member]: _, ...rest } = data;
        expect(checkRecord(schema, { ...record, data: rest })).toContain(`lacks ${member}`);
      }
    }
    expect(samples.size).toBe(5);
  });
});
