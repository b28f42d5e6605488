// The user-space driver: sockets on the addresses of Services, connections and sessions joined by this process.
// Decides by the rule model; works wherever there are sockets, with more of it the more the machine allows.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Cancel, type Clock, systemClock } from '#lib/clock.ts';
import { canonicalCidr } from '#lib/ip.ts';
import { libcObstacle } from '#lib/sys/libc.ts';
import type { NodeFacts, SourceClass } from '#traffic/snapshot/rules/node-facts.ts';
import { PortChooser } from '#traffic/snapshot/rules/port-chooser.ts';
import { frontKey } from '#traffic/snapshot/rules/rule-book.ts';
import type { Front, PortRules, RuleUpdate } from '#traffic/snapshot/rules/rule-model.ts';
import { sourceClassifier } from '#traffic/snapshot/rules/trace.ts';
import type { CutWay, DriverOptions, L4Driver, Repairs } from '../contract.ts';
import { type FrontContext, type FrontDuty, needsSocket, type OpenFront } from './front.ts';
import { DriverSockets, type Place } from './sockets.ts';
import { sourceFilter } from './source-filter.ts';
import { TcpFront } from './tcp-front.ts';
import { UdpFront } from './udp-front.ts';
import { Unreachable } from './unreachable.ts';
import { marksOf, rangeWay, type Way, wayOf } from './ways.ts';
import { WaysInForce, waysObstacle } from './ways-in-force.ts';

const SWEEP_MS = 2_000;
const MOST_SESSIONS = 16_384;
/** Turns of the event loop in which connections that have ended already are seen to. */
const TURNS = 4;
const DEFAULT_OWNER = 'default';
const NOBODY = { restored: 0, removed: 0 } as const;

interface Held {
  readonly port: string;
  readonly front: Front;
  readonly ways: readonly Way[];
  open: OpenFront | undefined;
}

export interface UserspaceOptions extends DriverOptions {
  readonly clock?: Clock;
  /** 0 to less than 1. */
  readonly random?: () => number;
}

/** Why it cannot work there, as a clause; in the namespace of the process it always can. */
export function userspaceObstacle(netns: string | undefined): string | undefined {
  return netns === undefined ? undefined : libcObstacle();
}

/** Whether an earlier run left routes. */
export async function userspaceLeft({ netns, owner }: Pick<DriverOptions, 'netns' | 'owner'>): Promise<boolean> {
  if (waysObstacle(netns) !== undefined) return false;
  return await new WaysInForce(netns, marksOf(owner ?? DEFAULT_OWNER)).any();
}

export function createUserspaceDriver(options: UserspaceOptions): L4Driver {
  return new UserspaceDriver(options);
}

class UserspaceDriver implements L4Driver {
  readonly name = 'userspace';
  readonly #options: UserspaceOptions;
  readonly #marks: ReturnType<typeof marksOf>;
  /** Undefined where no routes can be made: then only addresses are served that the machine has. */
  readonly #inForce: WaysInForce | undefined;
  readonly #obstacle: string | undefined;
  readonly #context: FrontContext;
  readonly #choosers = new Map<string, PortChooser>();
  /** By `frontKey`. */
  readonly #held = new Map<string, Held>();
  /** Fronts that are no more, but have connections, which need their ways. */
  readonly #leaving = new Set<Held>();
  readonly #told = new Set<string>();
  #node: NodeFacts | undefined;
  #classOf: (address: string) => SourceClass = () => 'other';
  #sweeping: Cancel | undefined;
  #closed = false;
  /** Routes are changed by one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: UserspaceOptions) {
    this.#options = options;
    this.#marks = marksOf(options.owner ?? DEFAULT_OWNER);
    const { netns } = options;
    const obstacle = waysObstacle(netns);
    this.#obstacle = obstacle;
    this.#inForce = obstacle === undefined ? new WaysInForce(netns, this.#marks) : undefined;
    const sockets = new DriverSockets(netns);
    this.#context = {
      sockets,
      unreachable: new Unreachable(sockets),
      now: () => this.#clock.now(),
      classOf: (address) => this.#classOf(address),
      sessions: { count: 0, most: MOST_SESSIONS },
    };
  }

  async apply({ node, ports }: RuleUpdate): Promise<void> {
    if (this.#node === undefined) this.#tellLacks();
    if (node !== undefined) {
      this.#node = node;
      this.#classOf = sourceClassifier(node);
    }
    for (const [name, rules] of ports) {
      if (rules === undefined) this.#choosers.delete(name);
      else this.#take(name, rules);
    }
    const touched = node === undefined ? ports : this.#choosers;
    const gone = [...this.#held].filter(([, { port }]) => ports.has(port));
    const stays = new Set<string>();
    const opening: Promise<void>[] = [];
    for (const name of touched.keys()) {
      const chooser = this.#choosers.get(name);
      if (chooser === undefined) continue;
      for (const front of chooser.rules.fronts) {
        const key = frontKey(front, chooser.rules);
        stays.add(key);
        opening.push(this.#hold(key, name, front, chooser));
      }
    }
    await Promise.all(opening);
    for (const [key, held] of gone) if (!stays.has(key)) await this.#release(key, held);
    this.#sweeping ??= this.#clock.every(SWEEP_MS, () => this.#sweep());
    await this.#setWays();
  }

  cut(ways: readonly CutWay[]): Promise<void> {
    for (const { front, open } of [...this.#held.values(), ...this.#leaving]) {
      const own = ways.filter(({ address, port }) => address === front.address && port === front.port);
      const endpoints = new Set(own.map(({ endpoint }) => `${endpoint.address} ${endpoint.port}`));
      if (endpoints.size > 0) open?.cut(endpoints);
    }
    return Promise.resolve();
  }

  async verify(): Promise<Repairs> {
    const node = this.#node;
    if (node === undefined) return NOBODY;
    // What could not be opened may be free now.
    for (const [key, { port, front }] of this.#held) {
      const chooser = this.#choosers.get(port);
      if (chooser !== undefined) await this.#hold(key, port, front, chooser);
    }
    return await this.#inTurn(async () => (await this.#inForce?.verify(this.#ways())) ?? NOBODY);
  }

  async close(keep = false): Promise<void> {
    this.#closed = true;
    this.#sweeping?.();
    for (const { open } of [...this.#held.values(), ...this.#leaving]) open?.destroy();
    this.#held.clear();
    this.#leaving.clear();
    this.#choosers.clear();
    this.#context.unreachable.close();
    // Kept, they save the next run a moment; until then whoever connects is refused.
    if (!keep) await this.#inTurn(async () => await this.#inForce?.set(new Set()));
  }

  get #clock(): Clock {
    return this.#options.clock ?? systemClock;
  }

  #take(name: string, rules: PortRules): void {
    const chooser = this.#choosers.get(name);
    if (chooser !== undefined) chooser.rules = rules;
    else this.#choosers.set(name, new PortChooser(rules, { random: this.#options.random ?? Math.random }));
  }

  /** Serves a front as its rules say now, with a socket of its own where it needs one. */
  async #hold(key: string, port: string, front: Front, chooser: PortChooser): Promise<void> {
    const { family, protocol } = chooser.rules;
    const node = this.#node;
    if (node === undefined || protocol === 'SCTP') return;
    let open = this.#held.get(key)?.open;
    const ways = this.#inForce === undefined ? [] : wayOf(front, chooser.rules, this.#marks);
    const held: Held = { port, front, ways, open };
    this.#held.set(key, held);
    if (!needsSocket({ front, chooser })) {
      this.#part(held);
      return;
    }
    const filter = this.#context.sockets.filters ? sourceFilter(chooser.rules, front, node) : undefined;
    const duty: FrontDuty = { front, chooser, filter };
    if (open !== undefined) {
      open.change(duty);
      return;
    }
    open = protocol === 'TCP' ? new TcpFront(this.#context, duty) : new UdpFront(this.#context, duty);
    const place: Place = { family, address: front.address, port: front.port, led: ways.length > 0 };
    try {
      await open.open(place);
      this.#told.delete(key);
    } catch (error) {
      open.destroy();
      this.#tellOnce(key, chooser.rules, front, error as NodeJS.ErrnoException);
      return;
    }
    // The front may have become another's meanwhile, or have ended.
    if (this.#held.get(key) === held && !this.#closed) held.open = open;
    else open.destroy();
  }

  async #release(key: string, held: Held): Promise<void> {
    const now = this.#held.get(key);
    if (now !== held) return;
    this.#held.delete(key);
    // Those that have ended already are not to hold the way of the others.
    for (let turn = 0; turn < TURNS && (held.open?.flows ?? 0) > 0; turn++) await nextTurn();
    this.#part(held);
  }

  /** Takes the socket from a front. Connections stay, and with them the ways that they came. */
  #part(held: Held): void {
    const { open } = held;
    if (open === undefined) return;
    held.open = undefined;
    const left: Held = { ...held, open };
    this.#leaving.add(left);
    open.close(() => {
      this.#leaving.delete(left);
      if (!this.#closed && left.ways.length > 0) this.#setWays().catch((error: Error) => this.#tell(error.message));
    });
  }

  #ways(): Set<Way> {
    const ways = new Set<Way>();
    for (const held of [...this.#held.values(), ...this.#leaving]) for (const way of held.ways) ways.add(way);
    for (const range of this.#node?.serviceRanges ?? []) {
      const canonical = canonicalCidr(range);
      if (canonical !== undefined) ways.add(rangeWay(canonical, this.#marks));
    }
    return ways;
  }

  async #setWays(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#closed) await this.#inForce?.set(this.#ways());
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const { open } of this.#held.values()) open?.sweep(now);
  }

  #tellLacks(): void {
    if (this.#obstacle !== undefined) {
      this.#tell(`Only addresses that this machine has are served, for ${this.#obstacle}`);
    }
    if (!this.#context.sockets.filters) {
      this.#tell(`Whoever should have no answer is refused, for sources cannot be filtered: ${libcObstacle()}`);
    }
  }

  #tellOnce(key: string, { name }: PortRules, { address, port }: Front, error: NodeJS.ErrnoException): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const { code, message } = error;
    const why =
      code === 'EADDRINUSE'
        ? 'the port is taken; stop what listens there'
        : code === 'EACCES'
          ? `ports below 1024 need privileges; allow it with "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${port}", or run as root`
          : code === 'EADDRNOTAVAIL'
            ? 'this machine has no such address; run as root, so that it can be led here'
            : message;
    this.#tell(`"${name}" is not served on ${address}:${port}: ${why}`);
  }

  #tell(message: string): void {
    this.#options.warn(message);
  }
}
