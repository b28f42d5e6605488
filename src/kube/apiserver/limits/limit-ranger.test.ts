// LimitRanges over HTTP: defaults for who says nothing, and bounds in upstream's words.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, at, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let last = 0;
async function space(...limits: Json[]): Promise<string> {
  last += 1;
  const name = `team-${last}`;
  await api.ok('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } });
  await api.ok('POST', `/api/v1/namespaces/${name}/limitranges`, {
    body: { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'limits' }, spec: { limits } },
  });
  return name;
}
const create = (namespace: string, body: Json, resource = 'pods'): Promise<Answer> =>
  api.call('POST', `/api/v1/namespaces/${namespace}/${resource}`, { body });
const container = (name: string, resources: Json = {}): Json => ({ name, image: 'evenkeel.dev/echo', resources });

test('containers that say nothing are given what the namespace gives, and their pod says so', async () => {
  const namespace = await space({
    type: 'Container',
    default: { cpu: '500m', memory: '256Mi' },
    defaultRequest: { cpu: '100m' },
  });
  const containers = [container('a'), container('b', { limits: { cpu: '1' } })];
  const { body } = await create(namespace, pod('p', { containers }));
  expect(at(body, 'spec', 'containers', 0, 'resources')).toEqual({
    requests: { cpu: '100m', memory: '256Mi' },
    limits: { cpu: '500m', memory: '256Mi' },
  });
  expect(at(body, 'spec', 'containers', 1, 'resources')).toEqual({
    requests: { cpu: '1', memory: '256Mi' },
    limits: { cpu: '1', memory: '256Mi' },
  });
  expect(at(body, 'metadata', 'annotations', 'kubernetes.io/limit-ranger')).toBe(
    'LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a; memory request for container b; memory limit for container b',
  );
  expect(at(body, 'status', 'qosClass')).toBe('Burstable');
});

test('what is out of bounds is refused, all of it at once', async () => {
  const namespace = await space(
    {
      type: 'Container',
      min: { cpu: '100m' },
      max: { cpu: '1' },
      maxLimitRequestRatio: { cpu: '2' },
      default: { cpu: '200m' },
    },
    { type: 'Pod', max: { memory: '1Gi' } },
  );
  const cpu = (requests: string, limits: string): Json => ({
    requests: { cpu: requests, memory: '1Mi' },
    limits: { cpu: limits, memory: '1Mi' },
  });
  const cases: [resources: Json, message: string][] = [
    [cpu('50m', '100m'), 'minimum cpu usage per Container is 100m, but request is 50m'],
    [cpu('1', '1500m'), 'maximum cpu usage per Container is 1, but limit is 1500m'],
    [cpu('200m', '600m'), 'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000'],
    [{ requests: { cpu: '100m' } }, 'maximum memory usage per Pod is 1Gi. No limit is specified'],
    [
      { requests: { cpu: '100m' }, limits: { cpu: '100m', memory: '2Gi' } },
      'maximum memory usage per Pod is 1Gi, but limit is 2Gi',
    ],
    [
      { requests: { cpu: '50m' }, limits: { cpu: '2', memory: '1Mi' } },
      '[minimum cpu usage per Container is 100m, but request is 50m, maximum cpu usage per Container is 1, but limit is 2, cpu max limit to request ratio per Container is 2, but provided ratio is 40.000000]',
    ],
  ];
  for (const [resources, message] of cases) {
    const { code, body } = await create(namespace, pod('p', { containers: [container('main', resources)] }));
    expect(body.message).toBe(`pods "p" is forbidden: ${message}`);
    expect(code).toBe(403);
  }
  expect((await create(namespace, pod('p', { containers: [container('main', cpu('150m', '300m'))] }))).code).toBe(201);
});

test('claims are held to a size', async () => {
  const namespace = await space({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
  const claim = (storage: string): Json => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
  const refusal = async (storage: string): Promise<unknown> =>
    (await create(namespace, claim(storage), 'persistentvolumeclaims')).body.message;
  expect(await refusal('3Gi')).toBe(
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
  expect(await refusal('1Mi')).toBe(
    'persistentvolumeclaims "c" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi',
  );
  expect((await create(namespace, claim('1500Mi'), 'persistentvolumeclaims')).code).toBe(201);
});

test('a range that makes no sense is refused with the field', async () => {
  const namespace = await space({ type: 'Container', max: { cpu: '1' } });
  const cases: [item: Json, message: string][] = [
    [
      { type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } },
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
    [
      { type: 'Pod', default: { cpu: '1' } },
      'spec.limits[0].default: Forbidden: may not be specified when `type` is "Pod"',
    ],
    [{ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }, 'ratio 500m is less than 1'],
  ];
  for (const [item, message] of cases) {
    const body = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'wrong' }, spec: { limits: [item] } };
    const answer = await create(namespace, body, 'limitranges');
    expect(answer.code, message).toBe(422);
    expect(answer.body.message).toContain(message);
  }
});
