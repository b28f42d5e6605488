// Holds docs/gateway-api.md to the tests: every name of the suite that its table lists begins a title in the file it names.
// Reads files only.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const rows = readFileSync(join(root, 'docs/gateway-api.md'), 'utf8')
  .split('## Test by test')[1]
  ?.split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

const textOf = (cell: string): string => {
  const files = cell.includes('test/mesh')
    ? ['test/mesh/cases.ts', 'test/mesh/suite.ts']
    : [cell, cell.replace('.test.ts', '-cases.ts')].map((file) => `test/gateway-api/conformance/${file}`);
  return files
    .filter((file) => existsSync(join(root, file)))
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
};

test.each(rows ?? [])('%s%s is in %s', (_start, names = '', file = '') => {
  const text = textOf(file);
  // Titles for both kinds of stream, or for each status, are made of a part that changes.
  const variants = (name: string): readonly string[] => [
    name,
    name.replace(/^TCPRoute/, ''),
    name
      .replace('NonTCP', 'Non${')
      .replace(/^TCPRoute/, '')
      .replace(/Listener$/, ''),
  ];
  const all = [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  expect(all.length).toBeGreaterThan(1);
  expect(all.filter((name) => !variants(name).some((one) => text.includes(one)))).toEqual([]);
});
