// Applying against a real API server: what is said about each object, and where a refusal stands in the file.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import type { Client } from '#kube/client/client.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { applyManifests } from './apply.ts';
import { formatProblem } from './format.ts';
import { parseManifests } from './parse.ts';

let server: TestServer;
let client: Client;
beforeAll(async () => {
  server = await startTestServer();
  client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
});
afterAll(async () => {
  await client.close();
  await server.close();
});

/** One line an object: its outcome, or its problems. */
async function apply(text: string, force = false): Promise<string[]> {
  const { objects, problems } = parseManifests(text, 'f.yaml');
  expect(problems).toEqual([]);
  const applied = await applyManifests(objects, { client, namespace: 'default', force });
  return applied.flatMap((result) =>
    result.outcome === 'failed' ? result.problems.map(formatProblem) : [`${result.name} ${result.outcome}`],
  );
}

const map = (value: string, more = ''): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  key: ${value}\n${more}`;

test('an object is created, then unchanged, then configured', async () => {
  expect(await apply(map('a'))).toEqual(['configmap/settings created']);
  expect(await apply(map('a'))).toEqual(['configmap/settings unchanged']);
  expect(await apply(map('b'))).toEqual(['configmap/settings configured']);
});

test('a field of another manager is a conflict, unless it is taken over', async () => {
  await apply(map('a'));
  const ref = { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespaced: true };
  await client.patch(
    ref,
    'settings',
    'default',
    'merge',
    { data: { key: 'theirs' } },
    { fieldManager: 'kubectl-edit' },
  );
  const [conflict] = await apply(map('ours'));
  expect(conflict).toMatch(/^f\.yaml:1:1: configmap\/settings: .*conflict.* with "kubectl-edit".*--force-conflicts\.$/);
  expect(await apply(map('ours'), true)).toEqual(['configmap/settings configured']);
});

test('what the server refuses is said at the line of the field, and the others go in', async () => {
  const lines = await apply(`${map('a', 'datta: {}\n')}---\n${map('c')}`);
  expect(lines).toEqual([
    expect.stringMatching(/^f\.yaml:6:1: configmap\/settings: .*unknown field "datta"/),
    expect.stringMatching(/^configmap\/settings (configured|unchanged)$/),
  ]);
});

test('unknown fields of elements that have names are found, each of them', async () => {
  const pod = `apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
    - name: one
      image: a
      imagee: a
    - name: other
      image: b
  restartPolicyy: Never
`;
  expect(await apply(pod)).toEqual([
    expect.stringMatching(/^f\.yaml:8:7: pod\/two: unknown field "spec\.containers\[name="one"\]\.imagee"\. /),
    expect.stringMatching(/^f\.yaml:11:3: pod\/two: unknown field "spec\.restartPolicyy"\. /),
  ]);
});

test('a kind that the same files define is served by the time its objects come', async () => {
  const lines = await apply(`
apiVersion: example.test/v1
kind: Boat
metadata: {name: tender}
spec: {length: 4}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.test}
spec:
  group: example.test
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, listKind: BoatList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {length: {type: integer}}}}
`);
  expect(lines).toEqual([
    'customresourcedefinition.apiextensions.k8s.io/boats.example.test created',
    'boat.example.test/tender created',
  ]);
});

test('a kind that nobody serves is named with its line', async () => {
  const lines = await apply('apiVersion: v1\nkind: Sevice\nmetadata: {name: x}\n');
  expect(lines).toEqual([
    expect.stringMatching(/^f\.yaml:2:1: No resource of kind "Sevice" in version "v1" is served/),
  ]);
});

test('a namespace that does not exist is what the remedy is about', async () => {
  const [line] = await apply(map('a').replace('{name: settings}', '{name: settings, namespace: nowhere}'));
  expect(line).toMatch(/namespaces "nowhere" not found\. Create the namespace first/);
});

test('a value of the wrong type is said where it stands', async () => {
  const text = `apiVersion: v1
kind: Pod
metadata: {name: typed}
spec:
  containers:
    - name: a
      ports: [{containerPort: 80}]
    - name: b
      ports:
        - containerPort: "80"
`;
  expect(await apply(text)).toEqual([
    'f.yaml:10:11: pod/typed: spec.containers.ports.containerPort: The value is of type string, and must be of type int32. Write it without quotes, if it is a number or a boolean.',
  ]);
  expect(await apply(map('5'))).toEqual([
    'f.yaml:5:3: configmap/settings: data: The value is of type number, and must be of type string. Write it in quotes.',
  ]);
});

test('what is too large is refused, and what comes after it goes in', async () => {
  const lines = await apply(
    [map('x'.repeat(5_000_000)), ...'abc'].map((value, i) => (i === 0 ? value : map(value))).join('---\n'),
  );
  expect(lines).toEqual([
    expect.stringMatching(/^f\.yaml:1:1: configmap\/settings: Request entity too large: limit is 3145728\./),
    expect.stringMatching(/^configmap\/settings /),
    'configmap/settings configured',
    'configmap/settings configured',
  ]);
});
