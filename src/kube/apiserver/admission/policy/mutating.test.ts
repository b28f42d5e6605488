// MutatingAdmissionPolicy on a real server: what becomes of objects, in which order, and what a refused client reads.
// Knows the server by its URL only.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { at, configMap, type Json, pod, startTestApi, type TestApi } from '../../testing/api.ts';

const ROOT = '/apis/admissionregistration.k8s.io/v1';
const CONFIG = '/api/v1/namespaces/default/configmaps';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
afterEach(async () => {
  for (const kind of ['policybindings', 'policies']) await api.ok('DELETE', `${ROOT}/mutatingadmission${kind}`);
});

const rule = (resource: string, extra: Json = {}): Json => ({
  apiGroups: ['*'],
  apiVersions: ['*'],
  operations: ['CREATE', 'UPDATE'],
  resources: [resource],
  ...extra,
});
const apply = (expression: string): Json => ({
  patchType: 'ApplyConfiguration',
  applyConfiguration: { expression },
});
const patch = (expression: string): Json => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
const policy = (name: string, spec: Json): Json => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicy',
  metadata: { name },
  spec: { matchConstraints: { resourceRules: [rule('configmaps')] }, reinvocationPolicy: 'Never', ...spec },
});

async function enforce(name: string, spec: Json, binding: Json = {}): Promise<void> {
  await api.ok('POST', `${ROOT}/mutatingadmissionpolicies`, { body: policy(name, spec) });
  await api.ok('POST', `${ROOT}/mutatingadmissionpolicybindings`, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingAdmissionPolicyBinding',
      metadata: { name: `${name}-everywhere` },
      spec: { policyName: name, ...binding },
    },
  });
}

let made = 0;
const create = (data: Json = {}, extra: Json = {}) =>
  api.call('POST', CONFIG, { body: configMap(`m-${++made}`, { data, ...extra }) });

describe('a policy', () => {
  it('changes objects as they are created and updated, by what it knows of the request', async () => {
    await enforce('stamp', {
      variables: [{ name: 'who', expression: 'request.userInfo.username' }],
      mutations: [
        apply('Object{metadata: Object.metadata{labels: {"by": variables.who}}}'),
        patch('[JSONPatch{op: "add", path: "/data/seen", value: object.metadata.labels["by"]}]'),
      ],
    });
    const { code, body } = await create({ a: 'b' });
    expect(code).toBe(201);
    expect(body).toMatchObject({ metadata: { labels: { by: 'admin' } }, data: { a: 'b', seen: 'admin' } });
    const name = String(at(body, 'metadata', 'name'));
    const changed = await api.ok('PATCH', `${CONFIG}/${name}`, {
      body: { data: { seen: 'nobody' } },
      type: 'application/merge-patch+json',
    });
    expect(at(changed, 'data', 'seen')).toBe('admin');
    // What it set is nobody's.
    expect(JSON.stringify(at(body, 'metadata', 'managedFields'))).not.toContain('f:seen');
  });

  it('merges containers by name, which get the defaults of their kind and the plugins of the server', async () => {
    await enforce('sidecar', {
      matchConstraints: { resourceRules: [rule('pods', { operations: ['CREATE'] })] },
      matchConditions: [{ name: 'once', expression: "!object.spec.containers.exists(c, c.name == 'mesh')" }],
      mutations: [
        apply(
          'Object{spec: Object.spec{containers: [Object.spec.containers{name: "mesh", image: "mesh:1", ports: [Object.spec.containers.ports{containerPort: 9}]}]}}',
        ),
      ],
    });
    const { body } = await api.call('POST', '/api/v1/namespaces/default/pods', { body: pod('with-mesh') });
    const containers = at(body, 'spec', 'containers') as Json[];
    expect(containers.map(({ name }) => name)).toEqual(['main', 'mesh']);
    expect(containers[1]).toMatchObject({
      terminationMessagePath: '/dev/termination-log',
      ports: [{ containerPort: 9, protocol: 'TCP' }],
      volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
    });
    await api.ok('DELETE', '/api/v1/namespaces/default/pods/with-mesh?gracePeriodSeconds=0');
  });

  it('is about what it matches only, and narrowed by its binding', async () => {
    await enforce(
      'narrow',
      { mutations: [apply('Object{data: Object.data{hit: "yes"}}')] },
      { matchResources: { objectSelector: { matchLabels: { hit: 'me' } } } },
    );
    expect(at((await create()).body, 'data')).toEqual({});
    const labelled = await create({}, { metadata: { name: 'labelled', labels: { hit: 'me' } } });
    expect(at(labelled.body, 'data')).toEqual({ hit: 'yes' });
  });

  it('is run once for each parameter', async () => {
    for (const team of ['red', 'blue']) {
      await api.ok('POST', CONFIG, {
        body: configMap(`team-${team}`, {
          metadata: { name: `team-${team}`, labels: { team: 'yes' } },
          data: { team },
        }),
      });
    }
    await enforce(
      'teams',
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        mutations: [apply('Object{metadata: Object.metadata{annotations: {"team/" + params.data.team: "x"}}}')],
      },
      { paramRef: { selector: { matchLabels: { team: 'yes' } }, parameterNotFoundAction: 'Deny' } },
    );
    const { body } = await create();
    expect(at(body, 'metadata', 'annotations')).toEqual({ 'team/red': 'x', 'team/blue': 'x' });
    await enforce(
      'missing',
      { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, mutations: [apply('Object{}')] },
      { paramRef: { name: 'none', namespace: 'default', parameterNotFoundAction: 'Deny' } },
    );
    const refused = await create();
    expect(refused.code).toBe(403);
    expect(refused.body).toMatchObject({
      reason: 'Invalid',
      message:
        "policy 'missing' with binding 'missing-everywhere' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    });
  });

  it('comes by its name, and once more when others changed the object after it, if it wishes', async () => {
    const count = (name: string): Json =>
      patch(
        `[JSONPatch{op: "add", path: "/data/order", value: (has(object.data.order) ? object.data.order : "") + "${name}"}]`,
      );
    await enforce('b-second', { mutations: [count('b')] });
    await enforce('a-first', { mutations: [count('a')], reinvocationPolicy: 'IfNeeded' });
    expect(at((await create({ x: 'y' })).body, 'data', 'order')).toBe('aba');
  });

  it('that fails refuses, unless it may be ignored', async () => {
    const mutations = [apply('Object{metadata: Object.metadata{labels: {"x": object.data.missing}}}')];
    await enforce('strict', { mutations });
    const refused = await create();
    expect(refused.code).toBe(403);
    expect(refused.body).toMatchObject({
      reason: 'Invalid',
      message:
        "policy 'strict' with binding 'strict-everywhere' denied request: expression 'Object{metadata: Object.metadata{labels: {\"x\": object.data.missing}}}' resulted in error: no such key: missing",
    });
    for (const kind of ['policybindings', 'policies']) await api.ok('DELETE', `${ROOT}/mutatingadmission${kind}`);
    await enforce('lax', { mutations, failurePolicy: 'Ignore' });
    expect((await create()).code).toBe(201);
  });

  it('cannot make what is not valid', async () => {
    await enforce('breaks', { mutations: [apply('Object{metadata: Object.metadata{labels: {"x": "not a label!"}}}')] });
    const refused = await create();
    expect(refused.code).toBe(422);
    expect(refused.body.message).toContain('metadata.labels: Invalid value: "not a label!"');
  });

  it('is not asked about policies, and shown in columns of its own', async () => {
    await enforce('all', {
      matchConstraints: { resourceRules: [rule('*')] },
      mutations: [apply('Object{metadata: Object.metadata{labels: {"x": "y"}}}')],
    });
    await enforce('other', { mutations: [apply('Object{}')] });
    const table = await api.ok('GET', `${ROOT}/mutatingadmissionpolicies`, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    expect((table.columnDefinitions as Json[]).map(({ name }) => name)).toEqual([
      'Name',
      'Mutations',
      'ParamKind',
      'Age',
    ]);
    expect(at(table, 'rows', 1, 'object', 'metadata')).not.toHaveProperty('labels');
  });
});

it.each([
  [{ mutations: [] }, 'spec.mutations: Required value: mutations must contain at least one item'],
  [{ reinvocationPolicy: undefined }, 'spec.reinvocationPolicy: Required value'],
  [
    { reinvocationPolicy: 'Always' },
    'spec.reinvocationPolicy: Unsupported value: "Always": supported values: "IfNeeded", "Never"',
  ],
  [{ mutations: [{}] }, 'spec.mutations[0].patchType: Required value'],
  [
    { mutations: [{ patchType: 'Merge' }] },
    'spec.mutations[0].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"',
  ],
  [
    { mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } }] },
    'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
  ],
  [
    { mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } }] },
    'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
  ],
  [{ mutations: [apply('  ')] }, 'spec.mutations[0].applyConfiguration.expression: Required value'],
  [
    { mutations: [apply('{"a": "b"}')] },
    'spec.mutations[0].applyConfiguration.expression: Invalid value: "{\\"a\\": \\"b\\"}": must evaluate to Object',
  ],
  [
    { mutations: [patch('JSONPatch{op: "test"}')] },
    'spec.mutations[0].jsonPatch.expression: Invalid value: "JSONPatch{op: \\"test\\"}": must evaluate to list(JSONPatch)',
  ],
  [
    { mutations: [apply('Object{metadata: nobody}')] },
    "compilation failed: ERROR: <input>:1:18: undeclared reference to 'nobody'",
  ],
  [
    { matchConstraints: { resourceRules: [rule('pods', { operations: ['DELETE'] })] } },
    'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
  ],
])('a policy with %j is refused', async (extra, message) => {
  const body = policy('bad', { mutations: [apply('Object{}')], ...extra });
  const refused = await api.call('POST', `${ROOT}/mutatingadmissionpolicies`, { body });
  expect(refused.code).toBe(422);
  expect(refused.body.message).toContain(message);
});
