// A base and an overlay of it through real kubectl: built, compared, applied, changed, pruned, deleted.
// Knows what kubectl prints and what the cluster holds afterwards.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';

const namespace = 'harbour';
const selector = 'app.kubernetes.io/part-of=harbour';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster([], { args: ['--network', 'loopback'] });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

const found = await findKubectl('current');
if ('missing' in found) test.skip(`skipped: ${found.missing}`, () => {});
else {
  let kubectl: Kubectl;
  let directory: string;
  let overlay: string;
  beforeAll(() => {
    const home = join(cluster.data, 'home-kustomize');
    mkdirSync(home);
    kubectl = kubectlFor(found.path, cluster.kubeconfig, home);
    directory = join(cluster.data, 'kustomize');
    cpSync(join(import.meta.dirname, 'kustomize'), directory, { recursive: true });
    overlay = join(directory, 'overlay');
  });

  /** Generated names end in a hash of what they hold. */
  const configMaps = async (): Promise<string[]> =>
    (await cluster.list<KubeObject>('ConfigMap', namespace, selector)).map((each) => each.metadata?.name ?? '');
  const rolledOut = (): Promise<string> =>
    kubectl(['-n', namespace, 'rollout', 'status', 'deployment/east-web', '--timeout=60s']);
  const says = async (): Promise<string> =>
    kubectl(['-n', namespace, 'exec', 'deployment/east-web', '--', 'sh', '-c', 'echo "$GREETING from pier $PIER"']);
  const prune = ['--prune', '-l', selector, '--prune-allowlist=core/v1/ConfigMap'];

  test('an overlay is applied, with its names, images, numbers, patches and generated objects', {
    timeout: 120_000,
  }, async () => {
    expect(await kubectl(['apply', '-k', overlay])).toMatch(
      /^namespace\/harbour created\nconfigmap\/east-greeting-\w+ created\nsecret\/east-key-\w+ created\nservice\/east-web created\ndeployment\.apps\/east-web created\n$/,
    );
    await rolledOut();
    const { spec } = await cluster.get<KubeObject & { spec: Record<string, unknown> }>(
      'Deployment',
      'east-web',
      namespace,
    );
    expect(spec).toMatchObject({
      replicas: 2,
      selector: { matchLabels: { 'app.kubernetes.io/name': 'web', 'app.kubernetes.io/part-of': 'harbour' } },
      template: { spec: { containers: [{ image: 'evenkeel.dev/echo:2', env: [{ name: 'PIER', value: '7' }] }] } },
    });
    expect(await says()).toBe('ahoy from pier 7\n');
    expect(await kubectl(['-n', namespace, 'get', 'service', 'east-web', '-o', 'jsonpath={.spec.ports}'])).toBe(
      '[{"name":"http","port":80,"protocol":"TCP","targetPort":8080}]',
    );
  });

  test('what is applied already is no change', { timeout: 60_000 }, async () => {
    expect(await kubectl(['diff', '-k', overlay])).toBe('');
    const again = await kubectl(['apply', '-k', overlay]);
    expect(again.match(/unchanged$/gm)).toHaveLength(5);
  });

  test('another greeting rolls the pods, and pruning takes the old one away', { timeout: 120_000 }, async () => {
    const file = join(overlay, 'kustomization.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('GREETING=ahoy', 'GREETING=moin'));
    const [before] = await configMaps();
    expect(await kubectl.try(['diff', '-k', overlay])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('GREETING: moin'),
    });
    const applied = await kubectl(['apply', '-k', overlay, ...prune]);
    expect(applied).toContain(`configmap/${before} pruned`);
    expect(applied).toContain('deployment.apps/east-web configured');
    await rolledOut();
    const after = await configMaps();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual([before]);
    expect(await says()).toBe('moin from pier 7\n');
  });

  test('the server applies it as well, once it owns what kubectl applied', { timeout: 60_000 }, async () => {
    const applied = await kubectl(['apply', '--server-side', '-k', overlay]);
    expect(applied.match(/serverside-applied$/gm)).toHaveLength(5);
    const { metadata } = await cluster.get<KubeObject>('Deployment', 'east-web', namespace);
    const managers = metadata?.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`);
    expect(managers).toContain('kubectl Apply');
    // What client-side apply left behind moved over: nobody else owns the fields of the file.
    expect(managers).not.toContain('kubectl-client-side-apply Update');
  });

  test('deleting takes everything away, and nothing else', { timeout: 120_000 }, async () => {
    const deleted = await kubectl(['delete', '-k', overlay, '--timeout=60s']);
    expect(deleted.match(/ deleted/g)).toHaveLength(5);
    expect((await kubectl.try(['get', 'namespace', namespace])).stderr).toContain('not found');
    expect(await kubectl(['get', 'namespace', 'default', '-o', 'name'])).toBe('namespace/default\n');
  });

  test('a broken overlay is said to be so before anything is sent', async () => {
    writeFileSync(join(directory, 'base', 'kustomization.yaml'), 'resources: [gone.yaml]\n');
    const refused = await kubectl.try(['apply', '-k', overlay]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('gone.yaml');
  });
}
