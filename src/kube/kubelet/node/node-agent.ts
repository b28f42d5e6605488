// Keeps this machine's Node and Lease in the API: registers, sends heartbeats, and says so when they fail.
// Knows nothing of pods.
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { Namespace, Node, NodeCondition } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { untilAnswered } from '#kube/client/until-answered.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { type NodeFacts, nodeLabels, nodeObject, nodeStatus } from './node-object.ts';

const LEASE_NAMESPACE = 'kube-node-lease';
/** How often a node says that it lives. */
export interface Heartbeat {
  /** How long its lease holds; it is renewed four times as often. Default 40. */
  readonly leaseSeconds: number;
  /** Milliseconds between full statuses while nothing changes. Default 5 minutes. */
  readonly statusMs: number;
}

/** Upstream's. */
const HEARTBEAT: Heartbeat = { leaseSeconds: 40, statusMs: 5 * 60_000 };

/** How soon the API hears that pods can have a network, or no more. */
const NETWORK_MS = 1_000;

export interface NodeAgentDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Why no pod can be given a network now. */
  readonly networkProblem: () => string | undefined;
}

export class NodeAgent {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #facts: NodeFacts;
  readonly #cancels: Cancel[] = [];
  /** Called when the node was called something else than ready, and has put that right. */
  onReady: (node: Node) => void = () => {};
  #conditions: readonly NodeCondition[] = [];
  #uid = '';
  readonly #networkProblem: () => string | undefined;
  #toldProblem: string | undefined;
  #stopped = false;
  readonly #heartbeat: Heartbeat;

  constructor(facts: NodeFacts, deps: NodeAgentDependencies, heartbeat: Partial<Heartbeat> = {}) {
    this.#facts = facts;
    this.#heartbeat = { ...HEARTBEAT, ...heartbeat };
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#networkProblem = deps.networkProblem;
  }

  /** Resolves once the Node is in the API, with its status and its first Lease. Rejects when the server refuses it. */
  async start(): Promise<Node> {
    const node = await untilAnswered(() => this.#join(), {
      clock: this.#clock,
      // Deleted in the middle of it, or unknown to a server that has begun anew: made once more.
      alsoPassing: [404, 409],
      onFailure: (error) => {
        const message = error instanceof Error ? error.message : String(error);
        this.#log.warn({ node: this.#facts.name, error: message }, 'Cannot register the node yet, will try again');
      },
    });
    const { leaseSeconds, statusMs } = this.#heartbeat;
    this.#cancels.push(
      this.#clock.every(leaseSeconds * 250, () => this.#guard('renew the node lease', () => this.#beat())),
      this.#clock.every(statusMs, () => this.#guard('write the node status', () => this.#writeStatus())),
      this.#clock.every(NETWORK_MS, () => this.#guard('write the node status', () => this.#tellNetwork())),
    );
    return node;
  }

  async #join(): Promise<Node> {
    const node = await this.#register();
    this.#uid = node.metadata?.uid ?? '';
    this.#conditions = node.status?.conditions ?? [];
    await this.#writeStatus();
    await this.#renewLease();
    return node;
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
  }

  #guard(what: string, action: () => Promise<void>): void {
    action().catch((error: Error) => {
      if (!this.#stopped) this.#log.warn({ node: this.#facts.name, error: error.message }, `Cannot ${what}`);
    });
  }

  async #register(): Promise<Node> {
    const wanted = nodeObject(this.#facts, nodeStatus(this.#facts, [], this.#now(), this.#networkProblem()));
    try {
      return await this.#client.create<Node>(builtin('Node'), wanted);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
    }
    // A node of an earlier run: our labels are brought up to date, those of others stay. Ranges are given once; taints,
    // as upstream, only to a new node.
    return await this.#client.patch<Node>(builtin('Node'), this.#facts.name, undefined, 'merge', {
      metadata: { labels: nodeLabels(this.#facts) },
      ...(wanted.spec?.podCIDR === undefined
        ? {}
        : { spec: { podCIDR: wanted.spec.podCIDR, podCIDRs: wanted.spec.podCIDRs } }),
    });
  }

  async #beat(): Promise<void> {
    await this.#renewLease();
    // Others call a node unknown that was silent for too long; it alone can say that it is back.
    const node = await this.#client.get<Node>(builtin('Node'), this.#facts.name);
    const conditions = node.status?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Ready' && status !== 'Unknown')) return;
    this.#conditions = conditions;
    await this.#writeStatus();
    if (this.#networkProblem() === undefined) this.onReady(node);
  }

  async #writeStatus(): Promise<void> {
    const problem = this.#networkProblem();
    const status = nodeStatus(this.#facts, this.#conditions, this.#now(), problem);
    this.#conditions = status.conditions ?? [];
    await this.#client.patch(
      builtin('Node'),
      this.#facts.name,
      undefined,
      'strategic',
      // Merged by type, the addresses of two families would be one: as upstream, the list is replaced.
      { status: { ...status, addresses: [{ $patch: 'replace' }, ...(status.addresses ?? [])] } },
      { subresource: 'status' },
    );
    this.#toldProblem = problem;
  }

  async #tellNetwork(): Promise<void> {
    if (this.#networkProblem() !== this.#toldProblem) await this.#writeStatus();
  }

  async #renewLease(): Promise<void> {
    const name = this.#facts.name;
    const renewTime = `${new Date(this.#clock.wall()).toISOString().slice(0, -1)}000Z`;
    try {
      await this.#client.patch<Lease>(builtin('Lease'), name, LEASE_NAMESPACE, 'merge', {
        spec: { holderIdentity: name, leaseDurationSeconds: this.#heartbeat.leaseSeconds, renewTime },
      });
      return;
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
    await this.#ensureNamespace();
    await this.#client.create<Lease>(builtin('Lease'), {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        namespace: LEASE_NAMESPACE,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: this.#uid }],
      },
      spec: { holderIdentity: name, leaseDurationSeconds: this.#heartbeat.leaseSeconds, renewTime },
    });
  }

  /** The namespace is the API server's to make; a kubelet that is faster makes it itself. */
  async #ensureNamespace(): Promise<void> {
    try {
      await this.#client.create<Namespace>(builtin('Namespace'), {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: LEASE_NAMESPACE },
      });
    } catch (error) {
      // A server that lets no node make namespaces has made this one itself.
      if (!isStatus(error, 409) && !isStatus(error, 403)) throw error;
    }
  }

  #now(): string {
    return `${new Date(this.#clock.wall()).toISOString().slice(0, 19)}Z`;
  }
}
