import { transportErrorName } from '@quiclab/wire';

export type Side = 'client' | 'server';
export const SIDES: readonly Side[] = ['client', 'server'];
export const other = (side: Side): Side => (side === 'client' ? 'server' : 'client');

/**
 * The end of a test's title, for scripts/rfc-map to read: which of its requirements are broken towards this victim, and with which
 * code the test asserts that the victim answers. 'discard': with none, as the RFC allows.
 */
export function breaks(ids: string | readonly string[], victim: Side, code: number | 'discard'): string {
  const name = code === 'discard' ? code : code >= 0x100 ? `0x${code.toString(16).padStart(4, '0')}` : transportErrorName(code);
  return [ids]
    .flat()
    .map((id) => ` {${id}, ${victim}: ${name}}`)
    .join('');
}
