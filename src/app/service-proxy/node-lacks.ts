// What a node does not have, so that Services are served on it otherwise than people expect: said, and said again.
// Knows Node objects and settings; nothing of the kernel.
import type { Node } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { NodeSettings } from './node-watch.ts';

/** A warning is said again after this long, milliseconds. */
const AGAIN_MS = 300_000;

/** As sentences with the flag that helps. */
export function nodeLacks(
  { name, detectLocal, nodePortAddresses }: NodeSettings,
  node: (Node & KubeObject) | undefined,
  facts: NodeFacts,
): readonly string[] {
  const lacks: string[] = [];
  if (node === undefined) {
    lacks.push(
      `There is no Node "${name}": no endpoint counts as one of this node, so that Services with the policy Local have none here; name the Node of this machine with --hostname-override`,
    );
  } else if (detectLocal === 'NodeCIDR' && facts.podRanges.length === 0) {
    lacks.push(
      `Node "${name}" has no spec.podCIDRs yet: nobody counts as a pod; give the addresses of all pods with --cluster-cidr where nobody assigns some`,
    );
  }
  if (nodePortAddresses !== 'primary' && facts.nodePortAddresses.length === 0) {
    lacks.push(
      `No address of this node is in --nodeport-addresses ${nodePortAddresses.join(',')}, so that node ports are not served; it has ${facts.addresses.join(', ') || 'none'}`,
    );
  }
  return lacks;
}

/** Says each sentence when it is new, and from time to time as long as it holds. */
export class LackTeller {
  readonly #told = new Map<string, number>();
  readonly #warn: (message: string) => void;

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** `now`: monotonic milliseconds. */
  tell(lacks: readonly string[], now: number): void {
    for (const lack of [...this.#told.keys()]) if (!lacks.includes(lack)) this.#told.delete(lack);
    for (const lack of lacks) {
      const last = this.#told.get(lack);
      if (last !== undefined && now - last < AGAIN_MS) continue;
      this.#told.set(lack, now);
      this.#warn(lack);
    }
  }
}
