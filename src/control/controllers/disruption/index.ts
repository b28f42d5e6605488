// PodDisruptionBudget: keeps count of how many pods may be evicted, so that the API server can answer evictions.
// Evicts nothing itself.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { controllerOf } from '../common/owners.ts';
import { isPodFinished } from '../common/pods.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { budgetStatus, EVICTION_TIMEOUT_MS } from './status.ts';

const BUDGETS = builtin('PodDisruptionBudget');
/** Controllers whose scale says how many pods there should be. */
const SCALED = ['ReplicaSet', 'Deployment', 'StatefulSet', 'ReplicationController'] as const;

type Scaled = KubeObject & { spec?: { replicas?: number } };

export const disruptionController: Controller = {
  name: 'disruption',
  component: 'controllermanager',
  setup: (context) => new DisruptionController(context).parts(),
};

class DisruptionController {
  readonly #context: ControllerContext;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #scaled: ReadonlyMap<string, Informer<Scaled>>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#budgets = context.informers.of<PodDisruptionBudget>(BUDGETS);
    this.#pods = context.informers.of<Pod>(builtin('Pod'));
    this.#scaled = new Map(SCALED.map((kind) => [kind, context.informers.of<Scaled>(builtin(kind))]));
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('disruption', (key) => this.#reconcile(key), { clock, log, workers: 2 });
    this.#budgets.onChange((key) => queue.add(key));
    this.#pods.onChange((_key, now, before) => {
      for (const pod of [now, before]) for (const key of this.#budgetsOf(pod)) queue.add(key);
    });
    for (const informer of this.#scaled.values()) {
      informer.onChange((_key, now, before) => {
        if (now?.spec?.replicas === before?.spec?.replicas) return;
        for (const budget of this.#budgets.list((now ?? before)?.metadata?.namespace)) queue.add(objectKey(budget));
      });
    }
    return { queues: [queue], reads: [this.#budgets, this.#pods, ...this.#scaled.values()] };
  }

  #budgetsOf(pod: Pod | undefined): string[] {
    if (pod === undefined) return [];
    return this.#budgets
      .list(pod.metadata?.namespace)
      .filter((budget) => labelSelectorMatches(budget.spec?.selector, pod.metadata?.labels))
      .map(objectKey);
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const budget = this.#budgets.get(key);
    if (budget === undefined || budget.metadata?.deletionTimestamp !== undefined) return undefined;
    const { client, clock } = this.#context;
    const pods = this.#pods
      .list(budget.metadata?.namespace)
      .filter((pod) => labelSelectorMatches(budget.spec?.selector, pod.metadata?.labels) && !isPodFinished(pod));
    const now = clock.wall();
    const status = budgetStatus(budget, pods, this.#expected(budget, pods), now, timestamp(now));
    if (!semanticallyEqual(status, budget.status)) {
      await client.update<PodDisruptionBudget>(BUDGETS, { ...budget, status }, { subresource: 'status' });
    }
    return status.disruptedPods === undefined ? undefined : { requeueAfterMs: EVICTION_TIMEOUT_MS };
  }

  /** A plain minAvailable counts the pods there are; everything else is relative to what their controllers want. */
  #expected(budget: PodDisruptionBudget, pods: readonly Pod[]): number {
    const { minAvailable, maxUnavailable } = budget.spec ?? {};
    if (maxUnavailable === undefined && typeof minAvailable !== 'string') return pods.length;
    const controllers = new Map<string, number>();
    for (const pod of pods) {
      const controller = this.#topController(pod);
      // A pod that nobody scales stands for itself.
      if (controller === undefined) controllers.set(`pod/${objectKey(pod)}`, 1);
      else controllers.set(controller.metadata?.uid ?? '', controller.spec?.replicas ?? 1);
    }
    return [...controllers.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  #topController(pod: Pod): Scaled | undefined {
    let top: Scaled | undefined;
    let owner = controllerOf(pod);
    while (owner !== undefined) {
      const found = this.#scaled.get(owner.kind)?.get(`${pod.metadata?.namespace}/${owner.name}`);
      if (found === undefined || found.metadata?.uid !== owner.uid) break;
      top = found;
      owner = controllerOf(found);
    }
    return top;
  }
}
