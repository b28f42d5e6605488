// Decoding as the server does it: refusing, warning, pruning, and the canonical form that is kept.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeObject, normalize, type Schema, schemaFor } from './index.ts';

const pod = schemaFor('v1', 'Pod') as Schema;

function given(): { apiVersion: string; kind: string; metadata: object; spec: Record<string, unknown> } {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', creationTimestamp: null, nme: 'b' },
    spec: { containers: [{ name: 'a', resources: { limits: { cpu: 1, memory: '1024Mi' } }, imge: 'x' }] },
  };
}

const unknown = ['unknown field "metadata.nme"', 'unknown field "spec.containers[0].imge"'];

test('strict refuses unknown fields and repeated keys, all in one message', () => {
  const message = `Pod in version "v1" cannot be handled as a Pod: strict decoding error: duplicate field "spec.a", ${unknown.join(', ')}`;
  expect(() => decodeObject(pod, given(), 'Strict', ['duplicate field "spec.a"'])).toThrow(
    expect.objectContaining({ code: 400, reason: 'BadRequest', message }),
  );
});

test('warn tells and drops, ignore only drops', () => {
  const warned = given();
  expect(decodeObject(pod, warned, 'Warn').warnings).toEqual(unknown);
  const ignored = given();
  expect(decodeObject(pod, ignored, 'Ignore').warnings).toEqual([]);
  const kept = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a' },
    spec: { containers: [{ name: 'a', resources: { limits: { cpu: '1', memory: '1Gi' } } }] },
  };
  expect(warned).toEqual(kept);
  expect(ignored).toEqual(kept);
});

test('a wrong type is refused at every level of validation', () => {
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: '3' } };
  const schema = schemaFor('apps/v1', 'Deployment') as Schema;
  expect(() => decodeObject(schema, object, 'Ignore')).toThrow(
    'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  );
});

describe('the canonical form', () => {
  test('writes times in UTC, whole seconds or microseconds', () => {
    const lease = {
      metadata: { creationTimestamp: '2026-01-01T01:00:00.5+01:00' },
      spec: { renewTime: '2026-01-01T00:00:00.1234Z' },
    };
    normalize(schemaFor('coordination.k8s.io/v1', 'Lease') as Schema, lease);
    expect(lease).toEqual({
      metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { renewTime: '2026-01-01T00:00:00.123400Z' },
    });
  });

  test('reads null as absence, as empty text in maps of text, and as zero in lists', () => {
    const object = {
      metadata: { labels: { a: null }, finalizers: [null] },
      spec: { containers: [null], hostname: null },
    };
    normalize(pod, object);
    expect(object).toEqual({ metadata: { labels: { a: '' }, finalizers: [''] }, spec: { containers: [{}] } });
  });

  test('keeps what has no schema as it is', () => {
    const revision = { data: { any: { thing: null } }, revision: 1 };
    normalize(schemaFor('apps/v1', 'ControllerRevision') as Schema, revision);
    expect(revision).toEqual({ data: { any: { thing: null } }, revision: 1 });
  });

  test('does not change a second time, whatever the object', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('metadata', 'spec', 'status', 'x'), fc.jsonValue({ maxDepth: 4 })),
        (object) => {
          normalize(pod, object);
          const once = JSON.stringify(object);
          normalize(pod, object);
          expect(JSON.stringify(object)).toBe(once);
        },
      ),
    );
  });
});
