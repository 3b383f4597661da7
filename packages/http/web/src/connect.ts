import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Host } from './host.ts';
import type { Session } from './session.ts';

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

/** Connects to whichever address of the name answers first; the others are given up. Rejects with the last error if none does. */
export async function connectToName(name: string, port: number, hostFor: (family: number) => Promise<Host>): Promise<Session> {
  const addresses = await addressesOf(name);
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
          const session = host.connect({ host: address.host, port }, name);
          attempts.push(session);
          return session.established.then(() => onSuccess(session));
        })
        .catch(onFailure);
    };
    tryNext();
  });
}
