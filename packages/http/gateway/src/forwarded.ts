import type { Field, Fields } from '@quiclab/http-semantics';
import { isToken } from '@quiclab/http-semantics';
import type { FrontFacts, Settings } from './options.ts';

const X_FORWARDED = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'];

/** The fields with what the origin is told of the client: RFC 7239, or what was there before it. */
export function withForwarded(fields: Field[], authority: string, facts: FrontFacts, settings: Settings): Field[] {
  const { forwarded: style, trustForwarded } = settings;
  if (style === 'none') return fields;
  const standard = style !== 'x-forwarded';
  const customary = style !== 'forwarded';
  // anyone may have said these: a style that is left out is dropped, too, or the origin would believe what nobody checked
  const kept = trustForwarded ? fields : fields.filter(([name]) => name !== 'forwarded' && !X_FORWARDED.includes(name));
  const proto = facts.secure ? 'https' : 'http';
  const { host } = facts.client;
  if (standard) {
    const node = host.includes(':') ? `"[${host}]"` : host;
    kept.push(['forwarded', `for=${node};proto=${proto}${authority === '' ? '' : `;host=${tokenOrQuoted(authority)}`}`]);
  }
  if (!customary) return kept;
  const before = said(kept, 'x-forwarded-for');
  const rest = kept.filter(([name]) => name !== 'x-forwarded-for');
  rest.push(['x-forwarded-for', before === '' ? host : `${before}, ${host}`]);
  // of these, what the first gateway said counts
  if (said(rest, 'x-forwarded-proto') === '') rest.push(['x-forwarded-proto', proto]);
  if (said(rest, 'x-forwarded-host') === '' && authority !== '') rest.push(['x-forwarded-host', authority]);
  return rest;
}

const said = (fields: Fields, name: string): string =>
  fields
    .filter((field) => field[0] === name)
    .map((field) => field[1])
    .join(', ');

const tokenOrQuoted = (text: string): string => (isToken(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`);
