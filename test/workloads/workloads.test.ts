// StatefulSets with data and DaemonSets, from `evenkeel up` to an undo, through real kubectl binaries of two ages.
// What is compared is what kubectl prints, and what the pods find in their volumes.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { Event, PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, type Kubectl, type KubectlVersion, kubectlFor } from '#test/support/kubectl.ts';

/** Writes its name and version to its volume, a line a start, and stays. */
const SCRIPT = 'echo "$0 $VERSION" >> "$EVENKEEL_MOUNT_DATA/starts"; exec sleep 1000';

function workload(kind: string, name: string, spec: object, pod: object): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, ...pod } };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  };
}

const container = (script: string, more: object = {}): object => ({
  name: 'main',
  image: 'evenkeel.dev/echo',
  command: ['sh', '-c', script, '$(NAME)'],
  env: [
    { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'VERSION', value: 'one' },
  ],
  ...more,
});

const claimTemplate = {
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};
const manifests = [
  workload(
    'StatefulSet',
    'db',
    { serviceName: 'db', replicas: 2, volumeClaimTemplates: [claimTemplate] },
    { containers: [container(SCRIPT, { volumeMounts: [{ name: 'data', mountPath: '/data' }] })] },
  ),
  workload('DaemonSet', 'agent', {}, { containers: [container('exec sleep 1000')] }),
  workload('Deployment', 'web', {}, { containers: [container('exec sleep 1000')] }),
];

let cluster: TestCluster;
beforeAll(async () => {
  const input = manifests.map((object) => JSON.stringify(object)).join('\n---\n');
  cluster = await startCluster(['-'], { input });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

/** What the pods of this name have written over all their lives. */
async function starts(pod: string): Promise<string[]> {
  const claim = await cluster.get<PersistentVolumeClaim>('PersistentVolumeClaim', `data-${pod}`, 'default');
  const volume = await cluster.get<PersistentVolume>('PersistentVolume', claim.spec?.volumeName ?? '');
  return readFileSync(join(volume.spec?.hostPath?.path ?? '', 'starts'), 'utf8')
    .trim()
    .split('\n');
}

test('up waits for StatefulSets and DaemonSets as for Deployments', () => {
  const { stdout } = cluster.running.output();
  expect(stdout).toMatch(/statefulset default\/db.*2\/2 ready/);
  expect(stdout).toMatch(/daemonset default\/agent.*1\/1 ready/);
});

test('a pod whose claim is not bound waits, says so, and starts once it is', async () => {
  await cluster.apply(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'waits' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [container('exec sleep 1000')],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'late' } }],
      },
    }),
  );
  await eventually('somebody says what the pod waits for', async () => {
    const events = await cluster.list<Event>('Event', 'default');
    const about = events.filter(({ involvedObject }) => involvedObject.name === 'waits').map(({ message }) => message);
    expect(about.join('\n')).toMatch(/persistentvolumeclaims? "late" not found/);
  });
  await cluster.apply(
    JSON.stringify({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...claimTemplate, metadata: { name: 'late' } }),
  );
  await eventually('the pod runs', async () => {
    expect((await cluster.get<Pod>('Pod', 'waits', 'default')).status?.phase).toBe('Running');
  });
});

const versions: readonly KubectlVersion[] = ['current', 'old'];

describe.each(versions)('kubectl (%s)', async (version) => {
  const found = await findKubectl(version);
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }
  let kubectl: Kubectl;
  beforeAll(() => {
    const home = join(cluster.data, `home-${version}`);
    mkdirSync(home);
    kubectl = kubectlFor(found.path, cluster.kubeconfig, home);
  });

  test.each(['statefulset/db', 'daemonset/agent', 'deployment/web'])(
    'rolls %s out and back',
    async (what) => {
      const status = (): Promise<string> => kubectl(['rollout', 'status', what, '--timeout=60s']);
      const shown = (): Promise<string> =>
        kubectl(['get', what, '-o', 'jsonpath={.spec.template.spec.containers[0].env[1].value}']);
      await status();
      const value = `${version}-${what.split('/')[1]}`;
      const before = await shown();
      await kubectl(['set', 'env', what, `VERSION=${value}`]);
      expect(await status()).toMatch(/successfully rolled out|roll out complete|rolling update complete/);
      expect(await kubectl(['rollout', 'history', what])).toMatch(/REVISION/);
      await kubectl(['rollout', 'undo', what]);
      await status();
      expect(await shown()).toBe(before);
      await kubectl(['rollout', 'restart', what]);
      await status();
      expect(await kubectl(['get', 'controllerrevisions'])).toMatch(/statefulset\.apps\/db/);
    },
    120_000,
  );

  test('a set that shrinks and grows finds its data again', async () => {
    const before = await starts('db-1');
    await kubectl(['scale', 'statefulset/db', '--replicas=1']);
    await eventually('db-1 is gone', async () => {
      expect((await cluster.get<StatefulSet>('StatefulSet', 'db', 'default')).status?.replicas).toBe(1);
    });
    await kubectl(['scale', 'statefulset/db', '--replicas=2']);
    await kubectl(['rollout', 'status', 'statefulset/db', '--timeout=60s']);
    await eventually('db-1 has started once more with what it had', async () => {
      const after = await starts('db-1');
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.length).toBeGreaterThan(before.length);
    });
    expect(await kubectl(['get', 'pvc'])).toMatch(/data-db-1 +Bound +pvc-\S+ +1Gi +RWO +standard/);
    expect(await kubectl(['get', 'storageclass'])).toMatch(/standard \(default\) +evenkeel\.dev\/host-path/);
  }, 120_000);
});
