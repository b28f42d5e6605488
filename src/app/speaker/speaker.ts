// The speaker of a node: works out what the node has to announce whenever anything changes, and has it announced.
// Knows its parts by their doors: the view of the cluster, who is alive, layer 2, BGP.
import type { Node } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Liveness } from '#traffic/announce/liveness/liveness.ts';
import type { Layer2 } from '#traffic/announce/thread/announcer.ts';
import type { HashMemory } from '#traffic/model/announce/election.ts';
import type { BgpSide } from './bgp-side.ts';
import type { ClusterView } from './cluster-view.ts';
import { type Duties, dutiesOf, readiness } from './duties.ts';
import type { SpeakerTotals } from './metrics.ts';
import type { Tellings } from './tellings.ts';

export interface NodeSpeakerParts {
  readonly node: string;
  readonly view: ClusterView;
  /** Left out: Nodes that are ready are alive. */
  readonly heartbeats: Liveness | undefined;
  readonly l2: Layer2 | undefined;
  readonly bgp: BgpSide | undefined;
  readonly tellings: Tellings;
  readonly totals: SpeakerTotals;
  readonly defaultLoadBalancer: boolean;
  readonly clock: Clock;
}

const KUBELET_PORT = 10_250;
/** News is gathered this long, in milliseconds. */
const GATHER_MS = 5;

export class NodeSpeaker {
  readonly #parts: NodeSpeakerParts;
  readonly #memory: HashMemory = new Map();
  #pending: Cancel | undefined;
  #leaving = false;
  #started = false;
  #duties: Duties = { l2: [], bgp: [], problems: [] };

  constructor(parts: NodeSpeakerParts) {
    this.#parts = parts;
  }

  get duties(): Duties {
    return this.#duties;
  }

  start(): void {
    this.#started = true;
    this.#setPeers();
    this.#parts.view.onChange(() => this.touch());
    this.#work();
  }

  /** Something has changed. */
  touch(): void {
    if (this.#started) this.#pending ??= this.#parts.clock.after(GATHER_MS, () => this.#work());
  }

  /** Somebody has come or died: what that means is done at once. */
  membersChanged(): void {
    this.#parts.totals.count('changes');
    if (!this.#started) return;
    this.#work();
    // Whoever came back may have been taken for the place of what is held here.
    this.#parts.l2?.announceAll();
  }

  /** Gives everything up, so that others have it before this node ends. */
  async leave(): Promise<void> {
    const { heartbeats, bgp, l2 } = this.#parts;
    this.#leaving = true;
    this.#pending?.();
    await Promise.all([heartbeats?.leave(), bgp?.withdraw()]);
    // Last: until others have taken over, an answer from here is better than none.
    l2?.hold([]);
  }

  #setPeers(): void {
    const { view, heartbeats } = this.#parts;
    const peers = view.nodes.list().flatMap((node) => {
      const address = internalAddress(node);
      return address === undefined ? [] : [{ name: node.metadata?.name ?? '', address, port: kubeletPort(node) }];
    });
    heartbeats?.setPeers(peers);
  }

  #isAlive(name: string): boolean {
    const { node, view, heartbeats } = this.#parts;
    const object = view.nodes.get(name);
    if (object === undefined) return false;
    const ready = readiness(object);
    if (heartbeats === undefined) return ready === 'True';
    // A kubelet that says itself that it cannot run pods is believed; one that is silent may still forward.
    return ready !== 'False' && (name === node || heartbeats.isAlive(name));
  }

  #work(): void {
    this.#pending = undefined;
    if (this.#leaving) return;
    const { node, view, heartbeats, l2, bgp, tellings, totals, defaultLoadBalancer } = this.#parts;
    this.#setPeers();
    const input = view.input((name) => this.#isAlive(name), defaultLoadBalancer);
    const duties = dutiesOf(node, input, this.#memory);
    this.#duties = { ...duties, l2: l2 === undefined ? [] : duties.l2, bgp: bgp === undefined ? [] : duties.bgp };
    l2?.hold(this.#duties.l2);
    const object = view.nodes.get(node);
    bgp?.want({
      routes: this.#duties.bgp,
      peers: view.peers.list(),
      profiles: view.bfdProfiles.list(),
      labels: object?.metadata?.labels ?? {},
      nodeAddress: object && internalAddress(object, 4),
    });
    totals.set('alive', heartbeats?.alivePeers.length ?? 0);
    totals.set('prefixes', this.#duties.bgp.length);
    tellings.tell(this.#duties);
    const names = [node, ...view.nodes.list().map(({ metadata }) => metadata?.name ?? '')];
    const first = names.filter((name) => this.#isAlive(name)).sort()[0] ?? node;
    tellings.problems(duties.problems, first === node);
  }
}

/** As its kubelet says; where upstream's listens, when it says nothing. Any answer counts, also that nobody listens. */
function kubeletPort({ status }: Node): number {
  return status?.daemonEndpoints?.kubeletEndpoint?.Port || KUBELET_PORT;
}

export function internalAddress({ status }: Node & KubeObject, family?: 4): string | undefined {
  return status?.addresses?.find(
    ({ type, address }) => type === 'InternalIP' && (family === undefined || !address.includes(':')),
  )?.address;
}
