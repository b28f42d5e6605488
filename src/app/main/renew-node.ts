// Gives a Node other ranges for its pods than it has had: as they can be given once only, by registering it anew.
// Knows Node objects; neither kubelets nor how ranges are chosen.
import type { Node } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { rangesOf } from '#kube/kubelet/node/node-object.ts';

/** Harmless when there is no such Node, or when it has these ranges. What people have said of it stays. */
export async function renewNode(client: Client, name: string, podCidrs: readonly string[]): Promise<void> {
  const old = await client.get<Node>(builtin('Node'), name).catch((error: unknown) => {
    if (isStatus(error, 404)) return undefined;
    throw error;
  });
  if (old === undefined) return;
  const before = rangesOf(old);
  if (before.length === 0 || before.join() === podCidrs.join()) return;
  await client.delete(builtin('Node'), name, undefined, { preconditions: { uid: old.metadata?.uid ?? '' } });
  const { labels = {}, annotations = {} } = old.metadata ?? {};
  const { unschedulable, taints } = old.spec ?? {};
  const anew: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels, annotations },
    spec: {
      podCIDR: podCidrs[0] ?? '',
      podCIDRs: [...podCidrs],
      ...(taints === undefined ? {} : { taints }),
      ...(unschedulable === undefined ? {} : { unschedulable }),
    },
  };
  await client.create<Node>(builtin('Node'), anew);
}
