import { readFileSync } from 'node:fs';
import { type GatewayServer, startGateway, type Version } from '@quiclab/gateway/node';
import type { Address } from '@quiclab/sansio';
import { pino } from 'pino';
import type { GatewayArguments } from './command.ts';

const NAMES: Readonly<Record<Version, string>> = { h1: 'HTTP/1.1', h2: 'HTTP/2', h3: 'HTTP/3' };
/** What a shell says of a process that a signal has ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** The `gateway` command: until a signal ends it. */
export async function runGateway(options: GatewayArguments): Promise<void> {
  const { certFile, keyFile, originCaFile, grace, logLevel, ...rest } = options;
  const logger = pino({ level: logLevel, base: null });
  const gateway = await startGateway({
    ...rest,
    logger,
    onFault: (error) => {
      process.stderr.write(`a fault of the gateway: ${error.stack ?? error.message}\n`);
      process.exit(70); // EX_SOFTWARE of sysexits.h: whoever started it should start it again
    },
    ...(certFile === undefined ? {} : { cert: pemFrom('--cert', certFile) }),
    ...(keyFile === undefined ? {} : { key: pemFrom('--key', keyFile) }),
    ...(originCaFile === undefined ? {} : { originCa: pemFrom('--origin-ca', originCaFile) }),
  }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(plainly(error, options));
  });
  process.stderr.write(greeting(gateway, options));
  await untilStopped(gateway, grace / 1000);
}

function pemFrom(option: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`${option}: ${code === 'ENOENT' ? `there is no file '${file}'` : message}`);
  }
  if (!text.includes('-----BEGIN ')) throw new Error(`${option}: '${file}' is no PEM, which begins with -----BEGIN`);
  return text;
}

/** What went wrong, by what the user can do about it. */
function plainly(error: NodeJS.ErrnoException & { address?: string; port?: number }, options: GatewayArguments): string {
  const where = `${error.address ?? options.host}:${error.port ?? options.port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${where} is in use (EADDRINUSE); --port and --h1-port take another one`;
    case 'EACCES':
      return `${where} may not be bound by this user (EACCES); ports from 1024 on may`;
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine (EADDRNOTAVAIL)`;
    case 'ENOTFOUND':
      return `--host: '${options.host}' is no address, and no name of one (ENOTFOUND)`;
    default:
      return error.message;
  }
}

function greeting(gateway: GatewayServer, options: GatewayArguments): string {
  const { address, clearAddress, certificate } = gateway;
  const versions = (options.listen ?? []).map((version) => NAMES[version]).join(', ');
  const lines = [`${gateway.name} in front of ${options.origin}, which is asked over ${NAMES[options.back ?? 'h1']}`];
  if (address !== undefined) lines.push(`  https://${authority(address)}  ${versions}`);
  if (clearAddress !== undefined) lines.push(`  http://${authority(clearAddress)}  HTTP/1.1 in clear text`);
  if (address !== undefined && certificate.selfSigned)
    lines.push(
      'Its certificate was made just now, for localhost, and signs itself: curl takes it with --insecure, Chromium with',
      `  --ignore-certificate-errors-spki-list=${certificate.spkiSha256}`,
    );
  return `${lines.join('\n')}\n`;
}

const authority = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Resolves when the gateway has ended; a second signal ends the process. */
function untilStopped(gateway: GatewayServer, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (signal: keyof typeof SIGNALS): void => {
      if (stopping) process.exit(SIGNALS[signal]);
      stopping = true;
      process.stderr.write(`${signal}: requests under way: ${gateway.requests}\n`);
      void gateway.close(graceMs).then(({ brokenOff }) => {
        if (brokenOff > 0) {
          process.stderr.write(`broken off: ${brokenOff}\n`);
          process.exitCode = 1;
        }
        for (const name of Object.keys(SIGNALS)) process.removeListener(name, onSignal);
        resolve();
      });
    };
    for (const name of Object.keys(SIGNALS)) process.on(name, onSignal);
  });
}
