// Holds the house to its plan: every folder of src/ has a layer rule, and relative imports stay in their room.
// Reads source text only; which room may import which is the linter's part.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { expectedBiomeConfig, layers } from '../../tools/layers.ts';

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function roomOf(file: string): string | undefined {
  const path = relative(src, file);
  return layers.find(({ room }) => path.startsWith(`${room}/`))?.room;
}

test('every source file stands in a room that has a layer rule', () => {
  const homeless = filesBelow(src).filter((file) => roomOf(file) === undefined);
  expect(homeless.map((file) => relative(root, file))).toEqual([]);
});

test('every layer rule names a folder that exists, with every dependency a room', () => {
  const rooms = new Set(layers.map(({ room }) => room));
  for (const { room, may } of layers) {
    expect(readdirSync(join(src, room)).length, `src/${room}`).toBeGreaterThan(0);
    for (const other of may) expect(rooms.has(other), `${room} -> ${other}`).toBe(true);
  }
});

test('biome.json carries the layer table (run: node tools/layers.ts)', () => {
  expect(JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))).toEqual(expectedBiomeConfig());
});

test('relative imports never leave their room', () => {
  const strays: string[] = [];
  for (const file of filesBelow(src)) {
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const target = resolve(dirname(file), specifier);
      if (roomOf(target) !== roomOf(file)) strays.push(`${relative(root, file)} -> ${specifier}`);
    }
  }
  expect(strays).toEqual([]);
});

test('every source file opens with a header of two comment lines, every test with one', () => {
  const bare = filesBelow(src).filter((file) => {
    const header = file.endsWith('.test.ts') ? /^\/\/ .+\n/ : /^(#!.*\n)?\/\/ .+\n\/\/ .+/;
    return !header.test(readFileSync(file, 'utf8'));
  });
  expect(bare.map((file) => relative(root, file))).toEqual([]);
});

test('no source file grows past 400 lines', () => {
  const long = filesBelow(src).filter(
    (file) => !file.includes('/gen/') && readFileSync(file, 'utf8').split('\n').length > 401,
  );
  expect(long.map((file) => relative(root, file))).toEqual([]);
});
