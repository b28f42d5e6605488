// Which autoscalers would count the same pods: two that do would pull one workload in two directions.
// Knows selectors and labels. (Upstream: hpasControllingPodsUnderSelector.)

import { splitKey } from '#kube/api/object.ts';
import type { LabelQuery, Labels } from '#kube/api/selector.ts';

export class Selectors {
  /** By key of the autoscaler, as its target's scale said it last. */
  readonly #known = new Map<string, LabelQuery>();

  set(key: string, selector: LabelQuery): void {
    this.#known.set(key, selector);
  }

  forget(key: string): void {
    this.#known.delete(key);
  }

  /** Keys of those that select one of these pods, all of one namespace, in order. */
  selecting(namespace: string, pods: readonly (Labels | undefined)[]): string[] {
    const keys: string[] = [];
    for (const [key, selector] of this.#known) {
      if (splitKey(key).namespace === namespace && pods.some((labels) => selector.matches(labels))) keys.push(key);
    }
    return keys.sort();
  }
}
