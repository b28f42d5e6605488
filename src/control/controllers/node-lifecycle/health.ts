// When each node last gave a sign of life, by our own clock: those of the nodes may go wrong.
// Pure but for its memory; knows no API.
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { Node, NodeCondition } from 'kubernetes-types/core/v1.js';
import { readyCondition } from './taints.ts';

interface Sign {
  uid: string;
  heartbeat: unknown;
  renewed: unknown;
  /** Monotonic time of the last news. */
  at: number;
}

/** These the kubelet reports; whether there is a network is somebody else's to say. */
const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

export class NodeHealth {
  readonly #signs = new Map<string, Sign>();

  /** A node as it was read; only a heartbeat that is new is a sign of life. */
  sawNode(node: Node, now: number): void {
    const sign = this.#of(node.metadata?.name ?? '', now);
    const uid = node.metadata?.uid ?? '';
    const heartbeat = readyCondition(node)?.lastHeartbeatTime;
    if (sign.uid === uid && sign.heartbeat === heartbeat) return;
    Object.assign(sign, { uid, heartbeat, at: now });
  }

  /** A lease as it was read. True when it had been renewed since the last look. */
  sawLease(lease: Lease, now: number): boolean {
    const sign = this.#of(lease.metadata?.name ?? '', now);
    if (sign.renewed === lease.spec?.renewTime) return false;
    Object.assign(sign, { renewed: lease.spec?.renewTime, at: now });
    return true;
  }

  forget(name: string): void {
    this.#signs.delete(name);
  }

  /** Whether the node has been silent for longer than `graceMs`. */
  isSilent(name: string, graceMs: number, now: number): boolean {
    const sign = this.#signs.get(name);
    return sign !== undefined && now - sign.at > graceMs;
  }

  /** We heard nobody for `ms` because we did not listen: that is no silence of theirs. */
  wasDeaf(ms: number, now: number): void {
    for (const sign of this.#signs.values()) sign.at = Math.min(now, sign.at + ms);
  }

  #of(name: string, now: number): Sign {
    let sign = this.#signs.get(name);
    if (sign === undefined) {
      sign = { uid: '', heartbeat: undefined, renewed: undefined, at: now };
      this.#signs.set(name, sign);
    }
    return sign;
  }
}

/** The conditions of a node that has fallen silent, in upstream's words; undefined when they already say so. */
export function unknownConditions(node: Node, now: string): NodeCondition[] | undefined {
  const stamp = now as unknown as NonNullable<NodeCondition['lastTransitionTime']>;
  const current = node.status?.conditions ?? [];
  const changed = current.map((condition): NodeCondition => {
    if (!REPORTED.some((type) => type === condition.type) || condition.status === 'Unknown') return condition;
    const why = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
    return { ...condition, ...why, status: 'Unknown', lastTransitionTime: stamp };
  });
  const missing = REPORTED.filter((type) => !current.some((condition) => condition.type === type)).map(
    (type): NodeCondition => {
      const why = { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' };
      const created = node.metadata?.creationTimestamp as unknown as typeof stamp;
      return { type, status: 'Unknown', ...why, lastHeartbeatTime: created ?? stamp, lastTransitionTime: stamp };
    },
  );
  const same = missing.length === 0 && changed.every((condition, index) => condition === current[index]);
  return same ? undefined : [...changed, ...missing];
}
