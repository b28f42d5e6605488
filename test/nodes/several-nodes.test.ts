// Three nodes with network namespaces: who reaches whom, what a drain and the death of a node cost, and what is left.
// Everything is asked through the CLI, kubectl and the gateway; the machine's own network is looked at before and after.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Node } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { ask } from '#test/support/http.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';
import { underLoad } from '#test/support/load.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { type PodObject, podsOf, restart, rolledOut, scale, settled } from '#test/support/pods.ts';
import { evenkeelBinary, mustRun } from '#test/support/run.ts';
import { ownRanges } from './inventory.ts';

const namespace = 'nodes';
/** Ends at the first SIGTERM, whatever is under way. */
const RUDE = `
  let live = true;
  require('node:http').createServer((request, response) => {
    if (request.url === '/sicken') live = false;
    if (request.url === '/livez' && !live) response.statusCode = 500;
    request.resume();
    request.on('end', () => setTimeout(() => response.end('ok'), request.url === '/' ? 50 : 0));
  }).listen(8080);`;

/** Of this run alone: others may test on this machine. */
const ranges = ownRanges();

const found = await findKubectl('current');

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'this is not root';
  const missing = ['ip', 'nft', 'nsenter', 'unshare', 'curl'].find(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0,
  );
  if (missing !== undefined) return `${missing} is not installed`;
  return 'missing' in found ? found.missing : undefined;
}

/** What this run could leave on the machine: names and addresses that are nobody else's. */
function leftovers(data: string): string[] {
  const network = ['route show table all', '-6 route show table all', 'address'].flatMap((words) =>
    spawnSync('ip', words.split(' '), { encoding: 'utf8' }).stdout.split('\n'),
  );
  const processes = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data);
    } catch {
      // Ended while we looked.
      return false;
    }
  });
  return [
    ...network.filter((line) => ranges.beginnings.some((beginning) => line.includes(beginning))),
    ...processes.map((pid) => `process ${pid}`),
  ];
}

/** Within 15 %, or what a rounded number may be beside it. */
function close(told: number | undefined, wanted: number): void {
  expect(told).toBeGreaterThanOrEqual(wanted * 0.85 - 1);
  expect(told).toBeLessThanOrEqual(wanted * 1.15 + 1);
}

/** What the processes of the pod's containers have used of the CPU, and have of memory that is theirs alone. */
function useOf(pod: PodObject): { readonly cpuMs: number; readonly memoryMi: number } {
  const ids = (pod.status?.containerStatuses ?? []).map(({ containerID = '' }) => containerID.split('://')[1] ?? '');
  let cpuMs = 0;
  let memoryMi = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (!ids.some((id) => environment.includes(`EVENKEEL_CONTAINER_ID=${id}`))) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [user, system] = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .slice(11, 13);
      cpuMs += (Number(user) + Number(system)) * 10;
      const [, anonymous = '0'] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      memoryMi += Number(anonymous) / 1024;
    } catch {
      // Ended while we looked.
    }
  }
  return { cpuMs, memoryMi };
}

describe.runIf(kernelAllows(obstacle(), 'nodes in network namespaces'))('three nodes', () => {
  let cluster: TestCluster;
  let kubectl: Kubectl;
  beforeAll(async () => {
    const container = {
      command: ['node', '-e', RUDE],
      readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: '/livez', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
    };
    const input = echoManifests({
      name: 'rude',
      namespace,
      host: 'rude.test',
      replicas: 6,
      graceSeconds: 30,
      container,
    });
    const args = ['--network', 'netns', '--nodes', '3', '--zones', 'a,b,c', ...ranges.arguments];
    cluster = await startCluster(['-'], { input, args });
    const home = join(cluster.data, 'home');
    mkdirSync(home);
    kubectl = kubectlFor('path' in found ? found.path : '', cluster.kubeconfig, home);
  }, 180_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 60_000);

  const nodeOf = (pod: PodObject): string => pod.spec?.nodeName ?? '';
  const readiness = async (name: string): Promise<string | undefined> =>
    (await cluster.get<Node & KubeObject>('Node', name)).status?.conditions?.find(({ type }) => type === 'Ready')
      ?.status;

  /** CPU in thousandths and memory in mebibytes by the name in the first column. */
  const top = async (words: readonly string[]): Promise<Record<string, { cpu: number; memory: number }>> => {
    const rows = [...(await kubectl(['top', ...words])).matchAll(/^(\S+) +(\d+)m +(?:\d+% +)?(\d+)Mi/gm)];
    return Object.fromEntries(
      rows.map(([, name = '', cpu, memory]) => [name, { cpu: Number(cpu), memory: Number(memory) }]),
    );
  };
  const podsEverywhere = async (node: string): Promise<string[]> =>
    (await cluster.list<PodObject>('Pod')).filter((pod) => nodeOf(pod) === node).map((pod) => pod.metadata?.name ?? '');

  test('stand in their zones, with pods of both families spread over them, which the machine reaches', async () => {
    const nodes = await cluster.list<Node & KubeObject>('Node');
    const zones = nodes.map(({ metadata }) => metadata?.labels?.['topology.kubernetes.io/zone']);
    expect(zones.toSorted()).toEqual(['a', 'b', 'c']);
    const pods = await settled(cluster, 'rude', 6, namespace);
    expect(new Set(pods.map(nodeOf)).size).toBe(3);
    for (const pod of pods) {
      const [v4 = '', v6 = ''] = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
      expect(ranges.beginnings.some((beginning) => v4.startsWith(beginning))).toBe(true);
      expect((await ask(`http://${v4}:8080/x`)).status).toBe(200);
      expect((await ask(`http://[${v6}]:8080/x`)).status).toBe(200);
    }
  }, 60_000);

  test('let pods find Services by name and each other by address, from any node', async () => {
    const pods = await podsOf(cluster, 'rude', namespace);
    const addresses = pods.map((pod) => `http://${pod.status?.podIP}:8080/x`);
    const urls = ['http://rude/x', `http://rude.${namespace}.svc.cluster.local/x`, ...addresses].join(' ');
    for (const node of ['node-1', 'node-2', 'node-3']) {
      const pod = pods.find((one) => nodeOf(one) === node)?.metadata?.name ?? '';
      const script = `for url in ${urls}; do curl -sS -m 5 -o /dev/null -w '%{http_code} ' $url; done`;
      const said = await kubectl(['-n', namespace, 'exec', pod, '--', 'sh', '-c', script]);
      expect(said.trim().split(' ')).toEqual(Array(2 + pods.length).fill('200'));
    }
  }, 60_000);

  test('lead nobody to the machine by an address that no Service has', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '::');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const [pod] = await podsOf(cluster, 'rude', namespace);
      const [v4, v6] = ranges.beginnings.slice(-2);
      // Nobody has been given these: they are of the part that is kept for addresses asked for.
      const urls = [`http://${v4}14:${port}`, `http://[${v6}:e]:${port}`, `http://${v4}1:${port}`].join(' ');
      const script = `for url in ${urls}; do curl -s -m 2 $url; echo $?; done; getent hosts rude | wc -l`;
      const said = await kubectl(['-n', namespace, 'exec', pod?.metadata?.name ?? '', '--', 'sh', '-c', script]);
      // No answer at all twice; refused where a Service has the address and not the port; and the name server answers.
      expect(said.trim().split('\n')).toEqual(['28', '28', '7', '1']);
    } finally {
      server.close();
    }
  }, 60_000);

  test('say of pods and nodes what /proc says, within 15 %', async () => {
    // Bounded, so that it is the same at any time, and by what is its own.
    const code = 'globalThis.held = Buffer.alloc(96 << 20, 1); for (;;);';
    const container = { command: ['node', '-e', code], readinessProbe: null, resources: { limits: { cpu: '150m' } } };
    await cluster.apply(echoManifests({ name: 'busy', namespace, replicas: 3, container }));
    const pods = await settled(cluster, 'busy', 3, namespace);
    const readings: { at: number; use: ReturnType<typeof useOf>[] }[] = [];
    await eventually(
      'all of them agree',
      async () => {
        const now = { at: performance.now(), use: pods.map(useOf) };
        readings.push(now);
        const before = readings.findLast(({ at }) => now.at - at > 4_000);
        if (before === undefined) throw new Error('measuring');
        const [ofPods, ofNodes] = await Promise.all([top(['pods', '-n', namespace]), top(['nodes'])]);
        for (const [at, pod] of pods.entries()) {
          const spent = (now.use[at]?.cpuMs ?? 0) - (before.use[at]?.cpuMs ?? 0);
          const told = ofPods[pod.metadata?.name ?? ''];
          close(told?.cpu, (spent * 1000) / (now.at - before.at));
          close(told?.memory, now.use[at]?.memoryMi ?? 0);
        }
        for (const node of ['node-1', 'node-2', 'node-3']) {
          const all = await podsEverywhere(node);
          const sum = (key: 'cpu' | 'memory'): number =>
            all.reduce((total, name) => total + (ofPods[name]?.[key] ?? 0), 0);
          close(ofNodes[node]?.cpu, sum('cpu'));
          close(ofNodes[node]?.memory, sum('memory'));
        }
      },
      60_000,
    );
    await kubectl(['-n', namespace, 'delete', 'deployment,service', 'busy', '--grace-period=1']);
    await settled(cluster, 'busy', 0, namespace);
  }, 120_000);

  test('lose no request while a node is drained, everything is rolled, and scaled from 6 to 2', async () => {
    const load = { url: cluster.http, host: 'rude.test', rate: 200, args: ['--method', 'POST'] };
    const report = await underLoad(load, async () => {
      await kubectl(['drain', 'node-2', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=60s']);
      const pods = await settled(cluster, 'rude', 6, namespace);
      expect(pods.map(nodeOf)).not.toContain('node-2');
      await kubectl(['uncordon', 'node-2']);
      await restart(cluster, 'rude', namespace);
      await rolledOut(cluster, 'rude', namespace);
      await scale(cluster, 'rude', 2, namespace);
      await settled(cluster, 'rude', 2, namespace);
      await scale(cluster, 'rude', 6, namespace);
      await settled(cluster, 'rude', 6, namespace);
    });
    expect(report.errors).toEqual({});
  }, 180_000);

  test('lose no request while a container is replaced that fails its liveness probe', async () => {
    const [pod] = await settled(cluster, 'rude', 6, namespace);
    const load = { url: cluster.http, host: 'rude.test', rate: 200, args: ['--method', 'POST'] };
    const report = await underLoad(load, async () => {
      await ask(`http://${pod?.status?.podIP}:8080/sicken`);
      await eventually('the container has been replaced', async () => {
        const now = await cluster.get<PodObject>('Pod', pod?.metadata?.name ?? '', namespace);
        expect(now.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
      });
    });
    expect(report.errors).toEqual({});
  }, 60_000);

  test('go on when one of them dies: traffic leaves it, its pods are made anew, and it is welcome back', async () => {
    const report = await underLoad({ url: cluster.http, host: 'rude.test', rate: 100 }, async () => {
      await mustRun(evenkeelBinary, ['node', 'kill', 'node-1', '--data', cluster.data]);
      await eventually('it is missed', async () => expect(await readiness('node-1')).toBe('Unknown'), 30_000);
    });
    // Some that were on their way there, or came before it was missed, may have failed; most were tried elsewhere.
    expect(report.ok).toBeGreaterThan(report.requests * 0.95);
    const after = await underLoad({ url: cluster.http, host: 'rude.test', rate: 100 }, async () => {
      await eventually(
        'its pods run elsewhere',
        async () => {
          const pods = (await podsOf(cluster, 'rude', namespace)).filter((pod) => nodeOf(pod) !== 'node-1');
          expect(pods).toHaveLength(6);
        },
        60_000,
      );
    });
    expect(after.errors).toEqual({});
    await mustRun(evenkeelBinary, ['node', 'start', 'node-1', '--data', cluster.data]);
    await eventually('it is back', async () => expect(await readiness('node-1')).toBe('True'), 30_000);
    await settled(cluster, 'rude', 6, namespace);
  }, 180_000);

  test('leave nothing on the machine when they are taken down after a kill -9', async () => {
    expect(leftovers(cluster.data)).not.toEqual([]);
    cluster.running.child.kill('SIGKILL');
    await cluster.running.finished;
    await mustRun(evenkeelBinary, ['down', '--data', cluster.data]);
    await eventually('nothing is left', () => expect(leftovers(cluster.data)).toEqual([]), 20_000);
  }, 60_000);
});
