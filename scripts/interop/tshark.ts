import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PeerMissing } from './peers.ts';

const run = promisify(execFile);

/** One datagram; lists hold what its packets have, in their order. */
export interface DissectedDatagram {
  /** Seconds since the first one. */
  readonly at: number;
  readonly direction: 'up' | 'down';
  /** The client's port, which stands for its address. */
  readonly client: string;
  readonly octets: number;
  /** Of long headers: 0 Initial, 1 0-RTT, 2 Handshake, 3 Retry. */
  readonly packetTypes: readonly string[];
  readonly keyPhases: readonly string[];
  readonly frameTypes: readonly string[];
  readonly cryptoOffsets: readonly string[];
  readonly handshakeTypes: readonly string[];
  readonly cipherSuites: readonly string[];
  readonly maxStreamsBidi: readonly string[];
}

export interface Dissection {
  readonly datagrams: number;
  /** QUIC packets, coalesced ones counted one by one. */
  readonly packets: number;
  /** What Wireshark objects to, with the number of the datagram. */
  readonly complaints: readonly string[];
}

const WARNING = 0x00600000; // PI_WARN; notes and chats below it are remarks on traffic, not on form

/** Lets Wireshark's dissector judge a capture, with the secrets of its connections. Throws PeerMissing. */
export async function dissect(pcap: string, keyLog: string): Promise<Dissection> {
  const complaints: string[] = [];
  let packets = 0;
  const rows = await fieldsOf(pcap, keyLog, [
    'frame.number',
    'quic.packet_number',
    'quic.frame_type',
    'quic.decryption_failed',
    '_ws.malformed',
    '_ws.expert.message',
    '_ws.expert.severity',
  ]);
  for (const [number, packetNumbers, frameTypes, undecrypted, malformed, messages, severities] of rows) {
    const found = packetNumbers === '' ? 0 : packetNumbers.split(',').length;
    packets += found;
    if (undecrypted !== '') complaints.push(`datagram ${number}: ${undecrypted}`);
    if (malformed !== '') complaints.push(`datagram ${number}: malformed`);
    if (found === 0 || frameTypes === '') complaints.push(`datagram ${number}: no packet decoded`);
    if (severities.split(',').some((severity) => Number(severity) >= WARNING)) complaints.push(`datagram ${number}: ${messages}`);
  }
  return { datagrams: rows.length, packets, complaints };
}

/** What Wireshark sees in each datagram of a capture. Throws PeerMissing. */
export async function inspect(pcap: string, keyLog: string): Promise<DissectedDatagram[]> {
  const rows = await fieldsOf(pcap, keyLog, [
    'frame.time_relative',
    'udp.srcport',
    'udp.dstport',
    'udp.length',
    'quic.long.packet_type',
    'quic.key_phase',
    'quic.frame_type',
    'quic.crypto.offset',
    'tls.handshake.type',
    'tls.handshake.ciphersuite',
    'tls.quic.parameter.initial_max_streams_bidi',
  ]);
  return rows.map(([at, from, to, length, ...lists]) => {
    const [packetTypes, keyPhases, frameTypes, cryptoOffsets, handshakeTypes, cipherSuites, maxStreamsBidi] = lists.map((list) =>
      list === '' ? [] : list.split(','),
    );
    return {
      at: Number(at),
      direction: to === '443' ? 'up' : 'down',
      client: to === '443' ? from : to,
      octets: Number(length) - UDP_HEADER,
      packetTypes,
      keyPhases: keyPhases.map((phase) => (phase === 'True' || phase === '1' ? '1' : '0')),
      frameTypes,
      cryptoOffsets,
      handshakeTypes,
      cipherSuites,
      maxStreamsBidi,
    };
  });
}

const UDP_HEADER = 8;
/** A capture of the largest case takes seconds. */
const DISSECTION_MS = 180_000;

/** A row for each datagram; what a field has several times stands there with commas. */
async function fieldsOf(pcap: string, keyLog: string, names: readonly string[]): Promise<string[][]> {
  const fields = names.flatMap((name) => ['-e', name]);
  const format = ['-T', 'fields', '-E', 'separator=;', '-E', 'occurrence=a', '-E', 'aggregator=,'];
  const options = ['-o', `tls.keylog_file:${keyLog}`, '-d', 'udp.port==443,quic'];
  try {
    const { stdout } = await run('tshark', ['-n', '-r', pcap, ...options, ...format, ...fields], {
      maxBuffer: 1 << 28,
      timeout: DISSECTION_MS,
      killSignal: 'SIGKILL',
    });
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(';'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new PeerMissing('no tshark command');
    throw error;
  }
}
