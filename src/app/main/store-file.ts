// Opens the store of a data directory, and says what helps when it cannot be.
// Knows the commands that people have for it; the store itself is kube/store.
import type { Store } from '#kube/store/store.ts';
import { systemClock } from '#lib/clock.ts';
import { Failure } from '../failure.ts';
import type { DataDir } from './data-dir.ts';

/** Throws a `Failure`. */
export async function openStoreFile(data: DataDir, quotaBytes?: number): Promise<Store> {
  const { openSqliteStore, StoreFileError } = await import('#kube/store/sqlite/index.ts');
  try {
    return openSqliteStore(data.store, { clock: systemClock, ...(quotaBytes === undefined ? {} : { quotaBytes }) });
  } catch (error) {
    if (!(error instanceof StoreFileError)) throw error;
    const remedy = error.damaged
      ? `Put back a backup with "evenkeel restore FILE --data ${data.root}", or keep what can still be read with "evenkeel restore --salvage --data ${data.root}"; either keeps the damaged file aside`
      : error.remedy;
    throw new Failure(`Cannot open store "${error.file}": ${error.why}`, remedy, { cause: error });
  }
}
