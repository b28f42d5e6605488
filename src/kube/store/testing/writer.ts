// A process that writes to a store, and compacts it, until it is killed; prints each write once it is acknowledged.
// Knows nothing of the test that reads it: usage `node writer.ts FILE PREFIX`.
import { writeSync } from 'node:fs';
import { systemClock } from '#lib/clock.ts';
import { openSqliteStore } from '../sqlite/index.ts';

const WRITERS = 8;
const [file = '', prefix = ''] = process.argv.slice(2);
const store = openSqliteStore(file, { clock: systemClock });
const padding = 'x'.repeat(1000);

// Kills fall into compactions as well.
setInterval(() => void store.compact(store.revision()), 3);

async function writeForever(key: string): Promise<never> {
  let revision = 0;
  for (let counter = 0; ; counter++) {
    const outcome = await store.put(key, JSON.stringify({ counter, padding }), revision);
    if (!outcome.ok) throw new Error(`Write of ${key} was refused`);
    revision = outcome.revision;
    writeSync(1, `${key} ${counter}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, index) => writeForever(`/${prefix}/w${index}`)));
