// The corpora on disk, and where what a fuzzer finds is kept.
// Knows only folders.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../src/traffic/proxy/http1/corpus/', import.meta.url);

/** Every message of the corpus `kind`, as Latin-1 text. */
export function corpusOf(kind: 'requests' | 'responses'): string[] {
  const folder = folderOf(kind);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.http'))
    .sort()
    .map((name) => readFileSync(new URL(name, folder), 'latin1'));
}

/** Writes `text` beside the others, named after the law it broke; returns the path. */
export function keep(kind: 'requests' | 'responses', law: string, text: string): string {
  const digest = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 8);
  const file = new URL(`found-${law.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}-${digest}.http`, folderOf(kind));
  writeFileSync(file, text, 'latin1');
  return fileURLToPath(file);
}

function folderOf(kind: 'requests' | 'responses'): URL {
  return kind === 'requests' ? root : new URL('responses/', root);
}
