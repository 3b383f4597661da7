/** `pnpm har`: pages of ours, visited by Chromium and exported by its developer tools, as the tests' HAR files. */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startGateway } from '@quiclab/gateway/node';
import { harReportLines, pageFromHar } from '@quiclab/workload';
import { Command } from 'commander';
import { exportHar, type Visit } from './har/export.ts';
import { normalised } from './har/normalise.ts';
import { origin, SITES } from './har/sites.ts';
import { findChromium } from './interop/chromium.ts';

const KEPT = fileURLToPath(new URL('../packages/experiments/lab/test/hars/', import.meta.url));

const program = new Command('har')
  .description("visit pages of ours with Chromium, and write what its developer tools export to the tests' files")
  .argument('[names...]', 'of plain, shop, news')
  .option('--out <dir>', 'where they go', KEPT)
  .parse();
const wanted = program.args;
const { out } = program.opts<{ out: string }>();

const server = createServer(origin).listen(0, '127.0.0.1');
await once(server, 'listening');
const gateway = await startGateway({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, name: 'har', clearPort: 0 });
try {
  const secure = gateway.address!.port;
  const clear = gateway.clearAddress!.port;
  const trusted = `--ignore-certificate-errors-spki-list=${gateway.certificate.spkiSha256}`;
  const rules = (port: number, from: number): string =>
    `--host-resolver-rules=${Object.keys(SITES)
      .map((host) => `MAP ${host}:${from} 127.0.0.1:${port}`)
      .join(', ')}`;
  const visits: Readonly<Record<string, Visit>> = {
    // over HTTP/3 from the first packet on
    plain: { url: 'https://plain.example/', args: [trusted, rules(secure, 443), '--origin-to-force-quic-on=plain.example:443'] },
    // over HTTP/1.1: in clear text, since a browser keeps nothing of a server whose certificate it does not really trust
    shop: { before: 'http://shop.example/home', url: 'http://shop.example/', args: [rules(clear, 80)] },
    // over HTTP/2
    news: { url: 'https://www.news.example/', args: [trusted, rules(secure, 443), '--disable-quic'] },
  };
  const unknown = wanted.find((name) => !Object.hasOwn(visits, name));
  if (unknown !== undefined) throw new Error(`there is no page '${unknown}'; there are ${Object.keys(visits).join(', ')}`);
  const executable = findChromium();
  for (const [name, visit] of Object.entries(visits)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const text = normalised(await exportHar(executable, visit));
    const file = join(out, `${name}.har`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    process.stdout.write(`${name}.har, ${text.length} octets\n${harReportLines(pageFromHar(text).report).join('\n')}\n`);
  }
} finally {
  await gateway.close(0);
  server.closeAllConnections();
  server.close();
}
