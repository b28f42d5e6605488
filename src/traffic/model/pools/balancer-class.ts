// Which LoadBalancer Services are ours, and how their addresses are to be made known.
// Pure; knows a Service's type and class, and nothing of addresses.
import type { Service } from 'kubernetes-types/core/v1.js';

/** `any`: as the advertisements say. */
export type BalancerClass = 'any' | 'bgp' | 'l2';

const CLASSES: Readonly<Record<string, BalancerClass>> = { 'evenkeel.dev/bgp': 'bgp', 'evenkeel.dev/l2': 'l2' };

/** Undefined for what is not ours; `isDefault` is whether Services without a class are. */
export function balancerClassOf({ spec = {} }: Service, isDefault: boolean): BalancerClass | undefined {
  if (spec.type !== 'LoadBalancer') return undefined;
  const { loadBalancerClass = '' } = spec;
  if (loadBalancerClass === '') return isDefault ? 'any' : undefined;
  return Object.hasOwn(CLASSES, loadBalancerClass) ? CLASSES[loadBalancerClass] : undefined;
}
