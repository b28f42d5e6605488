// Ranges of pods for nodes: every Node has one of each family, and no two have the same.
// Works only where it is told what to divide. Upstream: pkg/controller/nodeipam, the RangeAllocator.
import type { Node } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import type { Controller, ControllerContext, ControllerParts } from '../controller.ts';
import { CidrPool } from './cidr-pool.ts';

const NODES = builtin('Node');
/** After this long somebody may have made room. */
const RETRY_MS = 30_000;

export const nodeIpamController: Controller = {
  name: 'node-ipam',
  component: 'cidrAllocator',
  setup: (context) => new NodeIpam(context).parts(),
};

class NodeIpam {
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pools: readonly CidrPool[];
  /** Ranges by the name of the node that has them; one that comes again under its name is another. */
  readonly #held = new Map<string, { readonly uid: string; readonly ranges: readonly string[] }>();
  #counted = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#nodes = context.informers.of<Node>(NODES);
    this.#pools = context.settings.nodeCidrs.map(({ cidr, nodePrefix }) => new CidrPool(cidr, nodePrefix));
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    if (this.#pools.length === 0) return { queues: [], reads: [] };
    // One worker: two nodes must not be given one range.
    const queue = createWorkQueue('node-ipam', (name) => this.#reconcile(name), { clock, log, workers: 1 });
    this.#nodes.onChange((name) => queue.add(name));
    return { queues: [queue], reads: [this.#nodes] };
  }

  async #reconcile(name: string): Promise<{ requeueAfterMs: number } | undefined> {
    // What any node has is taken before the first one is given something.
    if (!this.#counted) for (const node of this.#nodes.list()) this.#hold(node.metadata?.name ?? '', node);
    this.#counted = true;
    const node = this.#nodes.get(name);
    this.#hold(name, node);
    // What was given a moment ago may not be in the informer yet.
    if (node === undefined || this.#held.has(name)) return undefined;
    return await this.#give(name, node);
  }

  async #give(name: string, node: Node): Promise<{ requeueAfterMs: number } | undefined> {
    const { client, events, log } = this.#context;
    const podCIDRs: string[] = [];
    for (const pool of this.#pools) {
      const range = pool.take();
      if (range !== undefined) {
        podCIDRs.push(range);
        continue;
      }
      this.#giveBack(podCIDRs);
      const about = { ...node, apiVersion: 'v1', kind: 'Node' };
      const what = `No range of ${pool.cidr} is left for the pods of node ${name}`;
      events.event(
        about,
        'Warning',
        'CIDRNotAvailable',
        `${what}: delete nodes that are gone, or widen --cluster-cidr`,
      );
      log.warn({ node: name, cidr: pool.cidr }, 'No range is left for the pods of a node');
      return { requeueAfterMs: RETRY_MS };
    }
    try {
      const patch = { metadata: { uid: node.metadata?.uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } };
      await client.patch<Node>(NODES, name, undefined, 'strategic', patch);
      this.#held.set(name, { uid: node.metadata?.uid ?? '', ranges: podCIDRs });
    } catch (error) {
      // Refused means that it has not got them; elsewhere the next look at the Node tells.
      this.#giveBack(podCIDRs);
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
    return undefined;
  }

  /** A node has what stands in it, and what it was given; one that has gone has nothing. */
  #hold(name: string, node: Node | undefined): void {
    const before = this.#held.get(name);
    const uid = node?.metadata?.uid ?? '';
    const ranges = node === undefined ? [] : rangesOf(node);
    if (before?.uid === uid && (ranges.length === 0 || before.ranges.join() === ranges.join())) return;
    this.#giveBack(before?.ranges ?? []);
    for (const range of ranges) for (const pool of this.#pools) pool.occupy(range);
    if (ranges.length === 0) this.#held.delete(name);
    else this.#held.set(name, { uid, ranges });
  }

  #giveBack(ranges: readonly string[]): void {
    for (const range of ranges) for (const pool of this.#pools) pool.release(range);
  }
}

function rangesOf({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}
