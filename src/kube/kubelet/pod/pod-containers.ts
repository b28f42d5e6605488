// The containers of one pod by their sort, in the order of the pod: those it begins with, and those added for debugging.
// Keeps them together, and knows the order of their end; how one is started and stopped is its runner's matter.
import type { Container, ContainerStatus, Pod, PodStatus } from 'kubernetes-types/core/v1.js';
import type { ContainerRunner } from './container-runner.ts';
import { type ContainerKind, initKind } from './restart-policy.ts';

export class PodContainers {
  readonly inits: readonly ContainerRunner[];
  readonly apps: readonly ContainerRunner[];
  readonly ephemerals: ContainerRunner[] = [];
  readonly #make: (container: Container, kind: ContainerKind) => ContainerRunner;

  constructor(pod: Pod, make: (container: Container, kind: ContainerKind) => ContainerRunner) {
    this.#make = make;
    this.inits = (pod.spec?.initContainers ?? []).map((container) => make(container, initKind(container)));
    this.apps = (pod.spec?.containers ?? []).map((container) => make(container, 'app'));
    this.adopt(pod);
    this.#restore(pod.status);
  }

  get all(): readonly ContainerRunner[] {
    return [...this.inits, ...this.apps, ...this.ephemerals];
  }

  find(name: string): ContainerRunner | undefined {
    return this.all.find(({ tracked }) => tracked.name === name);
  }

  /** Takes in what was added to the pod; nothing is ever taken from it. */
  adopt(pod: Pod): void {
    for (const container of pod.spec?.ephemeralContainers ?? []) {
      if (this.find(container.name) === undefined) this.ephemerals.push(this.#make(container, 'ephemeral'));
    }
  }

  /** Ends containers together, then sidecars in the reverse of their order. */
  async stop(end: (runner: ContainerRunner) => Promise<void>): Promise<void> {
    const sidecars = this.inits.filter((runner) => runner.tracked.kind === 'sidecar');
    const others = this.all.filter((runner) => runner.tracked.kind !== 'sidecar');
    await Promise.all(others.map(end));
    for (const runner of sidecars.reverse()) await end(runner);
  }

  /** What an earlier run of the kubelet has written. */
  #restore(status: PodStatus = {}): void {
    const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
    const statuses = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
    const byName = new Map<string, ContainerStatus>(statuses.map((each) => [each.name, each]));
    for (const runner of this.all) {
      const known = byName.get(runner.tracked.name);
      if (known !== undefined) runner.restore(known);
    }
  }
}
