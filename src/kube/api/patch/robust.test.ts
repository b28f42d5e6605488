// Whatever a client sends as a patch or a configuration is applied, or refused with a Status; nothing else is thrown.
// Throws arbitrary documents, with directives in odd places, at the real schema of a Deployment.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSideApply, trackManagers } from '../apply/index.ts';
import type { KubeObject } from '../object.ts';
import { schemaFor } from '../schema/builtin.ts';
import { StatusError } from '../status.ts';
import { applyPatch } from './index.ts';

const schema = schemaFor('apps/v1', 'Deployment');
const keys = fc.constantFrom(
  'metadata',
  'labels',
  'finalizers',
  'ownerReferences',
  'spec',
  'strategy',
  'template',
  'containers',
  'ports',
  'env',
  'name',
  'uid',
  'containerPort',
  '$patch',
  '$retainKeys',
  '$setElementOrder/containers',
  '$setElementOrder/finalizers',
  '$deleteFromPrimitiveList/finalizers',
  '__proto__',
  'constructor',
);
const leaves = fc.constantFrom(null, true, 0, 80, '', 'a', 'b', 'delete', 'replace', 'merge');
const { document } = fc.letrec((tie) => ({
  document: fc.dictionary(keys, tie('value'), { maxKeys: 5 }),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    fc.array(tie('value'), { maxLength: 3 }),
    tie('document'),
  ),
}));
const whole = document.map(
  (given): KubeObject => ({
    ...(given as object),
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
  }),
);

function appliedOrRefused(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(StatusError);
    expect((error as StatusError).code).toBeGreaterThanOrEqual(400);
    expect((error as StatusError).code).toBeLessThan(500);
  }
}

describe('any document', () => {
  it('is a patch, or is refused', () => {
    fc.assert(
      fc.property(whole, document, (current, patch) => {
        for (const type of ['strategic', 'merge'] as const) {
          appliedOrRefused(() => applyPatch(type, current, patch, schema));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is applied and tracked, or is refused', () => {
    const now = '2026-05-01T12:00:00Z';
    fc.assert(
      fc.property(whole, whole, (live, applied) => {
        appliedOrRefused(() => serverSideApply({ live, applied, manager: 'x', force: true, schema, now }));
        trackManagers({ before: live, after: applied, manager: 'x', operation: 'Update', schema, now });
        trackManagers({ before: undefined, after: applied, manager: 'x', operation: 'Update', schema, now });
      }),
      { numRuns: 1000 },
    );
  });

  it('leaves prototypes alone', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
