// Admission policies over HTTP: what they refuse, warn about and let pass, and what is no policy.
// Knows the server by its URL only.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { at, configMap, deployment, type Json, startTestApi, type TestApi } from '../../testing/api.ts';

const ROOT = '/apis/admissionregistration.k8s.io/v1';
const POLICIES = `${ROOT}/validatingadmissionpolicies`;
const BINDINGS = `${ROOT}/validatingadmissionpolicybindings`;
const CONFIG = '/api/v1/namespaces/default/configmaps';
const DEPLOY = '/apis/apps/v1/namespaces/default/deployments';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
afterEach(async () => {
  for (const path of [BINDINGS, POLICIES]) await api.ok('DELETE', path);
});

const rule = (group: string, resource: string, operations = ['CREATE', 'UPDATE']): Json => ({
  apiGroups: [group],
  apiVersions: ['v1'],
  operations,
  resources: [resource],
});

function policy(name: string, spec: Json): Json {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: { matchConstraints: { resourceRules: [rule('', 'configmaps')] }, ...spec },
  };
}

function binding(name: string, spec: Json = {}): Json {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'], ...spec },
  };
}

async function enforce(name: string, spec: Json, bound: Json = {}): Promise<void> {
  await api.ok('POST', POLICIES, { body: policy(name, spec) });
  await api.ok('POST', BINDINGS, { body: binding(name, bound) });
}

const map = (name: string, data: Json = {}, labels: Json = {}): Json =>
  configMap(name, { data, metadata: { name, labels } });
const create = (body: Json) => api.call('POST', CONFIG, { body });

describe('a policy', () => {
  it('refuses what its expression refuses, once it is bound', async () => {
    const validations = [
      { expression: "!has(object.data) || !('secret' in object.data)", message: 'no secrets here' },
      {
        expression: 'object.metadata.name.size() < 20',
        reason: 'Forbidden',
        messageExpression: "'name of ' + string(object.metadata.name.size())",
      },
    ];
    await api.ok('POST', POLICIES, { body: policy('plain', { validations }) });
    expect((await create(map('before', { secret: 'x' }))).code).toBe(201);
    await api.ok('POST', BINDINGS, { body: binding('plain') });
    const refused = await create(map('after', { secret: 'x' }));
    expect(refused.code).toBe(422);
    expect(refused.body).toMatchObject({
      reason: 'Invalid',
      message:
        "configmaps \"after\" is forbidden: ValidatingAdmissionPolicy 'plain' with binding 'plain' denied request: no secrets here",
    });
    const long = await create(map('a-name-of-more-than-twenty-letters'));
    expect([long.code, long.body.reason]).toEqual([403, 'Forbidden']);
    expect(long.body.message).toContain('denied request: name of 34');
    expect((await api.call('POST', `${CONFIG}?dryRun=All`, { body: map('dry', { secret: 'x' }) })).code).toBe(422);
    expect((await create(map('after'))).code).toBe(201);
    expect(
      (
        await api.call('PATCH', `${CONFIG}/after`, {
          body: { data: { secret: 'y' } },
          type: 'application/merge-patch+json',
        })
      ).code,
    ).toBe(422);
  });

  it('warns where it is told to', async () => {
    await enforce('soft', { validations: [{ expression: 'has(object.data)' }] }, { validationActions: ['Warn'] });
    const made = await create(map('soft'));
    expect(made.code).toBe(201);
    expect((await api.call('POST', CONFIG, { body: configMap('bare') })).headers.warning).toBe(
      `299 - "Validation failed for ValidatingAdmissionPolicy 'soft' with binding 'soft': failed expression: has(object.data)"`,
    );
  });

  it('is about what it matches only', async () => {
    await enforce(
      'narrow',
      {
        matchConstraints: {
          resourceRules: [rule('', 'configmaps', ['DELETE'])],
          objectSelector: { matchLabels: { keep: 'yes' } },
        },
        matchConditions: [{ name: 'not-root', expression: "request.userInfo.username != 'nobody'" }],
        validations: [{ expression: 'object != null', message: 'stays' }],
      },
      { matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } } },
    );
    await create(map('kept', {}, { keep: 'yes' }));
    await create(map('free'));
    expect((await api.call('DELETE', `${CONFIG}/kept`)).body.message).toContain('denied request: stays');
    expect((await api.call('DELETE', `${CONFIG}/free`)).code).toBe(200);
  });

  it('sees the object before, variables, and the namespace', async () => {
    await enforce('rich', {
      variables: [
        { name: 'replicas', expression: 'object.spec.replicas' },
        { name: 'grows', expression: 'oldObject != null && variables.replicas > oldObject.spec.replicas' },
      ],
      matchConstraints: { resourceRules: [rule('apps', 'deployments')] },
      validations: [
        { expression: '!variables.grows || variables.replicas - oldObject.spec.replicas <= 2', message: 'too fast' },
        {
          expression: "namespaceObject.metadata.name == request.namespace && request.operation in ['CREATE', 'UPDATE']",
        },
      ],
    });
    expect((await api.call('POST', DEPLOY, { body: deployment('web', { replicas: 1 }) })).code).toBe(201);
    const scale = (replicas: number) =>
      api.call('PATCH', `${DEPLOY}/web`, { body: { spec: { replicas } }, type: 'application/merge-patch+json' });
    expect((await scale(3)).code).toBe(200);
    expect((await scale(9)).body.message).toContain('denied request: too fast');
  });

  it('takes parameters from objects', async () => {
    await enforce(
      'limits',
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints: { resourceRules: [rule('apps', 'deployments')] },
        validations: [
          {
            expression: 'object.spec.replicas <= int(params.data.most)',
            messageExpression: "'at most ' + params.data.most",
          },
        ],
      },
      { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    );
    const missing = await api.call('POST', DEPLOY, { body: deployment('params') });
    expect(missing.body.message).toContain('no params found for policy binding with `Deny` parameterNotFoundAction');
    await create(map('limits', { most: '2' }));
    expect((await api.call('POST', DEPLOY, { body: deployment('params', { replicas: 3 }) })).body.message).toContain(
      'at most 2',
    );
    expect((await api.call('POST', DEPLOY, { body: deployment('params', { replicas: 2 }) })).code).toBe(201);
  });

  it('asks for permissions', async () => {
    await enforce('may', {
      validations: [
        { expression: "authorizer.group('').resource('secrets').namespace('default').check('list').allowed()" },
        { expression: "authorizer.requestResource.check('create').allowed()" },
        {
          expression:
            "!authorizer.serviceAccount('default', 'nobody').group('').resource('secrets').check('list').allowed()",
          message: 'accounts may not',
        },
      ],
    });
    expect((await create(map('permitted'))).code).toBe(201);
  });

  it.each([
    ['Fail', 422],
    ['Ignore', 201],
  ])('that cannot be evaluated follows its failurePolicy %s', async (failurePolicy, code) => {
    await enforce('broken', { failurePolicy, validations: [{ expression: 'object.data.none == "x"' }] });
    const answer = await create(map(`broken-${failurePolicy.toLowerCase()}`));
    expect(answer.code).toBe(code);
    if (code !== 201) {
      expect(answer.body.message).toContain(
        `denied request: expression 'object.data.none == "x"' resulted in error: no such key: none`,
      );
    }
  });

  it('never stands in its own way', async () => {
    await enforce('all', {
      matchConstraints: {
        resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }],
      },
      validations: [{ expression: 'false' }],
    });
    expect((await create(map('nothing'))).code).toBe(422);
    expect((await api.call('DELETE', `${POLICIES}/all`)).code).toBe(200);
    expect((await create(map('something'))).code).toBe(201);
  });
});

describe('what is no policy', () => {
  const good = { validations: [{ expression: 'true' }] };
  it.each([
    [
      { validations: [{ expression: 'object.' }] },
      'spec.validations[0].expression: Invalid value: "object.": compilation failed: ERROR: <input>',
    ],
    [{ validations: [{ expression: 'object.x + 1 == nobody' }] }, "undeclared reference to 'nobody'"],
    [
      { validations: [{ expression: '1' }] },
      'spec.validations[0].expression: Invalid value: "1": must evaluate to bool',
    ],
    [
      { validations: [] },
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
    ],
    [{ ...good, matchConstraints: null }, 'spec.matchConstraints: Required value'],
    [{ ...good, matchConstraints: {} }, 'spec.matchConstraints.resourceRules: Required value'],
    [{ ...good, failurePolicy: 'Maybe' }, 'spec.failurePolicy: Unsupported value: "Maybe"'],
    [{ validations: [{ expression: 'params.x', message: ' ' }] }, "undeclared reference to 'params'"],
    [{ ...good, variables: [{ name: 'a-b', expression: '1' }] }, 'name is not a valid CEL identifier'],
    [
      { ...good, matchConditions: [{ name: 'x', expression: '"a"' }] },
      'spec.matchConditions[0].expression: Invalid value: ""a"": must evaluate to bool',
    ],
  ])('%j', async (spec, message) => {
    const refused = await api.call('POST', POLICIES, { body: policy('bad', spec as Json) });
    expect(refused.code).toBe(422);
    expect(String(refused.body.message).replaceAll('\\"', '"')).toContain(message.replaceAll('\\"', '"'));
  });

  it('is no binding either', async () => {
    const refused = await api.call('POST', BINDINGS, { body: binding('bad', { validationActions: ['Deny', 'Warn'] }) });
    expect(refused.body.message).toContain('must not contain both Deny and Warn');
  });
});

it('a policy is told where its expressions do not fit the kinds it is about', async () => {
  const made = await api.ok('POST', POLICIES, {
    body: policy('typo', {
      matchConstraints: { resourceRules: [rule('apps', 'deployments')] },
      validations: [{ expression: 'object.spec.replicsa > 1' }],
    }),
  });
  expect(at(made, 'status')).toEqual({
    observedGeneration: 1,
    typeChecking: {
      expressionWarnings: [
        {
          fieldRef: 'spec.validations[0].expression',
          warning:
            "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replicsa'\n | object.spec.replicsa > 1\n | ...........^\n",
        },
      ],
    },
  });
});
