import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '@quiclab/sansio';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Evidence } from '../../scripts/interop/evidence.ts';
import { differenceFrom, generateFiles } from '../../scripts/interop/files.ts';
import { PcapWriter } from '../../scripts/interop/pcap.ts';
import { matrix, type Result } from '../../scripts/interop/results.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quiclab-harness-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A version 1 long header with a source connection ID of one octet, and nothing behind it. */
const longHeader = (type: 'initial' | 'retry', sourceId: number): Uint8Array =>
  Uint8Array.of(type === 'initial' ? 0xc0 : 0xf0, 0, 0, 0, 1, 2, 0xaa, 0xbb, 1, sourceId);

describe('evidence from the relay', () => {
  test('Initials of one source connection ID are one handshake, however often they are sent (RFC 9000 §7.2)', () => {
    const evidence = new Evidence();
    evidence.note('up', longHeader('initial', 7));
    evidence.note('up', longHeader('initial', 7));
    evidence.note('down', longHeader('initial', 8));
    expect(evidence.against('one handshake')).toBeUndefined();
    evidence.note('up', longHeader('initial', 9));
    expect(evidence.against('one handshake')).toBe('2 handshakes instead of one');
  });

  test('a Retry is seen (RFC 9000 §17.2.5)', () => {
    const evidence = new Evidence();
    expect(evidence.against('no Retry')).toBeUndefined();
    evidence.note('down', longHeader('retry', 1));
    expect(evidence.against('no Retry')).toBe('the server sent 1 Retry packets');
  });

  test('short headers and other protocols say nothing', () => {
    const evidence = new Evidence();
    for (const octets of [[], [0xc0], [0x40, 1, 2, 3, 4, 5, 6, 7], [0xc0, 1, 2, 3, 4, 5, 6, 7]])
      evidence.note('up', Uint8Array.from(octets));
    expect(evidence.against('one handshake')).toBe('0 handshakes instead of one');
    expect(evidence.datagrams).toEqual({ up: 4, down: 0 });
  });
});

describe('files', () => {
  const plan = [
    { name: 'a', octets: 1000 },
    { name: 'b', octets: 10 },
  ];

  test('are the same for one seed, and compared by hash', () => {
    const hashes = generateFiles(directory, plan, seededRandom(1));
    expect(differenceFrom(hashes, directory)).toBeUndefined();
    expect(generateFiles(directory, plan, seededRandom(1))).toEqual(hashes);
    generateFiles(directory, plan, seededRandom(2));
    expect(differenceFrom(hashes, directory)).toBe('a arrived altered');
  });

  test('that are missing or short are named', () => {
    const hashes = generateFiles(directory, plan, seededRandom(1));
    generateFiles(directory, [{ name: 'a', octets: 999 }], seededRandom(1));
    expect(differenceFrom(hashes, directory)).toBe('a has 999 octets instead of 1000');
    rmSync(join(directory, 'a'));
    expect(differenceFrom(hashes, directory)).toBe('a did not arrive');
  });
});

test('a capture holds IPv4 packets with the checksum of RFC 1071', () => {
  const file = join(directory, 'x.pcap');
  const capture = new PcapWriter(file);
  capture.write(1_700_000_000_123_456, 'up', 50_000, Uint8Array.of(1, 2, 3));
  capture.close();
  const octets = readFileSync(file);
  expect(octets.length).toBe(24 + 16 + 20 + 8 + 3);
  expect([octets.readUInt32BE(24), octets.readUInt32BE(28), octets.readUInt32BE(32)]).toEqual([1_700_000_000, 123_456, 31]);
  let sum = 0;
  for (let i = 40; i < 60; i += 2) sum += octets.readUInt16BE(i);
  expect((sum & 0xffff) + (sum >>> 16)).toBe(0xffff); // the header with its checksum sums to all ones
  expect([octets.readUInt16BE(60), octets.readUInt16BE(62), octets.readUInt16BE(64)]).toEqual([50_000, 443, 11]);
});

test('the matrix has a line for each peer, and says why what did not pass did not', () => {
  const results: Result[] = [
    { peer: 'one', case: 'handshake', role: 'client', outcome: 'passed', detail: '' },
    { peer: 'two', case: 'handshake', role: 'client', outcome: 'skipped', detail: 'not there' },
  ];
  const text = matrix(results);
  expect(text).toContain('skipped: two, handshake, quiclab as client: not there');
  expect(text).toContain('1 passed, 0 failed, 0 unsupported, 1 skipped');
});

describe('the command', () => {
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const script = fileURLToPath(new URL('../../scripts/interop.ts', import.meta.url));
      const command = ['--import', import.meta.resolve('tsx'), script, ...args];
      execFile(process.execPath, command, { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });

  test.each([
    [['--peer', 'nobody'], 'Allowed choices are aioquic, quic-go, quiclab, chromium, tshark'],
    [['--case', 'nothing'], 'Allowed choices are handshake, transfer, http3'],
    [['--peer', 'chromium', '--role', 'client'], 'chromium has no case at all with us as client'],
  ])('%j is refused with what there is', async (args, reason) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
  });

  test.each([
    ['aioquic', 'http3', 'python3 cannot make a virtual environment'],
    ['quic-go', 'http3', 'no go command'],
    ['chromium', 'http3', 'no chromium command'],
  ])('where %s cannot be had, its cases are skipped by name, and nothing has failed', async (peer, name, reason) => {
    const json = join(directory, 'results.json');
    const bare = { ...process.env, PATH: directory, XDG_CACHE_HOME: directory };
    const { code, stdout } = await run(['--peer', peer, '--case', name, '--role', 'server', '--json', json], bare);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual([
      { peer, case: name, role: 'server', outcome: 'skipped', detail: expect.stringContaining(reason) },
    ]);
    expect(stdout).toContain('1 skipped');
    expect(code).toBe(0);
  });

  test('our client and our server agree on the handshake case', async () => {
    const json = join(directory, 'results.json');
    const { code, stderr } = await run(['--peer', 'quiclab', '--case', 'handshake', '--role', 'client', '--json', json]);
    expect(stderr).toContain('[1/1] passed');
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject([
      { peer: 'quiclab', case: 'handshake', role: 'client', outcome: 'passed' },
    ]);
  });
});
