// Plays the node's part for tests: registers nodes, reports bound pods as running and ready, and lets deleted ones go.
// Runs no process; what it writes is what a kubelet would write.
import type { Node, Pod, PodCondition } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';

const PODS = builtin('Pod');
const NODES = builtin('Node');

export interface KubeletPlayer {
  /** Decides whether a pod is reported ready; change it and call `look` to have every pod reported anew. */
  ready: (pod: Pod) => boolean;
  /** While false for a pod, its kubelet is silent: nothing of it is reported, and it does not end. */
  speaks: (pod: Pod) => boolean;
  /** Exit code with which a pod's containers end; undefined while they run. */
  exits: (pod: Pod) => number | undefined;
  /** While false, deleted pods stay, as if their processes would not end. */
  letGo: boolean;
  look(): void;
  stop(): Promise<void>;
}

export function playKubelet(client: Client, informers: Informers): KubeletPlayer {
  const pods = informers.of<Pod>(PODS);
  const addresses = new Map<string, string>();
  const player: KubeletPlayer = {
    ready: () => true,
    speaks: () => true,
    exits: () => undefined,
    letGo: true,
    look() {
      for (const pod of pods.list()) queue.add(`${pod.metadata?.namespace}/${pod.metadata?.name}`);
    },
    stop: () => queue.stop(),
  };
  const report = async (key: string): Promise<void> => {
    const pod = pods.get(key);
    if (pod?.spec?.nodeName === undefined || !player.speaks(pod)) return;
    const { name = '', namespace, uid = '', deletionTimestamp } = pod.metadata ?? {};
    try {
      if (deletionTimestamp !== undefined) {
        if (player.letGo) await client.delete(PODS, name, namespace, { gracePeriodSeconds: 0, preconditions: { uid } });
        return;
      }
      if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
      const exitCode = player.exits(pod);
      if (exitCode !== undefined) {
        const status = ended(pod, exitCode);
        await client.patch(
          PODS,
          name,
          namespace,
          'strategic',
          { metadata: { uid }, status },
          { subresource: 'status' },
        );
        return;
      }
      const ready = player.ready(pod) ? 'True' : 'False';
      if (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === ready)) return;
      let ip = addresses.get(uid);
      if (ip === undefined) {
        ip = `127.244.0.${addresses.size + 2}`;
        addresses.set(uid, ip);
      }
      const condition: PodCondition = { type: 'Ready', status: ready, lastTransitionTime: new Date().toISOString() };
      const startTime = pod.status?.startTime ?? new Date().toISOString();
      const status = { phase: 'Running', startTime, podIP: ip, podIPs: [{ ip }], conditions: [condition] };
      await client.patch(PODS, name, namespace, 'strategic', { metadata: { uid }, status }, { subresource: 'status' });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  };
  const queue = createWorkQueue('kubelet-player', report, { clock: systemClock, log: silentLogger, workers: 4 });
  pods.onChange((key) => queue.add(key));
  queue.start();
  return player;
}

function ended(pod: Pod, exitCode: number): Pod['status'] {
  const at = new Date().toISOString();
  const terminated = { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: at, finishedAt: at };
  const containerStatuses = (pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
    name,
    image,
    imageID: image,
    ready: false,
    restartCount: 0,
    state: { terminated },
  }));
  const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: at }];
  return { phase: exitCode === 0 ? 'Succeeded' : 'Failed', conditions, containerStatuses } as unknown as Pod['status'];
}

/** A node that is ready, with this much to give. */
export async function addNode(
  client: Client,
  name: string,
  give: { cpu?: string; memory?: string; pods?: string } = {},
  labels: Record<string, string> = {},
): Promise<Node> {
  const amounts = { cpu: give.cpu ?? '8', memory: give.memory ?? '16Gi', pods: give.pods ?? '110' };
  const metadata = { name, labels: { 'kubernetes.io/hostname': name, ...labels } };
  const node = await client.create<Node>(NODES, { apiVersion: 'v1', kind: 'Node', metadata });
  const now = new Date().toISOString();
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastTransitionTime: now,
    lastHeartbeatTime: now,
  };
  const status = { capacity: amounts, allocatable: amounts, conditions: [ready] };
  return client.patch<Node>(
    NODES,
    node.metadata?.name ?? '',
    undefined,
    'merge',
    { status },
    { subresource: 'status' },
  );
}
