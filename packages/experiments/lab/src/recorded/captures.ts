import { createHash } from 'node:crypto';

/** One UDP datagram of a capture. */
export interface CapturedDatagram {
  /** Its frame, from 1. */
  readonly frame: number;
  readonly from: string;
  readonly to: string;
  readonly payload: Uint8Array;
}

const PCAP = { micros: 0xa1b2c3d4, nanos: 0xa1b23c4d } as const;
const PCAPNG = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const ETHERNET = 1;

/** UDP datagrams of a capture, pcap or pcapng, over Ethernet, raw IP, loopback or Linux's cooked links. @throws Error that names the frame */
export function udpOf(file: Uint8Array): CapturedDatagram[] {
  if (file.length < 24) throw new Error('the capture is shorter than its header');
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const magic = view.getUint32(0);
  const frames = magic === PCAPNG ? pcapngFrames(file, view) : pcapFrames(file, view);
  const datagrams: CapturedDatagram[] = [];
  let number = 0;
  for (const { link, octets, length } of frames) {
    number++;
    const datagram = udpIn(link, octets, number, length);
    if (datagram !== undefined) datagrams.push(datagram);
  }
  return datagrams;
}

interface Frame {
  readonly link: number;
  readonly octets: Uint8Array;
  /** As it was on the wire. */
  readonly length: number;
}

function* pcapFrames(file: Uint8Array, view: DataView): Generator<Frame> {
  const little = [PCAP.micros, PCAP.nanos].includes(view.getUint32(0, true) as never);
  if (!little && ![PCAP.micros, PCAP.nanos].includes(view.getUint32(0) as never)) throw new Error('this is neither pcap nor pcapng');
  const link = view.getUint32(20, little) & 0xffff;
  let frame = 0;
  for (let at = 24; at < file.length; ) {
    frame++;
    if (at + 16 > file.length) throw new Error(`frame ${frame}: the capture ends in its header`);
    const captured = view.getUint32(at + 8, little);
    const length = view.getUint32(at + 12, little);
    at += 16;
    if (at + captured > file.length) throw new Error(`frame ${frame}: the capture ends before it does`);
    yield { link, octets: file.subarray(at, at + captured), length };
    at += captured;
  }
}

function* pcapngFrames(file: Uint8Array, view: DataView): Generator<Frame> {
  let little = true;
  let links: number[] = [];
  let snap: number[] = [];
  let block = 0;
  for (let at = 0; at < file.length; ) {
    block++;
    const fail = (what: string): never => {
      throw new Error(`block ${block}: ${what}`);
    };
    if (at + 12 > file.length) fail('the capture ends in its header');
    const type = view.getUint32(at, little);
    if (view.getUint32(at) === PCAPNG) {
      if (at + 28 > file.length) fail('the capture ends in its header');
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      if (!little && view.getUint32(at + 8) !== BYTE_ORDER) fail('no byte order');
      links = [];
      snap = [];
    }
    const length = view.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0 || at + length > file.length) fail('the capture ends before it does');
    if (type === 1) {
      if (length < 20) fail('an interface without its fields');
      links.push(view.getUint16(at + 8, little));
      snap.push(view.getUint32(at + 12, little));
    } else if (type === 6) {
      if (length < 32) fail('a packet without its fields');
      const port = view.getUint32(at + 8, little);
      const captured = view.getUint32(at + 20, little);
      if (port >= links.length) fail(`a packet of interface ${port}, which there is not`);
      if (captured > length - 32) fail('a packet that is longer than its block');
      yield { link: links[port]!, octets: file.subarray(at + 28, at + 28 + captured), length: view.getUint32(at + 24, little) };
    } else if (type === 3) {
      if (links.length === 0) fail('a packet of an interface that there is not');
      const original = view.getUint32(at + 8, little);
      const captured = Math.min(original, length - 16, snap[0] === 0 ? original : snap[0]!);
      yield { link: links[0]!, octets: file.subarray(at + 12, at + 12 + captured), length: original };
    }
    at += length;
  }
}

/** Where IP begins in a frame; -1: it is something else. */
function ipIn(link: number, octets: Uint8Array): number {
  const type = (at: number): number => (octets[at]! << 8) | octets[at + 1]!;
  const isIp = (at: number): boolean => at + 2 <= octets.length && (type(at) === 0x0800 || type(at) === 0x86dd);
  switch (link) {
    case ETHERNET: {
      let at = 12;
      while (at + 6 <= octets.length && (type(at) === 0x8100 || type(at) === 0x88a8)) at += 4; // VLAN tags
      return isIp(at) ? at + 2 : -1;
    }
    case 0: // loopback: the address family in the host's order
    case 108:
      return 4;
    case 12: // raw IP
    case 101:
    case 228:
    case 229:
      return 0;
    case 113: // Linux cooked
      return isIp(14) ? 16 : -1;
    case 276:
      return isIp(0) ? 20 : -1;
    default:
      throw new Error(`frames of link type ${link} are not read: capture on Ethernet, loopback or 'any'`);
  }
}

function udpIn(link: number, octets: Uint8Array, frame: number, length: number): CapturedDatagram | undefined {
  const ip = ipIn(link, octets);
  if (ip < 0 || ip + 20 > octets.length) return undefined;
  const version = octets[ip]! >> 4;
  let udp: number;
  let addresses: readonly [string, string];
  if (version === 4) {
    if (octets[ip + 9] !== 17) return undefined;
    if ((((octets[ip + 6]! << 8) | octets[ip + 7]!) & 0x3fff) !== 0) throw new Error(`frame ${frame}: a fragment, which is no datagram`);
    udp = ip + 4 * (octets[ip]! & 15);
    addresses = [[...octets.subarray(ip + 12, ip + 16)].join('.'), [...octets.subarray(ip + 16, ip + 20)].join('.')];
  } else if (version === 6) {
    if (octets[ip + 6] !== 17 || ip + 40 > octets.length) return undefined;
    udp = ip + 40;
    const hex = (at: number): string =>
      Buffer.from(octets.subarray(at, at + 16))
        .toString('hex')
        .replace(/(.{4})(?=.)/g, '$1:');
    addresses = [`[${hex(ip + 8)}]`, `[${hex(ip + 24)}]`];
  } else return undefined;
  if (udp + 8 > octets.length) throw new Error(`frame ${frame}: a UDP header that is cut off`);
  const port = (at: number): number => (octets[at]! << 8) | octets[at + 1]!;
  const size = port(udp + 4);
  if (size < 8) throw new Error(`frame ${frame}: a datagram shorter than its header`);
  if (udp + size > octets.length)
    throw new Error(`frame ${frame}: ${octets.length} of ${length} octets were captured; capture whole ones (tcpdump -s 0)`);
  return {
    frame,
    from: `${addresses[0]}:${port(udp)}`,
    to: `${addresses[1]}:${port(udp + 2)}`,
    payload: octets.subarray(udp + 8, udp + size),
  };
}

export interface CapturedLosses {
  readonly lost: number[];
  readonly sent: number;
  /** Whose datagrams they are: 'ADDRESS:PORT'. */
  readonly flow: string;
  /** How many were lost at the end without one behind them that arrived: the other capture may have ended before. */
  readonly trailing: number;
}

/**
 * Which datagrams of one sender did not arrive: captured where they left, and where they should have come. They are told by their payload, since addresses
 * may be translated on the way; those of QUIC are encrypted, so that no two are alike. One capture alone cannot say this of UDP.
 * @param flow  the sender's 'ADDRESS:PORT', as it is where it sends; '' for whoever sent most
 * @throws Error where nothing can be said
 */
export function capturedLosses(sent: readonly CapturedDatagram[], arrived: readonly CapturedDatagram[], flow = ''): CapturedLosses {
  const counts = new Map<string, number>();
  for (const { from } of sent) counts.set(from, (counts.get(from) ?? 0) + 1);
  const busiest = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const chosen = flow === '' ? busiest[0]?.[0] : flow;
  if (chosen === undefined) throw new Error('no UDP datagram was captured where they were sent');
  if (!counts.has(chosen))
    throw new Error(
      `${chosen} has sent nothing; these have: ${busiest
        .slice(0, 5)
        .map(([from, count]) => `${from} (${count})`)
        .join(', ')}`,
    );
  const copies = new Map<string, number>();
  for (const { payload } of arrived) {
    const key = digest(payload);
    copies.set(key, (copies.get(key) ?? 0) + 1);
  }
  const lost: number[] = [];
  let nth = 0;
  let last = 0;
  for (const { from, payload } of sent) {
    if (from !== chosen) continue;
    nth++;
    const key = digest(payload);
    const left = copies.get(key) ?? 0;
    if (left === 0) lost.push(nth);
    else {
      copies.set(key, left - 1);
      last = nth;
    }
  }
  if (last === 0)
    throw new Error(`none of the ${nth} datagrams of ${chosen} is in the other capture: were both made of the same transfer?`);
  return { lost, sent: nth, flow: chosen, trailing: nth - last };
}

const digest = (payload: Uint8Array): string => createHash('sha256').update(payload).digest('base64');
