// The proxy of a node: keeps a driver at the rules that Services and the node ask for, one change after the other.
// Knows no Kubernetes object and no kernel; what it publishes of itself is its health and its metrics.
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { TcpDrain } from '#traffic/kernel/conntrack/tcp-drain.ts';
import { type CutWay, hasStaleFlows, type L4Driver } from '#traffic/kernel/contract.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { PortSources } from '#traffic/snapshot/rules/port-sources.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import type { HealthCheckRule, PortRules, RuleModel, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import type { ProxyMetrics } from './metrics.ts';

export interface StaleFlows {
  /** Removes the UDP flows of these ports that lead to endpoints which serve no more. */
  remove(ports: readonly PortRules[]): Promise<void>;
}

export interface TrackedTcp {
  /** Endpoints that connections of these ports lead to though they should not go on, by name of the port. */
  strangers(ports: readonly PortRules[]): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** Ends connections at the sockets of clients on this machine. */
  endAtClients(ways: readonly CutWay[]): Promise<void>;
  /** Whoever speaks along these ways from now on begins anew. */
  forget(ways: readonly CutWay[]): Promise<void>;
}

export interface ServiceProxyOptions {
  readonly driver: L4Driver;
  readonly node: NodeFacts;
  /** Who says what the ports are that are published. */
  readonly sources: PortSources;
  /** Undefined where the driver sees to its flows itself. */
  readonly flows: StaleFlows | undefined;
  /** Undefined likewise. */
  readonly tcp: TrackedTcp | undefined;
  readonly metrics: ProxyMetrics;
  /** Called after each change with what health servers should say. */
  readonly onHealthChecks: (rules: readonly HealthCheckRule[]) => void;
  /** A Service (`namespace/name`) is not served at an address that another one has; once while it lasts. */
  readonly onConflict: (service: string, message: string) => void;
  /** Called with the first rules, of as many ports, before the driver takes them. */
  readonly onCompiled: (ports: number) => void;
  /** Milliseconds between comparisons with the kernel. */
  readonly verifyMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const RETRY_MS = 1_000;
/** Upstream: a proxy is unhealthy once changes wait for longer than twice its sync period (30 s). */
const UNHEALTHY_AFTER_MS = 60_000;

export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #book: RuleBook;
  readonly #drain: TcpDrain;
  readonly #told = new Set<string>();
  #waitingPorts = new Set<string>();
  #waitingNode: NodeFacts | undefined;
  #waitingSilent: ReadonlySet<string> | undefined;
  #silent: ReadonlySet<string> = new Set();
  #since: number | undefined;
  #running: Promise<void> | undefined;
  #retry: Cancel | undefined;
  #verifying: Cancel | undefined;
  /** Monotonic milliseconds since when something waits to be in force. */
  #behindSince: number | undefined;
  /** The driver has taken nothing yet, or refused something: it is told everything. */
  #tellAll = true;
  #isFirst = true;
  #published = false;
  #closed = false;
  readonly #conflicts = new Set<string>();

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.#book = new RuleBook(options.node, options.sources);
    this.#drain = new TcpDrain(options.clock, () => this.#go());
  }

  get model(): RuleModel {
    return this.#book.model;
  }

  /** Whether the driver has taken in what there was, and nothing that came since was refused. */
  get inForce(): boolean {
    return !this.#tellAll;
  }

  /** Whether what was published is in force, or has not waited for long. */
  get healthy(): boolean {
    return this.#behindSince === undefined || this.#options.clock.now() - this.#behindSince < UNHEALTHY_AFTER_MS;
  }

  /**
   * These ports are not what they were. The first call names everything there is. Until then nothing is told to the driver: what an earlier run left in
   * force serves better than rules of no Service. `since`: when the endpoints changed, in milliseconds of the wall.
   */
  publish(names: Iterable<string>, since: number | undefined): void {
    this.#published = true;
    for (const name of names) this.#waitingPorts.add(name);
    if (since !== undefined && (this.#since === undefined || since < this.#since)) this.#since = since;
    this.#go();
  }

  changeNode(node: NodeFacts): void {
    this.#waitingNode = node;
    this.#go();
  }

  /** These nodes are silent, and no others. */
  changeSilent(silent: ReadonlySet<string>): void {
    this.#waitingSilent = silent;
    this.#go();
  }

  /** Resolves when everything published so far is in force, or was refused. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async close(keep: boolean): Promise<void> {
    this.#closed = true;
    this.#retry?.();
    this.#verifying?.();
    this.#drain.close();
    await this.settled();
    await this.#options.driver.close(keep);
  }

  #go(): void {
    if (this.#closed || !this.#published) return;
    this.#behindSince ??= this.#options.clock.now();
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (!this.#closed && this.#hasWork()) this.#go();
    });
  }

  #hasWork(): boolean {
    const waits = this.#waitingPorts.size > 0 || this.#waitingNode !== undefined || this.#waitingSilent !== undefined;
    return waits || this.#drain.isDue;
  }

  async #run(): Promise<void> {
    const { driver, clock, log, metrics } = this.#options;
    // Names say the protocol; flows of others are not looked at. Silence and the node may change any of them.
    const some = this.#waitingSilent === undefined && this.#waitingNode === undefined;
    const names = some ? this.#waitingPorts : this.#book.model.ports.keys();
    const before = new Map<string, PortRules | undefined>();
    for (const name of [...names, ...this.#waitingPorts]) {
      if (name.includes('/UDP/')) before.set(name, this.#book.model.ports.get(name));
    }
    const since = this.#since;
    const update = this.#take();
    const started = clock.now();
    const isFirst = this.#isFirst;
    try {
      if (update !== undefined) {
        if (isFirst) this.#options.onCompiled(update.ports.size);
        this.#drain.note(update.ports);
        // Who comes back is free before anybody is led there; what an earlier run cut, nobody knows any more.
        if (isFirst || this.#drain.isDue) await driver.cut(this.#drain.ways());
        await driver.apply(update);
      }
      this.#isFirst = false;
      this.#tellAll = false;
      if (!this.#hasWork()) this.#behindSince = undefined;
      // What made no difference is no change.
      const latency = since === undefined ? undefined : (clock.wall() - since) / 1000;
      if (update !== undefined) metrics.applied((clock.now() - started) / 1000, latency);
    } catch (error) {
      metrics.failed();
      this.#tellAll = true;
      log.error({ error: (error as Error).message }, 'Services are not in force; trying again');
      this.#retry ??= clock.after(RETRY_MS, () => {
        this.#retry = undefined;
        this.#go();
      });
      return;
    }
    this.#verifying ??= clock.after(this.#options.verifyMs, () => this.#verify());
    this.#options.onHealthChecks(this.#book.healthChecks());
    this.#tellConflicts();
    metrics.holds(this.#book.counts);
    this.#tellSilence();
    await this.#removeStaleFlows(before);
    if (isFirst) await this.#findStrangers();
    await this.#endConnections();
  }

  /** What waits, folded into the book. */
  #take(): RuleUpdate | undefined {
    const ports = this.#waitingPorts;
    const node = this.#waitingNode;
    const silent = this.#waitingSilent;
    this.#waitingPorts = new Set();
    this.#waitingNode = undefined;
    this.#waitingSilent = undefined;
    this.#since = undefined;
    const changed = this.#book.changeNamed(ports);
    const moved = node === undefined ? undefined : this.#book.changeNode(node);
    const hushed = silent === undefined ? undefined : this.#book.changeSilent(silent);
    // What went meanwhile is told as well: a driver that had it would keep it.
    if (this.#tellAll) return this.#book.whole(changed?.ports.keys());
    const updates = [changed, moved, hushed].filter((update) => update !== undefined);
    if (updates.length < 2) return updates[0];
    return { ...moved, ports: new Map(updates.flatMap(({ ports: some }) => [...some])) };
  }

  #verify(): void {
    this.#verifying = undefined;
    if (this.#closed) return;
    const { driver, clock, log, metrics, verifyMs } = this.#options;
    const work = async (): Promise<void> => {
      try {
        const { restored, removed } = await driver.verify();
        const ways = this.#drain.ways();
        if (ways.length > 0) await driver.cut(ways);
        if (restored + removed > 0) {
          metrics.repaired(restored + removed);
          log.warn(
            { restored, removed },
            'Somebody else had changed the rules of Services; they are as they should be',
          );
        }
      } catch (error) {
        log.warn({ error: (error as Error).message }, 'The rules of Services could not be compared');
      }
    };
    const turn = (this.#running ?? Promise.resolve()).then(work);
    this.#running = turn.finally(() => {
      this.#running = undefined;
      if (this.#closed) return;
      this.#verifying ??= clock.after(verifyMs, () => this.#verify());
      if (this.#hasWork()) this.#go();
    });
  }

  async #removeStaleFlows(before: ReadonlyMap<string, PortRules | undefined>): Promise<void> {
    const stale = [...before].flatMap(([name, was]) => {
      const now = this.#book.model.ports.get(name);
      return now !== undefined && hasStaleFlows(was, now) ? [now] : [];
    });
    const { flows } = this.#options;
    if (flows === undefined || stale.length === 0) return;
    try {
      await flows.remove(stale);
    } catch (error) {
      const message = 'UDP flows to endpoints that are gone could not be removed; they end by themselves';
      this.#options.log.warn({ error: (error as Error).message }, message);
    }
  }

  /** Endpoints went while no proxy was there to see it. */
  async #findStrangers(): Promise<void> {
    const asking = [...this.#book.model.ports.values()].filter(({ drain }) => drain !== undefined);
    const { tcp } = this.#options;
    if (tcp === undefined || asking.length === 0) return;
    await this.#trying('Connections to endpoints that went before this start are left alone', async () => {
      this.#drain.found(await tcp.strangers(asking));
    });
  }

  /** Of endpoints whose time-out is over. */
  async #endConnections(): Promise<void> {
    const turn = this.#drain.turn();
    if (turn === undefined) return;
    const { driver, tcp, log } = this.#options;
    const { ways, begun, ended } = turn;
    if (begun.length > 0) {
      await this.#trying('Clients on this machine hear of the end of a connection when they speak next', async () => {
        await tcp?.endAtClients(begun);
      });
      log.info({ ways: begun.length }, 'TCP connections to endpoints that are gone are ended');
    }
    await this.#trying('TCP connections to endpoints that are gone could not be ended', () => driver.cut(ways));
    await this.#trying('TCP connections of clients that were silent go on', async () => await tcp?.forget(ended));
  }

  /** What fails costs nobody his Services; the same reason is told once. */
  async #trying(otherwise: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { message } = error as Error;
      if (this.#told.has(message)) return;
      this.#told.add(message);
      this.#options.log.warn({ error: message }, otherwise);
    }
  }

  /** In force by now. */
  #tellSilence(): void {
    const { log, metrics } = this.#options;
    const { silent, leftOut } = this.#book;
    metrics.silence(silent.size, leftOut);
    for (const node of silent.difference(this.#silent)) {
      log.warn({ node, leftOut }, 'Node has fallen silent: its endpoints are left out while there are others');
    }
    for (const node of this.#silent.difference(silent)) {
      log.info({ node, leftOut }, 'Node is heard again: its endpoints count as before');
    }
    this.#silent = silent;
  }

  #tellConflicts(): void {
    const now = this.#book.conflicts();
    const keys = new Set(now.map(({ front, wants }) => `${front} ${wants}`));
    for (const { front, has, wants } of now) {
      if (this.#conflicts.has(`${front} ${wants}`)) continue;
      const [address, port, protocol] = front.split(' ');
      const message = `"${has}" has ${address}:${port}/${protocol}, so "${wants}" is not served there; give one of them another address or port`;
      this.#options.log.warn({ front, has, wants }, message);
      const service = this.model.ports.get(wants)?.service;
      if (service !== undefined) this.#options.onConflict(service, message);
    }
    this.#conflicts.clear();
    for (const key of keys) this.#conflicts.add(key);
  }
}
