// Annotations of Services by which people and this controller speak: ours first, then those that MetalLB knows.
// Data and one look-up; what they mean for who asks is the controller's matter.
import type { ObjectMeta } from '#kube/api/object.ts';

export const PREFIX = 'evenkeel.dev';

/** In order of precedence; the last is the one MetalLB had before. */
const PREFIXES = [PREFIX, 'metallb.io', 'metallb.universe.tf'] as const;

export type AnnotationName = 'address-pool' | 'allow-shared-ip' | 'ip-allocated-from-pool' | 'loadBalancerIPs';

/** Written with every address that is given: names of its pools, in the order of the addresses, with commas between. */
export const ALLOCATED_FROM = `${PREFIX}/ip-allocated-from-pool`;

/** The first that is there, even when it is empty. */
export function annotationOf({ annotations = {} }: ObjectMeta, name: AnnotationName): string | undefined {
  for (const prefix of PREFIXES) {
    const key = `${prefix}/${name}`;
    if (Object.hasOwn(annotations, key)) return annotations[key];
  }
  return undefined;
}
