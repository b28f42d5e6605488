// Where the objects of a backup come from: the server that runs on a data directory, its store when none runs, or
// what can be read of a damaged one. Knows how to get records; writing them is write.ts.
import { existsSync } from 'node:fs';
import { BackupReader } from '#kube/store/backup/format.ts';
import { eachLine } from '#kube/store/backup/lines.ts';
import type { StoreRecord } from '#kube/store/store.ts';
import { systemClock } from '#lib/clock.ts';
import { Failure } from '../failure.ts';
import type { DataDir } from '../main/data-dir.ts';
import { acquireLock, isAlive, readInstance } from '../main/instance-lock.ts';
import { openStoreFile } from '../main/store-file.ts';

export interface BackupSource {
  readonly revision: number;
  readonly objects: number;
  readonly lost?: readonly string[];
  records(): AsyncIterable<readonly StoreRecord[]>;
  close(): Promise<void>;
}

/** Throws a `Failure` when there is nothing, or it cannot be read. */
export async function openSource(data: DataDir): Promise<BackupSource> {
  const instance = readInstance(data.lock);
  return instance !== undefined && isAlive(instance) ? fromServer(data) : fromStore(data);
}

/** The server sends what its store holds at one revision, and goes on writing. */
async function fromServer(data: DataDir): Promise<BackupSource> {
  const [{ loadKubeconfig }, { createTransport }] = await Promise.all([
    import('#kube/client/kubeconfig.ts'),
    import('#kube/client/transport.ts'),
  ]);
  const transport = createTransport(loadKubeconfig(data.kubeconfig), systemClock);
  const { body, close } = await transport.open({ method: 'GET', path: '/backup', accept: '*/*' });
  const lines = eachLine(body);
  let batch: StoreRecord[] = [];
  const head = Promise.withResolvers<{ revision: number; objects: number }>();
  const reader = new BackupReader({ header: head.resolve, record: (record) => batch.push(record) });
  const first = await lines.next();
  if (first.done !== true) reader.line(first.value);
  else head.reject(new Error(`${transport.server} has sent nothing`));
  const { revision, objects } = await head.promise;
  return {
    revision,
    objects,
    async *records() {
      for await (const line of lines) {
        reader.line(line);
        if (batch.length < 500) continue;
        yield batch;
        batch = [];
      }
      reader.done();
      yield batch;
    },
    async close() {
      close();
      await transport.close();
    },
  };
}

async function fromStore(data: DataDir): Promise<BackupSource> {
  assertStored(data);
  const { takeSnapshot } = await import('#kube/store/backup/snapshot.ts');
  const lock = acquireLock(data.lock, data.root);
  try {
    const store = await openStoreFile(data);
    const snapshot = takeSnapshot(store);
    return {
      revision: snapshot.revision,
      objects: snapshot.objects,
      async *records() {
        yield* snapshot.pages();
      },
      async close() {
        await store.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Nothing is changed: what cannot be read stays for whoever knows more. */
export async function openSalvage(data: DataDir): Promise<BackupSource> {
  assertStored(data);
  const { salvage } = await import('#kube/store/salvage/index.ts');
  const lock = acquireLock(data.lock, data.root);
  try {
    const { records, revision, lost } = salvage(data.store, isObject);
    if (records.length === 0) {
      throw new Failure(`Nothing can be read of "${data.store}"`, 'Restore a backup with "evenkeel restore FILE"');
    }
    return {
      revision,
      objects: records.length,
      lost,
      async *records() {
        yield records;
      },
      async close() {},
    };
  } finally {
    lock.release();
  }
}

function isObject(value: string): boolean {
  try {
    return typeof JSON.parse(value) === 'object';
  } catch {
    return false;
  }
}

function assertStored(data: DataDir): void {
  if (existsSync(data.store)) return;
  throw new Failure(`Nothing is stored in "${data.root}"`, 'Name the data directory of a cluster with --data');
}
