// Which prefixes each node tells which BGP peers: aggregated, with communities and preference, one way a peer.
// Pure; sessions are the announcer's matter. Upstream: speaker/bgp_controller.go and internal/config of metallb.io.
import type { BGPPeer, BgpAnnouncement } from '#kube/api/load-balancer/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { type LabelQuery, labelSelectorQuery } from '#kube/api/selector.ts';
import { type Address, bitsOf, blockOf, blocksOf, contains, formatRange } from '#lib/address-range.ts';
import type { Pool } from '../pools/pool.ts';
import type { Advertisement } from './advertisements.ts';
import type { AnnounceProblem, BgpRoute } from './announcement.ts';
import { resolveCommunities } from './communities.ts';
import type { AnnouncingNode, Offer } from './offers.ts';

type BgpAdvertisement = Advertisement<BgpAnnouncement> & { readonly communities: readonly string[] };

export interface BgpInput {
  readonly offers: readonly Offer[];
  readonly advertisements: readonly Advertisement<BgpAnnouncement>[];
  readonly peers: readonly BGPPeer[];
  /** By name. */
  readonly communities: ReadonlyMap<string, string>;
  readonly nodes: readonly AnnouncingNode[];
}

/** What one peer is told of one prefix, until all is known. */
interface Told {
  localPref: number | undefined;
  readonly communities: Set<string>;
  readonly services: Set<string>;
}

export function resolveBgp(input: BgpInput, problems: AnnounceProblem[]): Map<string, BgpRoute[]> {
  const report = once(problems);
  const advertisements = input.advertisements.flatMap((one) => withCommunities(one, input.communities, report));
  const peers = input.peers.map((peer) => ({ name: peer.metadata?.name ?? '', selectors: selectorsOf(peer, report) }));
  const offers = input.offers.filter(({ by }) => by !== 'l2');
  const result = new Map<string, BgpRoute[]>();
  /** Most nodes of a cluster tell the same to the same peers. */
  const known = new Map<string, BgpRoute[]>();
  for (const node of input.nodes) {
    const reached = peers.filter(
      ({ selectors }) => selectors.length === 0 || selectors.some((one) => one?.matches(node.labels)),
    );
    const names = reached.map(({ name }) => name);
    const here = advertisements.filter((one) => one.isForNode(node.labels));
    const entering = offers.filter(({ enters }) => enters(node.name));
    const id = JSON.stringify([
      names,
      here.map((one) => advertisements.indexOf(one)),
      entering.length === offers.length ? 'all' : entering.map(({ key }) => key),
    ]);
    const routes = known.get(id) ?? routesFor(entering, here, names, report);
    known.set(id, routes);
    if (routes.length > 0) result.set(node.name, routes);
  }
  return result;
}

function routesFor(
  offers: readonly Offer[],
  advertisements: readonly BgpAdvertisement[],
  peers: readonly string[],
  report: Report,
): BgpRoute[] {
  /** By prefix and peer. */
  const table = new Map<string, Map<string, Told>>();
  for (const offer of offers) tell(table, offer, advertisements, peers, report);
  const routes = [...table].flatMap(([prefix, told]) => routesOf(prefix, told));
  return routes.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

type Report = (problem: AnnounceProblem) => void;

/** Every node and every Service comes upon the same mistakes. */
function once(problems: AnnounceProblem[]): Report {
  const told = new Set<string>();
  return (problem) => {
    const id = `${problem.kind}|${problem.key}|${problem.field}|${problem.message}`;
    if (told.has(id)) return;
    told.add(id);
    problems.push(problem);
  };
}

/** Routes without a community that keeps them in would spread further than they should: such an advertisement says nothing. */
function withCommunities(
  one: Advertisement<BgpAnnouncement>,
  named: ReadonlyMap<string, string>,
  report: Report,
): BgpAdvertisement[] {
  const communities = resolveCommunities(one.spec.communities ?? [], named);
  if (!('problem' in communities)) return [{ ...one, communities }];
  const { kind, key, field } = one.source;
  const message = `Nothing is announced by this: ${communities.problem}`;
  report({ kind, key, reason: 'UnknownCommunity', field: `${field}.communities`, message });
  return [];
}

function selectorsOf(peer: BGPPeer, report: Report): (LabelQuery | undefined)[] {
  return (peer.spec?.nodeSelectors ?? []).map((selector, at) => {
    try {
      return labelSelectorQuery(selector);
    } catch (error) {
      const field = `spec.nodeSelectors[${at}]`;
      const message = `It selects nothing: ${(error as Error).message}`;
      report({ kind: 'BGPPeer', key: objectKey(peer), reason: 'InvalidSelector', field, message });
      return undefined;
    }
  });
}

function tell(
  table: Map<string, Map<string, Told>>,
  { addresses, service, noted, key }: Offer,
  advertisements: readonly BgpAdvertisement[],
  peers: readonly string[],
  report: Report,
): void {
  for (const { address, pool } of addresses) {
    for (const one of advertisements) {
      if (!one.isForPool(pool, noted) || !one.isForService(service)) continue;
      const prefix = prefixOf(one, address, pool, report);
      if (prefix === undefined) continue;
      const { peers: named = [], localPref } = one.spec;
      for (const peer of peers) {
        if (named.length > 0 && !named.includes(peer)) continue;
        const told = table.get(prefix) ?? new Map<string, Told>();
        table.set(prefix, told);
        const route = told.get(peer) ?? { localPref: undefined, communities: new Set(), services: new Set() };
        told.set(peer, route);
        merge(route, one, localPref, prefix, report);
        route.services.add(key);
      }
    }
  }
}

/** Two that speak of one prefix to one peer are joined; of two preferences the higher counts. */
function merge(route: Told, one: BgpAdvertisement, given: number | undefined, prefix: string, report: Report): void {
  for (const community of one.communities) route.communities.add(community);
  const localPref = given === 0 ? undefined : given;
  if (
    route.services.size > 0 &&
    localPref !== undefined &&
    route.localPref !== undefined &&
    localPref !== route.localPref
  ) {
    const { kind, key, field } = one.source;
    const message = `${prefix} has localPref ${localPref} here and ${route.localPref} in another advertisement to the same peer; the higher one counts. Give both the same, or other peers or nodes`;
    report({ kind, key, reason: 'ConflictingLocalPref', field: `${field}.localPref`, message });
  }
  if (localPref !== undefined) route.localPref = Math.max(localPref, route.localPref ?? 0);
}

/** Undefined where the block would reach over all that the pool has around the address. */
function prefixOf(one: BgpAdvertisement, address: Address, pool: Pool | undefined, report: Report): string | undefined {
  const [field, length] =
    address.family === 4
      ? (['aggregationLength', one.spec.aggregationLength ?? 32] as const)
      : (['aggregationLengthV6', one.spec.aggregationLengthV6 ?? 128] as const);
  const range = pool?.ranges.find((each) => contains(each, address));
  const least = range === undefined ? 0 : Math.min(...blocksOf(range).map((block) => block.length));
  const block = blockOf(address, Math.min(length, bitsOf(address.family)));
  if (range === undefined || length >= least) return formatRange(block);
  const { kind, key, field: where } = one.source;
  const message = `A prefix of length ${length} (${formatRange(block)}) reaches beyond ${formatRange(range)} of pool "${pool?.name}", so that range is not announced by this; take ${least} or more, or leave it out`;
  report({ kind, key, reason: 'AggregationBeyondPool', field: `${where}.${field}`, message });
  return undefined;
}

/** One route for all peers that are told the same. */
function routesOf(prefix: string, told: ReadonlyMap<string, Told>): BgpRoute[] {
  const routes = new Map<string, { route: Omit<BgpRoute, 'peers'>; peers: string[] }>();
  for (const [peer, { localPref, communities, services }] of told) {
    const route = {
      prefix,
      ...(localPref === undefined ? {} : { localPref }),
      communities: [...communities].sort(),
      services: [...services].sort(),
    };
    const id = JSON.stringify(route);
    const same = routes.get(id) ?? { route, peers: [] };
    same.peers.push(peer);
    routes.set(id, same);
  }
  return [...routes.values()].map(({ route, peers }) => ({ ...route, peers: peers.sort() }));
}

function orderOf({ prefix, peers }: BgpRoute): string {
  return `${prefix} ${peers.join(' ')}`;
}
