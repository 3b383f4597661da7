/** A NAT that forgets: from time to time it shows its client to the server under another port or address. RFC 9000 §9.3. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Address } from '@quiclab/sansio';

const FIRST_AFTER_MS = 1_000;
const THEN_EVERY_MS = 5_000;

export interface Nat {
  /** Where the client's datagrams go in. */
  readonly address: Address;
  /** What the server sees as the client now. */
  readonly outside: Address;
  close(): Promise<void>;
}

/**
 * For one client, between 127.0.0.1 and addresses of its kind. The first change is a second after the client's first datagram.
 *
 * @param onAnswer  takes each datagram of the server's that is passed on, with the address to which the server sent it
 */
export async function openNat(
  server: Address,
  changes: 'port' | 'address',
  onAnswer: (datagram: Uint8Array, outside: Address) => void,
): Promise<Nat> {
  const inner = await bound('127.0.0.1');
  const mappings: Socket[] = []; // old ones stay bound, so that no port comes back, and what comes to them is lost
  let client: Address | undefined;
  let timer: NodeJS.Timeout | undefined;

  const change = async (): Promise<void> => {
    const outer = await bound(changes === 'address' ? `127.0.0.${mappings.length + 2}` : '127.0.0.1');
    const outside = addressOf(outer);
    outer.on('message', (datagram) => {
      if (client === undefined || outer !== mappings.at(-1)) return;
      onAnswer(datagram, outside);
      inner.send(datagram, client.port, client.host);
    });
    mappings.push(outer);
  };
  await change();
  const changeAndComeBack = async (): Promise<void> => {
    await change();
    timer = setTimeout(changeAndComeBack, THEN_EVERY_MS);
  };
  inner.on('message', (datagram, from) => {
    if (client === undefined) timer = setTimeout(changeAndComeBack, FIRST_AFTER_MS);
    client = { host: from.address, port: from.port };
    mappings.at(-1)!.send(datagram, server.port, server.host);
  });
  return {
    address: addressOf(inner),
    get outside() {
      return addressOf(mappings.at(-1)!);
    },
    close: async () => {
      clearTimeout(timer);
      await Promise.all([inner, ...mappings].map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
    },
  };
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 2 << 20 });
  socket.bind({ address: host, port: 0, exclusive: true });
  await once(socket, 'listening');
  socket.on('error', () => {}); // a send that failed is a datagram lost
  return socket;
}

const addressOf = (socket: Socket): Address => ({ host: socket.address().address, port: socket.address().port });
