import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inOneLine } from '@quiclab/lab/tunnel';
import { seededRandom } from '@quiclab/sansio';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Evidence } from '../../scripts/interop/evidence.ts';
import { withEvidence } from '../../scripts/interop/faults.ts';
import { differenceFrom, generateFiles } from '../../scripts/interop/files.ts';
import { isReserved, packetsIn } from '../../scripts/interop/packets.ts';
import { PcapWriter } from '../../scripts/interop/pcap.ts';
import { keptResults, README, readmeTable, updateReadme } from '../../scripts/interop/readme.ts';
import {
  handshakes,
  keysUpdated,
  movedToPreferredAddress,
  newAddressesValidated,
  noRetry,
  onlyChaCha20,
  type Requirement,
  retried,
  sentEarly,
  withinAmplificationLimit,
} from '../../scripts/interop/requirements.ts';
import { handshakeTimes, matrix, type Result, updated } from '../../scripts/interop/results.ts';
import type { DissectedDatagram } from '../../scripts/interop/tshark.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quiclab-harness-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A version 1 long header with a source connection ID of one octet, a token, and a payload of zeros. */
const longHeader = (type: 'initial' | '0-rtt' | 'handshake' | 'retry', sourceId: number, payload = 8, token: readonly number[] = []) => {
  const first = { initial: 0xc0, '0-rtt': 0xd0, handshake: 0xe0, retry: 0xf0 }[type];
  const head = [first, 0, 0, 0, 1, 2, 0xaa, 0xbb, 1, sourceId, ...(type === 'initial' ? [token.length, ...token] : [])];
  const length = type === 'retry' ? [] : [0x40 | (payload >> 8), payload & 0xff];
  return Uint8Array.of(...head, ...length, ...new Uint8Array(payload));
};
const together = (...packets: readonly Uint8Array[]) => Uint8Array.from(packets.flatMap((packet) => [...packet]));
const PORT = 5_000;

/** What the relay saw, told in the order in which it happened; each datagram arrives at once unless said. */
class Told {
  readonly evidence = new Evidence();

  up(datagram: Uint8Array, { client = PORT, entrance = 0, lost = false } = {}): this {
    this.evidence.entered(0, 'up', client, datagram, entrance);
    if (!lost) this.evidence.arrived(0, 'up', datagram);
    return this;
  }

  down(datagram: Uint8Array, at = 0): this {
    this.evidence.entered(at, 'down', PORT, datagram);
    this.evidence.arrived(at, 'down', datagram);
    return this;
  }
}

describe('packets in a datagram', () => {
  test('coalesced packets are told apart, padding behind them is none (RFC 9000 §12.2)', () => {
    const datagram = together(longHeader('initial', 7), longHeader('handshake', 7), Uint8Array.of(0x40, 1, 2, 3, 4, 5));
    expect(packetsIn(datagram).map(({ kind, octets }) => [kind, octets])).toEqual([
      ['initial', 21],
      ['handshake', 20],
      ['1-rtt', 6],
    ]);
    expect(packetsIn(together(longHeader('initial', 7), new Uint8Array(100)))).toHaveLength(1);
  });

  test('version 2 numbers its types differently (RFC 9369 §3.2)', () => {
    const initial = longHeader('initial', 7);
    initial.set([0xd0, 0x6b, 0x33, 0x43, 0xcf]);
    expect(packetsIn(initial)).toMatchObject([{ kind: 'initial', version: 0x6b3343cf }]);
  });

  test('version 0 is Version Negotiation (RFC 9000 §17.2.1)', () => {
    expect(packetsIn(Uint8Array.of(0xc0, 0, 0, 0, 0, 1, 9, 1, 8, 0, 0, 0, 1))).toMatchObject([
      { kind: 'version-negotiation', destination: '09', source: '08' },
    ]);
  });

  test.each([[[]], [[0xc0]], [[0xc0, 0, 0, 0, 1, 20, 1]], [[0x00, 0, 0]]])('%j holds none', (octets) => {
    expect(packetsIn(Uint8Array.from(octets))).toEqual([]);
  });

  test('isReserved knows the pattern of RFC 9000 §15', () => {
    expect([0x1a2a3a4a, 0x0a0a0a0a, 1, 0x6b3343cf].map(isReserved)).toEqual([true, true, false, false]);
  });
});

describe('requirements', () => {
  test('Initials of one source connection ID are one handshake, however often they are sent (RFC 9000 §7.2)', () => {
    const told = new Told().up(longHeader('initial', 7)).up(longHeader('initial', 7)).down(longHeader('initial', 8));
    expect(handshakes(1).against(told.evidence)).toBeUndefined();
    told.up(longHeader('initial', 9));
    expect(handshakes(1).against(told.evidence)).toBe('2 handshakes instead of 1');
    expect(told.evidence.handshakesAt()).toEqual([0, 3]);
  });

  test('where the client names no connection ID, its port tells handshakes apart', () => {
    const nameless = Uint8Array.of(0xc0, 0, 0, 0, 1, 1, 0xaa, 0, 0, 1, 0);
    const told = new Told()
      .up(nameless)
      .up(nameless)
      .up(nameless, { client: PORT + 1 });
    expect(handshakes(2).against(told.evidence)).toBeUndefined();
  });

  test('a Retry is seen, and the token that answers it (RFC 9000 §17.2.5)', () => {
    const told = new Told().up(longHeader('initial', 7));
    expect(noRetry.against(told.evidence)).toBeUndefined();
    expect(retried.against(told.evidence)).toBe('the server sent no Retry');
    told.down(longHeader('retry', 1));
    expect(noRetry.against(told.evidence)).toBe('the server sent 1 Retry packets');
    expect(retried.against(told.evidence)).toBe('no Initial of the client carries a token');
    told.up(longHeader('initial', 7, 8, [1, 2, 3]));
    expect(retried.against(told.evidence)).toBeUndefined();
  });

  test('the server sends three times what arrived, and a lost datagram does not count (RFC 9000 §8.1)', () => {
    const flight = longHeader('initial', 8, 1_180);
    const allowed = new Told().up(flight).down(flight).down(flight).down(flight).up(longHeader('handshake', 7)).down(flight);
    expect(withinAmplificationLimit.against(allowed.evidence)).toBeUndefined();
    const beyond = new Told().up(flight).up(flight, { lost: true }).down(flight).down(flight).down(flight).down(flight);
    expect(withinAmplificationLimit.against(beyond.evidence)).toBe(
      `the server had sent ${4 * flight.length} octets after ${flight.length} of an address not validated`,
    );
  });

  test('early data: packets in 0-RTT, and little in 1-RTT (RFC 9001 §4.6)', () => {
    const shortHeader = (octets: number) => new Uint8Array(octets).fill(0x41);
    const told = new Told().up(longHeader('initial', 7)).up(shortHeader(1_000));
    expect(sentEarly.against(told.evidence)).toBe('the client sent no 0-RTT packet');
    told.up(longHeader('0-rtt', 7, 1_000)).up(shortHeader(4_000));
    expect(sentEarly.against(told.evidence)).toBeUndefined();
    told.up(shortHeader(1));
    expect(sentEarly.against(told.evidence)).toBe('the client sent 5001 octets in 1-RTT packets');
  });

  test('the preferred address is gone to under an ID of its own (RFC 9000 §9.5)', () => {
    const to = (id: number) => Uint8Array.of(0x40, id, id, id, id, 0);
    const told = new Told().up(to(1));
    expect(movedToPreferredAddress.against(told.evidence)).toBe('the client never sent to the preferred address');
    expect(movedToPreferredAddress.against(new Told().up(to(1)).up(to(2), { entrance: 1 }).evidence)).toBeUndefined();
    told.up(to(1), { entrance: 1 });
    expect(movedToPreferredAddress.against(told.evidence)).toBe('its first packet there has the ID 01010101… of the old path');
  });

  test('goodput is content over the time from the first 1-RTT packet to the last', () => {
    const content = Uint8Array.of(0x40, 1, 2, 3, 4, 5);
    const { evidence } = new Told().down(longHeader('initial', 8), 0).down(content, 1_000_000).down(content, 9_000_000);
    expect(evidence.goodput(1_000_000)).toBe(1_000);
  });
});

/** A datagram as tshark shows it. */
const shown = (direction: 'up' | 'down', what: Partial<DissectedDatagram>): DissectedDatagram => ({
  at: 0,
  direction,
  client: '5000',
  octets: 1_200,
  packetTypes: [],
  keyPhases: [],
  frameTypes: [],
  cryptoOffsets: [],
  handshakeTypes: [],
  cipherSuites: [],
  maxStreamsBidi: [],
  ...what,
});

describe('requirements on what Wireshark sees', () => {
  const judged = (requirement: Requirement, ...dissected: readonly DissectedDatagram[]): string | undefined =>
    requirement.against(Object.assign(new Evidence(), { dissected }));

  test('without a view of the connection nothing holds', () => {
    expect(judged(keysUpdated)).toBe('nothing was dissected');
  });

  test('keys are updated by both ends within a mebibyte (RFC 9001 §6)', () => {
    const before = shown('down', { keyPhases: ['0'] });
    expect(judged(keysUpdated, before, shown('up', { keyPhases: ['1'] }), shown('down', { keyPhases: ['1'] }))).toBeUndefined();
    expect(judged(keysUpdated, before, shown('up', { keyPhases: ['1'] }))).toBe('no key phase of 1 from the server in the first MiB');
    const mebibyte = Array<DissectedDatagram>(900).fill(before);
    expect(judged(keysUpdated, ...mebibyte, shown('up', { keyPhases: ['1'] }))).toBe('no key phase of 1 at all in the first MiB');
  });

  test('one suite is offered, and chosen', () => {
    const hello = (...cipherSuites: string[]) => shown('up', { cipherSuites });
    const choice = shown('down', { cipherSuites: ['0x1303'] });
    expect(judged(onlyChaCha20, hello('0x1303'), choice)).toBeUndefined();
    expect(judged(onlyChaCha20, hello('0x1301', '0x1303'), choice)).toBe('the client offers 0x1301, 0x1303');
  });

  test('each new address is asked, first of all, whether it is there (RFC 9000 §9.3)', () => {
    const old = shown('up', {});
    const moved = shown('up', { client: '6000', frameTypes: ['8'] });
    const challenge = shown('down', { client: '6000', frameTypes: ['26'] });
    const response = shown('up', { client: '6000', frameTypes: ['27'] });
    expect(judged(newAddressesValidated, old)).toBe("the client's address never changed");
    expect(judged(newAddressesValidated, old, moved, challenge, response)).toBeUndefined();
    expect(judged(newAddressesValidated, old, moved, challenge)).toBe('no PATH_RESPONSE came from 6000');
    expect(judged(newAddressesValidated, old, moved, shown('down', { client: '6000', frameTypes: ['8'] }), challenge)).toBe(
      'the first packet to 6000 carries no PATH_CHALLENGE',
    );
  });

  test('a client that has closed before it can hear the question owes no answer (RFC 9000 §10.2)', () => {
    const [old, challenge] = [shown('up', {}), shown('down', { at: 1, client: '6000', frameTypes: ['26'] })];
    const closing = (at: number) => shown('up', { at, frameTypes: ['29'] });
    expect(judged(newAddressesValidated, old, challenge, closing(1.01))).toBeUndefined();
    expect(judged(newAddressesValidated, old, challenge, closing(1.5))).toBe('no PATH_RESPONSE came from 6000');
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

describe('results that are kept', () => {
  const result = (peer: string, name: string, role: 'client' | 'server', outcome: Result['outcome'], detail = ''): Result => ({
    peer,
    case: name,
    role,
    outcome,
    detail,
  });

  test('newer ones take the places of earlier ones', () => {
    const earlier = [result('one', 'handshake', 'client', 'failed'), result('one', 'retry', 'client', 'passed')];
    expect(updated(earlier, [result('one', 'handshake', 'client', 'passed')]).map(({ case: name, outcome }) => [name, outcome])).toEqual([
      ['handshake', 'passed'],
      ['retry', 'passed'],
    ]);
  });

  test('a skipped one takes no place', () => {
    const passed = result('one', 'handshake', 'client', 'passed');
    const skipped = [
      result('one', 'handshake', 'client', 'skipped', 'not there'),
      result('two', 'handshake', 'client', 'skipped', 'not there'),
    ];
    expect(updated([passed], skipped)).toEqual([passed, skipped[1]]);
  });

  test('handshake times by nearest rank: of fifty, the p99 is the slowest', () => {
    const fifty = Array.from({ length: 50 }, (_, index) => 50 - index);
    expect(handshakeTimes(fifty)).toEqual({ count: 50, median: 25, p99: 50 });
    expect(handshakeTimes([...fifty, ...fifty]).p99).toBe(50);
    const table = readmeTable([{ ...result('one', 'handshakeloss', 'server', 'passed'), handshakes: handshakeTimes(fifty) }]);
    expect(table).toContain('| handshakeloss, median | ? 25.00 |\n| handshakeloss, p99 | ? 50.00 |');
  });

  test('a failure that is known to be the peer’s stays failed, with the evidence', () => {
    const detail = 'the server had sent 3840 octets after 1200 of an address not validated';
    const known = withEvidence(result('quic-go', 'amplificationlimit', 'client', 'failed', detail));
    expect(known).toMatchObject({ outcome: 'failed', peersFault: expect.stringContaining('isAmplificationLimited') });
    expect(matrix([known])).toContain(known.peersFault);
    expect(readmeTable([known])).toContain(known.peersFault);
    const other = result('quic-go', 'amplificationlimit', 'client', 'failed', 'file-1 did not arrive');
    expect(withEvidence(other)).toBe(other);
  });

  test('a reason why something is lacking stands there once, with its cases', () => {
    const table = readmeTable([
      result('one', 'v2', 'client', 'unsupported', 'the server says so: one: it knows version 1 only'),
      result('one', 'v2', 'server', 'unsupported', 'the client says so: one: it knows version 1 only'),
    ]);
    expect(table).toContain('- one: it knows version 1 only (v2 with us as client, v2 with us as server)');
  });

  test('the table says who lacks what', () => {
    const table = readmeTable([
      result('one', 'v2', 'client', 'unsupported', 'not in quiclab yet: version 2'),
      result('one', 'v2', 'server', 'unsupported', 'the client says so'),
      { ...result('one', 'goodput', 'client', 'passed'), figure: 9_123 },
      result('one', 'goodput', 'server', 'failed'),
    ]);
    expect(table).toContain('| v2 | · – |');
    expect(table).toContain('| goodput | 9,123 ✗ |');
    expect(table).not.toContain('other work');
    const late = { ...result('one', 'goodput', 'client', 'passed', 'the relay was late by 7 ms (p99)'), figure: 9_123 };
    expect(readmeTable([late])).toContain('while the machine had other work');
  });

  test('the table goes between the markers, and a file without them is left alone', () => {
    const file = join(directory, 'README.md');
    writeFileSync(file, 'before\n<!-- interop -->\nold\n<!-- /interop -->\nafter\n');
    updateReadme([result('one', 'handshake', 'client', 'passed')], file);
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith('before\n<!-- interop -->\n')).toBe(true);
    expect(text.endsWith('\n<!-- /interop -->\nafter\n')).toBe(true);
    expect(text).toContain('| handshake | ✓ ? |');
    expect(text).not.toContain('old');
    writeFileSync(file, 'no markers');
    expect(() => updateReadme([], file)).toThrow("no '<!-- interop -->'");
  });

  test('the README shows what is kept', () => {
    expect(readFileSync(README, 'utf8')).toContain(readmeTable(keptResults()));
  });
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
    [['--peer', 'nobody'], 'Allowed choices are aioquic, quic-go, quinn, quiche, quiclab, chromium, tshark'],
    [['--case', 'nothing'], 'Allowed choices are handshake, transfer, longrtt'],
    [['--peer', 'chromium', '--role', 'client'], 'chromium has no case at all with us as client'],
  ])('%j is refused with what there is', async (args, reason) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
  });

  test('why a tool fails is told in its own words, without the help and the trace behind them', () => {
    const rustup =
      'error: rustup could not choose a version of cargo to run\nhelp: run rustup\n\nStack backtrace:\n  0: main\n  13: <unknown>\n';
    expect(inOneLine(rustup)).toBe('error: rustup could not choose a version of cargo to run');
    expect(inOneLine('spawn cargo ENOENT')).toBe('spawn cargo ENOENT');
    expect(inOneLine('one\ntwo\n')).toBe('two');
    expect(inOneLine('x.ts:1\nTypeError: no such thing\n    at x.ts:1\n\nNode.js')).toBe('TypeError: no such thing');
  });

  test.each([
    ['aioquic', 'http3', 'python3 cannot make a virtual environment'],
    ['quic-go', 'http3', 'no go command'],
    ['quinn', 'http3', 'no cargo command'],
    ['quiche', 'http3', 'no cargo command'],
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
