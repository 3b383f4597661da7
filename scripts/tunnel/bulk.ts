/** One flow of the kernel's TCP that never ends: the server writes as fast as it may, the client reads. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { addressOf, answering } from '@quiclab/lab/tunnel';

export type ToBulk = { readonly type: 'listen' } | { readonly type: 'connect'; readonly port: number };
export type FromBulk = { readonly type: 'listening'; readonly port: number } | { readonly type: 'connected' };

const PIECE = Buffer.alloc(65_536);

answering(async (question: ToBulk): Promise<FromBulk> => {
  if (question.type === 'connect') {
    const socket = connect(question.port, addressOf('server'));
    await once(socket, 'connect');
    socket.resume();
    socket.on('error', () => {}); // the other process was ended first
    return { type: 'connected' };
  }
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('drain', () => fill(socket));
    fill(socket);
  });
  server.listen(0, addressOf('server'));
  await once(server, 'listening');
  return { type: 'listening', port: (server.address() as AddressInfo).port };
});

function fill(socket: Socket): void {
  while (socket.write(PIECE));
}
