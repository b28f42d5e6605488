// Defaults of each kind, written out; and that filling them in twice changes nothing.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject } from '../object.ts';
import { apiVersionOf, builtinResources } from '../resources.ts';
import { decodeObject, type Schema, schemaFor, validateStructure } from '../schema/index.ts';
import { defaultPullPolicy } from './image.ts';
import { applyDefaults } from './index.ts';

type AnyObject = KubeObject & Record<string, unknown>;

const cases = (parse(readFileSync(new URL('./testdata/cases.yaml', import.meta.url), 'utf8')) as { cases: Case[] })
  .cases;

interface Case {
  name: string;
  in: AnyObject;
  out: AnyObject;
}

describe.each(cases)('$name', ({ in: input, out }) => {
  const schema = schemaFor(input.apiVersion ?? '', input.kind ?? '') as Schema;

  test('gets the defaults of its kind', () => {
    const object = structuredClone(input);
    applyDefaults(object);
    expect(object).toEqual(out);
  });

  test('does not change when they are filled in again, and fits its schema', () => {
    const object = structuredClone(out);
    applyDefaults(object);
    expect(object).toEqual(out);
    expect(validateStructure(schema, object).filter((issue) => issue.kind !== 'required')).toEqual([]);
  });
});

test.each([
  ['web', 'Always'],
  ['web:latest', 'Always'],
  ['registry:5000/team/web', 'Always'],
  ['registry:5000/team/web:1.2', 'IfNotPresent'],
  ['web:1.2', 'IfNotPresent'],
  ['web@sha256:0123', 'IfNotPresent'],
  ['web:latest@sha256:0123', 'Always'],
  ['', 'IfNotPresent'],
])('image "%s" is pulled %s', (image, policy) => {
  expect(defaultPullPolicy(image)).toBe(policy);
});

test('kinds without defaults, and kinds that are not known, stay as they are', () => {
  for (const object of [
    { apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'b' } },
    { apiVersion: 'example.com/v1', kind: 'Pod', spec: { containers: [{}] } },
    { kind: 'constructor' },
  ]) {
    const before = structuredClone(object);
    applyDefaults(object);
    expect(object).toEqual(before);
  }
});

test('whatever decodes can be given defaults, and once is enough', () => {
  const names = [
    'spec',
    'template',
    'containers',
    'ports',
    'metadata',
    'volumes',
    'type',
    'rules',
    'metrics',
    'strategy',
    'limits',
    'behavior',
  ];
  const { value: json } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(null, {}, [], [{}], 'ClientIP', 'RollingUpdate', 1),
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...builtinResources), json, json, (resource, spec, metadata) => {
      const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, spec } as AnyObject;
      try {
        decodeObject(schemaFor(apiVersionOf(resource), resource.kind) as Schema, object, 'Ignore');
      } catch {
        // Not an object of this kind; defaults are never asked for it.
        return;
      }
      applyDefaults(object);
      const once = structuredClone(object);
      applyDefaults(object);
      expect(object).toEqual(once);
    }),
    { numRuns: 500 },
  );
});
