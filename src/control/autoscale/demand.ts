// How many pods the measured demand is worth, not rounded: what a forecast is made of.
// Pure; the same arithmetic as the replicas themselves, before tolerance and rounding.
import type { Current, Target } from './metric.ts';
import { countReadyRunning, type PodFacts } from './pods.ts';

/**
 * Pods that would do exactly what `current` shows at `target` a pod; undefined where there is nothing to compare.
 * An amount a pod is the mean over those that there are (`existing`), or for figures of pods over those that are ready.
 */
export function demandInPods(
  target: Target,
  current: Current,
  ofPods: boolean,
  pods: readonly PodFacts[],
  existing: number,
): number | undefined {
  const ready = countReadyRunning(pods);
  if (target.averageUtilization !== undefined && current.averageUtilization !== undefined) {
    return (current.averageUtilization / target.averageUtilization) * ready;
  }
  if (target.averageValue !== undefined && current.averageValue !== undefined) {
    return share(current.averageValue, target.averageValue) * (ofPods ? ready : existing);
  }
  if (target.value !== undefined && current.value !== undefined) return share(current.value, target.value) * ready;
  return undefined;
}

function share(current: bigint, target: bigint): number {
  return target === 0n ? 0 : Number(current) / Number(target);
}
