// The quality-of-service class of a Pod, from the requests and limits of its containers.
// Knows only cpu and memory count, as upstream's GetPodQOS.
import { type AnyObject, dig, digArray, isFields } from '../registry/any-object.ts';

const COUNTED = ['cpu', 'memory'] as const;

export function podQosClass(pod: AnyObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...digArray(pod, 'spec', 'initContainers'), ...digArray(pod, 'spec', 'containers')];
  const resources = containers.map((container) => ({
    requests: quantities(container, 'requests'),
    limits: quantities(container, 'limits'),
  }));
  if (resources.every(({ requests, limits }) => requests.size === 0 && limits.size === 0)) return 'BestEffort';
  const guaranteed = resources.every(({ requests, limits }) =>
    COUNTED.every((name) => limits.has(name) && (requests.get(name) ?? limits.get(name)) === limits.get(name)),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function quantities(container: unknown, which: 'requests' | 'limits'): ReadonlyMap<string, string> {
  const map = dig(container, 'resources', which);
  const found = new Map<string, string>();
  if (!isFields(map)) return found;
  for (const name of COUNTED) {
    const value = map[name];
    if (value !== undefined && String(value) !== '0') found.set(name, String(value));
  }
  return found;
}
