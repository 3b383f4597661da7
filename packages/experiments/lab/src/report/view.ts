import { existsSync, readFileSync, statSync, watch } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { prepareDocument } from '../plan/prepare.ts';
import { planJson } from '../run/result.ts';
import { readHead, readRuns } from '../run/store.ts';
import { readResult, reportOf } from './write-report.ts';

/** A report that is shown while its runs are made. */
export interface View {
  readonly port: number;
  close(): Promise<void>;
}

/** Between two times that readers are told of what is new, ms: making a page takes a while. */
const QUIET = 2_000;
const MOST_READERS = 64;
const NOT_REMADE = { details: [], missing: 'Single runs are here when all is done: quiclab run, or quiclab report, makes them again.' };

/**
 * Serves the report of a directory on loopback, to this machine alone, and tells readers when there is more of it.
 * @param port  0: any that is free
 * @throws where nothing was ever run there, or the port is taken
 */
export async function viewReport(dir: string, port = 0): Promise<View> {
  if (readHead(dir) === undefined) readResult(dir); // says what is missing
  const readers = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    if (!isForUs(request)) answer(response, 403, 'text/plain', 'This is for this machine alone.');
    else if (request.method !== 'GET') answer(response, 405, 'text/plain', 'GET only.');
    else if (request.url === '/events') listen(response);
    else if (request.url === '/') show(response);
    else answer(response, 404, 'text/plain', 'There is nothing here.');
  });
  const show = (response: ServerResponse): void => {
    try {
      answer(response, 200, 'text/html', reloading(pageOf(dir)));
    } catch (problem) {
      answer(response, 500, 'text/plain', (problem as Error).message);
    }
  };
  const listen = (response: ServerResponse): void => {
    if (readers.size >= MOST_READERS) {
      answer(response, 503, 'text/plain', 'Too many readers.');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(':\n\n');
    readers.add(response);
    response.on('close', () => readers.delete(response));
  };
  let told: NodeJS.Timeout | undefined;
  const watcher = watch(dir, () => {
    told ??= setTimeout(() => {
      told = undefined;
      for (const reader of readers) reader.write('data: more\n\n');
    }, QUIET);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        watcher.close();
        clearTimeout(told);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** No page of another origin gets at it by a name that it made point here. */
function isForUs({ headers, socket }: IncomingMessage): boolean {
  return [`127.0.0.1:${socket.localPort}`, `localhost:${socket.localPort}`].includes(headers.host ?? '');
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

/** The report as it was written, where it is not older than the result; else what is known by now. */
function pageOf(dir: string): string {
  const [report, result] = [join(dir, 'report.html'), join(dir, 'result.json')];
  if (existsSync(result)) {
    if (existsSync(report) && statSync(report).mtimeMs >= statSync(result).mtimeMs) return readFileSync(report, 'utf8');
    return reportOf(readResult(dir), NOT_REMADE);
  }
  const head = readHead(dir)!;
  let count = 0;
  for (const _run of readRuns(dir)) count++;
  if (count === 0)
    return '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>quiclab</title><body><p>Nothing has been run yet.</p></body></html>\n';
  return reportOf(planJson(prepareDocument(head.document), head.world, readRuns(dir, count), false), NOT_REMADE);
}

/** The page asks to be told, and comes anew. */
const reloading = (html: string): string => {
  const at = html.lastIndexOf('</body>');
  return `${html.slice(0, at)}<script>new EventSource('/events').onmessage = () => location.reload();</script>\n${html.slice(at)}`;
};
