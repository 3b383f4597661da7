/** The http3 case with a browser as the client: a page of 20 objects from our server, through the relay. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium, PAGE_OBJECTS, pageHtml, visit } from './chromium.ts';
import { generateFiles } from './files.ts';
import { DEFAULT_PATH } from './links.ts';
import { openPath } from './path.ts';
import { type Program, ROOT } from './peers.ts';
import { startServer } from './programs.ts';
import type { Room, Verdict } from './run-case.ts';

export async function browse(server: Program, room: Room): Promise<Verdict> {
  const executable = findChromium();
  const root = join(room.directory, 'root');
  mkdirSync(root, { recursive: true });
  const objects = Array.from({ length: PAGE_OBJECTS }, (_, i) => ({ name: `object-${i + 1}.bin`, octets: 2_000 * (i + 1) }));
  generateFiles(root, objects, room.random.fork('files'));
  writeFileSync(join(root, 'page.html'), pageHtml(objects.map((object) => object.name)));
  const expectedTitle = `loaded ${objects.reduce((sum, object) => sum + object.octets, 0)}`;

  const { cert, key, publicKeyHash } = room.certificates.short;
  const running = await startServer([...server, 'server', '--alpn', 'h3', '--cert', cert, '--key', key, '--root', root], ROOT);
  const path = await openPath(running.port, DEFAULT_PATH, room.random.fork('path'), { entered: () => {}, arrived: () => {} });
  try {
    const { title, protocols } = await visit(executable, path.address.port, publicKeyHash, 30_000);
    const others = protocols.filter((entry) => entry.protocol !== 'h3');
    if (title !== expectedTitle) return { outcome: 'failed', detail: `the page says '${title}' instead of '${expectedTitle}'` };
    if (protocols.length !== PAGE_OBJECTS + 1)
      return {
        outcome: 'failed',
        detail: `${protocols.length} resources instead of ${PAGE_OBJECTS + 1}: ${protocols.map(({ name }) => name).join(' ')}`,
      };
    if (others.length > 0)
      return { outcome: 'failed', detail: others.map(({ name, protocol }) => `${name} over '${protocol}'`).join(', ') };
    return { outcome: 'passed', detail: `the document and ${PAGE_OBJECTS} objects, nextHopProtocol h3 for each` };
  } catch (error) {
    const { complaint } = await running.stop();
    const reason = (error as Error).message.split('\n')[0];
    return { outcome: 'failed', detail: complaint === '' ? reason : `${reason}; the server said: ${complaint}` };
  } finally {
    await running.stop();
    await path.close();
  }
}
