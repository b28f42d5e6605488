// Keeps the programs' tables in step with the rules of the node, element by element.
// In an order that leaves every set whole at every moment: first what is added, then who points to it, then what goes.
import { hash32 } from '#lib/hash.ts';
import type { EndpointSetName, PortRules, RuleEndpoint } from '#traffic/snapshot/rules/rule-model.ts';
import { slotsOf } from '#traffic/snapshot/rules/slots.ts';
import type { BpfMap, Element } from '../bpf/map.ts';
import {
  type DECIDED,
  frontKey,
  frontValue,
  MEMBER_CHOSEN,
  MEMBER_LOCAL,
  MEMBER_SERVING,
  memberKey,
  memberValue,
  PASS,
  type Place,
  placeBytes,
  REFUSE,
  type SocketProtocol,
  setKey,
  setValue,
  slotKey,
  UNBOUND_ONLY,
} from '../programs/layout.ts';
import { bytesOf, MirroredMap, textOf } from './mirrored-map.ts';
import { stableOrder } from './slot-order.ts';
import { type Way, waysOf } from './ways.ts';

type DecidedName = (typeof DECIDED)[number];

interface SetState {
  readonly id: number;
  /** `address port` of each slot. */
  readonly slots: readonly string[];
  readonly members: ReadonlyMap<string, number>;
}

type Sets = Readonly<Partial<Record<EndpointSetName, SetState>>>;

/** Of each of tens of thousands of ports: in as few objects as can be. */
interface PortState {
  readonly sets: Sets;
  /** Keys as `textOf` has them. */
  readonly fronts: readonly string[];
}

/** What a change writes and takes away, of all its ports together. */
interface Plan {
  readonly add: Record<DecidedName, Element[]>;
  readonly remove: Record<DecidedName, Uint8Array[]>;
  readonly freed: number[];
  readonly allocated: number[];
  readonly states: Map<string, PortState | undefined>;
}

const NO_PORT: PortState = { sets: {}, fronts: [] };
const NO_MEMBERS: ReadonlyMap<string, number> = new Map();

export class RuleTables {
  readonly #maps: Readonly<Record<DecidedName, MirroredMap>>;
  readonly #ports = new Map<string, PortState>();
  /** Numbers of sets that are gone: those longest unused come first, so that no program still holds one. */
  readonly #free: number[] = [];
  #nextSet = 0;

  constructor(maps: Readonly<Record<DecidedName, BpfMap>>) {
    this.#maps = {
      fronts: new MirroredMap(maps.fronts),
      sets: new MirroredMap(maps.sets),
      slots: new MirroredMap(maps.slots),
      members: new MirroredMap(maps.members),
    };
  }

  /** How many fronts are served here. */
  get fronts(): number {
    return this.#maps.fronts.size;
  }

  /** `undefined` as value means removed. Throws when the kernel refuses (a full map); the same call may be made again. */
  change(ports: ReadonlyMap<string, PortRules | undefined>): void {
    const plan: Plan = {
      add: { fronts: [], sets: [], slots: [], members: [] },
      remove: { fronts: [], sets: [], slots: [], members: [] },
      freed: [],
      allocated: [],
      states: new Map(),
    };
    for (const [name, rules] of ports) plan.states.set(name, this.#plan(name, rules, plan));
    try {
      this.#carryOut(plan);
    } catch (error) {
      // Nothing points to them yet, or what does is written over by the next try.
      this.#free.push(...plan.allocated);
      throw error;
    }
    this.#free.push(...plan.freed);
    for (const [name, state] of plan.states) {
      if (state === undefined) this.#ports.delete(name);
      else this.#ports.set(name, state);
    }
  }

  #carryOut(plan: Plan): void {
    for (const map of ['slots', 'members', 'sets'] as const) this.#maps[map].setAll(plan.add[map]);
    // A front that moves from one Service to another is removed by one and added by the other.
    const added = new Set(plan.add.fronts.map(([key]) => textOf(key)));
    this.#maps.fronts.setAll(plan.add.fronts);
    this.#maps.fronts.deleteAll(plan.remove.fronts.filter((key) => !added.has(textOf(key))));
    for (const map of ['slots', 'members'] as const) this.#maps[map].deleteAll(plan.remove[map]);
  }

  repair(): { restored: number; removed: number } {
    const total = { restored: 0, removed: 0 };
    for (const map of ['slots', 'members', 'sets', 'fronts'] as const) {
      const { restored, removed } = this.#maps[map].repair();
      total.restored += restored;
      total.removed += removed;
    }
    return total;
  }

  #plan(name: string, rules: PortRules | undefined, plan: Plan): PortState | undefined {
    const before = this.#ports.get(name) ?? NO_PORT;
    const ways = new Map(rules?.fronts.map((front) => [front, waysOf(rules, front)]));
    const used = new Set([...ways.values()].flatMap(({ pod, node }) => [setOf(pod), setOf(node)]));
    const sets: Partial<Record<EndpointSetName, SetState>> = {};
    for (const which of ['cluster', 'local'] as const) {
      const old = before.sets[which];
      const after = rules !== undefined && used.has(which) ? this.#planSet(rules, which, old, plan) : undefined;
      if (after !== undefined) sets[which] = after;
      removeStale(old, after, plan);
    }
    const fronts: string[] = [];
    for (const [front, { pod, node }] of ways) {
      if (pod === 'pass' && node === 'pass') continue;
      const key = frontKey(front, rules?.protocol as SocketProtocol);
      fronts.push(textOf(key));
      plan.add.fronts.push([key, frontValue(wordOf(pod, sets), wordOf(node, sets))]);
    }
    for (const text of before.fronts) if (!fronts.includes(text)) plan.remove.fronts.push(bytesOf(text));
    return rules === undefined ? undefined : { sets, fronts };
  }

  #planSet(rules: PortRules, which: EndpointSetName, old: SetState | undefined, plan: Plan): SetState {
    const id = old?.id ?? this.#allocate(plan);
    const endpoints = rules.sets[which];
    const names = endpoints.map(nameOf);
    const layout = slotsOf(endpoints, rules.pick);
    const slots = layout.interchangeable
      ? old === undefined
        ? names
        : stableOrder(old.slots.length === new Set(old.slots).size ? old.slots : [], names)
      : Array.from(layout.owners, (owner) => names[owner] ?? '');
    const places = new Map(names.map((name) => [name, placeBytes(placeOf(name))]));
    for (const [slot, name] of slots.entries()) {
      const place = places.get(name);
      if (place !== undefined) plan.add.slots.push([slotKey(id, slot), place]);
    }
    const members = membersOf(rules, endpoints);
    for (const [name, bits] of members) plan.add.members.push([memberKey(placeOf(name), id), memberValue(bits)]);
    plan.add.sets.push([setKey(id), setValue(slots.length, rules.affinitySeconds, portNumber(rules.name))]);
    return { id, slots, members };
  }

  #allocate(plan: Plan): number {
    const id = this.#free.shift() ?? this.#nextSet++;
    plan.allocated.push(id);
    return id;
  }
}

function removeStale(old: SetState | undefined, after: SetState | undefined, plan: Plan): void {
  if (old === undefined) return;
  for (let slot = after?.slots.length ?? 0; slot < old.slots.length; slot++) {
    plan.remove.slots.push(slotKey(old.id, slot));
  }
  for (const name of old.members.keys()) {
    if (after?.members.has(name) !== true) plan.remove.members.push(memberKey(placeOf(name), old.id));
  }
  if (after === undefined) plan.freed.push(old.id);
}

/** Who is asked for: flows and clients that are remembered, and clients that may be endpoints themselves. */
function membersOf(rules: PortRules, endpoints: readonly RuleEndpoint[]): ReadonlyMap<string, number> {
  const members = new Map<string, number>();
  for (const { address, local } of endpoints) if (local) members.set(`${address} 0`, MEMBER_LOCAL);
  if (rules.affinitySeconds === 0 && rules.protocol !== 'UDP') return members.size === 0 ? NO_MEMBERS : members;
  if (rules.protocol === 'UDP') for (const name of rules.serving) members.set(name, MEMBER_SERVING);
  for (const name of endpoints.map(nameOf)) members.set(name, (members.get(name) ?? 0) | MEMBER_CHOSEN);
  return members;
}

function setOf(way: Way): EndpointSetName | undefined {
  return typeof way === 'string' ? undefined : way.to;
}

function wordOf(way: Way, sets: Sets): number {
  if (way === 'pass') return PASS;
  const set = way === 'refuse' ? undefined : sets[way.to];
  if (way === 'refuse' || set === undefined || set.slots.length === 0) return REFUSE;
  return way.unboundOnly ? set.id | UNBOUND_ONLY : set.id;
}

/** As the rule model names endpoints that serve. */
function nameOf({ address, port }: RuleEndpoint): string {
  return `${address} ${port}`;
}

function placeOf(name: string): Place {
  const space = name.indexOf(' ');
  return { address: name.slice(0, space), port: Number(name.slice(space + 1)) };
}

/** The same in every run, so that clients keep their endpoint over a restart. */
function portNumber(name: string): bigint {
  return (BigInt(hash32(`${name} `)) << 32n) | BigInt(hash32(name));
}
