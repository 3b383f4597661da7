import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PeerMissing } from './peers.ts';

const run = promisify(execFile);

export interface Dissection {
  readonly datagrams: number;
  /** QUIC packets, coalesced ones counted one by one. */
  readonly packets: number;
  /** What Wireshark objects to, with the number of the datagram. */
  readonly complaints: readonly string[];
}

const FIELDS = [
  'frame.number',
  'quic.packet_number',
  'quic.frame_type',
  'quic.decryption_failed',
  '_ws.malformed',
  '_ws.expert.message',
  '_ws.expert.severity',
];
const WARNING = 0x00600000; // PI_WARN; notes and chats below it are remarks on traffic, not on form

/** Lets Wireshark's dissector judge a capture, with the secrets of its connections. Throws PeerMissing. */
export async function dissect(pcap: string, keyLog: string): Promise<Dissection> {
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const format = ['-T', 'fields', '-E', 'separator=;', '-E', 'occurrence=a', '-E', 'aggregator=,'];
  const options = ['-o', `tls.keylog_file:${keyLog}`, '-d', 'udp.port==443,quic'];
  let lines: string[];
  try {
    const { stdout } = await run('tshark', ['-n', '-r', pcap, ...options, ...format, ...fields], { maxBuffer: 1 << 28 });
    lines = stdout.trimEnd().split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new PeerMissing('no tshark command');
    throw error;
  }
  const complaints: string[] = [];
  let packets = 0;
  for (const line of lines) {
    const [number, packetNumbers, frameTypes, undecrypted, malformed, messages, severities] = line.split(';');
    const found = packetNumbers === '' ? 0 : packetNumbers.split(',').length;
    packets += found;
    if (undecrypted !== '') complaints.push(`datagram ${number}: ${undecrypted}`);
    if (malformed !== '') complaints.push(`datagram ${number}: malformed`);
    if (found === 0 || frameTypes === '') complaints.push(`datagram ${number}: no packet decoded`);
    if (severities.split(',').some((severity) => Number(severity) >= WARNING)) complaints.push(`datagram ${number}: ${messages}`);
  }
  return { datagrams: lines.length, packets, complaints };
}
