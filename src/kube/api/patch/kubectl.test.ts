// Tests of the patches that kubectl's commands send, against the real schemas.
// Knows the bodies of the requests; nothing of HTTP.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { schemaFor } from '../schema/builtin.ts';
import { StatusError } from '../status.ts';
import { applyPatch, type PatchType } from './index.ts';

const container = {
  name: 'web',
  image: 'web:1',
  ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }],
  env: [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ],
  volumeMounts: [{ name: 'data', mountPath: '/data' }],
};
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    labels: { app: 'web', tier: 'front' },
    finalizers: ['a.b/one', 'a.b/two'],
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'u-1' }],
  },
  spec: {
    replicas: 2,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        containers: [container, { name: 'log', image: 'log:1' }],
        volumes: [{ name: 'data', emptyDir: {} }],
        tolerations: [{ key: 'old', operator: 'Exists' }],
        imagePullSecrets: [{ name: 'registry' }],
      },
    },
  },
  status: {
    conditions: [
      { type: 'Available', status: 'False' },
      { type: 'Progressing', status: 'True' },
    ],
  },
};

type Deployment = typeof deployment;

function patched(
  body: object,
  type: PatchType = 'strategic',
  object: KubeObject = deployment as KubeObject,
): Deployment {
  return applyPatch(type, object, body, schemaFor(object.apiVersion ?? '', object.kind ?? '')) as unknown as Deployment;
}

const inTemplate = (spec: object): object => ({ spec: { template: { spec } } });

describe('patches of kubectl', () => {
  it('set image', () => {
    const { template } = patched(
      inTemplate({
        '$setElementOrder/containers': [{ name: 'web' }, { name: 'log' }],
        containers: [{ image: 'web:2', name: 'web' }],
      }),
    ).spec;
    expect(template.spec.containers).toEqual([
      { ...container, image: 'web:2' },
      { name: 'log', image: 'log:1' },
    ]);
  });

  it('rollout restart', () => {
    const body = { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } } };
    expect(patched(body).spec.template.metadata).toEqual({
      labels: { app: 'web' },
      annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' },
    });
  });

  it('label with and without a dash', () => {
    for (const type of ['strategic', 'merge'] as const) {
      expect(patched({ metadata: { labels: { tier: null, team: 'blue' } } }, type).metadata.labels).toEqual({
        app: 'web',
        team: 'blue',
      });
    }
  });

  it('set env, removing one and changing another', () => {
    const body = inTemplate({
      '$setElementOrder/containers': [{ name: 'web' }, { name: 'log' }],
      containers: [
        {
          '$setElementOrder/env': [{ name: 'B' }, { name: 'C' }],
          env: [
            { name: 'B', value: '3' },
            { name: 'C', value: '4' },
            { $patch: 'delete', name: 'A' },
          ],
          name: 'web',
        },
      ],
    });
    expect(patched(body).spec.template.spec.containers[0]).toHaveProperty('env', [
      { name: 'B', value: '3' },
      { name: 'C', value: '4' },
    ]);
  });

  it('edit of the strategy, with retained keys', () => {
    const body = { spec: { strategy: { $retainKeys: ['type'], rollingUpdate: null, type: 'Recreate' } } };
    expect(patched(body).spec.strategy).toEqual({ type: 'Recreate' });
  });

  it('edit of a volume, whose source is replaced and not mixed', () => {
    const body = inTemplate({
      '$setElementOrder/volumes': [{ name: 'data' }],
      volumes: [{ $retainKeys: ['configMap', 'name'], configMap: { name: 'c' }, emptyDir: null, name: 'data' }],
    });
    expect(patched(body).spec.template.spec).toHaveProperty('volumes', [{ name: 'data', configMap: { name: 'c' } }]);
  });

  it('apply that removes a container and its ports, and lists without a merge key as a whole', () => {
    const body = inTemplate({
      '$setElementOrder/containers': [{ name: 'log' }],
      containers: [{ $patch: 'delete', name: 'web' }],
      tolerations: [{ key: 'new', operator: 'Exists' }],
    });
    const { spec } = patched(body).spec.template;
    expect(spec.containers).toEqual([{ name: 'log', image: 'log:1' }]);
    expect(spec.tolerations).toEqual([{ key: 'new', operator: 'Exists' }]);
  });

  it('finalizers and owners merge', () => {
    const body = {
      metadata: {
        '$deleteFromPrimitiveList/finalizers': ['a.b/one'],
        ownerReferences: [{ uid: 'u-1', $patch: 'delete' }],
      },
    };
    expect(patched(body).metadata).toMatchObject({ finalizers: ['a.b/two'], ownerReferences: [] });
  });

  it('conditions of a status merge by type', () => {
    const body = { status: { conditions: [{ type: 'Available', status: 'True' }] } };
    expect(patched(body).status.conditions).toEqual([
      { type: 'Available', status: 'True' },
      { type: 'Progressing', status: 'True' },
    ]);
  });

  it('ports of a Service merge by number', () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: {
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'b' },
        ],
      },
    };
    const body = {
      spec: { '$setElementOrder/ports': [{ port: 80 }, { port: 81 }], ports: [{ port: 81, targetPort: 9 }] },
    };
    expect(patched(body, 'strategic', service as KubeObject)).toMatchObject({
      spec: {
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'b', targetPort: 9 },
        ],
      },
    });
  });

  it('scale by JSON patch', () => {
    expect(patched([{ op: 'replace', path: '/spec/replicas', value: 5 }], 'json').spec.replicas).toBe(5);
  });

  it('leaves the object it was given alone', () => {
    const frozen = structuredClone(deployment);
    patched(
      inTemplate({ containers: [{ $patch: 'replace' }, { name: 'only', image: 'x' }] }),
      'strategic',
      frozen as KubeObject,
    );
    patched([{ op: 'remove', path: '/spec' }], 'json', frozen as KubeObject);
    expect(frozen).toEqual(deployment);
  });

  it.each<[string, PatchType, KubeObject, unknown, number]>([
    ['a strategic patch of a custom resource', 'strategic', { apiVersion: 'x.y/v1', kind: 'Boat' }, {}, 415],
    ['a merge patch that is a list', 'merge', deployment as KubeObject, [], 400],
    [
      'a JSON patch that leaves no object',
      'json',
      deployment as KubeObject,
      [{ op: 'replace', path: '', value: 1 }],
      400,
    ],
    [
      'an item without its key',
      'strategic',
      deployment as KubeObject,
      inTemplate({ containers: [{ image: 'x' }] }),
      400,
    ],
  ])('refuses %s', (_, type, object, body, code) => {
    let error: unknown;
    try {
      patched(body as object, type, object);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(StatusError);
    expect((error as StatusError).code).toBe(code);
  });
});
