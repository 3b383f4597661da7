import type { RunLog } from '@quiclab/ledger';
import type { Page } from '@quiclab/workload';
import type { Serve } from '../carriers/quic-ends.ts';
import type { Model } from '../models/model.ts';
import { FileServer, type FileSource } from './file-server.ts';
import { IdleTimeout } from './idle-timeout.ts';

/** How a server serves a page's connections under a model. */
export function serving(
  { page, source }: { readonly page: Page; readonly source: FileSource },
  { idleTimeout }: Model,
  log?: RunLog,
): Serve {
  const times = new Map(page.objects.map(({ path, serverTime }) => [path, serverTime]));
  return (timers, connection) => {
    const files = new FileServer(source, timers, (path) => times.get(path) ?? 0, log, connection);
    return idleTimeout === 0 ? files : new IdleTimeout(files, timers, idleTimeout);
  };
}
