// Admission of connections and of subresources with objects of their own: who is asked, and about what.
// Knows the server by its URL only.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { readAuditPolicy } from '../audit/policy.ts';
import { at, configMap, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';

const ROOT = '/apis/admissionregistration.k8s.io/v1';
const PODS = '/api/v1/namespaces/default/pods';

let api: TestApi;
const lines: Json[] = [];
beforeAll(async () => {
  const policy = readAuditPolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] });
  const write = (line: string): void => void lines.push(JSON.parse(line) as Json);
  api = await startTestApi({ audit: { policy, sink: { write, close: () => Promise.resolve() } } });
  await api.ok('POST', '/api/v1/nodes', { body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } } });
  await api.ok('PATCH', '/api/v1/nodes/n1/status', {
    body: {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
      },
    },
    type: 'application/merge-patch+json',
  });
  await api.ok('POST', PODS, { body: pod('web', { nodeName: 'n1' }) });
  await api.ok('PATCH', `${PODS}/web/status`, {
    body: { status: { podIP: '127.0.0.1', phase: 'Running' } },
    type: 'application/merge-patch+json',
  });
});
afterAll(() => api.close());
afterEach(async () => {
  for (const kind of ['policybindings', 'policies']) await api.ok('DELETE', `${ROOT}/validatingadmission${kind}`);
});

async function enforce(resource: string, operation: string, spec: Json, actions = ['Deny']): Promise<void> {
  const rule = { apiGroups: ['*'], apiVersions: ['*'], operations: [operation], resources: [resource] };
  const common = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name: 'p' } };
  await api.ok('POST', `${ROOT}/validatingadmissionpolicies`, {
    body: {
      ...common,
      kind: 'ValidatingAdmissionPolicy',
      spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
    },
  });
  await api.ok('POST', `${ROOT}/validatingadmissionpolicybindings`, {
    body: {
      ...common,
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: 'p', validationActions: actions },
    },
  });
}
/** A message that shows what the expression sees. */
const telling = (expression: string): Json => ({
  validations: [{ expression: 'false', messageExpression: expression, reason: 'Forbidden' }],
});

const seen = "request.kind.kind + ' ' + request.operation + ' ' + request.subResource + ' ' + request.name";

it.each([
  [
    'exec',
    'POST',
    `${PODS}/web/exec?stdin=true&container=main&command=sh&command=-c`,
    'PodExecOptions',
    `string(object.stdin) + ' ' + object.command.join(',') + ' ' + object.container`,
    'true sh,-c main',
  ],
  [
    'attach',
    'POST',
    `${PODS}/web/attach?stdout=true&tty=true`,
    'PodAttachOptions',
    'string(object.stdout) + string(object.tty)',
    'truetrue',
  ],
  [
    'portforward',
    'POST',
    `${PODS}/web/portforward?ports=80&ports=443`,
    'PodPortForwardOptions',
    'string(object.ports[1])',
    '443',
  ],
])('%s is put to policies with its options', async (part, method, path, kind, expression, shown) => {
  await enforce(`pods/${part}`, 'CONNECT', telling(`${seen} + ': ' + ${expression}`));
  const { code, body } = await api.call(method, path);
  expect(code).toBe(403);
  expect(body.message).toBe(
    `pods "web" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: ${kind} CONNECT ${part} web: ${shown}`,
  );
});

it.each([
  ['pods', `${PODS}/web:80/proxy/deep/path?x=y`, 'PodProxyOptions'],
  ['nodes', '/api/v1/nodes/n1/proxy/metrics', 'NodeProxyOptions'],
])('a proxy of %s is put to policies', async (resource, path, kind) => {
  await enforce(`${resource}/proxy`, 'CONNECT', telling("request.kind.kind + ' ' + object.path"));
  const { code, body } = await api.call('GET', path);
  expect(code).toBe(403);
  expect(body.message).toContain(`denied request: ${kind} ${resource === 'pods' ? '/deep/path' : '/metrics'}`);
});

it.each([
  [
    'eviction',
    `${PODS}/web/eviction`,
    { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' } },
    'Eviction',
  ],
  [
    'binding',
    `${PODS}/web/binding`,
    { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target: { kind: 'Node', name: 'n1' } },
    'Binding',
  ],
])('%s is put to policies as what it is', async (part, path, body, kind) => {
  await enforce(`pods/${part}`, 'CREATE', telling(seen));
  const refused = await api.call('POST', path, { body });
  expect(refused.body.message).toContain(`denied request: ${kind} CREATE ${part} web`);
});

it('tokens and ephemeral containers are put to policies', async () => {
  await enforce('serviceaccounts/token', 'CREATE', telling("request.kind.kind + ' ' + object.spec.audiences[0]"));
  const token = await api.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['me'] } },
  });
  expect(token.body.message).toContain('denied request: TokenRequest me');
  for (const kind of ['policybindings', 'policies']) await api.ok('DELETE', `${ROOT}/validatingadmission${kind}`);
  await enforce('pods/ephemeralcontainers', 'UPDATE', telling('object.spec.ephemeralContainers[0].name'));
  const debug = await api.call('PATCH', `${PODS}/web/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: [{ name: 'look', image: 'x' }] } },
    type: 'application/strategic-merge-patch+json',
  });
  expect(debug.body.message).toContain('denied request: look');
});

it('what policies want written down stands in the audit log, and what they warn of is told with a refusal too', async () => {
  await enforce(
    'configmaps',
    'CREATE',
    {
      validations: [{ expression: "object.metadata.name != 'noted'", message: 'not that name' }],
      auditAnnotations: [{ key: 'size', valueExpression: "'has ' + string(size(object.data))" }],
    },
    ['Warn', 'Audit'],
  );
  const body = configMap('noted', { data: { a: 'b' } });
  const { headers } = await api.call('POST', '/api/v1/namespaces/default/configmaps', {
    body,
    headers: { 'audit-id': 'noted' },
  });
  expect(headers.warning).toContain(
    "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': not that name",
  );
  const event = lines.find((line) => line.auditID === 'noted' && line.stage === 'ResponseComplete');
  expect(event?.annotations).toMatchObject({
    'p/size': 'has 1',
    'validation.policy.admission.k8s.io/validation_failure': JSON.stringify([
      {
        message: 'not that name',
        policy: 'p',
        binding: 'p',
        expressionIndex: 0,
        validationActions: ['Warn', 'Audit'],
      },
    ]),
  });
  const again = await api.call('POST', '/api/v1/namespaces/default/configmaps', { body });
  expect(again.code).toBe(409);
  expect(again.headers.warning).toContain('not that name');
  expect(at(await api.call('GET', '/metrics'), 'body', 'text')).toContain(
    'evenkeel_apiserver_admission_policy_checks_total{type="validating",policy="p",policy_binding="p",error_type="no_error",enforcement_action="audit"}',
  );
});
