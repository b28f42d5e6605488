// Which endpoint of a Service port takes a new connection or session: slots, tries and affinity.
// For drivers that decide by themselves; knows no socket, and is told the time.
import { hash32 } from '#lib/hash.ts';
import { AffinityTable } from './affinity-table.ts';
import type { EndpointSetName, PortRules, RuleEndpoint } from './rule-model.ts';
import { type Slots, slotsOf } from './slots.ts';

export interface ChooserNeeds {
  /** 0 to less than 1. */
  readonly random: () => number;
}

/** One for each Service port, whatever address its clients use: they share its memory. */
export class PortChooser {
  #rules: PortRules;
  readonly #random: () => number;
  readonly #slots = new Map<EndpointSetName, Slots>();
  #affinity = new AffinityTable();

  constructor(rules: PortRules, { random }: ChooserNeeds) {
    this.#rules = rules;
    this.#random = random;
  }

  get rules(): PortRules {
    return this.#rules;
  }

  /** Clients stay where they were, as long as that endpoint may be chosen and the port asks for affinity. */
  set rules(rules: PortRules) {
    this.#rules = rules;
    this.#slots.clear();
    if (rules.affinitySeconds === 0) this.#affinity = new AffinityTable();
  }

  /** None of `tried`; undefined when nobody is left. `now` is monotonic milliseconds. */
  choose(
    name: EndpointSetName,
    client: string,
    now: number,
    tried: readonly RuleEndpoint[] = [],
  ): RuleEndpoint | undefined {
    const { affinitySeconds, sets } = this.#rules;
    const set = sets[name];
    if (affinitySeconds === 0) return this.#draw(name, set, client, tried);
    const key = this.#affinity.find(client, affinitySeconds, now);
    const kept = key === undefined ? undefined : set.find((one) => endpointKey(one) === key);
    const found = kept !== undefined && !tried.includes(kept) ? kept : this.#draw(name, set, client, tried);
    if (found !== undefined) this.#affinity.remember(client, endpointKey(found), now);
    return found;
  }

  #draw(
    name: EndpointSetName,
    set: readonly RuleEndpoint[],
    client: string,
    tried: readonly RuleEndpoint[],
  ): RuleEndpoint | undefined {
    if (set.length === 0) return undefined;
    let slots = this.#slots.get(name);
    if (slots === undefined) {
      slots = slotsOf(set, this.#rules.pick);
      this.#slots.set(name, slots);
    }
    const { by, owners } = slots;
    const first = by === 'source' ? hash32(client) % owners.length : Math.floor(this.#random() * owners.length);
    for (let step = 0; step < owners.length; step++) {
      const endpoint = set[owners[(first + step) % owners.length] ?? 0];
      if (endpoint !== undefined && !tried.includes(endpoint)) return endpoint;
    }
    return undefined;
  }
}

/** `address port`, as in `PortRules.serving`. */
export function endpointKey({ address, port }: RuleEndpoint): string {
  return `${address} ${port}`;
}
