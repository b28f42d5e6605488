// Manifests as people write them, good and bad: what is read, and where each mistake is said to stand.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseFieldPath } from './document.ts';
import { readSources } from './files.ts';
import { formatProblem } from './format.ts';
import { inApplyOrder } from './order.ts';
import { parseManifests } from './parse.ts';
import { imagesOf, parseProject } from './project.ts';

const service = `# comment
apiVersion: v1
kind: Service
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
spec:
  ports:
    - port: 80
    - name: admin
      port: "9901"
`;

test('documents, comments and Lists become objects with their places', () => {
  const { objects, problems } = parseManifests(
    `${service}---\n# nothing here\n---\n{"apiVersion":"v1","kind":"List","items":[
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"x":"1"}},
{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"x":"2"}}]}\n`,
    'web.yaml',
  );
  expect(problems).toEqual([]);
  expect(objects.map(({ object, position }) => [object.metadata.name, position.line])).toEqual([
    ['web', 2],
    ['a', 17],
    ['b', 18],
  ]);
  const [web, , second] = objects;
  expect(web?.locate('spec.ports[1].port')).toEqual({ file: 'web.yaml', line: 12, column: 7 });
  expect(web?.locate('metadata.labels[app.kubernetes.io/name]').line).toBe(7);
  expect(web?.locate('spec.ports[7].port').line).toBe(9);
  expect(second?.locate('data.x')).toEqual({ file: 'web.yaml', line: 18, column: 71 });
});

test('a bad document is named, and the others go in', () => {
  const text = `${service}---\nkind: Service\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: 5\n---\n- 1\n---\na: [1\n---\n${service}`;
  const { objects, problems } = parseManifests(text, 'f.yaml');
  expect(objects).toHaveLength(2);
  expect(problems.map(({ position, field, message }) => [position.line, field, message])).toEqual([
    [14, 'apiVersion', 'Field "apiVersion" is missing'],
    [20, 'metadata.name', 'Field "metadata.name" is the number 5, not text'],
    [22, undefined, 'Document is a list, not an object'],
    [25, undefined, expect.stringMatching(/^Document is not valid YAML: /)],
  ]);
  for (const problem of problems) expect(problem.remedy).not.toBe('');
});

test.each([
  ['data: &self\n  x: *self\n', 'f.yaml:5:6', 'Alias "*self" stands for itself'],
  ['data: *nowhere\n', 'f.yaml:4:7', 'No anchor "&nowhere" stands before this alias'],
  [
    `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdef'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcde'[i]}`)}]\n`).join('')}`,
    'f.yaml:1:1',
    'Document cannot be unfolded',
  ],
])('an alias that cannot be followed is named, and the others go in: %j', (data, place, message) => {
  const head = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';
  const { objects, problems } = parseManifests(`${head}${data}---\n${head}`, 'f.yaml');
  expect(objects).toHaveLength(1);
  expect(problems.map(formatProblem)).toEqual([expect.stringContaining(`${place}: ${message}`)]);
});

test('a path without indexes is found where the value has the type that was met', () => {
  const text =
    'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      ports: [{containerPort: 1}]\n    - name: b\n      ports:\n        - containerPort: "2"\ndata:\n  x: a\n  y: 5\n';
  const [pod] = parseManifests(text, 'f.yaml').objects;
  expect(pod?.locate('spec.containers.ports.containerPort', 'string')).toMatchObject({ line: 10, column: 11 });
  expect(pod?.locate('spec.containers.ports.containerPort', 'number')).toMatchObject({ line: 7 });
  expect(pod?.locate('data', 'number')).toMatchObject({ line: 13, column: 3 });
  expect(pod?.locate('data', 'bool')).toMatchObject({ line: 11, column: 1 });
});

test('a key written twice is a mistake', () => {
  const { problems } = parseManifests('apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: a}\n', 'f.yaml');
  expect(problems).toMatchObject([{ position: { line: 3 }, remedy: 'Remove one of the two' }]);
});

test('scalars mean what they mean to kubectl', () => {
  const { objects } = parseManifests(
    'apiVersion: v1\nkind: X\nmetadata: {name: a}\nmode: 0644\nflag: yes\ntime: 12:30\nday: 2026-01-02\nport: "80"\nbase: &b {one: 1}\nmore: {<<: *b, two: 2}\n',
    'f.yaml',
  );
  expect(objects[0]?.object).toMatchObject({
    mode: 0o644,
    flag: true,
    time: '12:30',
    day: '2026-01-02',
    port: '80',
    more: { one: 1, two: 2 },
  });
});

test('what others need is applied first, the rest in the order of the files', () => {
  const text = ['Deployment a', 'Service b', 'Ingress c', 'Namespace d', 'Secret e', 'Deployment f']
    .map((line) => line.split(' '))
    .map(([kind, name]) => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}}\n`)
    .join('---\n');
  const names = inApplyOrder(parseManifests(text, 'f').objects).map(({ object }) => object.metadata.name);
  expect(names).toEqual(['d', 'e', 'b', 'a', 'c', 'f']);
});

test('field paths of every notation are understood', () => {
  expect(parseFieldPath('spec.containers[0].env[1].name')).toEqual(['spec', 'containers', 0, 'env', 1, 'name']);
  expect(parseFieldPath('metadata.labels[a.b/c]')).toEqual(['metadata', 'labels', 'a.b/c']);
  expect(parseFieldPath('images["x:1"].command')).toEqual(['images', 'x:1', 'command']);
});

describe('files', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'evenkeel-manifests-'));
    mkdirSync(join(root, 'sub'));
    writeFileSync(join(root, 'a.yaml'), 'a');
    writeFileSync(join(root, 'b.json'), 'b');
    writeFileSync(join(root, 'notes.md'), 'no');
    writeFileSync(join(root, 'sub', 'c.yml'), 'c');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('a directory gives its own manifests, and those below it only when asked', async () => {
    const textsOf = async (recursive: boolean): Promise<string[]> =>
      (await readSources([root], { recursive })).texts.map(({ text }) => text);
    expect(await textsOf(false)).toEqual(['a', 'b']);
    expect(await textsOf(true)).toEqual(['a', 'b', 'c']);
  });

  test('evenkeel.yaml says where the manifests are and what the images run', async () => {
    writeFileSync(
      join(root, 'evenkeel.yaml'),
      'manifests: [sub]\nimages:\n  web: {command: [node, web.js], env: {A: "1"}}\n',
    );
    const { texts, projects } = await readSources([root]);
    expect(texts.map(({ text }) => text)).toEqual(['c']);
    expect(imagesOf(projects)).toEqual({
      web: { command: [process.execPath, 'web.js'], workingDir: root, env: { A: '1' } },
    });
  });

  test('a file that is no UTF-8, or leads nowhere, is named, and the others go in', async () => {
    writeFileSync(join(root, 'latin.yaml'), Buffer.from('a: b\nc: caf\xe9\n', 'latin1'));
    symlinkSync(join(root, 'gone'), join(root, 'link.yaml'));
    const { texts, problems } = await readSources([root]);
    expect(texts.map(({ text }) => text)).toEqual(['a', 'b']);
    expect(problems.map(formatProblem)).toEqual([
      `${join(root, 'latin.yaml')}:2:1: The line holds bytes that are not UTF-8. Save the file as UTF-8.`,
      expect.stringMatching(/link\.yaml:1:1: The file cannot be read: ENOENT/),
    ]);
  });

  test('a path that is not there is wrong usage', async () => {
    await expect(readSources([join(root, 'none')])).rejects.toMatchObject({ name: 'UsageFailure' });
  });
});

test.each([
  ['images:\n  web:\n    comand: [x]\n', 'p.yaml:3:5: Field "images["web"].comand" is unknown'],
  ['images:\n  web:\n    command: node\n', 'p.yaml:3:5: Field "images["web"].command" is not a list'],
  ['images:\n  web:\n    command: [a, 1]\n', 'p.yaml:3:18: Field "images["web"].command[1]" is not text'],
  ['manifests: k8s\n', 'p.yaml:1:1: Field "manifests" is not a list'],
])('a mistake in evenkeel.yaml is said with its place: %j', (text, message) => {
  expect(() => parseProject(text, 'p.yaml')).toThrow(message);
});
