// A program in a pod talks to the API by what Kubernetes gives every pod: kubectl itself, without a word of configuration.
// In network namespaces; what is compared is what kubectl says.
import { spawnSync } from 'node:child_process';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { ownRanges } from '#test/nodes/inventory.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { findKubectl } from '#test/support/kubectl.ts';

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'this is not root';
  const tools = ['ip', 'nft', 'nsenter', 'unshare'];
  const missing = tools.find((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

describe.runIf(kernelAllows(obstacle(), 'pods that talk to the API'))('kubectl in a pod', async () => {
  const found = await findKubectl('current');
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }
  const pod = (name: string, args: string, spec: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'team' },
    spec: {
      restartPolicy: 'Never',
      serviceAccountName: 'robot',
      ...spec,
      containers: [
        {
          name: 'main',
          image: 'evenkeel.dev/echo',
          command: ['sh', '-c', `cd /tmp; ${found.path} ${args} > /dev/termination-log 2>&1`],
        },
      ],
    },
  });
  let cluster: TestCluster;
  beforeAll(async () => {
    const objects = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace: 'team' } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'robot-views', namespace: 'team' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
        subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'team' }],
      },
      pod('who', 'auth whoami -o json'),
      pod('user', 'auth whoami -o json', { securityContext: { runAsUser: 12_345 } }),
      pod('list', 'get serviceaccounts -o name'),
      pod('pry', 'get secrets'),
      pod('mute', 'auth whoami', { automountServiceAccountToken: false }),
    ];
    const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    cluster = await startCluster(['-'], { input, args: ['--network', 'netns', ...ownRanges().arguments] });
  }, 180_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 60_000);

  const said = async (name: string): Promise<string> =>
    await eventually(
      `pod ${name} ends`,
      async () => {
        const { status } = await cluster.get<Pod & KubeObject>('Pod', name, 'team');
        const ended = status?.containerStatuses?.[0]?.state?.terminated;
        if (ended === undefined) throw new Error(JSON.stringify(status));
        return ended.message ?? '';
      },
      60_000,
    );

  test('is known as the service account of the pod, also to a user of its own', { timeout: 70_000 }, async () => {
    for (const name of ['who', 'user']) {
      expect(JSON.parse(await said(name))).toMatchObject({
        status: {
          userInfo: {
            username: 'system:serviceaccount:team:robot',
            extra: { 'authentication.kubernetes.io/pod-name': [name] },
          },
        },
      });
    }
  });

  test('asks in the namespace of the pod', { timeout: 70_000 }, async () => {
    expect((await said('list')).trim().split('\n')).toEqual(['serviceaccount/default', 'serviceaccount/robot']);
  });

  test('may do what its account is bound to, and nothing else', { timeout: 70_000 }, async () => {
    expect(await said('pry')).toContain(
      'secrets is forbidden: User "system:serviceaccount:team:robot" cannot list resource "secrets" in API group "" in the namespace "team"',
    );
  });

  test('is nobody where the pod wants no token', { timeout: 70_000 }, async () => {
    expect(await said('mute')).toMatch(/refused|error/i);
  });
});
