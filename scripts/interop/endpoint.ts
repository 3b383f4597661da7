/** Our own stack as a peer: takes the arguments that test/interop/peers/README.md lists. */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '@quiclab/bytes';
import { nodeProvider, readPem, systemRandom } from '@quiclab/crypto/node';
import { H3, Http3Connection, type HttpConnection } from '@quiclab/http3';
import { HQ_ALPN, HQ_NO_ERROR, HqConnection } from '@quiclab/http3/hq';
import { type Connection, Endpoint, type EndpointEvent, type EndpointOptions, type Observer, standardPolicies } from '@quiclab/quic';
import { clientHandshake, type HandshakeFactory, serverHandshake } from '@quiclab/tls';
import { KeyLogObserver, QlogObserver, TeeObserver } from '@quiclab/trace';
import { type Driver, drive, monotonicClock, UdpSocket } from '@quiclab/udp';
import { Command, Option } from 'commander';
import { Downloader } from './downloader.ts';
import { FileServer } from './file-server.ts';
import { type HttpApp, HttpOverQuic } from './http-app.ts';

interface CommonOptions {
  readonly alpn: string;
  readonly keylog?: string;
  readonly qlog?: string;
  readonly window?: string;
}

interface ServerOptions extends CommonOptions {
  readonly cert: string;
  readonly key: string;
  readonly root: string;
  readonly port: string;
}

interface ClientOptions extends CommonOptions {
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly connect: string;
  readonly serverName: string;
  readonly out: string;
  readonly timeout: string;
}

const clock = monotonicClock();

function policies({ keylog, qlog }: CommonOptions, handshake: HandshakeFactory): EndpointOptions['policies'] {
  const standard = standardPolicies({ random: systemRandom, crypto: nodeProvider, handshake });
  if (keylog === undefined && qlog === undefined) return standard;
  const reference = clock.now();
  const observer: EndpointOptions['policies']['observer'] = ({ side, originalId }) => {
    const observers: Observer[] = [];
    if (keylog !== undefined) observers.push(new KeyLogObserver((line) => appendFileSync(keylog, line)));
    if (qlog !== undefined) {
      const file = join(qlog, `${toHex(originalId)}_${side}.sqlog`);
      observers.push(new QlogObserver({ side, originalId, reference, write: (record) => appendFileSync(file, record) }));
    }
    return new TeeObserver(observers);
  };
  return { ...standard, observer };
}

function config({ window }: CommonOptions): NonNullable<EndpointOptions['config']> {
  return window === undefined ? {} : { initialMaxData: Number(window), initialMaxStreamData: Number(window) };
}

const makeHttp =
  (side: 'client' | 'server', alpn: string) =>
  (connection: Connection): HttpConnection =>
    alpn === HQ_ALPN ? new HqConnection({ side, transport: connection }) : new Http3Connection({ side, transport: connection });

/** Finds the HTTP connection for each of an endpoint's events. */
class Dispatch {
  readonly #connections = new Map<Connection, HttpOverQuic>();
  readonly #make: (connection: Connection) => HttpOverQuic;

  constructor(make: (connection: Connection) => HttpOverQuic) {
    this.#make = make;
  }

  handle(event: EndpointEvent): void {
    const { connection } = event;
    if (event.type === 'drained') {
      this.#connections.delete(connection);
      return;
    }
    if (!this.#connections.has(connection)) this.#connections.set(connection, this.#make(connection));
    this.#connections.get(connection)!.onActive(clock.now());
  }
}

function fail(error: Error): never {
  process.stderr.write(`quiclab: ${error.stack ?? error.message}\n`);
  process.exit(1);
}

async function serve(options: ServerOptions): Promise<void> {
  const { certificates } = readPem(readFileSync(options.cert, 'utf8'));
  const { privateKey } = readPem(readFileSync(options.key, 'utf8'));
  if (privateKey === undefined) throw new Error(`${options.key} holds no private key`);
  const handshake = serverHandshake({ provider: nodeProvider, certificates, privateKey });
  const endpoint = new Endpoint({ policies: policies(options, handshake), config: config(options), accept: { alpn: [options.alpn] } });
  const http = makeHttp('server', options.alpn);
  const dispatch = new Dispatch((connection) => new HttpOverQuic(connection, http, new FileServer(options.root)));
  const socket = await UdpSocket.bind({ host: '127.0.0.1', port: Number(options.port) });
  const driver = drive(endpoint, socket, { clock, handle: (event) => dispatch.handle(event), onError: fail });
  process.once('SIGTERM', () => {
    endpoint.close(clock.now(), 0, 'the server stops');
    driver.turnNow();
    void driver.close();
  });
  process.stdout.write(`listening ${socket.address().port}\n`);
}

async function download(paths: readonly string[], options: ClientOptions): Promise<void> {
  const trust = options.insecure === true ? { verify: false } : { ca: readPem(readFileSync(options.ca!, 'utf8')).certificates };
  const endpoint = new Endpoint({
    policies: policies(options, clientHandshake({ provider: nodeProvider, trust })),
    config: config(options),
  });
  let ended = false;
  const end = (failure: string | undefined): void => {
    if (ended) return; // our own close ends the connection as well
    ended = true;
    clearTimeout(tooLong);
    if (failure !== undefined) {
      process.stderr.write(`quiclab: ${failure}\n`);
      process.exitCode = 1;
    }
    endpoint.close(clock.now(), options.alpn === HQ_ALPN ? HQ_NO_ERROR : H3.NO_ERROR, '');
    driver.wake();
  };
  const tooLong = setTimeout(() => end(`not complete after ${options.timeout} s`), Number(options.timeout) * 1000);

  const app: HttpApp = new Downloader(options.serverName, paths, options.out, end);
  const dispatch = new Dispatch((connection) => new HttpOverQuic(connection, makeHttp('client', options.alpn), app));
  const socket = await UdpSocket.bind({ host: '127.0.0.1', port: 0 });
  const driver: Driver = drive(endpoint, socket, {
    clock,
    handle: (event) => {
      dispatch.handle(event);
      if (event.type === 'drained') void driver.close();
    },
    onError: fail,
  });
  const [host, port] = options.connect.split(':');
  endpoint.connect(clock.now(), { remote: { host, port: Number(port) }, serverName: options.serverName, alpn: [options.alpn] });
  driver.wake();
}

const program = new Command('endpoint').description('quiclab as a peer of scripts/interop.ts').showHelpAfterError();
const common = (command: Command) =>
  command
    .addOption(new Option('--alpn <NAME>').choices([HQ_ALPN, 'h3']).makeOptionMandatory())
    .option('--keylog <FILE>', 'secrets, in the NSS format')
    .option('--qlog <DIR>', 'a qlog file for each connection')
    .option('--window <OCTETS>', 'first flow control window of the connection and of each stream');
common(program.command('server'))
  .requiredOption('--cert <FILE>')
  .requiredOption('--key <FILE>')
  .requiredOption('--root <DIR>')
  .option('--port <PORT>', 'UDP port', '0')
  .action((options: ServerOptions) => serve(options).catch(fail));
common(program.command('client'))
  .argument('<paths...>')
  .addOption(new Option('--ca <FILE>').conflicts('insecure'))
  .option('--insecure', 'verify nothing')
  .requiredOption('--connect <HOST:PORT>')
  .option('--server-name <NAME>', 'to verify', 'localhost')
  .requiredOption('--out <DIR>')
  .option('--timeout <SECONDS>', '', '60')
  .action((paths: string[], options: ClientOptions) => download(paths, options).catch(fail));
program.parse();
