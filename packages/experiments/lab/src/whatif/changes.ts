import { parseDuration } from '@quiclab/impair';
import type { Micros } from '@quiclab/sansio';
import { FrameType } from '@quiclab/wire';
import { nearest, unknownName } from '../plan/nearest.ts';
import { type BoundFate, type Direction, type Fates, isDropped, withDelay, withDrop, withoutDrop } from './fates.ts';

/** Which datagram a change is about. */
export type DatagramAddress =
  /** The nth that entered the link in the recorded run, from 1. What it carried is found again in the other run. */
  | { readonly link: Direction; readonly index: number }
  /** The one in which that octet of a stream is sent for the nth time. */
  | { readonly link: Direction; readonly connection: number; readonly stream: number; readonly offset: number; readonly nth: number }
  /** The nth in which there is a frame of that name, or a flag of TCP. */
  | { readonly link: Direction | 'either'; readonly frame: string; readonly nth: number };

export type Change =
  | { readonly kind: 'drop' | 'undrop'; readonly address: DatagramAddress }
  | { readonly kind: 'delay'; readonly address: DatagramAddress; readonly by: Micros };

/** The fate after the change. Throws an Error where there is nothing to undo. */
export function changed(fate: BoundFate, change: Change): BoundFate {
  if (change.kind === 'drop') return withDrop(fate);
  if (change.kind === 'delay') return withDelay(fate, change.by);
  if (fate.dropped === undefined) throw new Error(`--undrop ${addressText(change.address)}: no link dropped ${fate.binding}`);
  return withoutDrop(fate);
}

/**
 * Applies the changes that name datagrams of the recorded run; the others wait until the datagram is there. Throws an Error that says how many
 * datagrams there were, or what dropped the one that is to be undropped.
 */
export function applyRecorded(fates: Fates, changes: readonly Change[]): { readonly fates: Fates; readonly later: readonly Change[] } {
  const lists = { up: [...fates.up], down: [...fates.down] };
  const later: Change[] = [];
  for (const change of changes) {
    const { address } = change;
    if (!('index' in address)) {
      later.push(change);
      continue;
    }
    const list = lists[address.link];
    const at = list.findIndex(({ index }) => index === address.index);
    if (at < 0) throw new Error(`--${change.kind} ${addressText(address)}: ${whyNone(list, address)}`);
    if (change.kind === 'undrop' && list[at]!.dropped === undefined)
      throw new Error(`--undrop ${addressText(address)}: that passed; ${whatWasDropped(list, address.link)}`);
    list[at] = changed(list[at]!, change);
  }
  return { fates: { ...fates, ...lists }, later };
}

const MOST_NAMED = 12;

function whatWasDropped(list: readonly BoundFate[], link: Direction): string {
  const dropped = list.filter((fate) => isDropped(fate) && fate.index > 0).map(({ index }) => `${link}:${index}`);
  if (dropped.length === 0) return `nothing was dropped on the link ${link}`;
  const more = dropped.length - MOST_NAMED;
  return `dropped were ${dropped.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function whyNone(list: readonly BoundFate[], { link, index }: { readonly link: Direction; readonly index: number }): string {
  const most = Math.max(0, ...list.map((fate) => fate.index));
  return index > most
    ? `the link ${link} judged ${most} datagrams`
    : 'it never came so far: the queue was full, or it was too large; that is a consequence, and no fate to be changed';
}

/** As it is written in a command. */
export function addressText(address: DatagramAddress): string {
  if ('index' in address) return `${address.link}:${address.index}`;
  const nth = address.nth === 1 ? '' : `:${address.nth}`;
  const link = address.link === 'either' ? '' : `${address.link}:`;
  if ('frame' in address) return `${link}${address.frame}${nth}`;
  return `${link}${address.connection === 0 ? '' : `${address.connection}/`}${address.stream}@${address.offset}${nth}`;
}

const NUMBERED = /^(up|down):([1-9]\d{0,8})$/;
const OCTET = /^(?:(up|down):)?(?:(\d{1,6})\/)?(\d{1,12})@(\d{1,15})(?::([1-9]\d{0,5}))?$/;
const FRAME = /^(?:(up|down):)?([A-Za-z_]+)(?::([1-9]\d{0,5}))?$/;

const TCP_KINDS = ['SYN', 'FIN', 'RST', 'ACK', 'DATA'];
const FRAME_NAMES = Object.keys(FrameType).filter((name) => name !== 'PADDING');

/**
 * 'down:47', 'up:3'; '8@12000', '8@12000:2', 'up:1/8@0' (of connection 1, on the way up); 'MAX_DATA', 'down:HANDSHAKE_DONE:2'.
 * @param overTcp  there are flags in the place of frames, and a connection is one stream
 */
export function parseAddress(text: string, overTcp: boolean): DatagramAddress {
  const numbered = NUMBERED.exec(text);
  if (numbered !== null) return { link: numbered[1] as Direction, index: Number(numbered[2]) };
  const octet = OCTET.exec(text);
  if (octet !== null) {
    const [, link = 'down', connection = '0', stream, offset, nth = '1'] = octet;
    if (overTcp && stream !== '0')
      throw new Error(`'${text}': over TCP a connection is one stream, 0@${offset}; the first connection is 0/0@${offset}`);
    return { link: link as Direction, connection: Number(connection), stream: Number(stream), offset: Number(offset), nth: Number(nth) };
  }
  const frame = FRAME.exec(text);
  if (frame !== null && frame[2] !== 'up' && frame[2] !== 'down') {
    const [, link = 'either', name = '', nth = '1'] = frame;
    const names = overTcp ? TCP_KINDS : FRAME_NAMES;
    const upper = name.toUpperCase();
    if (names.includes(upper)) return { link: link as Direction | 'either', frame: upper, nth: Number(nth) };
    if (nearest(name, names) !== undefined || numberless(text))
      throw new Error(unknownName(name, overTcp ? 'a kind of segment' : 'a frame', names));
  }
  throw new Error(
    `'${text}' is no datagram: down:47 (the 47th on that link), 8@12000 (octet 12000 of stream 8; with :2 its second sending), ${overTcp ? 'SYN' : 'MAX_DATA'}:2 (the second with one)`,
  );
}

/** Nothing but a name, or behind a direction: it cannot have been meant for the number of a datagram. */
const numberless = (text: string): boolean => !/\d/.test(text);

/** 'down:47=30ms'. */
export function parseDelay(text: string, overTcp: boolean): Change {
  const [address = '', time, ...more] = text.split('=');
  if (time === undefined || more.length > 0) throw new Error(`'${text}' is no delay: it is a datagram and a time, as in down:47=30ms`);
  return { kind: 'delay', address: parseAddress(address, overTcp), by: parseDuration(time, 'the delay') };
}
