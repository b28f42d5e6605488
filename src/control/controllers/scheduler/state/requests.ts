// What a pod asks of a node. Upstream: component-helpers/resource/helpers.go (PodRequests).
// Pure.
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';

/** cpu in millicores, memory in bytes, anything else (extended resources, ephemeral-storage) in its own unit. */
export type Amounts = Readonly<Record<string, number>>;

/** Used for scoring where a container requests nothing, so that such pods do not all end up on one node. */
const DEFAULT_CPU = 100;
const DEFAULT_MEMORY = 200 * 1024 * 1024;

export function amounts(list: Readonly<Record<string, string>> | undefined): Amounts {
  const result: Record<string, number> = {};
  for (const [name, text] of Object.entries(list ?? {})) {
    const quantity = parseQuantity(String(text));
    result[name] = name === 'cpu' ? quantity.milli() : quantity.value();
  }
  return result;
}

/** Sum of the containers, at least what the init phase needs at its peak, plus overhead; pod-level requests win. */
export function podRequests(pod: Pod): Amounts {
  return requestsOf(pod, (container) => amounts(container.resources?.requests));
}

/** The same with defaults for cpu and memory; only for scoring. */
export function scoringRequests(pod: Pod): Amounts {
  return requestsOf(pod, (container) => ({
    cpu: DEFAULT_CPU,
    memory: DEFAULT_MEMORY,
    ...amounts(container.resources?.requests),
  }));
}

function requestsOf(pod: Pod, of: (container: Container) => Amounts): Amounts {
  let running = addAll((pod.spec?.containers ?? []).map(of));
  let sidecars: Amounts = {};
  let peak: Amounts = {};
  for (const container of pod.spec?.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === 'Always') {
      sidecars = add(sidecars, own);
      running = add(running, own);
      peak = max(peak, sidecars);
    } else {
      // An init container runs beside the sidecars started before it.
      peak = max(peak, add(own, sidecars));
    }
  }
  const total = max(running, peak);
  const podLevel = amounts((pod.spec as { resources?: Container['resources'] } | undefined)?.resources?.requests);
  return add({ ...total, ...podLevel }, amounts(pod.spec?.overhead));
}

export function add(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => x + y);
}

function addAll(all: readonly Amounts[]): Amounts {
  return all.reduce(add, {});
}

function max(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, Math.max);
}

function combine(a: Amounts, b: Amounts, by: (x: number, y: number) => number): Amounts {
  const result: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) result[name] = by(result[name] ?? 0, value);
  return result;
}
