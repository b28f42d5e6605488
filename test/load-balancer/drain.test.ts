// A node that is drained gives its addresses away ahead of its pods: whoever connects from then on loses nothing by it.
// Knows the CLI, kubectl and connections from the outside.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod, Service } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { libcObstacle } from '#lib/sys/libc.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { kernelAllows } from '../support/kernel.ts';
import { findKubectl, kubectlFor } from '../support/kubectl.ts';
import { echoManifests } from '../support/manifests.ts';

const obstacle = namespaceObstacle() ?? libcObstacle();
const NODES = ['node-1', 'node-2'];
const LANES = 3;

interface Lost {
  readonly why: string;
  /** When the connection was begun, by `performance.now()`. */
  readonly from: number;
}

/** Opens one connection after the other, on several lanes, until it is told to stop. */
function clients(url: string): { stop: () => Promise<{ lost: Lost[]; count: number; slowestMs: number }> } {
  const lost: Lost[] = [];
  let [count, slowestMs, going] = [0, 0, true];
  const lane = async (): Promise<void> => {
    while (going) {
      const from = performance.now();
      try {
        const { status } = await ask(url);
        if (status !== 200) lost.push({ why: `status ${status}`, from });
      } catch (error) {
        lost.push({ why: String(error), from });
      }
      count += 1;
      slowestMs = Math.max(slowestMs, performance.now() - from);
    }
  };
  const lanes = Array.from({ length: LANES }, lane);
  return {
    async stop() {
      going = false;
      await Promise.all(lanes);
      return { lost, count, slowestMs };
    },
  };
}

describe.runIf(kernelAllows(obstacle, 'draining a node that announces'))('a node that is drained', () => {
  test('has no address any more before its pods go, and loses no connection from then on', async () => {
    const found = await findKubectl('current');
    if ('missing' in found) throw new Error(found.missing);
    const manifests = echoManifests({ name: 'web', namespace: 'shop', replicas: 4, graceSeconds: 4 });
    const service = `
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector: {app.kubernetes.io/name: web}
  ports: [{port: 80, targetPort: http}]
`;
    const args = ['--network', 'netns', '--nodes', '2', ...ownRanges().arguments];
    const cluster = await startCluster(['-'], { input: `${manifests}\n---${service}`, args });
    try {
      const kubectl = kubectlFor(found.path, cluster.kubeconfig, cluster.data);
      const vip = await eventually('the Service has an address', async () => {
        const { status } = await cluster.get<Service & KubeObject>('Service', 'front', 'shop');
        const ip = status?.loadBalancer?.ingress?.[0]?.ip;
        if (ip === undefined) throw new Error('None');
        return ip;
      });
      await eventually(
        'it answers, and pods are on every node',
        async () => {
          expect((await ask(`http://${vip}/`)).status).toBe(200);
          const pods = await cluster.list<Pod & KubeObject>('Pod', 'shop');
          const ready = pods.filter(({ status }) =>
            status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
          );
          expect(new Set(ready.map(({ spec }) => spec?.nodeName)).size).toBe(2);
        },
        60_000,
      );
      const holder = holderOf(cluster, vip);
      const load = clients(`http://${vip}/`);
      const drained = kubectl(['drain', holder, '--ignore-daemonsets', '--force', '--delete-emptydir-data']);
      const moved = await eventually('another node has the address', () => {
        expect(holderOf(cluster, vip)).not.toBe(holder);
        return performance.now();
      });
      await drained;
      const after = performance.now();
      const { lost, count, slowestMs } = await load.stop();
      process.stderr.write(
        `The address had moved ${Math.round(after - moved)} ms before the last pod was gone; of ${count} connections ${lost.length} were cut by the move, and the slowest took ${Math.round(slowestMs)} ms\n`,
      );
      expect(lost.filter(({ from }) => from >= moved)).toEqual([]);
      // What was under way as the address moved met a node that does not know it: one connection a lane at most.
      expect(lost.length).toBeLessThanOrEqual(LANES);
      expect(count).toBeGreaterThan(LANES);
      const left = await cluster.list<Pod & KubeObject>('Pod', 'shop');
      expect(left.filter(({ spec }) => spec?.nodeName === holder)).toEqual([]);
    } finally {
      await cluster.remove();
    }
  }, 240_000);
});

/** By what the machine knows of the address: it is a neighbour of the nodes. Throws when it knows nothing. */
function holderOf(cluster: TestCluster, vip: string): string {
  const ip = (...words: string[]): string => spawnSync('ip', words, { encoding: 'utf8' }).stdout;
  const hardware = /lladdr (\S+)/.exec(ip('neighbour', 'show', vip))?.[1];
  const { owner } = JSON.parse(readFileSync(join(cluster.data, 'fabric.json'), 'utf8')) as { owner: string };
  const holder = NODES.find((name) => ip('-n', `${owner}-${name}`, 'link', 'show', 'eth0').includes(hardware ?? '-'));
  if (holder === undefined) throw new Error(`No node has ${vip}, which is said to be at ${hardware}`);
  return holder;
}
