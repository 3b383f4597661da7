import { datagramOf, packetOf, shortName } from './describe.ts';
import type { LogEvent } from './log.ts';

/** A packet, or a datagram on a link, that fared otherwise in one of two logs: what made them part, as far as they know. */
export interface FateInOne {
  /** 'lost': both have sent it before they part, and in one alone it was dropped or declared lost. 'arrived': it came in one alone, though the other has had later ones. */
  readonly fate: 'lost' | 'arrived';
  readonly in: 'a' | 'b';
  /** '1RTT 47', 'down:47'. */
  readonly what: string;
  /** When it left; null where the log is of whom it was sent to. ms */
  readonly sentAt: number | null;
  /** When it was dropped, declared lost, or came. */
  readonly at: number;
}

const SENT = new Set(['packet_sent', 'datagram_enqueued']);
const LOST = new Set(['packet_lost', 'datagram_dropped']);

/** 0-RTT and 1-RTT packets share their numbers (RFC 9000 §12.3). */
const subjectOf = (event: LogEvent): string => datagramOf(event) || packetOf(event).replace('0RTT', '1RTT');

/** @param at  the first event that is not the same */
export function fateInOne(a: readonly LogEvent[], b: readonly LogEvent[], at: number): FateInOne | null {
  const found = [lostIn('a', a, b, at), lostIn('b', b, a, at), arrivedIn('a', a, b, at), arrivedIn('b', b, a, at)].filter(
    (one) => one !== null,
  );
  return found.sort((x, y) => x.at - y.at)[0] ?? null;
}

function lostIn(name: 'a' | 'b', events: readonly LogEvent[], others: readonly LogEvent[], at: number): FateInOne | null {
  const isLoss = ({ name: full }: LogEvent): boolean => LOST.has(shortName(full));
  const lostThere = new Set(others.filter(isLoss).map(subjectOf));
  const sent = new Map<string, number>();
  for (const event of events.slice(0, at)) if (SENT.has(shortName(event.name))) sent.set(subjectOf(event), event.time);
  const loss = events.find((event) => isLoss(event) && sent.has(subjectOf(event)) && !lostThere.has(subjectOf(event)));
  if (loss === undefined) return null;
  const what = subjectOf(loss);
  return { fate: 'lost', in: name, what, sentAt: sent.get(what)!, at: loss.time };
}

function arrivedIn(name: 'a' | 'b', events: readonly LogEvent[], others: readonly LogEvent[], at: number): FateInOne | null {
  const first = events.slice(at).find((event) => shortName(event.name) === 'packet_received' && packetOf(event) !== '');
  if (first === undefined) return null;
  const what = subjectOf(first);
  const [space, number] = what.split(' ') as [string, string];
  let later = false;
  for (const event of others) {
    if (shortName(event.name) !== 'packet_received') continue;
    const [otherSpace, otherNumber] = subjectOf(event).split(' ');
    if (otherSpace !== space) continue;
    if (otherNumber === number) return null;
    if (Number(otherNumber) > Number(number)) later = true;
  }
  return later ? { fate: 'arrived', in: name, what, sentAt: null, at: first.time } : null;
}
