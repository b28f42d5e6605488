// What the kernel should have, kept up to date a Service port at a time, and what changed since it was last asked.
// Pure; several ports may want the same element or address, which stays until the last of them has gone.
import type { Family } from '#lib/ip.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { EndpointSetName, PortRules, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { WantedVirtual } from './drain.ts';
import { layoutNode, layoutPort, type PortState } from './layout.ts';
import { Ledger } from './ledger.ts';
import { LAST_MARK, type Names } from './names.ts';
import { hostPort, type Scheduler } from './table.ts';

export interface Touched {
  readonly virtuals: ReadonlySet<string>;
  readonly elements: ReadonlySet<string>;
  readonly addresses: ReadonlySet<string>;
}

export class Wanted {
  readonly #families: readonly Family[];
  readonly #names: Names;
  readonly #scheduler: Scheduler | undefined;
  readonly #virtuals = new Ledger<WantedVirtual>();
  readonly #elements = new Ledger<string>();
  readonly #addresses = new Ledger<true>();
  readonly #rules = new Map<string, PortRules>();
  readonly #states = new Map<string, PortState>();
  readonly #marks = new Map<string, number>();
  readonly #usedMarks = new Set<number>();
  #nextMark = 0;
  #nodeElements: ReadonlyMap<string, string> = new Map();
  #nodeAddresses: ReadonlySet<string> = new Set();

  /** Ports and facts of other families are passed over. */
  constructor(names: Names, scheduler: Scheduler | undefined, families: readonly Family[]) {
    this.#families = families;
    this.#names = names;
    this.#scheduler = scheduler;
  }

  get virtuals(): ReadonlyMap<string, WantedVirtual> {
    return this.#virtuals.values;
  }

  get elements(): ReadonlyMap<string, string> {
    return this.#elements.values;
  }

  get addresses(): ReadonlyMap<string, true> {
    return this.#addresses.values;
  }

  /** Marks that an earlier run gave may still be borne by fronts of other ports. */
  avoidMarks(marks: Iterable<number>): void {
    for (const mark of marks) this.#nextMark = Math.max(this.#nextMark, mark - this.#names.firstMark + 1);
  }

  change({ node, ports }: RuleUpdate): void {
    if (node !== undefined) this.#changeNode(node);
    for (const [name, rules] of ports) {
      if (rules === undefined) this.#rules.delete(name);
      else if (this.#families.includes(rules.family)) this.#rules.set(name, rules);
    }
    // Addresses of the node are none of the device's, so that a new node concerns all.
    const names = node === undefined ? [...ports.keys()] : new Set([...ports.keys(), ...this.#rules.keys()]);
    // A front may go from one port to another: all let go first.
    for (const name of names) this.#release(name);
    for (const name of names) this.#hold(name);
  }

  takeTouched(): Touched {
    return {
      virtuals: this.#virtuals.takeTouched(),
      elements: this.#elements.takeTouched(),
      addresses: this.#addresses.takeTouched(),
    };
  }

  #changeNode(node: NodeFacts): void {
    for (const key of this.#nodeElements.keys()) this.#elements.release(key);
    this.#nodeElements = layoutNode(node, this.#names.prefix, this.#families);
    for (const [key, words] of this.#nodeElements) this.#elements.hold(key, words);
    this.#nodeAddresses = new Set(node.addresses);
  }

  #release(name: string): void {
    const state = this.#states.get(name);
    if (state === undefined) return;
    this.#states.delete(name);
    for (const key of state.virtuals.keys()) this.#virtuals.release(key);
    for (const key of state.elements.keys()) this.#elements.release(key);
    for (const address of state.addresses) this.#addresses.release(address);
    if (!this.#rules.has(name)) for (const set of ['cluster', 'local'] as const) this.#freeMark(name, set);
  }

  #hold(name: string): void {
    const rules = this.#rules.get(name);
    if (rules === undefined) return;
    const state = layoutPort(rules, {
      prefix: this.#names.prefix,
      scheduler: this.#scheduler,
      markOf: (set) => this.#markOf(name, set),
      nodeAddresses: this.#nodeAddresses,
    });
    const lasting = rules.protocol === 'UDP' ? lastingOf(rules) : undefined;
    this.#states.set(name, state);
    for (const [key, virtual] of state.virtuals) this.#virtuals.hold(key, { ...virtual, lasting });
    for (const [key, words] of state.elements) this.#elements.hold(key, words);
    for (const address of state.addresses) this.#addresses.hold(address, true);
  }

  #markOf(name: string, set: EndpointSetName): number {
    const key = `${name} ${set}`;
    const known = this.#marks.get(key);
    if (known !== undefined) return known;
    if (this.#usedMarks.size > LAST_MARK)
      throw new Error(`Service port "${name}": all ${LAST_MARK + 1} marks are taken`);
    let mark: number;
    do {
      mark = this.#names.firstMark + (this.#nextMark & LAST_MARK);
      this.#nextMark += 1;
    } while (this.#usedMarks.has(mark));
    this.#marks.set(key, mark);
    this.#usedMarks.add(mark);
    return mark;
  }

  #freeMark(name: string, set: EndpointSetName): void {
    const key = `${name} ${set}`;
    const mark = this.#marks.get(key);
    if (mark === undefined) return;
    this.#marks.delete(key);
    this.#usedMarks.delete(mark);
  }
}

/** A flow of datagrams has no end of its own: it lasts while its endpoint serves. */
function lastingOf({ serving }: PortRules): ReadonlySet<string> {
  return new Set(
    [...serving].map((text) => {
      const [address = '', port = ''] = text.split(' ');
      return hostPort(address, Number(port));
    }),
  );
}
