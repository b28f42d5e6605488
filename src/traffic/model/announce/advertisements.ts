// Advertisements out of objects, ready to be asked: for this pool, this Service, this node?
// Pure; knows nothing of who is elected. Upstream: internal/config of metallb.io.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type {
  AnnouncementScope,
  BGPAdvertisement,
  BgpAnnouncement,
  L2Advertisement,
  L2Announcement,
  PoolReferences,
} from '#kube/api/load-balancer/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { type LabelQuery, type Labels, labelSelectorQuery } from '#kube/api/selector.ts';
import { type Pool, poolId } from '../pools/pool.ts';
import type { AnnounceProblem } from './announcement.ts';

/** Where it stands: an object of its own, or the pool that says it itself. */
export interface Source {
  readonly kind: 'AddressPool' | 'BGPAdvertisement' | 'L2Advertisement';
  readonly key: string;
  /** Of what is said there, e.g. `spec` or `spec.announce[1]`. */
  readonly field: string;
}

export interface Advertisement<Spec> {
  readonly source: Source;
  readonly spec: Spec;
  /** Undefined: a pool that is there no more; `noted` are the names by which it was known. */
  readonly isForPool: (pool: Pool | undefined, noted: readonly string[]) => boolean;
  readonly isForService: (service: Service) => boolean;
  readonly isForNode: (labels: Labels) => boolean;
  /** How much it wants a node to be the one, by layer 2. */
  readonly preference: (labels: Labels) => number;
}

export interface Advertisements {
  readonly l2: readonly Advertisement<L2Announcement>[];
  readonly bgp: readonly Advertisement<BgpAnnouncement>[];
}

export function readAdvertisements(
  pools: readonly Pool[],
  l2Objects: readonly L2Advertisement[],
  bgpObjects: readonly BGPAdvertisement[],
  problems: AnnounceProblem[],
): Advertisements {
  const l2: Advertisement<L2Announcement>[] = [];
  const bgp: Advertisement<BgpAnnouncement>[] = [];
  for (const pool of pools) {
    for (const [at, announce] of pool.announce.entries()) {
      const source: Source = { kind: 'AddressPool', key: pool.key, field: `spec.announce[${at}]` };
      const isForPool = (other: Pool | undefined): boolean => other !== undefined && poolId(other) === poolId(pool);
      if (announce.protocol === 'l2') l2.push(advertisement(source, announce, isForPool, problems));
      else bgp.push(advertisement(source, announce, isForPool, problems));
    }
  }
  for (const object of inOrder(l2Objects)) {
    const source: Source = { kind: 'L2Advertisement', key: objectKey(object), field: 'spec' };
    const { spec = {} } = object;
    l2.push(advertisement(source, spec, poolsNamed(source, spec, problems), problems));
  }
  for (const object of inOrder(bgpObjects)) {
    const source: Source = { kind: 'BGPAdvertisement', key: objectKey(object), field: 'spec' };
    const { spec = {} } = object;
    bgp.push(advertisement(source, spec, poolsNamed(source, spec, problems), problems));
  }
  return { l2, bgp };
}

function inOrder<T extends KubeObject>(objects: readonly T[]): T[] {
  return [...objects].sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
}

function advertisement<Spec extends AnnouncementScope & Pick<L2Announcement, 'preferredNodeSelectors'>>(
  source: Source,
  spec: Spec,
  isForPool: Advertisement<Spec>['isForPool'],
  problems: AnnounceProblem[],
): Advertisement<Spec> {
  const nodes = queries(source, 'nodeSelectors', spec.nodeSelectors, problems);
  const services = queries(source, 'serviceSelectors', spec.serviceSelectors, problems);
  const preferred = (spec.preferredNodeSelectors ?? []).map(({ weight, preference }, at) => ({
    weight,
    query: queries(source, `preferredNodeSelectors[${at}]`, [preference], problems)[0],
  }));
  return {
    source,
    spec,
    isForPool,
    isForService: (service) => anyOf(services, service.metadata?.labels ?? {}),
    isForNode: (labels) => anyOf(nodes, labels),
    preference: (labels) =>
      preferred.reduce((sum, { weight, query }) => (query?.matches(labels) === true ? sum + weight : sum), 0),
  };
}

/** None at all select everything. */
function anyOf(list: readonly (LabelQuery | undefined)[], labels: Labels): boolean {
  return list.length === 0 || list.some((query) => query?.matches(labels) === true);
}

function poolsNamed(
  source: Source,
  spec: PoolReferences,
  problems: AnnounceProblem[],
): Advertisement<unknown>['isForPool'] {
  const { ipAddressPools: names = [], ipAddressPoolSelectors } = spec;
  const selectors = queries(source, 'ipAddressPoolSelectors', ipAddressPoolSelectors, problems);
  return (pool, noted) => {
    if (names.length === 0 && selectors.length === 0) return true;
    if (pool === undefined) return noted.some((name) => names.includes(name));
    return names.includes(pool.name) || selectors.some((query) => query?.matches(pool.labels) === true);
  };
}

/** One that cannot be read is undefined, and selects nothing. */
function queries(
  { kind, key, field }: Source,
  name: string,
  selectors: readonly LabelSelector[] | undefined,
  problems: AnnounceProblem[],
): (LabelQuery | undefined)[] {
  return (selectors ?? []).map((selector, at) => {
    try {
      return labelSelectorQuery(selector);
    } catch (error) {
      const message = `It selects nothing: ${(error as Error).message}`;
      problems.push({ kind, key, reason: 'InvalidSelector', field: `${field}.${name}[${at}]`, message });
      return undefined;
    }
  });
}
