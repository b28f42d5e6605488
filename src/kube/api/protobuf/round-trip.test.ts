// decode(encode(x)) is x, for objects of every served kind made from its schema.
// Knows the door of the room; what stands between is free to change.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonObject } from '#lib/json.ts';
import { apiVersionOf, builtinResources } from '../resources.ts';
import { schemaFor } from '../schema/index.ts';
import { decodeProtobuf, encodeProtobuf, encodeWatchFrame } from './index.ts';
import { sampleOf } from './testing.ts';

/** Empty lists, maps and absent values say nothing on this wire; messages that Go writes always may be empty. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => normalised(item) ?? {});
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined && inner !== null && !(Array.isArray(inner) && inner.length === 0))
    .map(([key, inner]) => [key, normalised(inner)] as const)
    .filter(([, inner]) => inner !== undefined && !(isJsonObject(inner) && Object.keys(inner).length === 0));
  return Object.fromEntries(entries);
}

describe('encodeProtobuf()', () => {
  const kinds = builtinResources.map((definition) => ({ apiVersion: apiVersionOf(definition), kind: definition.kind }));

  it.each(kinds)('keeps $apiVersion $kind as it is', ({ apiVersion, kind }) => {
    const schema = schemaFor(apiVersion, kind);
    if (schema === undefined) throw new Error(`No schema of ${apiVersion} ${kind}`);
    fc.assert(
      fc.property(sampleOf(schema, 8), (value) => {
        const object = { ...(value as object), apiVersion, kind };
        expect(normalised(decodeProtobuf(encodeProtobuf(object)))).toEqual(normalised(object));
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });

  it('keeps zero where Go has a pointer, and leaves it out where Go would', () => {
    const decoded = decodeProtobuf(
      encodeProtobuf({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        spec: {
          replicas: 0,
          minReadySeconds: 0,
          paused: false,
          template: { spec: { hostNetwork: false, enableServiceLinks: false } },
        },
      }),
    );
    expect(decoded).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { replicas: 0, template: { spec: { enableServiceLinks: false } } },
    });
  });

  it('writes lists of objects without their kinds', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'ConfigMapList',
      metadata: { resourceVersion: '7' },
      items: [{ metadata: { name: 'a' }, data: { k: 'v' } }],
    };
    expect(decodeProtobuf(encodeProtobuf(list))).toEqual(list);
  });

  it('writes schemas within schemas, and reads them only so deep', () => {
    const nested = (depth: number): unknown => {
      let schema: unknown = { type: 'string' };
      for (let level = 0; level < depth; level += 1) schema = { not: schema };
      const versions = [{ name: 'v1', schema: { openAPIV3Schema: schema } }];
      return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', spec: { versions } };
    };
    expect(decodeProtobuf(encodeProtobuf(nested(90)))).toMatchObject(nested(90) as object);
    expect(() => decodeProtobuf(encodeProtobuf(nested(200)))).toThrow('messages are nested deeper than 100');
  });

  it('writes numbers of any size as JSON has them', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer(), (generation, priority) => {
        fc.pre(generation !== 0);
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generation }, spec: { priority } };
        expect(decodeProtobuf(encodeProtobuf(pod))).toEqual(pod);
      }),
    );
  });

  it('names the field whose value does not fit, and the kind that has no form', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 7 }] } };
    expect(() => encodeProtobuf(pod)).toThrow('spec.containers.name: the value must be text, not 7');
    expect(() => encodeProtobuf({ apiVersion: 'example.com/v1', kind: 'Widget' })).toThrow(
      'example.com/v1 Widget has no form in protocol buffers',
    );
  });
});

it('encodeWatchFrame() says its length, its type and its object', () => {
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { k: 'dg==' } };
  const frame = encodeWatchFrame('ADDED', object);
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
  const inner = encodeProtobuf(object);
  const head = [0x0a, 5, ...Buffer.from('ADDED'), 0x12, inner.length + 2, 0x0a, inner.length];
  expect([...frame.subarray(4)]).toEqual([...head, ...inner]);
});
