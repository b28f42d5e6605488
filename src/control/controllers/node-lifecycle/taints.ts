// Which taints a node carries for its conditions. Upstream: node_lifecycle_controller.go, nodeConditionToTaintKeyStatusMap.
// Pure; knows neither time nor zones.
import type { Node, NodeCondition, Taint } from 'kubernetes-types/core/v1.js';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

const keysByCondition: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};
const ownedKeys: ReadonlySet<string> = new Set([
  UNSCHEDULABLE,
  ...Object.values(keysByCondition).flatMap((keys) => Object.values(keys)),
]);

export function readyCondition(node: Node | undefined): NodeCondition | undefined {
  return node?.status?.conditions?.find(({ type }) => type === 'Ready');
}

/** Key of the taint that moves pods away from the node; undefined while it is ready, or never said anything. */
export function evictionKey(node: Node): string | undefined {
  return keysByCondition.Ready?.[readyCondition(node)?.status ?? ''];
}

/** The taint of the kind that moves pods away, if the node carries one. */
export function carriedEvictionKey(node: Node): string | undefined {
  return node.spec?.taints?.find(({ effect, key }) => effect === 'NoExecute' && isEvictionKey(key))?.key;
}

const isEvictionKey = (key: string): boolean => key === NOT_READY || key === UNREACHABLE;

/** Keys that keep new pods away, by the conditions and `spec.unschedulable`. */
export function noScheduleKeys(node: Node): string[] {
  const byCondition = (node.status?.conditions ?? []).flatMap(({ type, status }) => {
    const key = keysByCondition[type]?.[status];
    return key === undefined ? [] : [key];
  });
  return node.spec?.unschedulable === true ? [...byCondition, UNSCHEDULABLE] : byCondition;
}

/**
 * The node's taints as they should be, or undefined when they are. `evict` is the key of the NoExecute taint, if it
 * should carry one. Taints of others are left as they are, and in their order; those that stay keep their time.
 */
export function desiredTaints(node: Node, evict: string | undefined, now: string): Taint[] | undefined {
  const current = node.spec?.taints ?? [];
  const wanted = [
    ...noScheduleKeys(node).map((key) => ({ key, effect: 'NoSchedule' })),
    ...(evict === undefined ? [] : [{ key: evict, effect: 'NoExecute' }]),
  ];
  const isOwned = ({ key, effect }: Taint): boolean =>
    (effect === 'NoSchedule' && ownedKeys.has(key)) || (effect === 'NoExecute' && isEvictionKey(key));
  const isWanted = ({ key, effect }: Taint): boolean =>
    wanted.some((taint) => taint.key === key && taint.effect === effect);
  const kept = current.filter((taint) => !isOwned(taint) || isWanted(taint));
  const added = wanted
    .filter(({ key, effect }) => !current.some((taint) => taint.key === key && taint.effect === effect))
    .map((taint): Taint => ({ ...taint, timeAdded: now as unknown as NonNullable<Taint['timeAdded']> }));
  return added.length === 0 && kept.length === current.length ? undefined : [...kept, ...added];
}
