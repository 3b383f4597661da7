import { latin1 } from '@quiclab/bytes';
import type { Field } from '@quiclab/http-semantics';

/** Something that the gateway says itself, in the origin's place. */
export interface Answer {
  readonly status: number;
  /** An error type of RFC 9209 §2.3; '' where it is no error. */
  readonly error: string;
  /** What is wrong, for people; without an error, the whole content. */
  readonly what: string;
  readonly fields: readonly Field[];
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  425: 'Too Early',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
};

export const answer = (status: number, error: string, what: string, fields: readonly Field[] = []): Answer => ({
  status,
  error,
  what,
  fields,
});

/** The header section and the content of an answer. */
export function sayAnswer({ status, error, what, fields }: Answer, name: string, date: string): { head: Field[]; content: Uint8Array } {
  const content = latin1(error === '' ? what : `${status} ${TITLES[status] ?? ''}\n${printable(what)}\n`);
  const head: Field[] = [[':status', String(status)]];
  if (date !== '') head.push(['date', date]);
  if (error !== '') head.push(['content-type', 'text/plain; charset=utf-8']);
  if (status !== 204) head.push(['content-length', String(content.length)]); // RFC 9110 §8.6
  // RFC 9209: which of several gateways it was, and what happened to it
  if (error !== '') head.push(['cache-control', 'no-store'], ['proxy-status', `${name}; error=${error}; details="${quoted(what)}"`]);
  return { head: [...head, ...fields], content };
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');
const quoted = (text: string): string => printable(text).replace(/[\\"]/g, '\\$&');
