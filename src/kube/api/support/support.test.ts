// Every field has a verdict, every verdict a field, and what is called honoured is spoken of by its test.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { coverageDocument } from './document.ts';
import { fieldsByType } from './fields.ts';
import { ineffectiveFields } from './ineffective.ts';
import { judgedFields, judgedTypes, verdictOf } from './verdicts/index.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const fields = fieldsByType();

test('every field that a manifest may hold has a verdict', () => {
  const missing = [...fields].flatMap(([type, names]) =>
    names.filter((name) => verdictOf(type, name) === undefined).map((name) => `${type}.${name}`),
  );
  expect(missing).toEqual([]);
});

test('no verdict is about a field that does not exist', () => {
  const unknown = judgedTypes.flatMap((type) => {
    const names = fields.get(type);
    if (names === undefined) return [type];
    return judgedFields(type)
      .filter((name) => !names.includes(name))
      .map((name) => `${type}.${name}`);
  });
  expect(unknown).toEqual([]);
});

test('the test of an honoured field exists and speaks of it', () => {
  const texts = new Map<string, string>();
  const read = (file: string): string => {
    const known = texts.get(file);
    if (known !== undefined) return known;
    const text = existsSync(`${root}${file}`) ? readFileSync(`${root}${file}`, 'utf8') : '';
    texts.set(file, text);
    return text;
  };
  const silent = [...fields].flatMap(([type, names]) =>
    names.flatMap((name) => {
      const verdict = verdictOf(type, name);
      if (verdict?.is !== 'honoured') return [];
      return new RegExp(`\\b${name}\\b`).test(read(verdict.test)) ? [] : [`${type}.${name} in ${verdict.test}`];
    }),
  );
  expect(silent).toEqual([]);
});

test('the page is as `node tools/coverage.ts` would write it', () => {
  expect(readFileSync(`${root}docs/kubernetes-coverage.md`, 'utf8')).toBe(coverageDocument());
});

test('people are told of fields without effect, with their place, and not of those that are moot', () => {
  const pod = { hostUsers: false, os: { name: 'linux' }, containers: [{ name: 'a', image: 'b', resizePolicy: [] }] };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template: { spec: pod } } };
  expect(ineffectiveFields(deployment).map(({ field }) => field)).toEqual([
    'spec.template.spec.hostUsers',
    'spec.template.spec.containers[0].resizePolicy',
  ]);
  const resource = { kind: 'Bucket', name: 'images' };
  const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', spec: { defaultBackend: { resource } } };
  expect(ineffectiveFields(ingress).map(({ field }) => field)).toEqual(['spec.defaultBackend.resource']);
  const node = { apiVersion: 'v1', kind: 'Node', spec: { providerID: 'aws://1', unschedulable: true } };
  expect(ineffectiveFields(node).map(({ field }) => field)).toEqual(['spec.providerID']);
  // It has no spec: its fields are those of the object.
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a' },
    endpoints: [{ addresses: ['10.0.0.1'], deprecatedTopology: { zone: 'a' } }],
    ports: [{ port: 80, appProtocol: 'http' }],
  };
  expect(ineffectiveFields(slice).map(({ field }) => field)).toEqual(['endpoints[0].deprecatedTopology']);
  expect(ineffectiveFields({ apiVersion: 'v1', kind: 'ConfigMap' })).toEqual([]);
});
