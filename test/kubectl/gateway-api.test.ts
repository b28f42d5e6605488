// The official bundles of the Gateway API through a real kubectl: applied unchanged, explained, and held to their rules.
// The API server runs as a process of its own; the bundles are not part of this repository.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';
import { publishedBundle } from '#test/support/published.ts';
import { evenkeelBinary, type Running, start } from '#test/support/run.ts';
import { tempDir } from '#test/support/temp-dir.ts';

const standard = publishedBundle('standard', 'the Gateway API by kubectl') ?? '';
const experimental = publishedBundle('experimental', 'the Gateway API by kubectl') ?? '';
const found = await findKubectl('current');
const here = standard !== '' && experimental !== '';
const possible = here && kernelAllows('missing' in found ? found.missing : undefined, 'the Gateway API by kubectl');

const route = (name: string, rule: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ name: gw }]
  rules:
  - ${rule}
`;

describe.runIf(possible)('kubectl, with the bundles of the Gateway API', () => {
  const data = tempDir('gateway-api');
  let api: Running;
  let kubectl: Kubectl;

  beforeAll(async () => {
    api = start(evenkeelBinary, ['apiserver', '--data', data.path, '--api-port', '0']);
    await eventually('it is up', () => expect(api.output().stdout).toContain('export KUBECONFIG='), 60_000);
    const home = join(data.path, 'home');
    mkdirSync(home);
    kubectl = kubectlFor('path' in found ? found.path : '', join(data.path, 'kubeconfig'), home);
  }, 90_000);
  afterAll(async () => {
    api?.child.kill('SIGTERM');
    await api?.finished;
    data.remove();
  }, 30_000);

  test('takes the standard one as it is, from both sides', async () => {
    const first = await kubectl(['apply', '--server-side', '-f', standard]);
    expect(first).toContain(
      'customresourcedefinition.apiextensions.k8s.io/httproutes.gateway.networking.k8s.io serverside-applied',
    );
    expect(await kubectl(['apply', '--server-side', '-f', standard])).toContain('serverside-applied');
    await kubectl(['wait', '--for=condition=Established', 'crd/httproutes.gateway.networking.k8s.io', '--timeout=10s']);
  }, 60_000);

  test('explains its kinds', async () => {
    const text = await kubectl(['explain', 'httproute.spec.rules']);
    expect(text).toContain('KIND:       HTTPRoute');
    expect(text).toContain('FIELD: rules <[]Object>');
    expect(text).toContain('backendRefs');
  }, 30_000);

  test('makes what is in order', async () => {
    const good = route(
      'good',
      '{ matches: [{ path: { type: PathPrefix, value: /api } }], backendRefs: [{ name: api, port: 80 }] }',
    );
    expect(await kubectl(['apply', '-f', '-'], good)).toContain('httproute.gateway.networking.k8s.io/good created');
  }, 30_000);

  test.each([
    [
      'a path with two slashes',
      route('bad', '{ matches: [{ path: { type: PathPrefix, value: //api } }] }'),
      "spec.rules[0].matches[0].path: Invalid value: must not contain '//' when type one of ['Exact', 'PathPrefix']",
    ],
    [
      'a core backend without a port',
      route('bad', '{ backendRefs: [{ name: api }] }'),
      'spec.rules[0].backendRefs[0]: Invalid value: Must have port for Service reference',
    ],
    [
      'a kind of path that there is not',
      route('bad', '{ matches: [{ path: { type: Nope, value: / } }] }'),
      'spec.rules[0].matches[0].path.type: Unsupported value: "Nope": supported values: "Exact", "PathPrefix", "RegularExpression"',
    ],
    [
      'a port that there is not',
      route('bad', '{ backendRefs: [{ name: api, port: 0 }] }'),
      'spec.rules[0].backendRefs[0].port: Invalid value: 0: spec.rules[0].backendRefs[0].port in body should be greater than or equal to 1',
    ],
    [
      'a Gateway whose listeners share a name',
      `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gw }
spec:
  gatewayClassName: evenkeel
  listeners:
  - { name: a, port: 80, protocol: HTTP }
  - { name: a, port: 81, protocol: HTTP }
`,
      'spec.listeners[1]: Duplicate value: {"name":"a"}',
    ],
    [
      'a Gateway with TLS for plain HTTP',
      `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gw }
spec:
  gatewayClassName: evenkeel
  listeners:
  - { name: a, port: 80, protocol: HTTP, tls: { certificateRefs: [{ name: x }] } }
`,
      "spec.listeners: Invalid value: tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
    ],
  ])(
    'refuses %s',
    async (_, manifest, message) => {
      const refused = await kubectl.try(['apply', '-f', '-'], manifest);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(message);
    },
    30_000,
  );

  test('keeps the experimental one out until the policy that guards it goes', async () => {
    const guard = 'safe-upgrades.gateway.networking.k8s.io';
    expect(await kubectl(['get', 'validatingadmissionpolicy', guard])).toMatch(/NAME +VALIDATIONS +PARAMKIND +AGE/);
    const refused = await kubectl.try(['apply', '--server-side', '-f', experimental]);
    expect(refused.stderr).toContain(
      `ValidatingAdmissionPolicy '${guard}' with binding '${guard}' denied request: Installing experimental CRDs on top of standard channel CRDs is prohibited by default`,
    );
    await kubectl(['delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', guard]);
    expect(await kubectl(['apply', '--server-side', '-f', experimental])).toContain(
      'xmeshes.gateway.networking.x-k8s.io serverside-applied',
    );
  }, 120_000);

  test('takes the definitions from the side of the client as well', async () => {
    await kubectl(['delete', '--wait', 'crd', '--all'], '');
    const created = await kubectl.try(['create', '-f', standard]);
    expect(created.stdout).toContain('httproutes.gateway.networking.k8s.io created');
  }, 120_000);
});
