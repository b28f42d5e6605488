// Node lifecycle: notices nodes that fall silent, says so, and keeps traffic and pods away from them.
// Moves no pod itself: the taints it sets are what taint eviction acts on. Upstream: pkg/controller/nodelifecycle.
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue, type WorkQueue } from '#kube/client/work-queue.ts';
import { BY_NODE, byNode, isPodReady } from '../common/pods.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { NodeHealth, unknownConditions } from './health.ts';
import { carriedEvictionKey, desiredTaints, evictionKey, readyCondition } from './taints.ts';
import { allDisrupted, evictionRate, ZoneLimits, type ZoneState, zoneOf, zoneStates } from './zones.ts';

const NODES = builtin('Node');
const PODS = builtin('Pod');
const LEASES = builtin('Lease');
const LEASE_NAMESPACE = 'kube-node-lease';

export const nodeLifecycleController: Controller = {
  name: 'node-lifecycle',
  component: 'node-controller',
  setup: (context) => new NodeLifecycle(context).parts(),
};

class NodeLifecycle {
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #leases: Informer<Lease>;
  readonly #queue: WorkQueue;
  readonly #health = new NodeHealth();
  readonly #limits = new ZoneLimits();
  /** Ready as each node last had it, so that a change is told once. */
  readonly #lastReady = new Map<string, string>();
  #disrupted = false;
  #lookedAt: number;

  constructor(context: ControllerContext) {
    const { informers, clock, log } = context;
    this.#context = context;
    this.#nodes = informers.of<Node>(NODES);
    this.#pods = informers.of<Pod>(PODS);
    this.#pods.addIndex(BY_NODE, byNode);
    this.#leases = informers.of<Lease>(LEASES, { namespace: LEASE_NAMESPACE });
    this.#queue = createWorkQueue('node-lifecycle', (name) => this.#reconcile(name), { clock, log, workers: 8 });
    this.#lookedAt = clock.now();
  }

  parts(): ControllerParts {
    const { clock, settings } = this.#context;
    // What is there from before is no news.
    let synced = false;
    void this.#nodes.synced().then(
      () => {
        synced = true;
      },
      () => {},
    );
    const stops = [
      this.#nodes.onChange((name, now, before) => {
        this.#seen(name, now, before, synced);
        this.#queue.add(name);
      }),
      this.#leases.onChange((_key, now) => {
        if (now !== undefined && this.#nodes.get(now.metadata?.name ?? '') !== undefined)
          this.#health.sawLease(now, clock.now());
      }),
      // A pod that comes to a silent node, or is said to be ready there, serves nobody.
      this.#pods.onChange((_key, pod) => {
        const name = pod?.spec?.nodeName ?? '';
        if (pod !== undefined && isPodReady(pod) && readyCondition(this.#nodes.get(name))?.status === 'Unknown')
          this.#queue.add(name);
      }),
      clock.every(settings.nodeMonitorPeriodMs, () => this.#look()),
    ];
    return {
      queues: [this.#queue],
      reads: [this.#nodes, this.#pods, this.#leases],
      stop: () => {
        for (const stop of stops) stop();
      },
    };
  }

  #seen(name: string, now: Node | undefined, before: Node | undefined, isNews: boolean): void {
    const { clock, events } = this.#context;
    if (now !== undefined) this.#health.sawNode(now, clock.now());
    const tell = (node: Node, reason: string, text: string): void =>
      events.event(asNode(node), 'Normal', reason, `Node ${name} event: ${text} ${name}`);
    if (now !== undefined && before === undefined && isNews)
      events.event(
        asNode(now),
        'Normal',
        'RegisteredNode',
        `Node ${name} event: Registered Node ${name} in Controller`,
      );
    if (now === undefined && before !== undefined) {
      this.#health.forget(name);
      this.#lastReady.delete(name);
      tell(before, 'RemovingNode', 'Removing Node');
    }
  }

  #look(): void {
    const { clock, settings, log } = this.#context;
    const now = clock.now();
    const late = now - this.#lookedAt - settings.nodeMonitorPeriodMs;
    this.#lookedAt = now;
    // This process stood still (a laptop that slept, a debugger): renewals of that time are yet to be read.
    if (late > settings.nodeMonitorGraceMs / 4) {
      log.warn({ lateMs: Math.round(late) }, 'The controllers stood still; nodes get that time back');
      this.#health.wasDeaf(late + settings.nodeMonitorPeriodMs, now);
    }
    const disrupted = allDisrupted(this.#zones());
    // Back from a time when nobody could be heard: each node has its whole grace again.
    if (this.#disrupted && !disrupted) this.#health.wasDeaf(Number.POSITIVE_INFINITY, now);
    this.#disrupted = disrupted;
    for (const node of this.#nodes.list()) this.#queue.add(node.metadata?.name ?? '');
  }

  #zones(): Map<string, ZoneState> {
    return zoneStates(this.#nodes.list(), this.#context.settings.unhealthyZoneThreshold);
  }

  async #reconcile(name: string): Promise<ReconcileResult> {
    const found = this.#nodes.get(name);
    if (found === undefined) return undefined;
    const node = await this.#withHealth(name, found);
    if (node === undefined) return undefined;
    const ready = readyCondition(node)?.status;
    const before = this.#lastReady.get(name);
    if (ready !== undefined) this.#lastReady.set(name, ready);
    const left = ready !== undefined && ready !== 'True' && before === 'True';
    if (left) this.#context.events.event(asNode(node), 'Normal', 'NodeNotReady', notReadyMessage(name));
    // Traffic first: it is what people notice. A kubelet that still speaks says itself which of its pods are ready.
    const [wait] = await Promise.all([
      this.#taint(node),
      left || ready === 'Unknown' ? this.#markPods(name) : undefined,
    ]);
    return Number.isFinite(wait) && wait > 0 ? { requeueAfterMs: wait } : undefined;
  }

  /** The node, after it has been called unknown if it has fallen silent; undefined when it is gone. */
  async #withHealth(name: string, node: Node): Promise<Node | undefined> {
    const { client, clock, settings, log } = this.#context;
    const grace = readyCondition(node) === undefined ? settings.nodeStartupGraceMs : settings.nodeMonitorGraceMs;
    if (!this.#health.isSilent(name, grace, clock.now())) return node;
    if (readyCondition(node)?.status === 'Unknown') return node;
    // Our copy may lag behind; the server has the last word.
    const [live, lease] = await Promise.all([
      orUndefined(client.get<Node>(NODES, name)),
      orUndefined(client.get<Lease>(LEASES, name, LEASE_NAMESPACE)),
    ]);
    if (live === undefined) return undefined;
    this.#health.sawNode(live, clock.now());
    if (lease !== undefined) this.#health.sawLease(lease, clock.now());
    if (!this.#health.isSilent(name, grace, clock.now())) return live;
    const conditions = unknownConditions(live, timestamp(clock.wall()));
    if (conditions === undefined) return live;
    log.warn({ node: name, silentForMs: grace }, 'A node has fallen silent');
    const next = { ...live, status: { ...live.status, conditions } };
    return client.update<Node>(NODES, next, { subresource: 'status' });
  }

  /** Milliseconds until the zone lets the node be emptied; 0 when its taints are as they should be. */
  async #taint(node: Node): Promise<number> {
    const { client, clock, settings } = this.#context;
    const wanted = evictionKey(node);
    const carried = carriedEvictionKey(node);
    let wait = 0;
    let evict = wanted;
    if (wanted !== undefined) {
      const zones = this.#zones();
      const state = zones.get(zoneOf(node)) ?? 'Normal';
      if (allDisrupted(zones)) evict = undefined;
      else if (carried === undefined) {
        const rate = evictionRate(state, this.#nodes.list().length, settings);
        wait = this.#limits.take(zoneOf(node), rate, clock.now());
        if (wait > 0) evict = undefined;
      }
    }
    const taints = desiredTaints(node, evict, timestamp(clock.wall()));
    if (taints === undefined) return wait;
    const { name = '', resourceVersion } = node.metadata ?? {};
    // The list is replaced as a whole: whoever changed it meanwhile makes this fail, and be tried again.
    await client.patch<Node>(NODES, name, undefined, 'merge', { metadata: { resourceVersion }, spec: { taints } });
    return wait;
  }

  /** Endpoints follow the Ready condition of pods, so this is what takes a lost node out of the balancing. */
  async #markPods(name: string): Promise<void> {
    const { client, clock, events } = this.#context;
    const ready = this.#pods.byIndex(BY_NODE, name).filter(isPodReady);
    await Promise.all(
      ready.map(async (pod) => {
        const { name: podName = '', namespace, uid } = pod.metadata ?? {};
        const condition = { type: 'Ready', status: 'False', lastTransitionTime: timestamp(clock.wall()) };
        const body = { metadata: { uid }, status: { conditions: [condition] } };
        const patched = client.patch<Pod>(PODS, podName, namespace, 'strategic', body, { subresource: 'status' });
        if ((await orUndefined(patched)) === undefined) return;
        events.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, 'Warning', 'NodeNotReady', 'Node is not ready');
      }),
    );
  }
}

const notReadyMessage = (name: string): string => `Node ${name} status is now: NodeNotReady`;

function asNode(node: Node): Node {
  return { ...node, apiVersion: 'v1', kind: 'Node' };
}

/** Undefined for what is gone, or is no longer the same object. */
async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isStatus(error, 404) || (isStatus(error, 409) && (error as Error).message.includes('uid'))) return undefined;
    throw error;
  }
}
