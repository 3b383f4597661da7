/** A web server as people write one with @quiclab/web: what a browser meets. Takes the server arguments of test/interop/peers/README.md. */
import { readFileSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { serve } from '@quiclab/web';
import { Command, Option } from 'commander';

interface ServerOptions {
  readonly cert: string;
  readonly key: string;
  readonly root: string;
  readonly port: string;
}

function fileIn(root: string, pathname: string): Response {
  const file = resolve(root, `.${pathname}`);
  if (!file.startsWith(root + sep)) return new Response(null, { status: 404 });
  try {
    const type = file.endsWith('.html') ? 'text/html' : 'application/octet-stream';
    return new Response(readFileSync(file), { headers: { 'content-type': type } });
  } catch {
    return new Response(null, { status: 404 });
  }
}

async function run(options: ServerOptions): Promise<void> {
  const root = resolve(options.root);
  const server = await serve((request) => fileIn(root, decodeURIComponent(new URL(request.url).pathname)), {
    port: Number(options.port),
    cert: readFileSync(options.cert, 'utf8'),
    key: readFileSync(options.key, 'utf8'),
    closeTimeoutMs: 500,
  });
  process.once('SIGTERM', () => void server.close());
  process.stdout.write(`listening ${server.address.port}\n`);
}

const program = new Command('web-server');
program
  .command('server')
  .addOption(new Option('--alpn <NAME>').choices(['h3']))
  .requiredOption('--cert <FILE>')
  .requiredOption('--key <FILE>')
  .requiredOption('--root <DIR>')
  .option('--port <PORT>', 'UDP port', '0')
  .action(run);
await program.parseAsync();
