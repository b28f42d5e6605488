// Every verb that people use daily, through real kubectl binaries of two ages.
// What is compared is what kubectl prints: it is the judge of whether this is a Kubernetes.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, type Kubectl, type KubectlVersion, kubectlFor } from '#test/support/kubectl.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { settled } from '#test/support/pods.ts';
import { start } from '#test/support/run.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster(['-'], { input: 'apiVersion: v1\nkind: Namespace\nmetadata: {name: empty}\n' });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

const versions: readonly KubectlVersion[] = ['current', 'old'];

describe.each(versions)('kubectl (%s)', async (version) => {
  const found = await findKubectl(version);
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }
  const namespace = `kubectl-${version}`;
  const manifests = (env: Record<string, string> = {}): string =>
    echoManifests({ name: 'web', namespace, replicas: 2, env, host: `${version}.test` });
  let kubectl: Kubectl;
  const inside = (...args: string[]): string[] => ['-n', namespace, ...args];

  beforeAll(async () => {
    const home = join(cluster.data, `home-${version}`);
    mkdirSync(home);
    kubectl = kubectlFor(found.path, cluster.kubeconfig, home);
    await kubectl(['apply', '-f', '-'], manifests());
    await kubectl(inside('rollout', 'status', 'deployment/web', '--timeout=60s'));
  }, 120_000);

  test('version and api-resources', async () => {
    expect(await kubectl(['version'])).toMatch(/Server Version:.*v1\.\d+/);
    const resources = await kubectl(['api-resources']);
    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect(resources).toMatch(/^ingresses +ing +networking\.k8s\.io\/v1 +true +Ingress$/m);
    expect(await kubectl(['api-versions'])).toContain('discovery.k8s.io/v1');
    expect(await kubectl(['cluster-info'])).toContain('is running at');
  });

  test('get prints tables, wide ones, JSON, YAML, names, and what selectors leave', async () => {
    expect(await kubectl(inside('get', 'deployments'))).toMatch(
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 /,
    );
    expect(await kubectl(inside('get', 'pods', '-o', 'wide'))).toMatch(
      /^web-\S+ +1\/1 +Running +0 +\S+ +127\.\S+ +node-1 /m,
    );
    expect(JSON.parse(await kubectl(inside('get', 'service', 'web', '-o', 'json')))).toMatchObject({
      kind: 'Service',
      spec: { type: 'ClusterIP', ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }] },
    });
    expect(await kubectl(inside('get', 'ingress', 'web', '-o', 'yaml'))).toContain('ingressClassName: evenkeel');
    expect(await kubectl(inside('get', 'pods', '-o', 'name'))).toMatch(/^(pod\/web-\S+\n){2}$/);
    expect(await kubectl(inside('get', 'pods', '-l', 'app.kubernetes.io/name=none', '-o', 'name'))).toBe('');
    expect(await kubectl(inside('get', 'pods', '--field-selector=status.phase=Running', '-o', 'name'))).toMatch(
      /^(pod\/\S+\n){2}$/,
    );
    expect(await kubectl(inside('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[0].name}'))).toBe('http');
    expect(await kubectl(['get', 'nodes'])).toMatch(/^node-1 +Ready /m);
    expect(await kubectl(inside('get', 'all'))).toMatch(/^deployment\.apps\/web +2\/2 /m);
    expect(await kubectl(['get', 'ingressclass', 'evenkeel', '-o', 'jsonpath={.spec.controller}'])).toContain(
      'evenkeel.dev/',
    );
    const none = await kubectl.try(inside('get', 'pod', 'nobody'));
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('pods "nobody" not found') });
    expect((await kubectl.try(['-n', 'empty', 'get', 'pods'])).stderr).toContain('No resources found');
  });

  test('get -w shows changes as they happen', async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    const watch = start(
      kubectl.path,
      inside('get', 'configmaps', '-w', '-o', 'name', '--field-selector', 'metadata.name=seen'),
      { env },
    );
    try {
      await eventually('the watch shows the new object', async () => {
        await kubectl.try(inside('create', 'configmap', 'seen', '--from-literal=a=b'));
        await kubectl(inside('label', 'configmap', 'seen', `at=${Date.now()}`, '--overwrite'));
        expect(watch.output().stdout).toContain('configmap/seen');
      });
    } finally {
      watch.child.kill();
      await watch.finished;
    }
  });

  test('apply, client side and server side, creates, changes and leaves alone; diff shows what would change', async () => {
    expect(await kubectl(['apply', '-f', '-'], manifests())).toMatch(/deployment\.apps\/web unchanged/);
    const diff = await kubectl.try(['diff', '-f', '-'], manifests({ COLOUR: 'blue' }));
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^\+ +- name: COLOUR/m);
    const map = (value: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'ssa', namespace },
        data: { key: value },
      });
    expect(await kubectl(['apply', '--server-side', '-f', '-'], map('one'))).toContain(
      'configmap/ssa serverside-applied',
    );
    const conflict = await kubectl.try(['apply', '--server-side', '--field-manager=other', '-f', '-'], map('two'));
    expect(conflict).toMatchObject({ code: 1, stderr: expect.stringContaining('conflict') });
    await kubectl(['apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', '-'], map('two'));
    expect(await kubectl(inside('get', 'configmap', 'ssa', '-o', 'jsonpath={.data.key}'))).toBe('two');
    const wrong = await kubectl.try(['apply', '-f', '-'], manifests().replace('"replicas":2', '"replicass":2'));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/unknown field "(spec\.)?replicass"/) });
  });

  test('create, patch in three ways, edit, label, annotate and delete', async () => {
    await kubectl(inside('create', 'configmap', 'settings', '--from-literal=colour=red'));
    const again = await kubectl.try(inside('create', 'configmap', 'settings'));
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('configmaps "settings" already exists') });
    const data = (): Promise<string> => kubectl(inside('get', 'configmap', 'settings', '-o', 'jsonpath={.data}'));
    await kubectl(inside('patch', 'configmap', 'settings', '--type=merge', '-p', '{"data":{"colour":"blue"}}'));
    await kubectl(
      inside('patch', 'configmap', 'settings', '--type=json', '-p', '[{"op":"add","path":"/data/size","value":"9"}]'),
    );
    await kubectl(inside('patch', 'configmap', 'settings', '-p', '{"data":{"shape":"round"}}'));
    expect(JSON.parse(await data())).toEqual({ colour: 'blue', size: '9', shape: 'round' });
    const edited = await start(kubectl.path, inside('edit', 'configmap', 'settings'), {
      env: { KUBECONFIG: cluster.kubeconfig, KUBE_EDITOR: 'sed -i s/blue/green/' },
    }).finished;
    expect(edited).toMatchObject({ code: 0, stdout: expect.stringContaining('configmap/settings edited') });
    expect(JSON.parse(await data())).toMatchObject({ colour: 'green' });
    await kubectl(inside('label', 'configmap', 'settings', 'tier=front'));
    await kubectl(inside('annotate', 'configmap', 'settings', 'note=hello'));
    expect(await kubectl(inside('get', 'configmap', '-l', 'tier=front', '-o', 'name'))).toBe('configmap/settings\n');
    expect(await kubectl(inside('delete', 'configmap', 'settings'))).toMatch(/configmap "settings" deleted/);
    expect((await kubectl.try(inside('get', 'configmap', 'settings'))).code).toBe(1);
  });

  test('scale, set image, rollout status, history, restart and undo', async () => {
    await kubectl(inside('scale', 'deployment/web', '--replicas=3'));
    await kubectl(inside('wait', 'deployment/web', '--for=condition=Available', '--timeout=60s'));
    await kubectl(inside('rollout', 'status', 'deployment/web', '--timeout=60s'));
    expect(await kubectl(inside('get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}'))).toBe('3');
    await kubectl(inside('set', 'image', 'deployment/web', 'web=evenkeel.dev/echo:2'));
    await kubectl(inside('rollout', 'status', 'deployment/web', '--timeout=60s'));
    const image = (): Promise<string> =>
      kubectl(inside('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}'));
    expect(await image()).toBe('evenkeel.dev/echo:2');
    expect(await kubectl(inside('rollout', 'history', 'deployment/web'))).toMatch(/^2 /m);
    await kubectl(inside('rollout', 'undo', 'deployment/web'));
    await kubectl(inside('rollout', 'status', 'deployment/web', '--timeout=60s'));
    expect(await image()).toBe('evenkeel.dev/echo');
    await kubectl(inside('rollout', 'restart', 'deployment/web'));
    expect(await kubectl(inside('rollout', 'status', 'deployment/web', '--timeout=60s'))).toContain(
      'successfully rolled out',
    );
  }, 120_000);

  test('logs, and logs -f as lines are written', async () => {
    // Those of the rollout before are still leaving: one that stays is wanted, also by kubectl, which chooses any.
    const [chosen] = await settled(cluster, 'web', 3, namespace);
    expect(await kubectl(inside('logs', 'deployment/web'))).toContain('"message":"listening"');
    const pod = `pod/${chosen?.metadata?.name}`;
    const follow = start(kubectl.path, inside('logs', '-f', pod), { env: { KUBECONFIG: cluster.kubeconfig } });
    await eventually('the first line is there', () => expect(follow.output().stdout).toContain('listening'));
    await kubectl(inside('delete', pod, '--wait=false'));
    expect((await follow.finished).stdout).toContain('draining');
  });

  test('describe and events tell what happened', async () => {
    const described = await kubectl(inside('describe', 'deployment', 'web'));
    expect(described).toMatch(/Replicas: +3 desired/);
    expect(described).toContain('ScalingReplicaSet');
    expect(await kubectl(inside('describe', 'pods'))).toMatch(/Normal +Started/);
    expect(await kubectl(inside('get', 'events'))).toMatch(/Normal +Scheduled +pod\/web-/);
    if (version === 'current') expect(await kubectl(inside('events'))).toMatch(/Scheduled/);
  });

  test('explain knows every field', async () => {
    expect(await kubectl(['explain', 'deployment.spec.strategy.rollingUpdate'])).toContain('maxUnavailable');
    expect(await kubectl(['explain', 'ingress'])).toMatch(/KIND: +Ingress/);
  });

  test('delete and wait: a namespace goes with all that is in it', async () => {
    await kubectl(['create', 'namespace', `${namespace}-gone`]);
    await kubectl(['apply', '-f', '-'], echoManifests({ name: 'web', namespace: `${namespace}-gone` }));
    await kubectl(['delete', 'namespace', `${namespace}-gone`, '--wait=false']);
    await kubectl(['wait', '--for=delete', `namespace/${namespace}-gone`, '--timeout=60s']);
    expect((await kubectl.try(['get', 'namespace', `${namespace}-gone`])).stderr).toContain('not found');
    expect((await kubectl.try(['-n', `${namespace}-gone`, 'get', 'all'])).stderr).toContain('No resources found');
  }, 90_000);
});
