// Downward API: what a pod may learn of itself through `fieldRef` and `resourceFieldRef`.
// Pure; the pod's address and the node's capacity are handed in.
import type { Container, Pod, ResourceFieldSelector } from 'kubernetes-types/core/v1.js';
import { parseQuantity } from '#kube/api/quantity.ts';

/** What a field may refer to besides the stored object. */
export interface PodFacts {
  /** The primary address first; empty while the pod has none. */
  readonly podIps: readonly string[];
  /** The primary address first. */
  readonly hostIps: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
}

const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.*)'\]$/;

function formatMap(map: Record<string, string> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/** The value of `fieldPath`; throws when the path is not one that Kubernetes supports. */
export function fieldValue(pod: Pod, fieldPath: string, facts: PodFacts): string {
  const { metadata = {}, spec } = pod;
  const subscript = SUBSCRIPT.exec(fieldPath);
  if (subscript !== null) {
    const map = subscript[1] === 'labels' ? metadata.labels : metadata.annotations;
    return map?.[subscript[2] ?? ''] ?? '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name ?? '';
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'spec.nodeName':
      return spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? 'default';
    case 'status.hostIP':
      return facts.hostIps[0] ?? '';
    case 'status.hostIPs':
      return facts.hostIps.join(',');
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/**
 * A container's request or limit, divided by the divisor and rounded up; a limit that is not set is what the node can
 * allocate, a request that is not set is 0. Throws on a resource that Kubernetes does not expose.
 */
export function resourceValue(container: Container, selector: ResourceFieldSelector, facts: PodFacts): string {
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource);
  if (match === null) throw new Error(`unsupported container resource : ${selector.resource}`);
  const [, side, name = ''] = match;
  const { limits, requests } = container.resources ?? {};
  const fallback = side === 'limits' ? (facts.allocatable[name] ?? '0') : '0';
  const written = (side === 'limits' ? limits : requests)?.[name] ?? fallback;
  const divisor = selector.divisor === undefined || String(selector.divisor) === '0' ? '1' : String(selector.divisor);
  if (name === 'cpu') {
    return String(Math.ceil(Number(parseQuantity(written).milli()) / Number(parseQuantity(divisor).milli())));
  }
  return String(Math.ceil(Number(parseQuantity(written).value()) / Number(parseQuantity(divisor).value())));
}
