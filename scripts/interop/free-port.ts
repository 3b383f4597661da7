import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP port that nobody has at the moment: for what must know a server's port before it runs. */
export async function freePort(host: string): Promise<number> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind({ address: host, port: 0, exclusive: true });
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
