// From the rules of one Service port to the elements it has in the maps of its table, and the chains these lead to.
// Pure, and without memory: elements are said again whenever they are wanted, since 45,000 Services have many.
import { canonicalCidr, inAnyOf } from '#lib/ip.ts';
import {
  type EndpointSetName,
  type Front,
  type Outcome,
  outcomeOf,
  type PortRules,
} from '#traffic/snapshot/rules/rule-model.ts';
import {
  affinityChain,
  affinityName,
  type Chain,
  pickChain,
  pickName,
  rememberBySource,
  rememberBySourceName,
  rememberChain,
  rememberName,
} from './chains.ts';
import { type EndpointMap, endpointMap, type SetName } from './layout.ts';
import { endpointText, type SlotTable, slotTable } from './slot-table.ts';

/** A Service port with its endpoints in their slots. */
export interface PlacedPort {
  readonly rules: PortRules;
  readonly cluster: SlotTable;
  readonly local: SlotTable;
  /** Its number in the affinity map, and the number after it; 0 where it needs none. */
  readonly id: number;
}

/** `before` is what is in force, whose slots are kept where they can be. */
export function placePort(rules: PortRules, before: PlacedPort | undefined, id: number): PlacedPort {
  const table = (set: EndpointSetName): SlotTable =>
    slotTable(rules.sets[set], rules.pick, before?.rules.pick === rules.pick ? before[set] : undefined);
  return { rules, cluster: table('cluster'), local: table('local'), id };
}

/** Keys and values are as `nft` writes them; sets have empty values. A key may come twice in sets, never in maps. */
export type VisitElement = (set: SetName, key: string, value: string) => void;

export function eachElement(port: PlacedPort, visit: VisitElement): void {
  eachOwn(port, visit);
  eachShared(port, visit);
}

/** Those that no other port has. */
export function eachOwn(port: PlacedPort, visit: VisitElement): void {
  for (const front of port.rules.fronts) frontElements(port, front, visit);
}

/** Those that other ports may have as well. */
export function eachShared({ rules }: PlacedPort, visit: VisitElement): void {
  // A pod that reaches itself must not see its own address as the source.
  for (const set of [rules.sets.cluster, rules.sets.local]) {
    for (const { local, address } of set) if (local) visit('selves', `${address} . ${address}`, '');
  }
  for (const { kind, address } of rules.fronts) if (kind === 'cluster_ip') visit('cluster-ips', address, '');
}

function frontElements(port: PlacedPort, front: Front, visit: VisitElement): void {
  const { rules } = port;
  const key = `${front.address} . ${rules.protocol.toLowerCase()} . ${front.port}`;
  if (front.allowedSources !== undefined) {
    visit('firewalled', key, '');
    for (const source of distinctRanges(front.allowedSources)) visit('allowed', `${key} . ${source}`, '');
  }
  const pod = outcomeOf(rules, front, 'pod');
  const node = outcomeOf(rules, front, 'node');
  const other = outcomeOf(rules, front, 'other');
  // Those who may go nowhere keep the address they asked for, and are met after translation.
  const refusal = [pod, node, other].find(({ type }) => type !== 'forward');
  if (refusal !== undefined) visit('refusals', key, refusal.type === 'reject' ? 'goto refuse' : 'drop');
  if (isSplit(rules, front)) splitElements(port, key, visit);
  else if (other.type === 'forward') plainElements(port, front, key, other, visit);
}

/** Pods and the node itself are led elsewhere than others. */
function isSplit({ external }: PortRules, front: Front): boolean {
  if (front.kind === 'cluster_ip') return false;
  const { pod, other } = external;
  return pod.type === 'forward' && !(other.type === 'forward' && other.to === 'cluster');
}

function plainElements(
  port: PlacedPort,
  front: Front,
  key: string,
  { to, masquerade }: Extract<Outcome, { type: 'forward' }>,
  visit: VisitElement,
): void {
  visit('services', key, `goto ${target(port, to)}`);
  endpointElements(port, to, key, visit);
  if (front.kind !== 'cluster_ip' && masquerade) visit('sources', key, 'goto masquerade-all');
  if (remembers(port)) visit('remember', key, `jump ${rememberName(memoryId(port, to))}`);
}

function splitElements(port: PlacedPort, key: string, visit: VisitElement): void {
  const { pod, other } = port.rules.external;
  visit('services', key, 'goto by-source');
  visit('sources', key, 'goto masquerade-node');
  if (pod.type === 'forward') {
    visit('shortcuts', key, `goto ${target(port, 'cluster')}`);
    endpointElements(port, 'cluster', key, visit);
  }
  if (other.type === 'forward') {
    visit('locals', key, `goto ${target(port, 'local')}`);
    endpointElements(port, 'local', key, visit);
  }
  if (!remembers(port)) return;
  if (other.type === 'forward') visit('remember', key, `jump ${rememberBySourceName(port.id)}`);
  else if (pod.type === 'forward') visit('remember', key, `jump ${rememberName(memoryId(port, 'cluster'))}`);
}

function endpointElements(port: PlacedPort, to: EndpointSetName, key: string, visit: VisitElement): void {
  const map = endpointMap(mapOf(to), port.rules.protocol);
  let slot = 0;
  for (const owner of port[to].owners) visit(map, `${key} . ${slot++}`, endpointText(owner));
}

/** Where a front leads. The set of the node alone has maps, chains and a memory of its own: a client may use both. */
function target(port: PlacedPort, to: EndpointSetName): string {
  if (remembers(port)) return affinityName(memoryId(port, to));
  const { by, owners } = port[to];
  return pickName(mapOf(to), by, owners.length);
}

/** A set of intervals refuses what overlaps: the wider range stands for the narrower. One address has no prefix. */
export function distinctRanges(ranges: readonly string[]): readonly string[] {
  const distinct = [...new Set(ranges.map((range) => canonicalCidr(range) ?? range))];
  const kept = distinct.filter(
    (range) =>
      !distinct.some(
        (other) =>
          other !== range &&
          Number(other.split('/')[1]) <= Number(range.split('/')[1]) &&
          inAnyOf([other])(range.split('/')[0] ?? ''),
      ),
  );
  return kept.map((range) => range.replace(range.includes(':') ? /\/128$/ : /\/32$/, ''));
}

/** Names of the chains that its elements lead to, and how each is made. */
export function eachChain(port: PlacedPort, visit: (name: string, make: () => Chain) => void): void {
  const ways = new Set<EndpointSetName>();
  let bySource = false;
  for (const front of port.rules.fronts) {
    const other = outcomeOf(port.rules, front, 'other');
    if (!isSplit(port.rules, front)) {
      if (other.type === 'forward') ways.add(other.to);
      continue;
    }
    ways.add('cluster');
    if (other.type === 'forward') ways.add('local');
    bySource ||= other.type === 'forward';
  }
  for (const to of ways) wayChains(port, to, visit);
  if (!bySource || !remembers(port)) return;
  const { family } = port.rules;
  const make = (): Chain => {
    const shortcut = ways.has('cluster') ? rememberName(memoryId(port, 'cluster')) : undefined;
    return rememberBySource(family, port.id, shortcut, rememberName(memoryId(port, 'local')));
  };
  visit(rememberBySourceName(port.id), make);
}

function wayChains(port: PlacedPort, to: EndpointSetName, visit: (name: string, make: () => Chain) => void): void {
  const { family, protocol, affinitySeconds } = port.rules;
  const { by, owners } = port[to];
  const pick = pickName(mapOf(to), by, owners.length);
  visit(pick, () => pickChain(family, mapOf(to), by, owners.length));
  if (!remembers(port)) return;
  const id = memoryId(port, to);
  visit(affinityName(id), () => affinityChain(family, id, protocol, pick));
  visit(rememberName(id), () => rememberChain(family, id, protocol, affinitySeconds));
}

/** Numbers of its memories in the affinity map, and what may stand there. */
export function memoriesOf(port: PlacedPort | undefined): ReadonlyMap<number, ReadonlySet<string>> {
  const found = new Map<number, ReadonlySet<string>>();
  if (port === undefined || !remembers(port)) return found;
  eachChain(port, (name) => {
    for (const to of ['cluster', 'local'] as const) {
      const id = memoryId(port, to);
      if (name === rememberName(id)) found.set(id, new Set(port[to].owners.map(endpointText)));
    }
  });
  return found;
}

export function remembers({ rules }: Pick<PlacedPort, 'rules'>): boolean {
  return rules.affinitySeconds > 0;
}

function memoryId({ id }: PlacedPort, to: EndpointSetName): number {
  return to === 'cluster' ? id : id + 1;
}

function mapOf(to: EndpointSetName): EndpointMap {
  return to === 'cluster' ? 'endpoints' : 'local-endpoints';
}
