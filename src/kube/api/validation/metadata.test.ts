// Tests of ObjectMeta rules: names, labels, owners, what may not change, and the laws that hold for any text.
// Knows kinds only as names.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { validateObject } from './index.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';

const configMap = (metadata: object): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n', ...metadata } }) as KubeObject;
const wrong = (next: KubeObject, previous?: KubeObject): string[] =>
  validateObject(next, previous).map(({ field, reason, message }) => `${reason} ${field}: ${message}`);

const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

describe('metadata of a new object', () => {
  it.each<[object, string[]]>([
    [{}, []],
    [
      { name: '', generateName: 'a-' },
      ['FieldValueRequired metadata.name: Required value: name or generateName is required'],
    ],
    [{ name: 'A_b' }, [`FieldValueInvalid metadata.name: Invalid value: "A_b": ${subdomainRule}`]],
    [{ namespace: '' }, ['FieldValueRequired metadata.namespace: Required value']],
    [{ labels: { a: '-x' } }, [`FieldValueInvalid metadata.labels: Invalid value: "-x": ${labelRule}`]],
    [
      { labels: { '/x': 'y' } },
      ['FieldValueInvalid metadata.labels: Invalid value: "/x": prefix part must be non-empty'],
    ],
    [
      { annotations: { a: 'x'.repeat(262_144) } },
      ['FieldValueTooLong metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    [
      { finalizers: ['mine'] },
      [
        'FieldValueInvalid metadata.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
      ],
    ],
    [
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '' }] },
      ['FieldValueInvalid metadata.ownerReferences.uid: Invalid value: "": must not be empty'],
    ],
  ])('%j', (metadata, expected) => {
    expect(wrong(configMap(metadata))).toEqual(expected);
  });

  it('allows one controller only', () => {
    const owner = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: 'u', controller: true });
    const [message] = wrong(configMap({ ownerReferences: [owner('a'), owner('b')] }));
    expect(message).toMatch(
      /Only one reference can have Controller set to true. Found "true" in references for Pod\/a and Pod\/b$/,
    );
  });

  it('knows which kinds have no namespace, and which names', () => {
    expect(wrong({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a', namespace: 'b' } })).toEqual([
      'FieldValueForbidden metadata.namespace: Forbidden: not allowed on this type',
    ]);
    expect(wrong({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } })).toHaveLength(1);
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'system:a/b' } };
    expect(wrong(role)).toEqual([
      'FieldValueInvalid metadata.name: Invalid value: "system:a/b": may not contain \'/\'',
    ]);
  });
});

describe('metadata of an update', () => {
  const stored = configMap({ uid: 'u', creationTimestamp: '2026-05-01T12:00:00Z', generation: 2 });

  it('keeps identity, and lets a client leave it out', () => {
    expect(wrong(configMap({}), stored)).toEqual([]);
    expect(wrong(configMap({ uid: 'v' }), stored)).toEqual([
      'FieldValueInvalid metadata.uid: Invalid value: "v": field is immutable',
    ]);
    expect(wrong(configMap({ deletionTimestamp: '2026-05-01T12:00:00Z' }), stored)).toEqual([
      'FieldValueInvalid metadata.deletionTimestamp: Invalid value: "2026-05-01T12:00:00Z": field is immutable',
    ]);
    expect(wrong(configMap({ generation: 1 }), stored)).toEqual([
      'FieldValueInvalid metadata.generation: Invalid value: 1: must not be decremented',
    ]);
  });

  it('takes no new finalizer while the object is deleted', () => {
    const leaving = configMap({ deletionTimestamp: '2026-05-01T12:00:00Z', finalizers: ['a.b/c'] });
    const { metadata } = leaving;
    expect(wrong({ ...leaving, metadata: { ...metadata, finalizers: [] } } as KubeObject, leaving)).toEqual([]);
    expect(
      wrong({ ...leaving, metadata: { ...metadata, finalizers: ['a.b/c', 'd.e/f'] } } as KubeObject, leaving),
    ).toEqual([
      'FieldValueForbidden metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
    ]);
  });
});

describe('name rules', () => {
  const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
  it('every DNS label is a subdomain, and so are labels joined by dots', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), (labels) => {
        for (const label of labels) expect(dnsLabel(label)).toEqual([]);
        expect(dnsSubdomain(labels.join('.'))).toEqual([]);
        expect(dnsSubdomain(`${labels.join('.')}.`)).toHaveLength(1);
      }),
    );
  });

  it('answers any text in time that grows with it', () => {
    const long = `${'a'.repeat(50_000)}!`;
    expect(dnsSubdomain(long)).toHaveLength(2);
  });
});
