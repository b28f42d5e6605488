// Writes what the Kubernetes API says of its types, from its Go sources, as the tables that the program reads.
// Run by developers: `node tools/schema/generate.ts [folder with k8s.io/] [--check]`; nothing at run time needs it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildFacts } from './facts.ts';
import { GoSources } from './go-source.ts';
import { buildMessages } from './messages.ts';
import { findSources } from './packages.ts';
import { buildStructure } from './structure.ts';

const api = fileURLToPath(new URL('../../src/kube/api/', import.meta.url));
/** Says which package the tables came from; the tables of two packages of one release may well be the same. */
export const origin = `${api}schema/gen/origin.txt`;

/** File -> its text, from the sources below `directory`. */
function tables(directory: string): ReadonlyMap<string, string> {
  const sources = new GoSources(directory);
  const structure = buildStructure(sources);
  return new Map([
    [`${api}schema/gen/structure.json`, print(structure)],
    [`${api}schema/gen/facts.json`, print(buildFacts(sources, Object.keys(structure)))],
    [`${api}protobuf/gen/messages.json`, print(buildMessages(sources))],
  ]);
}

/** One row a line: a change of one type is a change of one line. */
function print(table: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(table).map(([name, row]) => `${JSON.stringify(name)}:${JSON.stringify(row)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** Committed files that differ from what the sources below `directory` yield. */
export function differing(directory: string): string[] {
  return [...tables(directory)].filter(([file, text]) => readFileSync(file, 'utf8') !== text).map(([file]) => file);
}

function main(): void {
  const check = process.argv.includes('--check');
  const given = process.argv.slice(2).find((argument) => argument !== '--check');
  const sources = findSources(given);
  if ('missing' in sources) {
    process.stderr.write(`Cannot read the sources of the API: ${sources.missing}\n`);
    process.exitCode = 1;
  } else if (check) {
    const different = differing(sources.directory);
    process.stdout.write(different.map((file) => `${file} differs from ${sources.origin}\n`).join(''));
    process.exitCode = different.length === 0 ? 0 : 1;
  } else {
    for (const [file, text] of tables(sources.directory)) writeFileSync(file, text);
    writeFileSync(origin, `${sources.origin}\n`);
  }
}

if (import.meta.main) main();
