import { type ServerOptions, VERSIONS, type Version } from '@quiclab/gateway/node';
import { parseDuration } from '@quiclab/impair';
import { Command, Option } from 'commander';
import { argument, atLeastOne } from '../arguments.ts';

/** What the gateway was asked to do. Times are in µs. */
export interface GatewayArguments extends ServerOptions {
  readonly origin: string;
  /** Files in PEM. */
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly originCaFile?: string;
  readonly grace: number;
  readonly logLevel: string;
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

const time = (flags: string, description: string, usual: string): Option =>
  new Option(flags, description).argParser(argument(parseDuration)).default(parseDuration(usual, ''), usual);

const port = argument((text) => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 0xffff) throw new Error(`'${text}' is not a port, 0 to 65535`);
  return Number(text);
});

const versions = argument((text): Version[] => {
  const named = text.split(',').map((name) => name.trim());
  for (const name of named) if (!VERSIONS.includes(name as Version)) throw new Error(`'${name}' is none of ${VERSIONS.join(', ')}`);
  return [...new Set(named as Version[])];
});

/** The `gateway` command with its options; `run` is called with what they say. */
export function gatewayCommand(run: (options: GatewayArguments) => Promise<void>): Command {
  return new Command('gateway')
    .description('an HTTP gateway in front of a site: HTTP/1.1, HTTP/2 and HTTP/3 for clients, any of them towards the origin')
    .option('--origin <url>', 'whom to ask: http:// or https://, host and port (required)')
    .addOption(
      new Option('--listen <versions>', 'what clients may speak, with commas between')
        .argParser(versions)
        .default([...VERSIONS], VERSIONS.join(',')),
    )
    .option('--host <address>', 'where to listen; 0.0.0.0 or :: for all interfaces', '127.0.0.1')
    .option('--port <port>', 'for TLS (h1, h2) and, of the same number over UDP, QUIC (h3); 0: one that is free', port, 8443)
    .option('--h1-port <port>', 'HTTP/1.1 in clear text there, too', port)
    .option('--cert <file>', 'PEM: the certificate chain, leaf first; without it, one is made for localhost')
    .option('--key <file>', 'PEM: its private key, where it is not in the same file')
    .option('--tls12', 'clients may speak TLS 1.2, too', false)
    .addOption(new Option('--back <version>', 'how the origin is asked').choices(VERSIONS).default('h1'))
    .option('--origin-ca <file>', 'PEM: roots to trust beside the system’s, for an origin over https')
    .option('--origin-name <name>', 'the name that the origin’s certificate has to be for, if not its host')
    .option('--insecure-origin', 'any certificate of the origin will do', false)
    .option('--rewrite-host', 'ask the origin for its own host, not for the one that the client named', false)
    .addOption(
      new Option('--forwarded <style>', 'tell the origin who asks').choices(['none', 'forwarded', 'x-forwarded', 'both']).default('none'),
    )
    .option('--trust-forwarded', 'keep what clients say of that kind: they are gateways of yours', false)
    .option('--via <name>', 'what the gateway is called in Via (default: drawn when it starts)')
    .addOption(time('--connect-timeout <time>', 'for a connection to the origin to be made', '10s'))
    .addOption(time('--wait-timeout <time>', 'for a request to get a connection', '15s'))
    .addOption(time('--head-timeout <time>', 'for heads of requests and responses', '60s'))
    .addOption(time('--body-timeout <time>', 'for content that stands still', '300s'))
    .addOption(time('--tunnel-timeout <time>', 'for a WebSocket that is quiet', '3600s'))
    .addOption(time('--idle-timeout <time>', 'how long a connection to the origin is kept for the next request', '4s'))
    .addOption(time('--grace <time>', 'what is under way when it is stopped may take so long', '10s'))
    .option('--max-requests <n>', 'requests at once', atLeastOne, 4096)
    .option(
      '--max-buffered <octets>',
      'content kept for all requests together over h2 and h3; its share is a stream’s window',
      atLeastOne,
      2 ** 30,
    )
    .option('--max-connections <n>', 'connections to the origin', atLeastOne, 64)
    .option('--max-clients <n>', 'connections of clients over TCP, and as many over QUIC', atLeastOne, 10_000)
    .option('--max-header <octets>', 'the largest header section, on either hop', atLeastOne, 65_536)
    .addOption(
      new Option('--log-level <level>', 'JSON lines to standard output; a request is one of level info').choices(LEVELS).default('info'),
    )
    .addHelpText(
      'after',
      '\nSIGINT and SIGTERM let what is under way finish; the exit code is 1 if something had to be broken off. A second one ends it at once.',
    )
    .action(async (given: Record<string, never>, command: Command) => {
      // asked for here: commander looks for what is missing before it says which option it does not know, and which one was meant
      if (given.origin === undefined)
        command.error("error: required option '--origin <url>' not specified, like --origin http://localhost:3000");
      await run(argumentsOf(given));
    });
}

/** commander's names of the options to those of the gateway. */
function argumentsOf(given: Readonly<Record<string, unknown>>): GatewayArguments {
  const { cert, key, originCa, h1Port, via, tls12, insecureOrigin, maxHeader, ...rest } = given;
  const named = {
    ...rest,
    certFile: cert,
    keyFile: key,
    originCaFile: originCa,
    clearPort: h1Port,
    name: via,
    allowTls12: tls12,
    verifyOrigin: insecureOrigin !== true,
    maxFieldSectionSize: maxHeader,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as unknown as GatewayArguments;
}
