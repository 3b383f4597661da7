import { bad } from './errors.ts';
import { LIMITS } from './limits.ts';

/** The longest line that may begin a chunk. */
export const chunkLine = (server: boolean): number => LIMITS.chunkSize.value + extensionLimit(server);

const extensionLimit = (server: boolean): number => (server ? LIMITS.requestExtensions.value : LIMITS.responseExtensions.value);

/** 1*HEXDIG [chunk-ext], as a number below 2^53. RFC 9112 §7.1; extensions are a server's to refuse and a client's to ignore (§7.1.1). */
export function parseChunkSize(line: string, server: boolean): number {
  let size = 0;
  let at = 0;
  for (; at < line.length; at++) {
    const digit = hexDigit(line.charCodeAt(at));
    if (digit < 0) break;
    size = size * 16 + digit;
    if (size > Number.MAX_SAFE_INTEGER) throw bad('a chunk size of 2^53 or more');
  }
  if (at === 0) throw bad('a chunk without a size');
  if (at > LIMITS.chunkSize.value) throw bad(`a chunk size of ${at} digits`);
  if (at === line.length) return size;
  if (!/^[ \t]*;/.test(line.slice(at))) throw bad('a chunk size that is none');
  if (line.length - at > extensionLimit(server)) throw bad(`chunk extensions of ${line.length - at} octets`);
  return size;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
