// Laws that hold for any objects and any sets of fields, whatever the kind.
// Uses a schema with each way of owning: maps, keyed lists, sets, atomic lists and atomic maps.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#lib/json.ts';
import type { KubeObject } from '../object.ts';
import type { Schema } from '../schema/schema.ts';
import { StatusError } from '../status.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './extract.ts';
import { FieldSet } from './field-set.ts';
import { serverSideApply, trackManagers } from './index.ts';
import { fieldElement, keyElement, valueElement } from './path-element.ts';

const text: Schema = { type: 'string' };
const integer: Schema = { type: 'integer' };
const schema: Schema = {
  type: 'object',
  properties: {
    apiVersion: text,
    kind: text,
    metadata: {
      type: 'object',
      properties: { name: text, labels: { type: 'object', additionalProperties: text } },
    },
    spec: {
      type: 'object',
      properties: {
        replicas: integer,
        free: { type: 'object', additionalProperties: integer },
        whole: { type: 'object', mapType: 'atomic', additionalProperties: integer },
        args: { type: 'array', items: integer },
        tags: { type: 'array', items: text, listType: 'set' },
        ports: {
          type: 'array',
          listType: 'map',
          listMapKeys: ['port', 'protocol'],
          items: { type: 'object', properties: { port: integer, protocol: { ...text, default: 'TCP' }, name: text } },
        },
      },
    },
  },
};

const number = fc.integer({ min: 0, max: 2 });
const key = fc.constantFrom('a', 'b', 'c');
const port = fc.record(
  { port: fc.integer({ min: 1, max: 3 }), protocol: fc.constantFrom('TCP', 'UDP'), name: key },
  { requiredKeys: ['port'] },
);
/** Without empty lists and maps: they state nothing, and so nobody owns them. */
const spec = fc.record(
  {
    replicas: number,
    free: fc.dictionary(key, number, { minKeys: 1 }),
    whole: fc.dictionary(key, number, { minKeys: 1 }),
    args: fc.array(number, { minLength: 1, maxLength: 3 }),
    tags: fc.uniqueArray(key, { minLength: 1 }),
    ports: fc.uniqueArray(port, {
      minLength: 1,
      maxLength: 4,
      selector: (item) => `${item.port}/${item.protocol ?? 'TCP'}`,
    }),
  },
  { requiredKeys: [] },
);
const config = fc
  .tuple(spec, fc.option(fc.dictionary(key, fc.constantFrom('x', 'y'), { minKeys: 1 }), { nil: undefined }))
  .filter(([given]) => Object.keys(given).length > 0)
  .map(
    ([given, labels]): KubeObject =>
      ({
        apiVersion: 'v1',
        kind: 'Thing',
        metadata: { name: 'it', ...(labels === undefined ? {} : { labels }) },
        spec: given,
      }) as KubeObject,
  );

const now = '2026-05-01T12:00:00Z';
/** Stored objects are shared: whoever changes one throws here. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}
const apply = (live: KubeObject | undefined, applied: KubeObject, manager: string, force = true): KubeObject =>
  serverSideApply({ live: frozen(live), applied: frozen(applied), manager, force, schema, now });
const bare = (object: KubeObject): unknown => {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
};
const owned = (object: KubeObject, manager: string): FieldSet =>
  FieldSet.fromFieldsV1(
    (object.metadata?.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1 ?? {}) as JsonObject,
  );

describe('laws of server-side apply', () => {
  it('one applier alone: the object is what it last stated, order and all', () => {
    fc.assert(
      fc.property(config, config, (first, second) => {
        expect(bare(apply(apply(undefined, first, 'one'), second, 'one'))).toEqual(second);
      }),
    );
  });

  it('what the server keeps in metadata stays, whatever is applied', () => {
    fc.assert(
      fc.property(config, config, (first, second) => {
        const created = apply(undefined, first, 'one');
        const kept = { uid: 'u-1', resourceVersion: '7', creationTimestamp: now, generation: 3 };
        const stored = { ...created, metadata: { ...created.metadata, ...kept } } as KubeObject;
        expect(apply(stored, second, 'one').metadata).toMatchObject({ name: 'it', ...kept });
        expect(apply(stored, second, 'two').metadata).toMatchObject({ name: 'it', ...kept });
      }),
    );
  });

  it('an apply repeated changes nothing', () => {
    fc.assert(
      fc.property(config, config, (mine, theirs) => {
        const once = apply(apply(undefined, theirs, 'two'), mine, 'one');
        expect(apply(once, mine, 'one')).toEqual(once);
      }),
    );
  });

  it('by force: everything stated is there, and owned', () => {
    fc.assert(
      fc.property(config, config, (mine, theirs) => {
        const object = apply(apply(undefined, theirs, 'two'), mine, 'one');
        const change = compare(mine as JsonObject, bare(object) as JsonObject, schema);
        expect([...change.modified.paths(), ...change.removed.paths()]).toEqual([]);
        const claimed = fieldsOf({ spec: (mine as { spec: JsonObject }).spec }, schema);
        expect([...claimed.difference(owned(object, 'one')).paths()]).toEqual([]);
      }),
    );
  });

  it('without force: either nothing of the other changes, or it is refused', () => {
    fc.assert(
      fc.property(config, config, (mine, theirs) => {
        const live = apply(undefined, theirs, 'two');
        let object: KubeObject;
        try {
          object = apply(live, mine, 'one', false);
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError);
          expect((error as StatusError).code).toBe(409);
          return;
        }
        expect(owned(object, 'two').equals(owned(live, 'two'))).toBe(true);
        const change = compare(bare(live) as JsonObject, bare(object) as JsonObject, schema);
        expect([...change.modified.paths(), ...change.removed.paths()]).toEqual([]);
      }),
    );
  });

  it('an applier that leaves takes along only what nobody else stated', () => {
    fc.assert(
      fc.property(config, config, (mine, theirs) => {
        const nothing = { apiVersion: 'v1', kind: 'Thing', metadata: { name: 'it' } } as KubeObject;
        const both = apply(apply(undefined, theirs, 'two'), mine, 'one');
        const left = apply(both, nothing, 'one');
        const kept = owned(left, 'two');
        expect(left.metadata?.managedFields?.map(({ manager }) => manager) ?? []).not.toContain('one');
        const still = fieldsOf(bare(left) as JsonObject, schema);
        expect([...kept.difference(still).paths()]).toEqual([]);
      }),
    );
  });
});

describe('laws of tracking', () => {
  it("what an updater changed is its own, and what is gone is nobody's", () => {
    fc.assert(
      fc.property(config, config, (first, second) => {
        const created = apply(undefined, first, 'one');
        const managedFields = trackManagers({
          before: created,
          after: second,
          manager: 'two',
          operation: 'Update',
          schema,
          now,
        });
        const updated = { ...second, metadata: { ...second.metadata, managedFields } } as KubeObject;
        const change = compare(bare(created) as JsonObject, second as JsonObject, schema);
        const changed = change.added.union(change.modified);
        expect([...changed.difference(owned(updated, 'two')).paths()]).toEqual([]);
        expect(owned(updated, 'one').intersection(changed.union(change.removed)).isEmpty).toBe(true);
      }),
    );
  });
});

describe('laws of field sets', () => {
  const element = fc.oneof(
    key.map(fieldElement),
    fc.record({ port: number, protocol: key }).map(keyElement),
    fc.oneof<fc.Arbitrary<string | number | boolean>[]>(key, number, fc.boolean()).map(valueElement),
  );
  const set = fc
    .array(fc.array(element, { minLength: 1, maxLength: 3 }), { maxLength: 8 })
    .map((paths) => FieldSet.of(...paths));

  it('are read back as they were written, byte for byte', () => {
    fc.assert(
      fc.property(set, (fields) => {
        const written = JSON.stringify(fields.toFieldsV1());
        const read = FieldSet.fromFieldsV1(JSON.parse(written) as JsonObject);
        expect(read.equals(fields)).toBe(true);
        expect(JSON.stringify(read.toFieldsV1())).toBe(written);
      }),
    );
  });

  it('join, meet and subtract as sets of paths do', () => {
    const texts = (fields: FieldSet): Set<string> => new Set([...fields.paths()].map((path) => path.join('|')));
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [left, right] = [texts(a), texts(b)];
        expect(texts(a.union(b))).toEqual(left.union(right));
        expect(texts(a.intersection(b))).toEqual(left.intersection(right));
        expect(texts(a.difference(b))).toEqual(left.difference(right));
        expect(a.difference(a).isEmpty).toBe(true);
      }),
    );
  });

  it('sorts fields before keys before values, numbers as numbers', () => {
    const fields = FieldSet.of(
      [valueElement(10)],
      [valueElement(9)],
      [valueElement('a')],
      [keyElement({ port: 80, protocol: 'TCP' })],
      [keyElement({ protocol: 'TCP', port: 9 })],
      [fieldElement('z')],
    );
    expect(Object.keys(fields.toFieldsV1())).toEqual([
      'f:z',
      'k:{"port":9,"protocol":"TCP"}',
      'k:{"port":80,"protocol":"TCP"}',
      'v:9',
      'v:10',
      'v:"a"',
    ]);
  });
});
