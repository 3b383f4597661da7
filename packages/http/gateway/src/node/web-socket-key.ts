import { createHash, randomBytes } from 'node:crypto';

/** A Sec-WebSocket-Key, and the Sec-WebSocket-Accept of an origin that has understood it. RFC 6455 §4.1, §4.2.2. */
export function webSocketKey(): { readonly key: string; readonly accept: string } {
  const key = randomBytes(16).toString('base64');
  return { key, accept: createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64') };
}
