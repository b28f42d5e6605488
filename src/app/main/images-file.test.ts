// What is remembered of images: from one start to the next, wherever the next is called from.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { parseProject } from '../manifests/project.ts';
import { readImages, rememberImages } from './images-file.ts';

let root = '';
let file = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'evenkeel-images-'));
  file = join(root, 'images.json');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const { images: shop } = parseProject(
  'images: {shop: {command: [node, src/main.ts], env: {LEVEL: "1"}}, db: {command: [./db]}}',
  '/srv/shop/evenkeel.yaml',
);

test('nothing is remembered before something was told', () => {
  expect(readImages(file)).toEqual({});
  rememberImages(file, {});
  expect(readdirSync(root)).toEqual([]);
});

test('images come back as they were told, later ones win, and paths do not depend on where one stands', () => {
  rememberImages(file, shop);
  expect(readImages(file)).toEqual(shop);
  rememberImages(file, parseProject('images: {db: {command: [./db2], workingDir: bin}}', '/opt/db.yaml').images);
  expect(readImages(file)).toEqual({
    shop: { command: [process.execPath, 'src/main.ts'], workingDir: '/srv/shop', env: { LEVEL: '1' } },
    db: { command: ['./db2'], workingDir: '/opt/bin' },
  });
  expect(readdirSync(root)).toEqual(['images.json']);
});

test('the Node.js of one start is not written down for the next', () => {
  rememberImages(file, shop);
  expect(readFileSync(file, 'utf8')).not.toContain(process.execPath);
});

test('a file that somebody broke is named with its place', () => {
  writeFileSync(file, '{"images": {"shop": {"comand": ["node"]}}}');
  expect(() => readImages(file)).toThrow(Failure);
  expect(() => readImages(file)).toThrow(`${file}:1:22: Field "images["shop"].comand" is unknown`);
});
