import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Contest } from './contest.ts';
import { LOOPBACK } from './identity.ts';
import { measureRate } from './stopwatch.ts';

/** Datagrams with the kernel at once, as many as our driver has. */
const OUTSTANDING = 128;
const RECEIVE_BUFFER_SIZE = 2 << 20;

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, LOOPBACK);
  await once(socket, 'listening');
  socket.setRecvBufferSize(RECEIVE_BUFFER_SIZE);
  return socket;
}

/** What Node's sockets carry when nobody reads what is in the datagrams: octets that the receiver gets. Many are lost on the way. */
export const dgramCeiling: Contest = {
  async serve({ datagramSize }) {
    const socket = await bound();
    const datagram = new Uint8Array(datagramSize);
    socket.once('message', (_request, { port, address }) => {
      let withKernel = 0;
      const returned = (): void => void withKernel--;
      // callbacks come before the next round of the event loop: sending from them would keep everything else from happening
      const round = (): void => {
        for (; withKernel < OUTSTANDING; withKernel++) socket.send(datagram, 0, datagramSize, port, address, returned);
        setImmediate(round);
      };
      round();
    });
    return { port: socket.address().port, certificate: '' };
  },

  async run(_options, { port }) {
    const socket = await bound();
    let octets = 0;
    socket.on('message', (datagram) => {
      octets += datagram.length;
    });
    socket.send('go', port, LOOPBACK);
    const { value, cpuSeconds } = await measureRate(() => octets);
    return { value: value / 1e6, cpuSeconds };
  },
};
