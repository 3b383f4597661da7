import { LIMITS } from './limits.ts';

/** What the next connection to an origin may begin with. */
export interface Remembered {
  /** A TLS session, for one connection. RFC 9001 §4.5. */
  readonly session?: Uint8Array;
  /** It spares a Retry. RFC 9000 §8.1.3. */
  readonly token?: Uint8Array;
  /** The address that answered the last time: early data to one that does not is lost. */
  readonly address?: string;
}

/** A server that gives larger ones is not resumed with. */
const LARGEST = LIMITS.sessionOctets.value;

class Origin {
  sessions: Uint8Array[] = [];
  token: Uint8Array | undefined = undefined;
  address: string | undefined = undefined;
}

/** What earlier connections of a client left behind, for each origin. It lives as long as the client, and holds secret keys. */
export class Resumption {
  readonly #origins = new Map<string, Origin>();

  onSession(origin: string, session: Uint8Array): void {
    if (session.length > LARGEST) return;
    const { sessions } = this.#touch(origin);
    sessions.push(session);
    if (sessions.length > LIMITS.sessions.value) sessions.shift();
  }

  onToken(origin: string, token: Uint8Array): void {
    if (token.length <= LARGEST) this.#touch(origin).token = token;
  }

  onAddress(origin: string, address: string): void {
    this.#touch(origin).address = address;
  }

  /** The newest session and the token; both are given away once, or connections could be linked by them (RFC 9846 §C.4, RFC 9000 §8.1.3). */
  take(origin: string): Remembered {
    const known = this.#origins.get(origin);
    if (known === undefined) return {};
    const session = known.sessions.pop();
    const { token, address } = known;
    known.token = undefined;
    return { ...(session && { session }), ...(token && { token }), ...(address !== undefined && { address }) };
  }

  #touch(origin: string): Origin {
    const known = this.#origins.get(origin) ?? new Origin();
    this.#origins.delete(origin); // set anew, it is the last to be forgotten
    this.#origins.set(origin, known);
    if (this.#origins.size > LIMITS.origins.value) this.#origins.delete(this.#origins.keys().next().value!);
    return known;
  }
}
