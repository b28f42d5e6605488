// Tests of server-side apply and of tracking: who owns what, who conflicts, what goes when nobody claims it.
// Uses the real schemas; knows nothing of HTTP.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { schemaFor } from '../schema/builtin.ts';
import { StatusError } from '../status.ts';
import { serverSideApply, trackManagers } from './index.ts';

const [t1, t2] = ['2026-05-01T12:00:00Z', '2026-05-01T12:00:09Z'];
const schema = schemaFor('apps/v1', 'Deployment');

interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    selector?: object;
    strategy?: object;
    template: { metadata?: object; spec: { containers: Record<string, unknown>[]; [key: string]: unknown } };
  };
}

function deployment(spec: Partial<Deployment['spec']> = {}, metadata: object = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] }] },
      },
      ...spec,
    },
  };
}

const apply = (
  live: KubeObject | undefined,
  applied: KubeObject,
  manager = 'kubectl',
  extra: { force?: boolean; now?: string; subresource?: string } = {},
): Deployment =>
  serverSideApply({ live, applied, manager, force: false, schema, now: t1, ...extra }) as unknown as Deployment;

const update = (before: KubeObject | undefined, after: KubeObject, manager: string, now = t1, subresource?: string) => {
  const managedFields = trackManagers({
    before,
    after,
    manager,
    operation: 'Update',
    schema,
    now,
    ...(subresource === undefined ? {} : { subresource }),
  });
  return {
    ...after,
    metadata: { ...after.metadata, ...(managedFields === undefined ? {} : { managedFields }) },
  } as Deployment;
};

const entry = (object: KubeObject, manager: string) =>
  object.metadata?.managedFields?.find((candidate) => candidate.manager === manager);
const fields = (object: KubeObject, manager: string): unknown => entry(object, manager)?.fieldsV1;

function failure(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('Expected a StatusError');
}

describe('serverSideApply()', () => {
  it("creates an object whose applier owns what it states, in upstream's notation", () => {
    const created = apply(undefined, deployment());
    expect(created.spec).toEqual(deployment().spec);
    expect(entry(created, 'kubectl')).toMatchObject({
      manager: 'kubectl',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      time: t1,
      fieldsType: 'FieldsV1',
    });
    expect(JSON.stringify(fields(created, 'kubectl'))).toBe(
      '{"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},' +
        '"f:spec":{"f:containers":{"k:{\\"name\\":\\"web\\"}":{".":{},"f:image":{},"f:name":{},' +
        '"f:ports":{"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{}}}}}}}}}',
    );
  });

  it('returns the live object untouched when an apply changes nothing', () => {
    const created = apply(undefined, deployment());
    expect(apply(created, deployment(), 'kubectl', { now: t2 })).toEqual(created);
  });

  it('refuses to change what another manager set, and names it', () => {
    const created = update(undefined, deployment(), 'kubectl-client-side-apply');
    const error = failure(() => apply(created, deployment({ replicas: 5 }), 'gitops'));
    expect([error.code, error.reason]).toEqual([409, 'Conflict']);
    expect(error.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    );
    expect(error.details?.causes).toEqual([
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl-client-side-apply" using apps/v1',
        field: '.spec.replicas',
      },
    ]);
  });

  it('lists several conflicts by manager', () => {
    let object = apply(undefined, deployment(), 'one');
    object = update(object, { ...object, spec: { ...object.spec, replicas: 4 } } as KubeObject, 'two');
    const wanted = deployment({ replicas: 9 });
    wanted.spec.template.spec.containers[0] = { name: 'web', image: 'web:2' };
    expect(failure(() => apply(object, wanted, 'three')).message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n' +
        '- .spec.template.spec.containers[name="web"].image\n' +
        'conflicts with "two" using apps/v1:\n- .spec.replicas',
    );
  });

  it('takes fields by force, and shares those whose value agrees', () => {
    const created = apply(undefined, deployment(), 'one');
    const forced = apply(created, deployment({ replicas: 5 }), 'two', { force: true });
    expect(forced.spec.replicas).toBe(5);
    expect(fields(forced, 'one')).not.toHaveProperty(['f:spec', 'f:replicas']);
    expect(fields(forced, 'two')).toHaveProperty(['f:spec', 'f:replicas']);
    expect(fields(forced, 'one')).toHaveProperty(['f:spec', 'f:selector']);
    expect(fields(forced, 'two')).toHaveProperty(['f:spec', 'f:selector']);
  });

  it('removes what its applier no longer states, unless somebody else owns it', () => {
    const spec = (containers: object[]) => ({
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: containers as Record<string, unknown>[] } },
    });
    const both = deployment(
      spec([
        { name: 'web', image: 'web:1' },
        { name: 'log', image: 'log:1' },
      ]),
      { labels: { a: '1', b: '2' } },
    );
    const created = apply(undefined, both, 'one');
    const shared = apply(
      created,
      { ...deployment(), metadata: { name: 'web', labels: { b: '2' } }, spec: {} } as KubeObject,
      'two',
    );
    const shrunk = apply(shared, deployment(spec([{ name: 'web', image: 'web:1' }])), 'one', { now: t2 });
    expect(shrunk.spec.template.spec.containers).toEqual([{ name: 'web', image: 'web:1' }]);
    expect(shrunk.metadata?.labels).toEqual({ b: '2' });
    expect(entry(shrunk, 'one')?.time).toBe(t2);
    const last = apply(shrunk, { ...deployment(), metadata: { name: 'web' }, spec: {} } as KubeObject, 'two');
    expect(last.metadata?.labels).toBeUndefined();
    expect(fields(last, 'two')).toEqual({ 'f:spec': {} });
  });

  it('keeps items and fields that defaults and controllers added', () => {
    const created = apply(undefined, deployment());
    const changed = structuredClone(created);
    changed.spec.template.spec.containers.push({ name: 'sidecar', image: 'mesh:1' });
    changed.spec.template.spec.dnsPolicy = 'ClusterFirst';
    const injected = update(created, changed, 'injector');
    const next = apply(injected, deployment({ replicas: 3 }), 'kubectl', { now: t2 });
    expect(next.spec.template.spec.containers.map(({ name }) => name)).toEqual(['web', 'sidecar']);
    expect(next.spec.template.spec.dnsPolicy).toBe('ClusterFirst');
    expect(next.spec.replicas).toBe(3);
  });

  it('moves an object of client-side apply over without conflicts, and keeps the annotation in step', () => {
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
    const configured = deployment({ replicas: 2 });
    const annotated = deployment({ replicas: 2 }, { annotations: { [annotation]: JSON.stringify(configured) } });
    const created = update(undefined, annotated, 'kubectl-client-side-apply');
    const applied = apply(created, deployment({ replicas: 4 }), 'kubectl');
    expect(applied.spec.replicas).toBe(4);
    expect(JSON.parse(applied.metadata?.annotations?.[annotation] ?? '')).toMatchObject({ spec: { replicas: 4 } });
    const scaled = update(created, deployment({ replicas: 7 }, created.metadata), 'kubectl', t2, 'scale');
    expect(failure(() => apply(scaled, deployment({ replicas: 4 }), 'kubectl')).message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    );
  });

  it('sees one amount in two spellings of a quantity', () => {
    const limits = (cpu: unknown) =>
      deployment({ template: { spec: { containers: [{ name: 'web', resources: { limits: { cpu } } }] } } });
    const created = update(undefined, limits('1'), 'one');
    expect(apply(created, limits(1), 'two')).toMatchObject({ spec: limits(1).spec });
    expect(apply(created, limits('1000m'), 'two')).toMatchObject({ spec: limits('1000m').spec });
    expect(failure(() => apply(created, limits('1001m'), 'two')).code).toBe(409);
  });

  it('gives what stood there before the first apply an owner', () => {
    const applied = apply(deployment({ replicas: 1 }), deployment({ replicas: 1 }));
    expect(fields(applied, 'before-first-apply')).toHaveProperty(['f:spec', 'f:replicas']);
    expect(failure(() => apply(deployment({ replicas: 1 }), deployment({ replicas: 2 }))).code).toBe(409);
  });

  it('writes status through the status subresource only', () => {
    const withStatus = { ...deployment(), status: { replicas: 3 } };
    expect(apply(undefined, withStatus)).not.toHaveProperty('status');
    const created = apply(undefined, deployment());
    const reported = apply(created, { ...withStatus, spec: { replicas: 9 } } as KubeObject, 'ctl', {
      subresource: 'status',
    });
    expect(reported).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 3 } });
    expect(entry(reported, 'ctl')).toMatchObject({
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:replicas': {} } },
    });
  });

  it.each([
    ['without a manager', deployment(), '', 422],
    ['with managedFields', deployment({}, { managedFields: [] }), 'x', 400],
    ['without a name', deployment({}, { name: '' }), 'x', 400],
    ['without apiVersion', { ...deployment(), apiVersion: '' }, 'x', 400],
    ['of another version', { ...deployment(), apiVersion: 'apps/v1beta1' }, 'x', 400],
    [
      'with two items of one key',
      deployment({ template: { spec: { containers: [{ name: 'a' }, { name: 'a' }] } } }),
      'x',
      400,
    ],
  ])('refuses a configuration %s', (_, applied, manager, code) => {
    expect(failure(() => apply(deployment(), applied, manager)).code).toBe(code);
  });
});

describe('trackManagers()', () => {
  it('records a creation as upstream does', () => {
    const created = update(undefined, deployment({ strategy: { type: 'Recreate' } }), 'kubectl-create');
    expect(JSON.stringify(fields(created, 'kubectl-create'))).toBe(
      '{"f:spec":{"f:replicas":{},"f:selector":{},"f:strategy":{"f:type":{}},' +
        '"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{' +
        '"k:{\\"name\\":\\"web\\"}":{".":{},"f:image":{},"f:name":{},' +
        '"f:ports":{".":{},"k:{\\"containerPort\\":80,\\"protocol\\":\\"TCP\\"}":{".":{},"f:containerPort":{}}}}}}}}}',
    );
  });

  it('moves a field to its last writer, and the time only of who changed something', () => {
    const created = update(undefined, deployment(), 'one');
    const scaled = update(created, { ...created, spec: { ...created.spec, replicas: 5 } } as KubeObject, 'two', t2);
    expect(fields(scaled, 'two')).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect(fields(scaled, 'one')).not.toHaveProperty(['f:spec', 'f:replicas']);
    expect([entry(scaled, 'one')?.time, entry(scaled, 'two')?.time]).toEqual([t1, t2]);
    expect(update(scaled, scaled, 'one', '2026-06-01T00:00:00Z').metadata?.managedFields).toEqual(
      scaled.metadata?.managedFields,
    );
  });

  it('does not count what the server keeps', () => {
    const created = update(undefined, deployment(), 'one');
    const bumped = { ...created, metadata: { ...created.metadata, resourceVersion: '7', generation: 2, uid: 'u' } };
    expect(update(created, bumped as KubeObject, 'two').metadata?.managedFields).toEqual(
      created.metadata?.managedFields,
    );
  });

  it('drops ownership for [{}], and not for [] nor for nonsense', () => {
    const created = update(undefined, deployment(), 'one');
    const sending = (managedFields: unknown) =>
      trackManagers({
        before: created,
        after: { ...created, metadata: { ...created.metadata, managedFields } } as KubeObject,
        manager: 'two',
        operation: 'Update',
        schema,
        now: t2,
      });
    expect(sending([{}])).toBeUndefined();
    expect(sending([])).toEqual(created.metadata?.managedFields);
    expect(sending([{ manager: 'x', operation: 'Jump' }])).toEqual(created.metadata?.managedFields);
    expect(sending([{ ...created.metadata?.managedFields?.[0], manager: 'renamed' }])?.[0]?.manager).toBe('renamed');
  });

  it('folds the oldest updaters together beyond ten', () => {
    let object = update(undefined, deployment(), 'maker');
    for (let index = 0; index < 30; index++) {
      const labels = { ...object.metadata?.labels, [`l${index}`]: 'x' };
      const time = new Date(Date.parse(t1) + index * 1000).toISOString().replace('.000Z', 'Z');
      object = update(object, { ...object, metadata: { ...object.metadata, labels } } as KubeObject, `m${index}`, time);
    }
    expect(object.metadata?.managedFields?.length).toBe(10);
    expect(fields(object, 'ancient-changes')).toHaveProperty(['f:metadata', 'f:labels', 'f:l5']);
    expect(fields(object, 'm29')).toHaveProperty(['f:metadata', 'f:labels', 'f:l29']);
  });
});
