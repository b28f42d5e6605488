// Making the data directory: with its parents, for its owner only, and an error where that cannot be.
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { createDataDir, dataDirAt, nodeDataDirAt } from './data-dir.ts';

let place: TempDir;

beforeEach(() => {
  place = tempDir('data-dir');
});

afterEach(() => {
  place.remove();
});

test('parents are made as well, and all is for the owner alone', () => {
  const dir = dataDirAt(join(place.path, 'a', 'b'));
  createDataDir(dir);
  createDataDir(dir);
  expect(statSync(dir.pki).mode & 0o777).toBe(0o700);
});

test('a directory that is there already keeps its mode', () => {
  mkdirSync(join(place.path, 'own'), { mode: 0o755 });
  createDataDir(dataDirAt(join(place.path, 'own')));
  expect(statSync(join(place.path, 'own')).mode & 0o777).toBe(0o755);
});

test('a file in its place is an error', () => {
  writeFileSync(join(place.path, 'file'), '');
  expect(() => dataDirAt(join(place.path, 'file'))).toThrow(`Data directory "${join(place.path, 'file')}" is a file`);
  expect(() => dataDirAt(join(place.path, 'file', 'below'))).toThrow(/Cannot use data directory.*ENOTDIR/);
});

test('a name that is empty does not stand for the working directory', () => {
  expect(() => dataDirAt('')).toThrow('--data is empty');
  expect(() => nodeDataDirAt('', 'n1')).toThrow('--data is empty');
});

test('a file system that takes no directory is an error at once', () => {
  expect(() => createDataDir(dataDirAt('/proc/evenkeel'))).toThrow('Cannot create data directory "/proc/evenkeel"');
});
