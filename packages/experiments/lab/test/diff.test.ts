import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dialect } from '@quiclab/trace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aligned } from '../src/diff/alignment.ts';
import { diffCommand } from '../src/diff/command.ts';
import { type DifferenceOptions, differenceOfLogs } from '../src/diff/difference.ts';
import { readLog } from '../src/diff/log.ts';
import { tracedRun } from '../src/tracing/traced-run.ts';
import { whatIfCommand } from '../src/whatif/command.ts';
import { optionsSource, type RunOptions } from '../src/whatif/source.ts';

const OPTIONS: RunOptions = {
  page: '6x40KB',
  profile: 'default',
  loss: '0%',
  upLoss: '0%',
  rtt: '50ms',
  rate: '10Mbit',
  queue: 64,
  lookup: '0ms',
  seed: 7,
  model: 'h3',
};
const STRICT: DifferenceOptions = { ignoreTime: false, ignoreIds: false, context: 5 };

/** The qlogs of one run, by name. */
function logsOf(change: Partial<RunOptions> = {}, dialect: Dialect = 'current'): Record<string, string> {
  const { files } = tracedRun(optionsSource({ ...OPTIONS, ...change }).run, { dialect, at: ['client', 'server'] });
  return Object.fromEntries(files.filter(({ name }) => name.endsWith('.sqlog')).map(({ name, pieces }) => [name, [...pieces].join('')]));
}
const difference = (a: string, b: string, options: Partial<DifferenceOptions> = {}) =>
  differenceOfLogs(readLog(a), readLog(b), { ...STRICT, ...options });
/** Records of a sequence, each as an object. */
const recordsIn = (text: string): Record<string, unknown>[] =>
  text
    .split('\u001e')
    .slice(1)
    .map((one) => JSON.parse(one));
const sequence = (records: readonly unknown[]): string => records.map((one) => `\u001e${JSON.stringify(one)}\n`).join('');

describe('two runs that differ by one dropped datagram', () => {
  let whole: Record<string, string>;
  let dropped: Record<string, string>;
  beforeAll(() => {
    whole = logsOf();
    dropped = logsOf({ lost: 'down:10' });
  });
  const parting = (name: string, swapped = false) => {
    const [a, b] = swapped ? [dropped, whole] : [whole, dropped];
    return difference(a[`${name}.sqlog`]!, b[`${name}.sqlog`]!);
  };

  test('part on the network where it is dropped in one, and departs in the other', () => {
    const { same, parting: at, counts } = parting('network');
    expect(same).toBe(false);
    expect(at!.kind).toBe('other');
    expect([at!.a!.text, at!.b!.text]).toEqual(['datagram_departed down:10', 'datagram_dropped down:10: by the impairment (listed)']);
    expect(at!.a!.time).toBe(at!.b!.time);
    expect(at!.fateInOne).toMatchObject({ fate: 'lost', in: 'b', what: 'down:10', at: at!.b!.time });
    expect(counts).toContainEqual({ what: 'datagrams dropped down by the impairment', a: 0, b: 1 });
    // what both have behind it stands in one row again
    expect(at!.after.slice(2).map(({ a, b }) => [a?.text, b?.text])).toContainEqual([
      'datagram_departed down:11',
      'datagram_departed down:11',
    ]);
  });

  test('part at the server where it hears no more of that packet, which is said to be lost in one alone', () => {
    const { parting: at, counts } = parting('server');
    const number = carriedBy(whole['network.sqlog']!, 10);
    expect(at!.fateInOne).toMatchObject({ fate: 'lost', in: 'b', what: `1RTT ${number}` });
    expect(at!.fateInOne!.sentAt).toBeLessThan(at!.a!.time);
    expect(at!.fateInOne!.at).toBeGreaterThan(at!.a!.time);
    expect(counts).toContainEqual({ what: 'packets lost', a: 0, b: 1 });
  });

  test('part at the client where it arrives in one alone', () => {
    const number = carriedBy(whole['network.sqlog']!, 10);
    expect(parting('client').parting!.fateInOne).toMatchObject({ fate: 'arrived', in: 'a', what: `1RTT ${number}`, sentAt: null });
    expect(parting('client', true).parting!.fateInOne).toMatchObject({ fate: 'arrived', in: 'b', what: `1RTT ${number}` });
  });

  test('the streams end at other times, those that the lost one carried among them', () => {
    const { streams } = parting('client');
    expect(streams.length).toBeGreaterThan(0);
    for (const { a, b } of streams) expect(a).not.toBe(b);
    expect(difference(whole['client.sqlog']!, dropped['client.sqlog']!, { ignoreTime: true }).streams).toEqual([]);
  });

  test('have as many rows before and after as asked for', () => {
    const at = difference(whole['server.sqlog']!, dropped['server.sqlog']!, { context: 2 }).parting!;
    expect([at.before.length, at.after.length]).toEqual([2, 3]);
    for (const { a, b } of at.before) expect(a).toEqual(b);
  });

  /** The number of the packet in the nth datagram on the way down. */
  function carriedBy(network: string, index: number): unknown {
    const entered = recordsIn(network).find(({ name, data }) => {
      const { link, index: nth } = (data ?? {}) as { link?: string; index?: number };
      return name === 'link:datagram_enqueued' && link === 'down' && nth === index;
    })!;
    return (entered.data as { packets: { packet_number: number }[] }).packets[0]!.packet_number;
  }
});

describe('the same run', () => {
  const small = { page: '2x10KB' };
  const logs = logsOf(small);

  test.each(['client', 'server', 'network'])('has the same %s log', (name) => {
    expect(difference(logs[`${name}.sqlog`]!, logsOf(small)[`${name}.sqlog`]!)).toMatchObject({
      same: true,
      parting: null,
      counts: [],
      streams: [],
    });
  });

  test('in both dialects has the same packets', () => {
    const old = logsOf({ page: '2x10KB', lost: 'down:6' }, 'qvis');
    const now = logsOf({ page: '2x10KB', lost: 'down:6' });
    for (const name of ['client.sqlog', 'server.sqlog']) {
      const { same, packetsOnly, events } = difference(now[name]!, old[name]!);
      expect({ same, packetsOnly }).toEqual({ same: true, packetsOnly: true });
      expect(events.a).toBeGreaterThan(20);
    }
    expect(difference(logs['server.sqlog']!, old['server.sqlog']!).parting!.fateInOne).toMatchObject({ fate: 'lost', in: 'b' });
  });

  test('is the same as JSON, as a record a line, with times told as differences, and pretty-printed', () => {
    const text = logs['server.sqlog']!;
    const [head, ...events] = recordsIn(text) as [{ trace: { common_fields: object } }, ...{ time: number }[]];
    const delta = events.map((event, i) => ({ ...event, time: i === 0 ? event.time : event.time - events[i - 1]!.time }));
    const common_fields = { ...head.trace.common_fields, time_format: 'relative_to_previous_event' };
    for (const other of [
      JSON.stringify({ ...head, trace: undefined, traces: [{ ...head.trace, events }] }, null, 1),
      [head, ...events].map((one) => `${JSON.stringify(one)}\r\n`).join('\n'),
      [head, ...events].map((one) => `\u001e${JSON.stringify(one, null, 2)}\n`).join(''),
    ])
      expect(difference(text, other).same).toBe(true);
    const differences = sequence([{ ...head, trace: { ...head.trace, common_fields } }, ...delta]);
    expect(readLog(differences).events.map(({ time }) => Math.round(time * 1_000))).toEqual(
      events.map(({ time }) => Math.round(time * 1_000)),
    );
  });

  test('at other times is the same but for times', () => {
    const later = sequence(
      recordsIn(logs['client.sqlog']!).map((one) => (typeof one.time === 'number' ? { ...one, time: one.time + 5 } : one)),
    );
    const { parting } = difference(logs['client.sqlog']!, later);
    expect(parting).toMatchObject({ kind: 'differs', details: ['time 0 and 5'], before: [] });
    expect(difference(logs['client.sqlog']!, later, { ignoreTime: true }).same).toBe(true);
  });

  test('with other connection IDs and ports is the same but for those', () => {
    const other = logs['client.sqlog']!.replaceAll('50000', '50001').replaceAll(/"connection_id":"../g, '"connection_id":"00');
    expect(difference(logs['client.sqlog']!, other).same).toBe(false);
    expect(difference(logs['client.sqlog']!, other, { ignoreIds: true }).same).toBe(true);
  });

  test('with one event more has it as what is more', () => {
    const records = recordsIn(logs['server.sqlog']!);
    const extra = { ...records[40], data: { something: 'else' }, name: 'quic:packets_acked' };
    const more = sequence([...records.slice(0, 40), extra, ...records.slice(40)]);
    expect(difference(logs['server.sqlog']!, more).parting).toMatchObject({
      kind: 'more in b',
      b: { text: 'packets_acked something else' },
    });
    expect(difference(more, logs['server.sqlog']!).parting).toMatchObject({ kind: 'more in a' });
    const cut = sequence(records.slice(0, -1));
    expect(difference(logs['server.sqlog']!, cut).parting).toMatchObject({ kind: 'more in a', b: null });
  });
});

describe('two lists', () => {
  const side = (a: string, b: string): string =>
    aligned([...a], [...b])
      .map((pair) => (pair.a < 0 ? `+${b[pair.b]}` : pair.b < 0 ? `-${a[pair.a]}` : a[pair.a]))
      .join('');
  test.each([
    ['abc', 'abc', 'abc'],
    ['abc', 'xabc', '+xabc'],
    ['abcd', 'acd', 'a-bcd'],
    ['abc', 'xyz', '-a-b-c+x+y+z'],
    ['', 'a', '+a'],
    ['', '', ''],
  ])('%s and %s lie side by side as %s', (a, b, expected) => expect(side(a, b)).toBe(expected));
});

describe('what is no qlog', () => {
  const head = { file_schema: 'x', trace: { vantage_point: { type: 'client' } } };
  test.each([
    ['', 'there are no events in it'],
    [sequence([head]), 'there are no events in it'],
    ['hello\n', "line 1: 'hello' is not JSON"],
    [`${sequence([head, { name: 'a', time: 1, data: {} }])}\u001e{"name": "b", "ti`, 'line 3: \'{"name": "b", "ti\' is not JSON'],
    [sequence([head, [1]]), 'line 2: a record is an object'],
    [sequence([head, { name: 'a', data: {} }]), 'line 2: it has no time'],
    [sequence([head, { name: 'a', time: '1', data: {} }]), 'line 2: it has no time'],
    [sequence([head, { name: 'a', time: 1 }]), 'line 2: it has no data'],
    [sequence([head, { name: 7, time: 1, data: {} }]), 'line 2: its name is no text'],
    [sequence([head, { time: 1, data: {} }]), 'line 2: an event without a name'],
    ['{"a":1}', 'line 1: neither the head of a qlog nor one of its events'],
    ['{"traces":[]}', 'it has 0 traces'],
    ['{"traces":[{"events":[]},{"events":[]}]}', 'it has 2 traces'],
    ['{"traces":[{"error_description":"x"}]}', 'its trace has no events'],
    ['{"traces":[{"events":[7]}]}', 'event 1: a record is an object'],
    ['{"traces":[{"events":[["1","transport","packet_sent",{}]]}]}', 'event 1: a record is an object'],
    ['\u001e\u001b[31m\u0007', "line 1: '?[31m?' is not JSON"],
    ['[]', 'line 1: a record is an object'],
    [`"${'x'.repeat(5_000_000)}"`, 'a record of 5000002 characters'],
  ])('%.60j is refused', (text, problem) => expect(() => readLog(text)).toThrow(problem));

  test('of another end is not compared', () => {
    const event = { name: 'a', time: 1, data: {} };
    const server = { ...head, trace: { vantage_point: { type: 'server' } } };
    expect(() => difference(sequence([head, event]), sequence([server, event]))).toThrow(
      'the first log is of a client, the second of a server',
    );
  });

  test('members of any kind anywhere are compared, and harm nothing', () => {
    const odd = [null, 7, 'x', [], {}, [null], [[1, 2], 3]];
    for (const value of odd)
      for (const name of ['quic:packet_sent', 'link:datagram_dropped', 'quic:timer_updated', 'recovery:packet_lost', ''])
        for (const member of ['header', 'frames', 'raw', 'packets', 'link', 'segment', 'stream_id', 'trigger']) {
          const text = sequence([
            head,
            { name, time: 1, data: { [member]: value } },
            { name, time: 2, data: { [member]: [{ [member]: value }] } },
          ]);
          expect(difference(text, text).same).toBe(true);
          expect(difference(text, sequence([head, { name: 'quic:packet_sent', time: 1, data: {} }])).same).toBe(false);
        }
  });
});

describe('the diff command', () => {
  const dir = mkdtempSync(join(tmpdir(), 'quiclab-diff-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const call = async (...args: string[]): Promise<{ out: string; err: string; codes: number[] }> => {
    const result = { out: '', err: '', codes: [] as number[] };
    const command = diffCommand(
      (text) => (result.out += text),
      (text) => (result.err += text),
      (code) => result.codes.push(code),
    );
    await command.parseAsync(args, { from: 'user' });
    return result;
  };

  test('exits with 0 for the same, 1 for different ones, 2 in trouble', async () => {
    const logs = logsOf({ page: '2x10KB' });
    const a = file('a.sqlog', logs['client.sqlog']!);
    const b = file('b.sqlog', logsOf({ page: '2x10KB', lost: 'down:5' })['client.sqlog']!);
    const same = await call(a, a);
    expect(same).toMatchObject({ err: '', codes: [0] });
    expect(same.out).toMatch(/^The two logs are the same: \d+ events\.\n$/);
    const other = await call(a, b, '--context', '3');
    expect(other).toMatchObject({ err: '', codes: [1] });
    expect(other.out).toContain('-- here they part');
    expect(other.out).toContain('arrives in a alone');
    expect(JSON.parse((await call(a, b, '--json')).out)).toMatchObject({ schema: 1, kind: 'qlog-diff', a, b, same: false });
    expect(await call(a, join(dir, 'none'))).toEqual({ out: '', err: `error: ${join(dir, 'none')}: there is no such file\n`, codes: [2] });
    expect(await call(a, file('empty', ''))).toMatchObject({ out: '', codes: [2] });
  });

  test('hands nothing to the terminal that it would take for an order, whatever a log says', async () => {
    const evil = '\u001b]0;x\u0007\u009b2J';
    const log = (change: object): string =>
      sequence([
        { file_schema: evil, title: evil, trace: { vantage_point: { type: 'client' } } },
        { name: 'quic:packet_sent', time: 1, data: { header: { packet_type: evil, packet_number: 1 }, ...change } },
        { name: `quic:${evil}`, time: 2, data: { [evil]: evil, link: evil, index: 1, trigger: evil, ...change } },
      ]);
    const [a, b] = [file('evil-a', log({ [evil]: 1 })), file('evil-b', log({ [evil]: 2 }))];
    const other = file('evil-c', log({}).replace('"client"', JSON.stringify(evil)));
    for (const result of [await call(a, b), await call(a, other), await call(a, file('evil-d', evil))]) {
      expect(`${result.out}${result.err}`.length).toBeGreaterThan(20);
      expect(`${result.out}${result.err}`).not.toMatch(/[^\P{Cc}\n]/u);
    }
    const deep = file('deep', `{"name":"a","time":1,"data":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`);
    expect((await call(deep, deep)).codes).toEqual([2]);
  });
});

test('both runs of a what-if part on the network at what it has changed, and the one before is the run itself', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'quiclab-whatif-'));
  const args = ['--page', '3x30KB', '--model', 'h3', '--loss', '2%', '--seed', '5', '--drop', 'down:20', '--traces', dir];
  try {
    await whatIfCommand(() => {}).parseAsync(args, { from: 'user' });
    const logIn = (run: string): string => readFileSync(join(dir, run, 'network.sqlog'), 'utf8');
    expect(difference(logIn('before'), logsOf({ page: '3x30KB', loss: '2%', seed: 5 })['network.sqlog']!).same).toBe(true);
    const { parting, counts } = difference(logIn('before'), logIn('then'));
    expect(parting!.fateInOne).toMatchObject({ fate: 'lost', in: 'b', what: 'down:20' });
    expect(parting!.b!.text).toBe('datagram_dropped down:20: by the impairment (what-if)');
    expect(counts.length).toBeGreaterThan(1);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
