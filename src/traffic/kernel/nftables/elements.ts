// From the rules of one Service port to the elements it has in the maps of its table, and the chains these lead to.
// Pure, and without memory: elements are said again whenever they are wanted, since 45,000 Services have many.
import { canonicalCidr, inAnyOf } from '#lib/ip.ts';
import {
  type EndpointSetName,
  type Front,
  type Outcome,
  outcomeOf,
  type PortRules,
  type RuleEndpoint,
} from '#traffic/snapshot/rules/rule-model.ts';
import {
  affinityChain,
  affinityName,
  type Chain,
  drawnSize,
  eachDrawChain,
  pickChain,
  pickName,
  rememberBySource,
  rememberBySourceName,
  rememberChain,
  rememberName,
} from './chains.ts';
import { type EndpointMap, endpointMap, type SetName } from './layout.ts';
import { endpointText, type SlotTable, slotTable } from './slot-table.ts';
import { LEADS, type Lead, type Style, wayNumber } from './ways.ts';

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

/** Those that no other port has. */
export function eachOwn(port: PlacedPort, style: Style, visit: VisitElement): void {
  eachOfFronts(port, style, visit);
  eachSlotList(port, (set, key, owners) => {
    for (let slot = 0; slot < owners.length; slot++) {
      visit(set, `${key} . ${slot}`, endpointText(owners[slot] as RuleEndpoint));
    }
  });
}

/** The same without the endpoints in their slots, which may be thousands. */
export function eachOfFronts(port: PlacedPort, style: Style, visit: VisitElement): void {
  for (const front of port.rules.fronts) frontElements(port, front, style, visit);
}

/** The endpoints of each front: keys of its elements are `key` and the number of the slot. */
export function eachSlotList(
  port: PlacedPort,
  visit: (set: SetName, key: string, owners: readonly RuleEndpoint[]) => void,
): void {
  const { rules } = port;
  for (const front of rules.fronts) {
    const ways = waysOf(rules, front);
    if (ways.length === 0) continue;
    const key = frontText(rules, front);
    for (const to of ways) visit(endpointMap(mapOf(to), rules.protocol), key, port[to].owners);
  }
}

/** Those that other ports may have as well. */
export function eachShared({ rules }: PlacedPort, visit: VisitElement): void {
  // A pod that reaches itself must not see its own address as the source.
  for (const set of [rules.sets.cluster, rules.sets.local]) {
    for (const { local, address } of set) if (local) visit('selves', `${address} . ${address}`, '');
  }
  for (const { kind, address } of rules.fronts) if (kind === 'cluster_ip') visit('cluster-ips', address, '');
}

function frontElements(port: PlacedPort, front: Front, style: Style, visit: VisitElement): void {
  const { rules } = port;
  const key = frontText(rules, front);
  if (front.allowedSources !== undefined) {
    visit('firewalled', key, '');
    for (const source of distinctRanges(front.allowedSources)) visit('allowed', `${key} . ${source}`, '');
  }
  const pod = outcomeOf(rules, front, 'pod');
  const node = outcomeOf(rules, front, 'node');
  const other = outcomeOf(rules, front, 'other');
  // Those who may go nowhere keep the address they asked for, and are met after translation.
  const refusal = [pod, node, other].find(({ type }) => type !== 'forward');
  if (refusal !== undefined) visit(refusal.type === 'reject' ? 'rejected' : 'dropped', key, '');
  if (isSplit(rules, front)) splitElements(port, key, style, visit);
  else if (other.type === 'forward') plainElements(port, front, key, other, style, visit);
}

function frontText({ protocol }: PortRules, { address, port }: Front): string {
  return `${address} . ${protocol.toLowerCase()} . ${port}`;
}

/** Pods and the node itself are led elsewhere than others. */
function isSplit({ external }: PortRules, front: Front): boolean {
  if (front.kind === 'cluster_ip') return false;
  const { pod, other } = external;
  return pod.type === 'forward' && !(other.type === 'forward' && other.to === 'cluster');
}

/** The sets of endpoints that a front may lead to. */
function waysOf(rules: PortRules, front: Front): readonly EndpointSetName[] {
  const other = outcomeOf(rules, front, 'other');
  if (isSplit(rules, front)) return other.type === 'forward' ? WAYS.both : WAYS.cluster;
  return other.type === 'forward' ? WAYS[other.to] : WAYS.none;
}

const WAYS = {
  none: [],
  cluster: ['cluster'],
  local: ['local'],
  both: ['cluster', 'local'],
} as const satisfies Readonly<Record<string, readonly EndpointSetName[]>>;

function plainElements(
  port: PlacedPort,
  front: Front,
  key: string,
  { to, masquerade }: Extract<Outcome, { type: 'forward' }>,
  style: Style,
  visit: VisitElement,
): void {
  leadElement('all', port, to, key, style, visit);
  if (front.kind !== 'cluster_ip' && masquerade) visit('masqueraded', key, '');
  if (remembers(port)) visit('remember', key, `jump ${rememberName(memoryId(port, to))}`);
}

function splitElements(port: PlacedPort, key: string, style: Style, visit: VisitElement): void {
  const { other } = port.rules.external;
  visit('by-source', key, '');
  leadElement('shortcut', port, 'cluster', key, style, visit);
  if (other.type === 'forward') leadElement('local', port, 'local', key, style, visit);
  if (!remembers(port)) return;
  if (other.type === 'forward') visit('remember', key, `jump ${rememberBySourceName(port.id)}`);
  else visit('remember', key, `jump ${rememberName(memoryId(port, 'cluster'))}`);
}

function leadElement(
  who: Lead,
  port: PlacedPort,
  to: EndpointSetName,
  key: string,
  style: Style,
  visit: VisitElement,
): void {
  const chain = target(port, to);
  visit(LEADS[who][style], key, style === 'numbers' ? String(wayNumber(chain)) : `goto ${chain}`);
}

/** Where a front leads. The set of the node alone has maps, chains and a memory of its own: a client may use both. */
function target(port: PlacedPort, to: EndpointSetName): string {
  if (remembers(port)) return affinityName(memoryId(port, to));
  const { by } = port[to];
  return pickName(mapOf(to), by, sizeOf(port[to]), port.rules.protocol);
}

function sizeOf({ by, owners }: SlotTable): number {
  return by === 'number' ? drawnSize(owners.length) : owners.length;
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
    const own = waysOf(port.rules, front);
    for (const to of own) ways.add(to);
    bySource ||= own.length > 1;
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
  const { by } = port[to];
  const size = sizeOf(port[to]);
  const pick = pickName(mapOf(to), by, size, protocol);
  visit(pick, () => pickChain(family, mapOf(to), by, size, protocol));
  if (by === 'number') eachDrawChain(family, mapOf(to), size, protocol, visit);
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
