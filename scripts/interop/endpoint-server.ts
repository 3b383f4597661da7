import { readFileSync } from 'node:fs';
import { nodeProvider, readPem, systemRandom } from '@quiclab/crypto/node';
import { Endpoint } from '@quiclab/quic';
import type { Address } from '@quiclab/sansio';
import { serverHandshake, ticketKeeper } from '@quiclab/tls';
import { drive, UdpSocket } from '@quiclab/udp';
import {
  type CommonOptions,
  clock,
  config,
  Dispatch,
  fail,
  makeHttp,
  parseAddress,
  policies,
  slotSize,
  suites,
} from './endpoint-common.ts';
import { FileServer } from './file-server.ts';
import { HttpOverQuic } from './http-app.ts';

export interface ServerOptions extends CommonOptions {
  readonly cert: string;
  readonly key: string;
  readonly root: string;
  readonly host: string;
  readonly port: string;
  readonly retry?: boolean;
  readonly v2?: boolean;
  readonly preferred?: string;
}

export async function serve(options: ServerOptions): Promise<void> {
  const { certificates } = readPem(readFileSync(options.cert, 'utf8'));
  const { privateKey } = readPem(readFileSync(options.key, 'utf8'));
  if (privateKey === undefined) throw new Error(`${options.key} holds no private key`);
  const tickets = ticketKeeper({ provider: nodeProvider, random: systemRandom });
  const identity = { provider: nodeProvider, certificates, privateKey, tickets, earlyData: true };
  const socket = await UdpSocket.bind({ host: options.host, port: Number(options.port) });
  const endpoint = new Endpoint({
    policies: policies(options, serverHandshake({ ...identity, ...suites(options) })),
    config: {
      ...config(options),
      preferOwnVersion: options.v2 === true,
      ...(options.preferred === undefined ? {} : { preferredAddress: preferredAddress(parseAddress(options.preferred)) }),
    },
    maxProbeSize: (local, remote) => socket.largestDatagram(local, remote),
    accept: { alpn: [options.alpn], retry: options.retry === true ? 'always' : 'under-load' },
  });
  const http = makeHttp('server', options.alpn);
  const dispatch = new Dispatch((connection) => new HttpOverQuic(connection, http, new FileServer(options.root)));
  const driver = drive(endpoint, socket, {
    clock,
    slotSize: slotSize(options, socket),
    handle: (event) => dispatch.handle(event),
    onError: fail,
  });
  process.once('SIGTERM', () => {
    endpoint.close(clock.now(), 0, 'the server stops');
    driver.turnNow();
    void driver.close();
  });
  process.stdout.write(`listening ${socket.address().port}\n`);
}

const preferredAddress = (address: Address) => (address.host.includes(':') ? { ipv6: address } : { ipv4: address });
