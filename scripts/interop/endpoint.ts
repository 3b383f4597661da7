/** Our own stack as a peer: takes the arguments that test/interop/peers/README.md lists. */
import { HQ_ALPN } from '@quiclab/http3/hq';
import { Command, Option } from 'commander';
import { type ClientOptions, download } from './endpoint-client.ts';
import { fail } from './endpoint-common.ts';
import { type ServerOptions, serve } from './endpoint-server.ts';

const program = new Command('endpoint').description('quiclab as a peer of scripts/interop.ts').showHelpAfterError();
const common = (command: Command) =>
  command
    .addOption(new Option('--alpn <NAME>').choices([HQ_ALPN, 'h3']).makeOptionMandatory())
    .option('--keylog <FILE>', 'secrets, in the NSS format')
    .option('--qlog <DIR>', 'a qlog file for each connection')
    .option('--window <OCTETS>', 'first flow control window of the connection and of each stream')
    .option('--mtu-discovery', 'look for larger datagrams, up to what the interface takes')
    .option('--chacha20', 'no cipher suite but TLS_CHACHA20_POLY1305_SHA256');
common(program.command('server'))
  .requiredOption('--cert <FILE>')
  .requiredOption('--key <FILE>')
  .requiredOption('--root <DIR>')
  .option('--host <ADDRESS>', 'to listen on', '127.0.0.1')
  .option('--port <PORT>', 'UDP port', '0')
  .option('--retry', 'ask every client for a token')
  .option('--v2', 'go on with version 2 where the client can')
  .option('--preferred <HOST:PORT>', 'where clients should go once they are here')
  .action((options: ServerOptions) => serve(options).catch(fail));
common(program.command('client'))
  .argument('<paths...>')
  .addOption(new Option('--ca <FILE>').conflicts('insecure'))
  .option('--insecure', 'verify nothing')
  .requiredOption('--connect <HOST:PORT>')
  .option('--server-name <NAME>', 'to verify', 'localhost')
  .requiredOption('--out <DIR>')
  .option('--timeout <SECONDS>', '', '60')
  .option('--separately', 'a connection for each path, one after the other')
  .option('--resume', 'the first path on one connection, the rest on a second that resumes its session')
  .option('--early', 'the same, with the second connection asking in 0-RTT')
  .option('--key-update', 'move to the next keys as soon as that is allowed')
  .option('--version <NUMBER>', 'the version to begin with')
  .option('--migrate', 'what is done anyway: we go to the preferred address of the server')
  .option('--v2', 'what is done anyway: version 2 is offered, and version 1 the first')
  .action((paths: string[], options: ClientOptions) => download(paths, options).catch(fail));
program.parse();
