// What a pod asks for and is limited to in all: its containers together, or the largest of those that run before them.
// Knows the fields of pods. Upstream source: component-helpers/resource/helpers.go.
import type { Container, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { type Amounts, add, larger, NONE, readAmounts } from './amounts.ts';

export type ResourcesField = 'requests' | 'limits';

export function podResources(pod: Pod, field: ResourcesField): Amounts {
  const { spec } = pod;
  if (spec === undefined) return NONE;
  let running = sum(spec.containers ?? [], field);
  let before = NONE;
  let sidecars = NONE;
  for (const container of spec.initContainers ?? []) {
    const own = containerResources(container, field);
    if (container.restartPolicy === 'Always') {
      // It goes on beside all that come after it.
      sidecars = add(sidecars, own);
      before = larger(before, sidecars);
    } else {
      before = larger(before, add(sidecars, own));
    }
  }
  running = larger(add(running, sidecars), before);
  const whole = readAmounts((spec as PodSpec & { resources?: Container['resources'] }).resources?.[field]);
  if (whole.size > 0) running = new Map([...running, ...whole]);
  return overhead(running, spec, field);
}

export function containerResources(container: Container, field: ResourcesField): Amounts {
  return readAmounts(container.resources?.[field]);
}

function sum(containers: readonly Container[], field: ResourcesField): Amounts {
  return containers.reduce<Amounts>((all, container) => add(all, containerResources(container, field)), NONE);
}

/** Comes on top of what is asked for, and of limits that there are. */
function overhead(amounts: Amounts, spec: PodSpec, field: ResourcesField): Amounts {
  const extra = readAmounts(spec.overhead);
  if (extra.size === 0) return amounts;
  if (field === 'requests') return add(amounts, extra);
  return add(amounts, new Map([...extra].filter(([name]) => amounts.has(name))));
}
