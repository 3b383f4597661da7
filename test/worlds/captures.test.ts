import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bernoulli } from '@quiclab/impair';
import { DatagramWatch, type ModelName, runSimulated, type SimulatedRun, tracedRun } from '@quiclab/lab';
import type { SegmentView } from '@quiclab/tcp';
import { smallPage } from '@quiclab/workload';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// Captures of simulated runs, judged by Wireshark's dissector.

const hasTshark = spawnSync('tshark', ['--version']).error === undefined;
const whereTshark = hasTshark ? describe : describe.skip;

const sizes = new Map(smallPage.objects.map(({ path, size }) => [path, size]));
const link = { delay: 20_000, rate: 10e6, queue: { packets: 64 } };
const runOf = (model: ModelName): SimulatedRun => ({
  model,
  seed: 5,
  page: smallPage,
  source: (path) => new Uint8Array(sizes.get(path)!),
  links: { up: link, down: { ...link, loss: bernoulli(0.02) } },
});

/** Numbers on the way down of the segments with data that was sent before. */
function repeatedSegments(run: SimulatedRun): string[] {
  const repeated: string[] = [];
  class Down extends DatagramWatch {
    #again = false;
    override segmentLeft(_connection: number, { length, transmission }: SegmentView): void {
      this.#again = length > 0 && transmission > 1;
    }
    override entered(_now: number, { index }: { readonly index: number }): void {
      if (this.#again) repeated.push(`down:${index}`);
    }
  }
  class Up extends DatagramWatch {}
  runSimulated({ ...run, watch: { up: new Up(), down: new Down() } });
  return repeated;
}

/** What shows requests, and responses; and how many requests it cannot show. */
interface Shown {
  readonly transport: 'udp' | 'tcp';
  readonly request: string;
  readonly response: string;
  readonly unseen: number;
}
const HTTP1: Shown = { transport: 'tcp', request: 'http.request.method', response: 'http.response.code', unseen: 0 };
const HTTP3: Shown = { transport: 'udp', request: 'http3.frame_type', response: 'http3.frame_type', unseen: 0 };
const SHOWN = {
  h3: HTTP3,
  // Wireshark knows the protocol when the server has chosen it: what was asked in 0-RTT it shows as a stream
  'h3-0rtt': { ...HTTP3, unseen: 1 },
  // its framing is ours, and shown as a stream
  'h3-single': { ...HTTP3, unseen: smallPage.objects.length },
  h2: { ...HTTP1, request: 'http2.headers.method', response: 'http2.headers.status' },
  'h1-persistent': HTTP1,
  'h1-parallel': HTTP1,
} as const satisfies Partial<Record<ModelName, Shown>>;
const MODELS = Object.keys(SHOWN) as (keyof typeof SHOWN)[];

const ERROR = 0x00800000; // PI_ERROR
const COMPLAINTS = ['_ws.malformed', '_ws.expert.severity', 'quic.decryption_failed', 'ip.checksum.status'];
const REPEATED = ['tcp.analysis.retransmission', 'tcp.analysis.out_of_order'];

/** A packet as tshark has it: what it has of a field, by name; several values with commas. */
type Packet = Readonly<Record<string, string>>;

function dissected(file: string, fields: readonly string[]): Packet[] {
  const prefs = ['ip.check_checksum', 'udp.check_checksum', 'tcp.check_checksum', 'tcp.reassemble_out_of_order'];
  const options = ['-T', 'fields', '-E', 'separator=|', '-E', 'occurrence=a', '-E', 'aggregator=,'];
  const args = [...prefs.flatMap((pref) => ['-o', `${pref}:TRUE`]), ...options, ...fields.flatMap((name) => ['-e', name])];
  const out = execFileSync('tshark', ['-n', '-r', file, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 27,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 120_000,
  });
  const rows = out.split('\n').slice(0, -1);
  return rows.map((row) => Object.fromEntries(row.split('|').map((value, i) => [fields[i]!, value])));
}

whereTshark(`captures of a page with 2% loss${hasTshark ? '' : ' (skipped: there is no tshark)'}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'quiclab-captures-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  describe.each(MODELS)('%s', (model) => {
    const { transport, request, response, unseen } = SHOWN[model];
    const [source, checksum] = [`${transport}.srcport`, `${transport}.checksum.status`];
    const packets: Record<string, Packet[]> = {};
    beforeAll(() => {
      const fields = [...COMPLAINTS, checksum, source, 'frame.comment', ...REPEATED, request, response];
      for (const { name, pieces } of tracedRun(runOf(model), { dialect: 'current', at: ['client', 'server'] }).files) {
        if (!name.endsWith('.pcapng')) continue;
        const path = join(dir, `${model}-${name}`);
        const file = openSync(path, 'w');
        for (const piece of pieces) writeSync(file, piece as string);
        closeSync(file);
        packets[name] = dissected(path, fields);
      }
    }, 300_000);

    describe.each(['client.pcapng', 'server.pcapng'])('%s', (name) => {
      test('has no malformed packet, none with a wrong checksum, and none that is not decrypted', () => {
        expect(packets[name]!.length).toBeGreaterThan(200);
        for (const packet of packets[name]!) {
          const found = COMPLAINTS.map((field) => packet[field]!);
          found[1] = `${found[1]!.split(',').some((severity) => Number(severity) >= ERROR)}`;
          expect([packet['frame.comment'], ...found, packet[checksum]]).toEqual([packet['frame.comment'], '', 'false', '', '1', '1']);
        }
      });

      test('shows each object of the page, asked for and answered', () => {
        const count = (fromServer: boolean, field: string): number =>
          packets[name]!.filter((packet) => (packet[source] === '443') === fromServer)
            .flatMap((packet) => packet[field]!.split(','))
            .filter((value) => /^(GET|200|1)$/.test(value)).length; // 1 is HEADERS, RFC 9114 §7.2.2
        const all = smallPage.objects.length;
        const [requests, responses] = [all - unseen, unseen === all ? 0 : all];
        expect(count(false, request)).toBe(requests);
        // where they leave, those that were sent again are there twice
        if (name === 'client.pcapng') expect(count(true, response)).toBe(responses);
        else expect(count(true, response)).toBeGreaterThanOrEqual(responses);
      });
    });

    if (transport === 'udp') return;
    test('server.pcapng has repeated segments where they were made', () => {
      const found = packets['server.pcapng']!.filter(
        (packet) => packet[source] === '443' && REPEATED.some((field) => packet[field] !== ''),
      );
      const names = found.map((packet) => packet['frame.comment']!.split(';')[0]);
      expect(names.length).toBeGreaterThan(0);
      expect(names).toEqual(repeatedSegments(runOf(model)));
    });
  });
});
