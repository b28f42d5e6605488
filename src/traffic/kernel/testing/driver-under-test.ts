// A driver with the rule book that feeds it, as the contract suite drives them: every change is applied at once, and
// flows that are stale then are ended as the Service proxy ends them. Knows no row of the suite.
import { systemClock } from '#lib/clock.ts';
import type { Family } from '#lib/ip.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import type { RuleModel } from '#traffic/snapshot/rules/rule-model.ts';
import { TcpDrain } from '../conntrack/tcp-drain.ts';
import { UdpFlows } from '../conntrack/udp-flows.ts';
import { hasStaleFlows, type L4Driver } from '../contract.ts';
import { type Compared, compareWithTrace } from './as-traced.ts';
import { labNode, type Place } from './lab-layout.ts';
import type { Probe, ServiceLab } from './service-lab.ts';

/** What a driver may lack; the value says why, and is printed. */
export type Feature =
  | 'affinity'
  /** Chance decides anew for a client whose time is over. */
  | 'affinity_ends'
  /** Translation of what is established goes on without the Service, and without the driver. */
  | 'established'
  /** Tables of other tools, made with nft. */
  | 'foreign_tables'
  | 'keep'
  | 'masquerade'
  /** Endpoints see the address of the client, where nobody has to be masqueraded. */
  | 'source'
  | 'source_hash'
  | 'stale_flows'
  | 'takeover'
  /** TCP connections end when they are told to. */
  | 'cut'
  /** Also where their Service has gone. */
  | 'cut_of_gone'
  /** Ports of an external address that no Service has go on to whoever else has that address. */
  | 'unserved_ports'
  | 'weights';

/** For what takes longer, or is much the same as another one that runs all of it. */
export interface Pace {
  /** How many times longer a row may take. */
  readonly slowness?: number;
  /** Whose rows are run; those that have both families, and what is drawn, are run in any case. */
  readonly families?: readonly Family[];
  /** Rows go on with the driver of the row before, where to begin and to end takes longer than the row. */
  readonly keepsDriver?: boolean;
  /** Cases that are drawn. */
  readonly draws?: number;
  /** Changes that are made under streams of probes. */
  readonly steps?: number;
  /** Milliseconds between two probes of a stream, so that streams leave time for the driver. */
  readonly streamPause?: number;
}

export interface DriverSetup {
  readonly create: (netns: string, owner: string, warn: (message: string) => void) => L4Driver | Promise<L4Driver>;
  /** Its UDP flows are remembered by the kernel's connection tracking, so that stale ones are ended there. */
  readonly tracked: boolean;
  /** Programs that have to be installed. */
  readonly tools?: readonly string[];
  /** Folder of the control group that clients of a place are in, for a driver that serves sockets. Makes it. */
  readonly groupOf?: (lab: string, place: Place) => string | undefined;
  readonly pace?: Pace;
  readonly lacks?: Partial<Readonly<Record<Feature, string>>>;
  /** Takes something of the driver's away in the namespace, and adds something that should not be there. */
  readonly sabotage: (netns: string, owner: string) => void;
  /** What of the driver's own is left in the namespace, beyond links, routes, rules and tables of nftables. */
  readonly inventory?: (netns: string) => readonly string[];
  /** URL of the module and name of the function that makes the driver of DriverOptions, to be run and killed apart. */
  readonly program?: { readonly module: string; readonly create: string };
}

export class DriverUnderTest {
  readonly driver: L4Driver;
  readonly warnings: readonly string[];
  readonly #lab: ServiceLab;
  readonly #passes: boolean;
  readonly #keepsSource: boolean;
  readonly #book: RuleBook;
  readonly #ports = new Map<string, L4ServicePort>();
  readonly #flows: UdpFlows | undefined;
  readonly #drain: TcpDrain;
  #ending: Promise<void> = Promise.resolve();

  private constructor(
    driver: L4Driver,
    lab: ServiceLab,
    book: RuleBook,
    warnings: readonly string[],
    flows: UdpFlows | undefined,
    passes: boolean,
    keepsSource: boolean,
  ) {
    this.#passes = passes;
    this.#keepsSource = keepsSource;
    this.driver = driver;
    this.#flows = flows;
    this.#drain = new TcpDrain(systemClock, () => {
      this.#ending = this.#ending.then(async () => await this.#end());
    });
    this.#lab = lab;
    this.#book = book;
    this.warnings = warnings;
  }

  static async begin(
    setup: DriverSetup,
    lab: ServiceLab,
    ports: readonly L4ServicePort[] = [],
    node: NodeFacts = labNode(),
  ): Promise<DriverUnderTest> {
    const warnings: string[] = [];
    const driver = await setup.create(lab.node, lab.id, (message) => warnings.push(message));
    const flows = setup.tracked ? new UdpFlows(lab.node) : undefined;
    const made = new DriverUnderTest(
      driver,
      lab,
      new RuleBook(node),
      warnings,
      flows,
      setup.lacks?.unserved_ports === undefined,
      setup.lacks?.source === undefined,
    );
    made.#note(new Map(ports.map((port) => [port.name, port])));
    try {
      made.#drain.note(made.#book.whole().ports);
      await driver.apply(made.#book.whole());
    } catch (error) {
      await driver.close();
      throw error;
    }
    return made;
  }

  get model(): RuleModel {
    return this.#book.model;
  }

  get ports(): readonly L4ServicePort[] {
    return [...this.#ports.values()];
  }

  /** Adds what is new and replaces what was there by that name. */
  async set(...ports: readonly L4ServicePort[]): Promise<void> {
    await this.change(new Map(ports.map((port) => [port.name, port])));
  }

  async remove(...names: readonly string[]): Promise<void> {
    await this.change(new Map(names.map((name) => [name, undefined])));
  }

  async change(changes: ReadonlyMap<string, L4ServicePort | undefined>): Promise<void> {
    const before = new Map([...changes.keys()].map((name) => [name, this.model.ports.get(name)]));
    const update = this.#note(changes);
    await this.#ending;
    if (update !== undefined) {
      this.#drain.note(update.ports);
      if (this.#drain.isDue) await this.driver.cut(this.#drain.ways());
      await this.driver.apply(update);
    }
    await this.#end();
    const stale = [...before].flatMap(([name, was]) => {
      const now = this.model.ports.get(name);
      return now !== undefined && hasStaleFlows(was, now) ? [now] : [];
    });
    if (stale.length > 0) await this.#flows?.remove(stale);
  }

  async setNode(node: NodeFacts): Promise<void> {
    const update = this.#book.changeNode(node);
    if (update !== undefined) await this.driver.apply(update);
  }

  /** Everything, as for a driver that begins. */
  whole(): ReturnType<RuleBook['whole']> {
    return this.#book.whole();
  }

  /** The driver's end, and with it that of what waits for its time: nobody is cut off by a driver that has ended. */
  async close(keep = false): Promise<void> {
    this.#drain.close();
    await this.#ending;
    await this.driver.close(keep);
  }

  /** Throws when a packet goes otherwise than the tracer says. */
  async expectAsTraced(probes: readonly Probe[]): Promise<readonly Compared[]> {
    return await compareWithTrace(this.#lab, this.model, probes, this.#passes, this.#keepsSource);
  }

  /** By the driver alone: the Service proxy ends sockets of this machine as well, and every client here is one. */
  async #end(): Promise<void> {
    const turn = this.#drain.turn();
    if (turn !== undefined) await this.driver.cut(turn.ways);
  }

  #note(changes: ReadonlyMap<string, L4ServicePort | undefined>): ReturnType<RuleBook['change']> {
    for (const [name, port] of changes) {
      if (port === undefined) this.#ports.delete(name);
      else this.#ports.set(name, port);
    }
    return this.#book.change(changes);
  }
}
