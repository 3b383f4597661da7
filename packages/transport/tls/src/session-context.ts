import type { HandshakeOptions } from './port.ts';

/**
 * What a session and the connections that resume it have in common beside what TLS asks for. Over TCP and over QUIC sessions are
 * different ones: their early data obeys other limits (RFC 9001 §4.6.1).
 */
export function sessionContext({ transport, context }: HandshakeOptions): string {
  const own = context?.() ?? '';
  return transport === 'tcp' ? `tcp ${own}` : own;
}
