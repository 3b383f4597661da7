import type { PacketView } from '@quiclab/quic';
import type { SegmentView } from '@quiclab/tcp';
import { FrameType, frameName } from '@quiclab/wire';

/** A stretch of one stream in a datagram: [from, to), where the end of a stream counts as an octet behind its last. */
export interface StreamPiece {
  readonly stream: number;
  readonly from: number;
  readonly to: number;
}

/** What a datagram carries, told apart from all others that entered its link. EXPERIMENTS §4, What-if. */
export interface Contents {
  /** As the run's notes number it; -1: of no connection. */
  readonly connection: number;
  /** Octets of streams; TCP's are those of stream 0. */
  readonly pieces: readonly StreamPiece[];
  /** Frames, or flags of TCP, by name, each once. */
  readonly kinds: readonly string[];
  /** By space, as in 'initial(ACK,CRYPTO)+handshake(CRYPTO)', 'tcp(SYN,ACK)'. */
  readonly spaces: string;
  /** How often the first octet of the first piece has entered the link, with this time; without pieces, how often a datagram of these kinds has. */
  readonly nth: number;
}

/** How a datagram is found again in another run: by the octets that it carries, else by its kinds, and how often they had been sent. */
export const bindingOf = ({ connection, pieces, spaces, nth }: Contents): string => {
  const [first] = pieces;
  const what = first === undefined ? spaces : `${first.stream}@${first.from}+${first.to - first.from}`;
  return `${connection}/${what}:${nth}`;
};

/** A binding as it was written. */
export type Binding =
  | { readonly connection: number; readonly stream: number; readonly from: number; readonly nth: number }
  | { readonly connection: number; readonly spaces: string; readonly nth: number };

const PIECE = /^(-?\d+)\/(\d+)@(\d+)\+\d+:(\d+)$/;
const KINDS = /^(-?\d+)\/([a-z]*\(.*\)|nothing):(\d+)$/;

/** Throws an Error that names what is none. */
export function parseBinding(text: string): Binding {
  const piece = PIECE.exec(text);
  if (piece !== null) {
    const [connection, stream, from, nth] = piece.slice(1).map(Number) as [number, number, number, number];
    return { connection, stream, from, nth };
  }
  const kinds = KINDS.exec(text);
  if (kinds === null)
    throw new Error(`'${text}' binds nothing: it is CONNECTION/STREAM@OFFSET+LENGTH:NTH, or CONNECTION/SPACE(FRAME,…):NTH`);
  return { connection: Number(kinds[1]), spaces: kinds[2]!, nth: Number(kinds[3]) };
}

/** What a datagram carries, for people: 'stream 8 from 12,000 to 13,167; ACK'. */
export function describe({ connection, pieces, kinds, spaces, nth }: Contents): string {
  const octets = pieces.map(({ stream, from, to }) => `${stream}@${from}+${to - from}`).join(' ');
  const where = connection > 0 ? `connection ${connection}: ` : '';
  if (pieces.length === 0) return `${where}${spaces}`;
  const rest = kinds.filter((kind) => kind !== 'STREAM' && kind !== 'DATA').join(', ');
  return `${where}${spaces.startsWith('tcp') ? 'octets' : 'stream'} ${octets}${rest === '' ? '' : `, ${rest}`}${nth > 1 ? ` (sent for the ${ordinal(nth)} time)` : ''}`;
}

export const ordinal = (n: number): string => {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${ending}`;
};

/** Gathers what one end puts into a datagram, and counts how often that was sent. */
export class ContentsCounter {
  readonly #streams = new Map<string, Sendings>(); // by connection and stream
  readonly #kinds = new Map<string, number>(); // how often datagrams of these kinds have entered
  #connection = -1;
  #pieces: StreamPiece[] = [];
  #spaces: string[] = [];
  #names = new Set<string>();

  packet(connection: number, { level, frames }: PacketView): void {
    this.#connection = connection;
    const names = new Set<string>();
    for (let i = 0; i < frames.length; i++) {
      const type = frames.type(i);
      if (type === FrameType.PADDING) continue;
      names.add(frameName(type));
      if ((type & ~1) !== FrameType.STREAM) continue;
      const from = frames.offset(i);
      const to = from + frames.size(i) + (type & 1);
      if (to > from) this.#pieces.push({ stream: frames.stream(i), from, to });
    }
    for (const name of names) this.#names.add(name);
    this.#spaces.push(`${level}(${[...names].sort().join()})`);
  }

  segment(connection: number, { offset, length, fin, syn, rst, acknowledged }: SegmentView): void {
    this.#connection = connection;
    const flags = [
      ...(syn ? ['SYN'] : []),
      ...(rst ? ['RST'] : []),
      ...(fin ? ['FIN'] : []),
      ...(length > 0 ? ['DATA'] : acknowledged >= 0 && !fin && !rst ? ['ACK'] : []),
    ];
    for (const flag of flags) this.#names.add(flag);
    this.#spaces.push(`tcp(${flags.join()})`);
    if (length > 0 || fin) this.#pieces.push({ stream: 0, from: offset, to: offset + length + (fin ? 1 : 0) });
  }

  /** The datagram has entered its link. What comes next belongs to another one. */
  entered(): Contents {
    const connection = this.#connection;
    const pieces = this.#pieces;
    const spaces = this.#spaces.length === 0 ? 'nothing' : this.#spaces.join('+');
    for (const { stream, from, to } of pieces) this.#sendings(connection, stream).add(from, to);
    const [first] = pieces;
    let nth: number;
    if (first !== undefined) nth = this.timesSent(connection, first.stream, first.from);
    else {
      const key = `${connection}/${spaces}`;
      nth = (this.#kinds.get(key) ?? 0) + 1;
      this.#kinds.set(key, nth);
    }
    const contents = { connection, pieces, kinds: [...this.#names], spaces, nth };
    this.#connection = -1;
    this.#pieces = [];
    this.#spaces = [];
    this.#names = new Set();
    return contents;
  }

  /** In how many of the datagrams so far an octet of a stream was. */
  timesSent(connection: number, stream: number, octet: number): number {
    return this.#sendings(connection, stream).timesSent(octet);
  }

  #sendings(connection: number, stream: number): Sendings {
    const key = `${connection}/${stream}`;
    let sendings = this.#streams.get(key);
    if (sendings === undefined) {
      sendings = new Sendings();
      this.#streams.set(key, sendings);
    }
    return sendings;
  }
}

/** How often octets of one stream were sent: most of them once, in order. */
class Sendings {
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #end = 0; // no octet from here on was sent
  #once = 0; // none from here on was sent twice

  add(from: number, to: number): void {
    this.#once = Math.max(from, this.#end);
    this.#end = Math.max(this.#end, to);
    this.#from.push(from);
    this.#to.push(to);
  }

  timesSent(octet: number): number {
    if (octet >= this.#end) return 0;
    if (octet >= this.#once) return 1;
    let times = 0;
    for (let i = 0; i < this.#from.length; i++) if (this.#from[i]! <= octet && octet < this.#to[i]!) times++;
    return times;
  }
}
