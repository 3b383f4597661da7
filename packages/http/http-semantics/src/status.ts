/** A status code from its text: three digits, 100 to 999; -1 for anything else. RFC 9110 §15. */
export function parseStatus(text: string): number {
  if (text.length !== 3) return -1;
  let status = 0;
  for (let i = 0; i < 3; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status >= 100 ? status : -1;
}

/** 1 to 5; what is from 600 on is to be taken as a server error (RFC 9110 §15). */
export const statusClass = (status: number): 1 | 2 | 3 | 4 | 5 => (status >= 600 ? 5 : (Math.floor(status / 100) as 1 | 2 | 3 | 4 | 5));

/** An interim response, to be followed by another on the same exchange. RFC 9110 §15.2. */
export const isInformational = (status: number): boolean => status < 200;

/** Whether a response never has content, whatever its Content-Length says. RFC 9110 §6.4.1. A tunnel's octets are not content. */
export const neverHasContent = (method: string, status: number): boolean =>
  method === 'HEAD' || status < 200 || status === 204 || status === 304;
