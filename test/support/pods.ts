// Pods as a test handles them: who is ready, which process one is, and how to end it the hard way.
// Knows that containers are processes of this machine.
import { readdirSync, readFileSync } from 'node:fs';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

export type PodObject = Pod & KubeObject;
export type DeploymentObject = Deployment & KubeObject;

export function nameOf(object: KubeObject): string {
  return object.metadata?.name ?? '';
}

export function isReady(pod: PodObject): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

/** Pods of an app that are not on their way out. */
export async function podsOf(cluster: TestCluster, app: string, namespace = 'shop'): Promise<PodObject[]> {
  const pods = await cluster.list<PodObject>('Pod', namespace, `app.kubernetes.io/name=${app}`);
  return pods.filter((pod) => pod.metadata?.deletionTimestamp === undefined);
}

/** Until exactly `count` pods of the app exist, leaving ones included, and all are ready. */
export async function settled(
  cluster: TestCluster,
  app: string,
  count: number,
  namespace = 'shop',
): Promise<PodObject[]> {
  return eventually(
    `${app} has ${count} ready pods`,
    async () => {
      const pods = await cluster.list<PodObject>('Pod', namespace, `app.kubernetes.io/name=${app}`);
      const ready = pods.filter((pod) => isReady(pod) && pod.metadata?.deletionTimestamp === undefined);
      if (pods.length !== count || ready.length !== count) {
        throw new Error(`${pods.length} pods, ${ready.length} ready`);
      }
      return ready;
    },
    60_000,
  );
}

/** Until the rollout of the Deployment's newest template is complete, and old pods are gone. */
export async function rolledOut(cluster: TestCluster, name: string, namespace = 'shop'): Promise<void> {
  const replicas = await eventually(
    `deployment ${name} is rolled out`,
    async () => {
      const { metadata, spec, status } = await cluster.get<DeploymentObject>('Deployment', name, namespace);
      const wanted = spec?.replicas ?? 1;
      const seen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
      const done =
        status?.updatedReplicas === wanted && status.replicas === wanted && status.availableReplicas === wanted;
      if (!seen || !done) throw new Error(JSON.stringify(status));
      return wanted;
    },
    90_000,
  );
  await settled(cluster, name, replicas, namespace);
}

/** As `kubectl rollout restart`. */
export async function restart(cluster: TestCluster, name: string, namespace = 'shop'): Promise<void> {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  const patch = { spec: { template: { metadata: { annotations } } } };
  await cluster.client.patch(builtin('Deployment'), name, namespace, 'strategic', patch);
}

export async function scale(cluster: TestCluster, name: string, replicas: number, namespace = 'shop'): Promise<void> {
  await cluster.client.patch(
    builtin('Deployment'),
    name,
    namespace,
    'merge',
    { spec: { replicas } },
    { subresource: 'scale' },
  );
}

/** Process ids of a pod's containers, found by the name that the downward API gave them. */
export function processesOf(pod: PodObject): number[] {
  const mark = `POD_NAME=${nameOf(pod)}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(mark);
      } catch {
        // Ended while we looked, or somebody else's.
        return false;
      }
    })
    .map(Number);
}

/** SIGKILL to the pod's processes: no goodbye. */
export function killPod(pod: PodObject): void {
  const pids = processesOf(pod);
  if (pids.length === 0) throw new Error(`No process of pod ${nameOf(pod)} found`);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}
