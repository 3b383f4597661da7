import type { RunLog } from '@quiclab/ledger';
import type { Page } from '@quiclab/workload';
import type { Serve } from '../carriers/carrier.ts';
import { FileServer, type FileSource } from './file-server.ts';

/** How a server serves a page's connections. */
export function serving({ page, source }: { readonly page: Page; readonly source: FileSource }, log?: RunLog): Serve {
  const times = new Map(page.objects.map(({ path, serverTime }) => [path, serverTime]));
  return (timers, connection) => new FileServer(source, timers, (path) => times.get(path) ?? 0, page.responseFields, log, connection);
}
