// GET /backup: every object that is stored, as of one revision, for `evenkeel backup`; writes go on meanwhile.
// Knows how to send; the form and the reading at one revision are the store's.
import { once } from 'node:events';
import type { Http2ServerResponse } from 'node:http2';
import { BackupLines } from '#kube/store/backup/format.ts';
import { takeSnapshot } from '#kube/store/backup/snapshot.ts';
import { version } from '#lib/version.ts';
import type { ServerContext } from '../context.ts';

/** A page at a time, each when the client has taken the one before. Who may ask is RBAC's matter: a path like others. */
export async function sendBackup(
  { store, clock, closing }: ServerContext,
  response: Http2ServerResponse,
): Promise<void> {
  const snapshot = takeSnapshot(store);
  try {
    const lines = new BackupLines();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing]);
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    const { revision, objects } = snapshot;
    response.write(
      lines.header({ program: version, created: new Date(clock.wall()).toISOString(), revision, objects }),
    );
    for (const records of snapshot.pages()) {
      const taken = response.write(records.map((record) => lines.record(record)).join(''));
      if (!taken) await once(response, 'drain', { signal });
      // Others have their turn between two pages, however fast this client reads.
      else await new Promise(setImmediate);
      if (signal.aborted) return;
    }
    response.write(lines.end());
  } finally {
    snapshot.release();
    response.end();
  }
}
