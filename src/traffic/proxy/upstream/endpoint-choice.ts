// Which endpoint a request goes to next, and which it has been to.
// Knows nothing of connections; asks the cluster's picker and tells it whom to avoid.

import type { Pick, PickInput } from '#traffic/balancer/balancer.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';

const nobody: readonly EngineTarget[] = [];

/** Where a client belongs; undefined when it belongs nowhere, or cannot go there. */
export interface Affinity {
  pick(cluster: ClusterEntry, input: PickInput): Pick<EngineTarget> | undefined;
}

/** One per client connection, begun anew with each request; a first pick allocates nothing. */
export class EndpointChoice {
  /** Where the last attempt went. */
  last: EngineTarget | undefined;
  readonly #input: { clientAddress: string; hashKey: string; now: number; tried: readonly EngineTarget[] } = {
    clientAddress: '',
    hashKey: '',
    now: 0,
    tried: nobody,
  };
  readonly #affinity: Affinity | undefined;
  #tried: EngineTarget[] | undefined;

  /** `affinity` has the first say. */
  constructor(affinity?: Affinity) {
    this.#affinity = affinity;
  }

  /** `hashKey` is what hashing policies hash, empty for the client's address. */
  begin(clientAddress: string, hashKey: string): void {
    this.#input.clientAddress = clientAddress;
    this.#input.hashKey = hashKey;
    this.last = undefined;
    this.#tried = undefined;
  }

  /** The last pick came to nothing, and does not count as tried. */
  retract(): void {
    this.last = this.#tried?.pop();
  }

  /** Avoids what was tried before and `refused`, while others remain. */
  next(cluster: ClusterEntry, refused: readonly EngineTarget[], now: number): Pick<EngineTarget> {
    const input = this.#input;
    input.now = now;
    if (this.last === undefined) {
      input.tried = refused;
    } else {
      if (this.#tried === undefined) this.#tried = [this.last];
      else this.#tried.push(this.last);
      input.tried = refused.length === 0 ? this.#tried : [...this.#tried, ...refused];
    }
    let pick = this.#pick(cluster);
    if (
      refused.length > 0 &&
      this.#tried !== undefined &&
      pick.type === 'target' &&
      this.#tried.includes(pick.target)
    ) {
      // Whoever refused a connection to somebody else may yet take this request; who was tried has had it.
      input.tried = this.#tried;
      pick = this.#pick(cluster);
    }
    if (pick.type === 'target') this.last = pick.target;
    return pick;
  }

  /** Whether somebody may be asked who was neither tried nor `refused`. */
  hasOther(cluster: ClusterEntry, refused: readonly EngineTarget[]): boolean {
    const tried = this.#tried ?? [];
    return cluster.targets.some((one) => one !== this.last && !tried.includes(one) && !refused.includes(one));
  }

  #pick(cluster: ClusterEntry): Pick<EngineTarget> {
    return this.#affinity?.pick(cluster, this.#input) ?? cluster.picker.pick(this.#input);
  }
}
