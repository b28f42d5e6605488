// Subresources over HTTP: scale, binding, eviction, log, and the pod's admission.
// Knows the server by its URL; the kubelet here is a real HTTPS server that checks its client.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, deployment, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';
import { createTestAuthority } from '../testing.ts';

const DEPLOY = '/apis/apps/v1/namespaces/default/deployments';
const PODS = '/api/v1/namespaces/default/pods';

let api: TestApi;
let kubelet: Server;
let asked: string[] = [];
beforeAll(async () => {
  const authority = await createTestAuthority();
  const serving = await authority.issue('CN=kubelet', true);
  const client = await authority.issue('CN=kube-apiserver', false);
  kubelet = createServer(
    { cert: serving.certPem, key: serving.keyPem, ca: authority.caPem, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      asked.push(String(request.url));
      if (request.url?.includes('/absent/')) {
        response.writeHead(404);
        response.end('container "main" is not there');
        return;
      }
      response.write('first line\n');
      if (!request.url?.includes('follow=true')) response.end('last line\n');
    },
  );
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  api = await startTestApi({ kubeletClient: { ...client, caPem: authority.caPem } });
  await api.ok('POST', '/api/v1/nodes', {
    body: {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n1' },
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } },
      },
    },
  });
});
afterAll(async () => {
  await api.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
});

const bind = (name: string) =>
  api.call('POST', `${PODS}/${name}/binding`, {
    body: { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: 'n1' } },
  });
const setStatus = (path: string, status: Json) =>
  api.ok('PATCH', `${path}/status`, { body: { status }, type: 'application/merge-patch+json' });

describe('scale', () => {
  it('shows and changes the replicas of a workload', async () => {
    const created = await api.ok('POST', DEPLOY, { body: deployment('web') });
    const scale = await api.ok('GET', `${DEPLOY}/web/scale`);
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'web', uid: at(created, 'metadata', 'uid') },
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'app=web' },
    });
    const put = await api.ok('PUT', `${DEPLOY}/web/scale`, { body: { ...scale, spec: { replicas: 3 } } });
    expect(put.spec).toEqual({ replicas: 3 });
    const stale = await api.call('PUT', `${DEPLOY}/web/scale`, { body: { ...scale, spec: { replicas: 4 } } });
    expect(stale.code).toBe(409);
    const patched = await api.ok('PATCH', `${DEPLOY}/web/scale`, {
      body: { spec: { replicas: 0 } },
      type: 'application/merge-patch+json',
    });
    expect(patched.spec).toEqual({ replicas: 0 });
    const after = await api.ok('GET', `${DEPLOY}/web`);
    expect(at(after, 'spec', 'replicas')).toBe(0);
    expect(at(after, 'metadata', 'generation')).toBe(3);
  });

  it('refuses fewer than none, and other kinds', async () => {
    const negative = await api.call('PATCH', `${DEPLOY}/web/scale`, {
      body: { spec: { replicas: -1 } },
      type: 'application/merge-patch+json',
    });
    expect(negative.code).toBe(422);
    expect(negative.body.message).toContain('spec.replicas: Invalid value: -1: must be greater than or equal to 0');
    expect((await api.call('PUT', `${DEPLOY}/web/scale`, { body: deployment('web') })).code).toBe(400);
    expect((await api.call('GET', '/api/v1/namespaces/default/services/kubernetes/scale')).code).toBe(404);
  });
});

describe('pods', () => {
  it('are admitted as upstream does', async () => {
    const body = await api.ok('POST', PODS, { body: pod('plain') });
    expect(body.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
    expect(body.spec).toMatchObject({
      serviceAccountName: 'default',
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    expect((at(body, 'spec', 'tolerations') as Json[]).map((each) => each.key)).toEqual([
      'node.kubernetes.io/not-ready',
      'node.kubernetes.io/unreachable',
    ]);
    const important = await api.ok('POST', PODS, {
      body: pod('important', {
        priorityClassName: 'system-cluster-critical',
        containers: [{ name: 'main', image: 'x', resources: { limits: { cpu: '1', memory: '1Gi' } } }],
      }),
    });
    expect(at(important, 'spec', 'priority')).toBe(2_000_000_000);
    expect(at(important, 'status', 'qosClass')).toBe('Guaranteed');
    const unknown = await api.call('POST', PODS, { body: pod('unknown', { priorityClassName: 'none' }) });
    expect(unknown.code).toBe(403);
    expect(unknown.body.message).toContain('no PriorityClass with name none was found');
    const account = await api.call('POST', PODS, { body: pod('account', { serviceAccountName: 'robot' }) });
    expect(account.body.message).toContain('serviceaccount "robot" not found');
  });

  it('are bound once', async () => {
    await api.ok('POST', PODS, { body: pod('bound') });
    expect((await bind('bound')).code).toBe(201);
    const body = await api.ok('GET', `${PODS}/bound`);
    expect(at(body, 'spec', 'nodeName')).toBe('n1');
    expect(at(body, 'status', 'conditions', 0)).toMatchObject({ type: 'PodScheduled', status: 'True' });
    const again = await bind('bound');
    expect(again.code).toBe(409);
    expect(again.body.message).toBe(
      'Operation cannot be fulfilled on pods/binding "bound": pod bound is already assigned to node "n1"',
    );
  });
});

describe('eviction', () => {
  const evict = (name: string) =>
    api.call('POST', `${PODS}/${name}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
    });
  const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

  it('respects the budget, and takes from it', async () => {
    await api.ok('POST', BUDGETS, {
      body: {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'guard' },
        spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
      },
    });
    await api.ok('POST', PODS, { body: pod('guarded') });
    await bind('guarded');
    await setStatus(`${PODS}/guarded`, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
    const numbers = { observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 };
    await setStatus(`${BUDGETS}/guard`, { ...numbers, disruptionsAllowed: 0 });
    const refused = await evict('guarded');
    expect(refused.code).toBe(429);
    expect(refused.body).toMatchObject({
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget guard needs 1 healthy pods and has 1 currently',
          },
        ],
      },
    });
    await setStatus(`${BUDGETS}/guard`, { ...numbers, disruptionsAllowed: 1 });
    expect((await evict('guarded')).code).toBe(201);
    const budget = await api.ok('GET', `${BUDGETS}/guard`);
    expect(at(budget, 'status', 'disruptionsAllowed')).toBe(0);
    expect(at(budget, 'status', 'disruptedPods')).toHaveProperty('guarded');
    expect(at(await api.ok('GET', `${PODS}/guarded`), 'metadata', 'deletionTimestamp')).toBeDefined();
  });

  it('needs no budget for a pod that has not started', async () => {
    await api.ok('POST', PODS, { body: pod('pending') });
    expect((await evict('pending')).code).toBe(201);
    expect((await evict('pending')).code).toBe(404);
  });
});

describe('log', () => {
  it("passes the kubelet's answer through", async () => {
    await api.ok('POST', PODS, { body: pod('talks') });
    expect((await api.call('GET', `${PODS}/talks/log`)).body.text).toBe('');
    await bind('talks');
    asked = [];
    const { body, code } = await api.call('GET', `${PODS}/talks/log?tailLines=5&timestamps=true&unknown=1`);
    expect(code).toBe(200);
    expect(body.text).toBe('first line\nlast line\n');
    expect(asked).toEqual(['/containerLogs/default/talks/main?tailLines=5&timestamps=true']);
  });

  it('wants to know which of several containers', async () => {
    const containers = [
      { name: 'a', image: 'x' },
      { name: 'b', image: 'x' },
    ];
    await api.ok('POST', PODS, { body: pod('two', { containers }) });
    const which = await api.call('GET', `${PODS}/two/log`);
    expect(which.code).toBe(400);
    expect(which.body.message).toBe('a container name must be specified for pod two, choose one of: [a b]');
    const wrong = await api.call('GET', `${PODS}/two/log?container=c`);
    expect(wrong.body.message).toBe('container c is not valid for pod two');
  });

  it("passes the kubelet's refusal on", async () => {
    await api.ok('POST', PODS, { body: pod('absent') });
    await bind('absent');
    const { code, body } = await api.call('GET', `${PODS}/absent/log`);
    expect(code).toBe(404);
    expect(body.message).toBe('container "main" is not there');
  });
});
