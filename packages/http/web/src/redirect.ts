const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (response: Response): boolean => REDIRECTS.has(response.status) && response.headers.has('location');

/** Whether a body can be sent a second time: anything but a stream. */
export const mayBeSentAgain = (body: unknown): boolean =>
  !(body instanceof ReadableStream) && !(typeof body === 'object' && body !== null && Symbol.asyncIterator in body);

/** How many octets a body has, where that is plain to see; else -1. */
export function knownLength(body: unknown): number {
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  if (body instanceof URLSearchParams) return Buffer.byteLength(body.toString());
  return body instanceof Blob ? body.size : -1;
}

/** The request that a redirect asks for, as the Fetch standard has it ("HTTP-redirect fetch"). Throws TypeError where there is none. */
export function followRedirect(
  request: Request,
  response: Response,
  source: NonNullable<RequestInit['body']> | undefined,
  repeatable: boolean,
): Request {
  const from = new URL(request.url);
  const to = new URL(response.headers.get('location')!, from);
  if (to.hash === '') to.hash = from.hash;
  const headers = new Headers(request.headers);
  const { status } = response;
  const post = request.method === 'POST';
  const becomesGet =
    ((status === 301 || status === 302) && post) || (status === 303 && request.method !== 'GET' && request.method !== 'HEAD');
  if (becomesGet)
    for (const name of ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']) headers.delete(name);
  else if (!repeatable) throw new TypeError('fetch failed', { cause: new Error('a redirect asks for a body again that was a stream') });
  if (to.origin !== from.origin) for (const name of ['authorization', 'proxy-authorization', 'cookie', 'host']) headers.delete(name);
  const init = { headers, signal: request.signal, redirect: request.redirect };
  if (becomesGet) return new Request(to, { ...init, method: 'GET' });
  return new Request(to, { ...init, method: request.method, ...(source === undefined ? {} : { body: source }) });
}
