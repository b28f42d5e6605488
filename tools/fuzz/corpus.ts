// The corpora on disk, and where what a fuzzer finds is kept.
// Knows only folders.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../src/traffic/proxy/', import.meta.url);

/** What is fuzzed: messages of HTTP/1.1, or the frames of one side of an HTTP/2 connection. */
export type Kind = 'requests' | 'responses' | 'client-frames' | 'server-frames';

const folders: Readonly<Record<Kind, string>> = {
  requests: 'http1/corpus/',
  responses: 'http1/corpus/responses/',
  'client-frames': 'http2/corpus/',
  'server-frames': 'http2/corpus/responses/',
};

/** Every message of the corpus `kind`, as Latin-1 text. */
export function corpusOf(kind: Kind): string[] {
  const folder = folderOf(kind);
  return readdirSync(folder)
    .filter((name) => name.endsWith(endingOf(kind)))
    .sort()
    .map((name) => readFileSync(new URL(name, folder), 'latin1'));
}

/** Writes `text` beside the others, named after the law it broke; returns the path. */
export function keep(kind: Kind, law: string, text: string): string {
  const digest = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 8);
  const name = `found-${law.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}-${digest}${endingOf(kind)}`;
  const file = new URL(name, folderOf(kind));
  writeFileSync(file, text, 'latin1');
  return fileURLToPath(file);
}

function folderOf(kind: Kind): URL {
  return new URL(folders[kind], root);
}

function endingOf(kind: Kind): string {
  return kind.endsWith('frames') ? '.h2' : '.http';
}
