// What one node has to announce: what all nodes would agree on, and how nodes that are about to leave are spared.
// Pure: objects in, duties out.
import type { Node } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { AnnounceProblem, BgpRoute, L2Announcement } from '#traffic/model/announce/announcement.ts';
import type { HashMemory } from '#traffic/model/announce/election.ts';
import { type AnnounceInput, resolveAnnouncements } from '#traffic/model/announce/resolve.ts';

export interface Duties {
  readonly l2: readonly L2Announcement[];
  readonly bgp: readonly BgpRoute[];
  readonly problems: readonly AnnounceProblem[];
}

/** Of the autoscaler: the node is about to go (KEP-3836). */
const LEAVING_TAINT = 'ToBeDeletedByClusterAutoscaler';

/** Cordoned, being deleted, or about to be: what it announces is better announced by others, in good time. */
export function isLeaving({ metadata, spec }: Node): boolean {
  if (metadata?.deletionTimestamp !== undefined || spec?.unschedulable === true) return true;
  return spec?.taints?.some(({ key }) => key === LEAVING_TAINT) === true;
}

/** What the kubelet says of itself: `Unknown` is word of others, and who speaks is heard. */
export function readiness({ status }: Node): 'True' | 'False' | 'Unknown' {
  const said = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return said === 'True' || said === 'False' ? said : 'Unknown';
}

/** Nodes that are leaving announce only what nobody else can. All nodes compute the same. */
export function dutiesOf(node: string, input: AnnounceInput, memory: HashMemory): Duties {
  const leaving = new Set(input.nodes.filter(isLeaving).map(({ metadata }: Node & KubeObject) => metadata?.name ?? ''));
  const all = resolveAnnouncements(input, memory);
  const ofAll = all.nodes.get(node) ?? { l2: [], bgp: [] };
  if (leaving.size === 0) return { ...ofAll, problems: all.problems };
  const isAlive = (name: string): boolean => input.isAlive(name) && !leaving.has(name);
  const { nodes } = resolveAnnouncements({ ...input, isAlive }, memory);
  const staying = [...nodes.values()];
  const addresses = new Set(staying.flatMap(({ l2 }) => l2.map(({ address }) => address)));
  const prefixes = new Set(staying.flatMap(({ bgp }) => bgp.map(({ prefix }) => prefix)));
  const mine = nodes.get(node) ?? { l2: [], bgp: [] };
  return {
    l2: [...mine.l2, ...ofAll.l2.filter(({ address }) => !addresses.has(address))],
    bgp: [...mine.bgp, ...ofAll.bgp.filter(({ prefix }) => !prefixes.has(prefix))],
    problems: all.problems,
  };
}
