// What the same work costs those who do nothing else: a bare server that answers every request, and SQLite alone.
// Knows neither Kubernetes nor our store.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import type { Arena } from '../lib/arena.ts';
import { benchCertificate } from '../lib/certificate.ts';
import { configMap } from './objects.ts';
import type { Server } from './server.ts';

const PROGRAM = fileURLToPath(new URL('./bare-server.ts', import.meta.url));

/** HTTP/2 over TLS by node:http2, which reads a body and sends it back. */
export async function bareServer(arena: Arena): Promise<Server> {
  const { certPem, keyPem } = await benchCertificate();
  const certFile = arena.file('bare.crt', certPem);
  const keyFile = arena.file('bare.key', keyPem);
  const port = await arena.port();
  const begun = performance.now();
  const core = { core: arena.proxyCore };
  const child = await arena.serve(process.execPath, [PROGRAM, String(port), certFile, keyFile], port, core);
  const config = { server: `https://127.0.0.1:${port}`, insecureSkipTlsVerify: true };
  return { child, pid: child.pid ?? 0, config, startMs: performance.now() - begun };
}

export interface Commits {
  readonly perSecond: number;
}

/** Rows of the same size, so many a commit, each commit on disk. */
export function commitsOfSqlite(arena: Arena, count: number, batch: number): Commits {
  const database = new DatabaseSync(join(arena.directory, `alone-${batch}.db`));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE kv (id INTEGER PRIMARY KEY, v TEXT)',
  );
  const insert = database.prepare('INSERT INTO kv (v) VALUES (?)');
  const value = JSON.stringify(configMap('alone'));
  const begun = performance.now();
  for (let done = 0; done < count; done += batch) {
    database.exec('BEGIN IMMEDIATE');
    for (let index = 0; index < batch; index++) insert.run(value);
    database.exec('COMMIT');
  }
  const seconds = (performance.now() - begun) / 1000;
  database.close();
  return { perSecond: count / seconds };
}
