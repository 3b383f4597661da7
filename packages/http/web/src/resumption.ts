/** What the next connection to an origin may begin with. */
export interface Remembered {
  /** A TLS session, for one connection. RFC 9001 §4.5. */
  readonly session?: Uint8Array;
  /** It spares a Retry. RFC 9000 §8.1.3. */
  readonly token?: Uint8Array;
  /** The address that answered the last time: early data to one that does not is lost. */
  readonly address?: string;
}

/** Origins that are remembered; the one that was not heard of for the longest time is forgotten first. */
const MAX_ORIGINS = 100;
/** Servers give one or two for each connection, and there is one connection at a time. */
const SESSIONS_PER_ORIGIN = 2;
/** Octets of a session or a token; a server that gives larger ones is not resumed with. */
const LARGEST = 8_192;

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
    if (sessions.length > SESSIONS_PER_ORIGIN) sessions.shift();
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
    if (this.#origins.size > MAX_ORIGINS) this.#origins.delete(this.#origins.keys().next().value!);
    return known;
  }
}
