// kubectl debug through real binaries: copies of pods, and a pod on a node that sees what the node does.
// What is compared is what the debugging container finds around it; it waits for a word, so that kubectl has joined it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { findKubectl, type Kubectl, type KubectlVersion, kubectlFor } from '#test/support/kubectl.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { ownRanges } from '../nodes/inventory.ts';

const images = { sh: { command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done'] } };
const pod = (name: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: default, labels: { app: ${name} } }
spec:
  nodeName: node-1
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: sh
      env: [{ name: COLOUR, value: green }]
      readinessProbe: { exec: { command: ["true"] } }
`;
const versions: readonly KubectlVersion[] = ['current', 'old'];

const manifests = tempDir('debug');
let cluster: TestCluster;

describe.runIf(kernelAllows(namespaceObstacle(), 'kubectl debug on nodes of their own'))('kubectl debug', () => {
  beforeAll(async () => {
    const dir = manifests.path;
    mkdirSync(join(dir, 'k8s'), { recursive: true });
    writeFileSync(join(dir, 'evenkeel.yaml'), JSON.stringify({ manifests: ['k8s'], images }));
    const pods = ['shell', ...versions.map((version) => `doomed-${version}`)];
    writeFileSync(join(dir, 'k8s', 'pods.yaml'), pods.map(pod).join('---'));
    cluster = await startCluster([dir], { args: ['--network', 'netns', '--nodes', '2', ...ownRanges().arguments] });
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
    manifests.remove();
  }, 60_000);

  describe.each(versions)('(%s)', async (version) => {
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

    /** What a script prints that is run in the container and is told "words". */
    async function said(args: readonly string[], script: string): Promise<string> {
      const shell = ['-i', '--image=sh', ...args, '--', 'sh', '-c', `read line; echo got $line; ${script}`];
      const { code, stdout, stderr } = await kubectl.try(['debug', ...shell], 'words\n');
      expect(code, stderr).toBe(0);
      expect(stdout).toContain('got words\n');
      return stdout;
    }

    test('--copy-to runs a copy with one container more, apart from the Services of the pod', async () => {
      const name = `copy-${version}`;
      const { hostname = '' } =
        /host (?<hostname>\S+)/.exec(await said(['shell', `--copy-to=${name}`, '-c', 'more'], 'echo host $(hostname)'))
          ?.groups ?? {};
      expect(hostname).toBe(name);
      const copy = await cluster.get<Pod>('Pod', name, 'default');
      expect(copy.metadata?.labels).toBeUndefined();
      expect(copy.spec?.containers.map((one) => one.name)).toEqual(['main', 'more']);
      expect(await kubectl(['exec', name, '-c', 'main', '--', 'sh', '-c', 'echo $COLOUR'])).toBe('green\n');
      expect((await cluster.get<Pod>('Pod', 'shell', 'default')).status?.phase).toBe('Running');
    }, 60_000);

    test('--copy-to with another image and another command for a container', async () => {
      const name = `changed-${version}`;
      await kubectl(['debug', 'shell', `--copy-to=${name}`, '--set-image=main=evenkeel.dev/echo']);
      await eventually('the other image runs', async () => {
        const { status } = await cluster.get<Pod>('Pod', name, 'default');
        const [main] = status?.containerStatuses ?? [];
        expect({ image: main?.image, ready: main?.ready }).toEqual({ image: 'evenkeel.dev/echo', ready: true });
      });
      const other = `command-${version}`;
      await kubectl(['debug', 'shell', `--copy-to=${other}`, '-c', 'main', '--', 'sh', '-c', 'echo $COLOUR; sleep 60']);
      await eventually('the other command runs', async () =>
        expect(await kubectl(['logs', other, '-c', 'main'])).toBe('green\n'),
      );
    }, 60_000);

    test('--replace on the same node, with the processes of the others in sight', async () => {
      const doomed = `doomed-${version}`;
      const name = `heir-${version}`;
      const more = ['--share-processes', '--same-node', '--replace', '-c', 'more'];
      const seen = await said([doomed, `--copy-to=${name}`, ...more], 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
      expect(seen).toContain('while :; do sleep 0.2; done');
      expect((await cluster.get<Pod>('Pod', name, 'default')).spec?.nodeName).toBe('node-1');
      await eventually('the pod it replaces is gone', async () =>
        expect((await kubectl.try(['get', 'pod', doomed])).stderr).toContain('not found'),
      );
    }, 60_000);

    test('node/ shows the root, the processes and the network of the node, and not those of another', async () => {
      const node = 'node-2';
      const script = 'ls /host/proc/version; hostname; ip -o addr; cat /proc/[0-9]*/cmdline | tr "\\0" " "';
      const seen = await said([`node/${node}`], script);
      expect(seen).toContain('/host/proc/version');
      expect(seen).toContain(`\n${node}\n`);
      const addresses = (await kubectl(['get', 'node', node, '-o', 'jsonpath={.status.addresses[*].address}'])).split(
        ' ',
      );
      expect(seen).toContain(` ${addresses[0]}/24 `);
      expect(seen).toContain(`--node-name ${node} `);
      expect(seen).not.toContain('--node-name node-1 ');
      const names = await kubectl(['get', 'pods', '-o', 'name']);
      const debuggers = names.split('\n').filter((one) => one.startsWith(`pod/node-debugger-${node}-`));
      expect(debuggers.length).toBeGreaterThan(0);
      await kubectl(['delete', '--wait', ...debuggers]);
    }, 60_000);

    // Older ones have no profiles.
    if (version === 'old') return;

    test.each([
      ['sysadmin', 'chroot /host sh -c "echo in $(id -u)"', 'in 0'],
      ['general', 'chroot /host sh -c "echo in $(id -u)"', 'in 0'],
      ['restricted', 'echo in $(id -u)', 'in 65532'],
    ])(
      'node/ with profile %s',
      async (profile, script, expected) => {
        expect(await said(['node/node-1', `--profile=${profile}`], script)).toContain(expected);
      },
      60_000,
    );

    test('a node that takes no pods is debugged all the same', async () => {
      await kubectl(['taint', 'node', 'node-2', 'no=way:NoExecute']);
      try {
        expect(await said(['node/node-2'], 'hostname')).toContain('\nnode-2\n');
      } finally {
        await kubectl(['taint', 'node', 'node-2', 'no-']);
      }
    }, 60_000);
  });
});
