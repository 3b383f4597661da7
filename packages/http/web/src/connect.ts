import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Host } from './host.ts';
import type { Remembered } from './resumption.ts';
import type { Session, SessionHooks } from './session.ts';

/** How long one address is tried before the next one is tried beside it (RFC 8305 §5), in ms. */
const NEXT_ADDRESS_AFTER_MS = 250;

/** The addresses of a name, families alternating, in the order in which the system prefers them. RFC 8305 §4. */
async function addressesOf(name: string): Promise<{ host: string; family: number }[]> {
  const family = isIP(name);
  if (family !== 0) return [{ host: name, family }];
  const found = await lookup(name, { all: true, order: 'verbatim' });
  const [first, second] = [found.filter((a) => a.family === found[0]!.family), found.filter((a) => a.family !== found[0]!.family)];
  const mixed = first.flatMap((address, i) => (second[i] === undefined ? [address] : [address, second[i]]));
  return [...mixed, ...second.slice(first.length)].map(({ address, family: of }) => ({ host: address, family: of }));
}

/** Connections that are being made to one origin. */
export interface Attempt {
  /** Takes requests that may be sent early: before its handshake is complete, if it sends early; it may still lose against another address. */
  readonly first: Promise<Session>;
  /** Its handshake is complete. Both reject with the last error if no address answers. */
  readonly established: Promise<Session>;
}

/** Connects to whichever address of the name answers first; the others are given up. What is remembered is offered to one address only. */
export function connectToName(
  name: string,
  port: number,
  hostFor: (family: number) => Promise<Host>,
  remembered: Remembered,
  hooks: SessionHooks,
): Attempt {
  let onEarly!: (session: Session) => void;
  const early = new Promise<Session>((resolve) => {
    onEarly = resolve;
  });
  const established = race(name, port, hostFor, remembered, hooks, onEarly);
  return { first: Promise.race([early, established]), established };
}

async function race(
  name: string,
  port: number,
  hostFor: (family: number) => Promise<Host>,
  remembered: Remembered,
  hooks: SessionHooks,
  onEarly: (session: Session) => void,
): Promise<Session> {
  const addresses = await addressesOf(name);
  const last = addresses.findIndex(({ host }) => host === remembered.address);
  if (last > 0) addresses.unshift(...addresses.splice(last, 1));
  const attempts: Session[] = [];
  return new Promise((resolve, reject) => {
    let settled = false;
    let timer: NodeJS.Timeout | undefined;
    let failed = 0;
    let next = 0;
    const onFailure = (error: unknown): void => {
      failed++;
      if (settled) return;
      if (failed === addresses.length) reject(error);
      else tryNext();
    };
    const onSuccess = (session: Session): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      for (const other of attempts) {
        if (other === session) continue;
        other.http.close(other.now);
        other.touched();
      }
      resolve(session);
    };
    const tryNext = (): void => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (address === undefined) return;
      if (next < addresses.length) timer = setTimeout(tryNext, NEXT_ADDRESS_AFTER_MS).unref();
      void hostFor(address.family)
        .then((host) => {
          if (settled) return undefined;
          const session = host.connect({ host: address.host, port }, name, attempts.length === 0 ? remembered : {}, hooks);
          attempts.push(session);
          if (session.sendsEarly) onEarly(session);
          return session.established.then(() => onSuccess(session));
        })
        .catch(onFailure);
    };
    tryNext();
  });
}
