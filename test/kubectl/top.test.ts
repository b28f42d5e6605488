// `kubectl top`, old and new: what pods and nodes use, as the kubelet reads it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, type KubectlVersion, kubectlFor } from '#test/support/kubectl.ts';
import { echoManifests } from '#test/support/manifests.ts';

const namespace = 'top';
/** Works all the time; its neighbour waits all the time. */
const BUSY = { command: ['node', '-e', 'for (;;);'], readinessProbe: null };

let cluster: TestCluster;
beforeAll(async () => {
  const input = [
    echoManifests({ name: 'idle', namespace }),
    echoManifests({ name: 'busy', namespace, container: BUSY }),
  ].join('');
  cluster = await startCluster(['-'], { input });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

/** CPU in thousandths and memory in mebibytes by the name in the first column. */
function table(text: string): Record<string, { cpu: number; memory: number }> {
  const rows = [...text.matchAll(/^(\S+) +(\d+)m +(?:\d+% +)?(\d+)Mi/gm)];
  return Object.fromEntries(
    rows.map(([, name = '', cpu, memory]) => [
      name.replace(/-[a-z0-9]+-[a-z0-9]+$/, ''),
      { cpu: Number(cpu), memory: Number(memory) },
    ]),
  );
}

describe.each<KubectlVersion>(['current', 'old'])('kubectl top (%s)', async (version) => {
  const found = await findKubectl(version);
  if ('missing' in found) {
    test.skip(`skipped: ${found.missing}`, () => {});
    return;
  }

  test('shows who works and who waits, and the node with both', async () => {
    const home = join(cluster.data, `home-${version}`);
    mkdirSync(home);
    const kubectl = kubectlFor(found.path, cluster.kubeconfig, home);
    await eventually(
      'the pods have been read twice',
      async () => {
        const pods = table(await kubectl(['top', 'pods', '-n', namespace]));
        expect(pods.busy?.cpu).toBeGreaterThan(50);
        expect(pods.busy?.cpu).toBeGreaterThan((pods.idle?.cpu ?? Number.NaN) * 2);
        expect(pods.idle?.memory).toBeGreaterThan(5);
      },
      30_000,
    );
    const nodes = table(await kubectl(['top', 'nodes']));
    expect(nodes['node-1']?.cpu).toBeGreaterThan(50);
    const selected = await kubectl([
      'top',
      'pods',
      '-n',
      namespace,
      '-l',
      'app.kubernetes.io/name=idle',
      '--containers',
    ]);
    expect(selected).toMatch(/^idle-\S+ +idle +\d+m +\d+Mi/m);
    expect(selected).not.toContain('busy');
  }, 60_000);
});
