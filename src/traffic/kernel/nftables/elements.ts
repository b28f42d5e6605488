// From the rules of one Service port to the elements it has in the maps of its table, and the chains these lead to.
// Pure: the whole state of a port at once; whoever knows its state before makes the difference (difference.ts).
import {
  type EndpointSetName,
  type Front,
  type Outcome,
  outcomeOf,
  type PortRules,
} from '#traffic/snapshot/rules/rule-model.ts';
import { affinityChain, type Chain, pickChain, rememberBySource, rememberChain } from './chains.ts';
import { type EndpointMap, endpointMap, type SetName } from './layout.ts';
import { type SlotTable, slotTable } from './slot-table.ts';

/** Key to value; sets have empty values. Keys and values are as `nft` writes them. */
export type Elements = ReadonlyMap<string, string>;

export interface PortState {
  readonly rules: PortRules;
  readonly elements: ReadonlyMap<SetName, Elements>;
  /** By name. */
  readonly chains: ReadonlyMap<string, Chain>;
  readonly slots: { readonly cluster: SlotTable; readonly local: SlotTable };
  /** Numbers of its memories in the affinity map, and what may stand there. */
  readonly memories: ReadonlyMap<number, ReadonlySet<string>>;
}

/** `id` gives a Service port its number in the affinity map; the number after it is its too. */
export function portState(rules: PortRules, before: PortState | undefined, id: number): PortState {
  return new PortWriter(rules, before, id).write();
}

class PortWriter {
  readonly #rules: PortRules;
  readonly #id: number;
  readonly #elements = new Map<SetName, Map<string, string>>();
  readonly #chains = new Map<string, Chain>();
  readonly #memories = new Map<number, ReadonlySet<string>>();
  readonly #slots: PortState['slots'];

  constructor(rules: PortRules, before: PortState | undefined, id: number) {
    this.#rules = rules;
    this.#id = id;
    const table = (set: 'cluster' | 'local'): SlotTable =>
      slotTable(rules.sets[set], rules.pick, before?.rules.pick === rules.pick ? before.slots[set] : undefined);
    this.#slots = { cluster: table('cluster'), local: table('local') };
  }

  write(): PortState {
    for (const front of this.#rules.fronts) this.#front(front);
    for (const endpoint of [...this.#rules.sets.cluster, ...this.#rules.sets.local]) {
      // A pod that reaches itself must not see its own address as the source.
      if (endpoint.local) this.#add('selves', `${endpoint.address} . ${endpoint.address}`);
    }
    const { fronts } = this.#rules;
    for (const { kind, address } of fronts) if (kind === 'cluster_ip') this.#add('cluster-ips', address);
    return {
      rules: this.#rules,
      elements: this.#elements,
      chains: this.#chains,
      slots: this.#slots,
      memories: this.#memories,
    };
  }

  #front(front: Front): void {
    const key = `${front.address} . ${this.#protocol} . ${front.port}`;
    if (front.allowedSources !== undefined) {
      this.#add('firewalled', key);
      for (const source of front.allowedSources) this.#add('allowed', `${key} . ${source}`);
    }
    const [pod, node, other] = (['pod', 'node', 'other'] as const).map((from) => outcomeOf(this.#rules, front, from));
    if (pod === undefined || node === undefined || other === undefined) return;
    // Those who may go nowhere keep the address they asked for, and are met after translation.
    const refusal = [pod, node, other].find(({ type }) => type !== 'forward');
    if (refusal !== undefined) this.#add('refusals', key, refusal.type === 'reject' ? 'goto refuse' : 'drop');
    if (this.#isSplit(front)) this.#splitFront(key, pod, other);
    else if (other.type === 'forward') this.#plainFront(front, key, other);
  }

  #isSplit(front: Front): boolean {
    if (front.kind === 'cluster_ip') return false;
    const { pod, other } = this.#rules.external;
    return pod.type === 'forward' && !(other.type === 'forward' && other.to === 'cluster');
  }

  #plainFront(front: Front, key: string, { to, masquerade }: Extract<Outcome, { type: 'forward' }>): void {
    this.#add('services', key, `goto ${this.#target(to)}`);
    this.#endpoints(to, key);
    if (front.kind !== 'cluster_ip' && masquerade) this.#add('sources', key, 'goto masquerade-all');
    if (this.#remembers) this.#add('remember', key, `jump ${this.#memory(to)}`);
  }

  #splitFront(key: string, pod: Outcome, other: Outcome): void {
    this.#add('services', key, 'goto by-source');
    this.#add('sources', key, 'goto masquerade-node');
    if (pod.type === 'forward') {
      this.#add('shortcuts', key, `goto ${this.#target('cluster')}`);
      this.#endpoints('cluster', key);
    }
    if (other.type === 'forward') {
      this.#add('locals', key, `goto ${this.#target('local')}`);
      this.#endpoints('local', key);
    }
    if (!this.#remembers) return;
    const shortcut = pod.type === 'forward' ? this.#memory('cluster') : undefined;
    if (other.type !== 'forward') {
      if (shortcut !== undefined) this.#add('remember', key, `jump ${shortcut}`);
      return;
    }
    const local = this.#memory('local');
    const chain = this.#chain(rememberBySource(this.#rules.family, this.#id, shortcut, local));
    this.#add('remember', key, `jump ${chain}`);
  }

  get #remembers(): boolean {
    return this.#rules.affinitySeconds > 0;
  }

  get #protocol(): string {
    return this.#rules.protocol.toLowerCase();
  }

  /** The set of the node alone has maps, chains and a memory of its own, since a client may use both. */
  #target(to: EndpointSetName): string {
    const { by, owners } = this.#slots[to];
    const { family, protocol } = this.#rules;
    const pick = this.#chain(pickChain(family, mapOf(to), by, owners.length));
    return this.#remembers ? this.#chain(affinityChain(family, this.#memoryId(to), protocol, pick)) : pick;
  }

  #memory(to: EndpointSetName): string {
    const id = this.#memoryId(to);
    this.#memories.set(id, new Set(this.#slots[to].owners));
    const { family, protocol, affinitySeconds } = this.#rules;
    return this.#chain(rememberChain(family, id, protocol, affinitySeconds));
  }

  #memoryId(to: EndpointSetName): number {
    return to === 'cluster' ? this.#id : this.#id + 1;
  }

  #chain(chain: Chain): string {
    this.#chains.set(chain.name, chain);
    return chain.name;
  }

  #endpoints(to: EndpointSetName, key: string): void {
    const map = endpointMap(mapOf(to), this.#rules.protocol);
    for (const [slot, owner] of this.#slots[to].owners.entries()) this.#add(map, `${key} . ${slot}`, owner);
  }

  #add(set: SetName, key: string, value = ''): void {
    const elements = this.#elements.get(set) ?? new Map<string, string>();
    elements.set(key, value);
    this.#elements.set(set, elements);
  }
}

function mapOf(to: EndpointSetName): EndpointMap {
  return to === 'cluster' ? 'endpoints' : 'local-endpoints';
}
