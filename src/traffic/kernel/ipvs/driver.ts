// The IPVS driver: the kernel's own balancer, with a few rules and sets around it for what it does not do itself.
// The kernel is read at the start, for repairs and for endpoints that drain; a change writes what changed.
import { existsSync } from 'node:fs';
import type { Family } from '#lib/ip.ts';
import type { RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { CutWay, DriverOptions, L4Driver, Repairs } from '../contract.ts';
import { programsIn, type RunProgram } from '../programs.ts';
import { drainingOf, withDraining } from './drain.ts';
import { elementChange } from './ip-sets.ts';
import { Kernel, type KernelChange, type KernelState, type Seen } from './kernel-state.ts';
import { type Names, namesOf } from './names.ts';
import { PacketRules } from './packet-rules.ts';
import { tableChange } from './restore-text.ts';
import { markOf, type Scheduler, type Virtual } from './table.ts';
import { mustRunAll } from './tools.ts';
import { type Touched, Wanted } from './wanted.ts';

export interface IpvsOptions extends DriverOptions {
  /** For Services that do not ask for the same endpoint for the same client; `rr` or `wrr`, as weights ask, left out. */
  readonly scheduler?: Scheduler;
}

export function createIpvsDriver(options: IpvsOptions): L4Driver {
  return new IpvsDriver(options);
}

/** Whether an earlier run left sets, and so whatever else it made. */
export async function ipvsLeft({ netns, owner }: Pick<DriverOptions, 'netns' | 'owner'>): Promise<boolean> {
  const { prefix, device } = namesOf(owner);
  const run = programsIn(netns);
  // Asking for sets would load the module; the device comes before them, and goes before them.
  if ((await run('ip', ['link', 'show', 'dev', device])).code !== 0) return false;
  const [names = ''] = await mustRunAll(run, [{ program: 'ipset', args: ['list', '-n'] }]);
  return names.split('\n').some((name) => name.startsWith(`${prefix}-`));
}

/** How often at most a change looks for endpoints that have drained, in milliseconds; repairs always look. */
const DRAIN_MS = 10_000;

class IpvsDriver implements L4Driver {
  readonly name = 'ipvs';
  readonly #run: RunProgram;
  readonly #names: Names;
  readonly #kernel: Kernel;
  readonly #scheduler: Scheduler | undefined;
  readonly #warn: (message: string) => void;
  #wanted: Wanted;
  /** Updates that came before the kernel could be prepared. */
  readonly #pending: RuleUpdate[] = [];
  #rules: readonly PacketRules[] = [];
  #families: readonly Family[] = [];
  /** What the kernel has, as far as we know; undefined before the start, and after something was refused. */
  #have: KernelState | undefined;
  #drained = 0;
  #cut: readonly CutWay[] = [];

  constructor({ netns, owner, scheduler, warn }: IpvsOptions) {
    this.#run = programsIn(netns);
    this.#names = namesOf(owner);
    this.#kernel = new Kernel(this.#run, this.#names);
    this.#scheduler = scheduler;
    this.#wanted = new Wanted(this.#names, scheduler, []);
    this.#warn = warn;
  }

  async apply(update: RuleUpdate): Promise<void> {
    this.#pending.push(update);
    const seen = this.#families.length === 0 ? await this.#prepare() : undefined;
    for (const one of this.#pending.splice(0)) this.#wanted.change(one);
    const touched = this.#wanted.takeTouched();
    if (this.#have !== undefined) {
      try {
        await this.#commit(this.#have, touched);
        if (performance.now() - this.#drained > DRAIN_MS) await this.#drain();
        return;
      } catch (error) {
        this.#warn(`${(error as Error).message}; everything is compared and written again`);
        this.#have = undefined;
      }
    }
    await this.#repair(seen);
  }

  async cut(ways: readonly CutWay[]): Promise<void> {
    this.#cut = ways;
    for (const rules of this.#rules) await rules.cut(ways);
  }

  async verify(): Promise<Repairs> {
    if (this.#families.length === 0) return { restored: 0, removed: 0 };
    await this.#kernel.prepare(this.#families);
    let { restored, removed } = await this.#repair();
    for (const rules of this.#rules) {
      const found = await rules.verify();
      restored += found.restored;
      removed += found.removed;
    }
    await this.#drain();
    return { restored, removed };
  }

  async close(keep = false): Promise<void> {
    if (keep) return;
    const seen = await this.#kernel.look();
    if (this.#families.length === 0) {
      // Without sets of ours the device is somebody else's.
      if (!this.#hasOwn(seen)) return;
      this.#families = familiesHere();
      this.#rules = this.#families.map((family) => new PacketRules(this.#run, this.#names.prefix, family));
    }
    const { table } = this.#kernel.ours(seen, new Set(this.#wanted.virtuals.keys()));
    for (const rules of this.#rules) await rules.remove();
    await this.#kernel.removeAll(this.#families, seen, table.keys());
    this.#families = [];
    this.#have = undefined;
  }

  #hasOwn({ sets }: Seen): boolean {
    return sets.some((name) => name.startsWith(`${this.#names.prefix}-`));
  }

  async #prepare(): Promise<Seen> {
    const families = familiesHere();
    if (families.length === 1) this.#warn('This machine has no IPv6: Services of that family are not served');
    await this.#kernel.prepare(families);
    this.#rules = families.map((family) => new PacketRules(this.#run, this.#names.prefix, family));
    for (const rules of this.#rules) {
      await rules.install();
      if (this.#cut.length > 0) await rules.cut(this.#cut);
    }
    const seen = await this.#kernel.look();
    const { table } = this.#kernel.ours(seen, new Set());
    this.#wanted = new Wanted(this.#names, this.#scheduler, families);
    this.#wanted.avoidMarks([...table.keys()].flatMap((key) => markOf(key) ?? []));
    this.#families = families;
    return seen;
  }

  /** Makes the kernel what it should be, whatever it is. */
  async #repair(seen?: Seen): Promise<Repairs> {
    const have = this.#kernel.ours(seen ?? (await this.#kernel.look()), new Set(this.#wanted.virtuals.keys()));
    this.#have = undefined;
    this.#wanted.takeTouched();
    return await this.#commit(have, {
      virtuals: new Set([...have.table.keys(), ...this.#wanted.virtuals.keys()]),
      elements: new Set([...have.elements.keys(), ...this.#wanted.elements.keys()]),
      addresses: new Set([...have.addresses, ...this.#wanted.addresses.keys()]),
    });
  }

  async #commit(have: KernelState, touched: Touched): Promise<Repairs> {
    const table = new Map<string, Virtual>();
    for (const key of touched.virtuals) {
      const wanted = this.#wanted.virtuals.get(key);
      if (wanted !== undefined) table.set(key, withDraining(wanted, have.table.get(key)));
    }
    const addresses = [...touched.addresses];
    const change: KernelChange = {
      table: tableChange(have.table, table, touched.virtuals),
      elements: elementChange(have.elements, this.#wanted.elements, touched.elements),
      newAddresses: addresses.filter((one) => this.#wanted.addresses.has(one) && !have.addresses.has(one)),
      oldAddresses: addresses.filter((one) => !this.#wanted.addresses.has(one) && have.addresses.has(one)),
    };
    await this.#kernel.change(change);
    this.#have = merged(have, touched, table, this.#wanted);
    return {
      restored: change.table.makes.length + change.elements.adds.length + change.newAddresses.length,
      removed: change.table.removes.length + change.elements.dels.length + change.oldAddresses.length,
    };
  }

  /** Lets go of endpoints whose last connection has ended. */
  async #drain(): Promise<void> {
    this.#drained = performance.now();
    const have = this.#have;
    const draining = have === undefined ? new Map<string, string[]>() : drainingOf(have.table, this.#wanted.virtuals);
    if (have === undefined || draining.size === 0) return;
    const connections = await this.#kernel.connections();
    const table = new Map(have.table);
    for (const [key, destinations] of draining) {
      const virtual = have.table.get(key);
      if (virtual === undefined) continue;
      const kept = new Map(virtual.destinations);
      for (const one of destinations) if ((connections.get(`${key} ${one}`) ?? 0) === 0) kept.delete(one);
      table.set(key, { ...virtual, destinations: kept });
    }
    const change = tableChange(have.table, table, draining.keys());
    await this.#kernel.change({ table: change, elements: { adds: [], dels: [] }, newAddresses: [], oldAddresses: [] });
    this.#have = { ...have, table };
  }
}

function familiesHere(): readonly Family[] {
  return existsSync('/proc/net/if_inet6') ? ['IPv4', 'IPv6'] : ['IPv4'];
}

/** `have` with what was changed in it. */
function merged(have: KernelState, touched: Touched, table: ReadonlyMap<string, Virtual>, wanted: Wanted): KernelState {
  return {
    table: overwritten(have.table, touched.virtuals, table),
    elements: overwritten(have.elements, touched.elements, wanted.elements),
    addresses: new Set(
      overwritten(new Map([...have.addresses].map((one) => [one, true])), touched.addresses, wanted.addresses).keys(),
    ),
  };
}

/** The maps are ours alone, and may be large: they are changed where they are. */
function overwritten<V>(
  map: ReadonlyMap<string, V>,
  keys: ReadonlySet<string>,
  from: ReadonlyMap<string, V>,
): Map<string, V> {
  const changed = map as Map<string, V>;
  for (const key of keys) {
    const value = from.get(key);
    if (value === undefined) changed.delete(key);
    else changed.set(key, value);
  }
  return changed;
}
