/** What a method promises. Methods are case-sensitive; of one that is not in RFC 9110 §9 nothing is known, so nothing is promised. */
export interface MethodProperties {
  /** The client does not ask for a change. RFC 9110 §9.2.1. */
  readonly safe: boolean;
  /** Asking twice has the effect of asking once, so that it may be sent again after a lost connection. RFC 9110 §9.2.2. */
  readonly idempotent: boolean;
}

const SAFE: MethodProperties = { safe: true, idempotent: true };
const IDEMPOTENT: MethodProperties = { safe: false, idempotent: true };
const NEITHER: MethodProperties = { safe: false, idempotent: false };

const METHODS: ReadonlyMap<string, MethodProperties> = new Map([
  ['GET', SAFE],
  ['HEAD', SAFE],
  ['OPTIONS', SAFE],
  ['TRACE', SAFE],
  ['PUT', IDEMPOTENT],
  ['DELETE', IDEMPOTENT],
  ['POST', NEITHER],
  ['CONNECT', NEITHER],
  ['PATCH', NEITHER],
]);

export const methodProperties = (method: string): MethodProperties => METHODS.get(method) ?? NEITHER;
