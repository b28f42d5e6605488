// When TCP connections to endpoints that have gone are over: each has its time-out, and nothing ends for who comes back.
// Knows rules and time; whoever has the driver asks what is due (`turn`), and does it.
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Front, PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import type { CutWay } from '../contract.ts';

/**
 * A way stays cut so long that clients which could not be woken are answered when they speak. Then the kernel forgets
 * their connections.
 */
const CUT_MS = 600_000;

interface Gone {
  readonly port: string;
  readonly endpoint: string;
  readonly family: PortRules['family'];
  fronts: readonly Front[];
  readonly since: number;
  ms: number;
  /** Its connections are being ended since then. */
  cutAt: number | undefined;
}

/** What has to be done now. */
export interface DrainTurn {
  /** All ways that are cut. */
  readonly ways: readonly CutWay[];
  /** Those of them that are new. */
  readonly begun: readonly CutWay[];
  /** Cut long enough: what is left of their connections is forgotten. */
  readonly ended: readonly CutWay[];
}

export class TcpDrain {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #known = new Map<string, PortRules>();
  readonly #gone = new Map<string, Gone>();
  #freed = false;
  #timer: Cancel | undefined;
  #closed = false;

  /** `onDue`: something has to be done; ask for a turn. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get isDue(): boolean {
    const now = this.#clock.now();
    return this.#freed || [...this.#gone.values()].some((gone) => dueAt(gone) <= now);
  }

  /** Ports that have changed, before they are in force: who comes back must be free by then. */
  note(ports: ReadonlyMap<string, PortRules | undefined>): void {
    for (const [name, now] of ports) {
      const was = this.#known.get(name)?.drain;
      const fronts = this.#known.get(name)?.fronts ?? [];
      if (now?.drain === undefined) this.#known.delete(name);
      else this.#known.set(name, now);
      if (now !== undefined) this.#free(now);
      const family = name.endsWith('/IPv6') ? 'IPv6' : 'IPv4';
      // A Service that goes takes its endpoints with it; one that asks for nothing any more lets them be.
      if (was === undefined || (now !== undefined && now.drain === undefined)) continue;
      for (const endpoint of was.kept) {
        if (now?.drain?.kept.has(endpoint) !== true)
          this.#add({ port: name, endpoint, family, fronts, ms: now?.drain?.ms ?? was.ms });
      }
      for (const gone of this.#gone.values())
        if (gone.port === name && now?.drain !== undefined) gone.ms = now.drain.ms;
    }
    this.#arm();
  }

  /** Endpoints that had gone before anybody looked; their time begins now. */
  found(strangers: ReadonlyMap<string, ReadonlySet<string>>): void {
    for (const [port, endpoints] of strangers) {
      const rules = this.#known.get(port);
      if (rules?.drain === undefined) continue;
      const { family, fronts, drain } = rules;
      for (const endpoint of endpoints) {
        if (!drain.kept.has(endpoint)) this.#add({ port, endpoint, family, fronts, ms: drain.ms });
      }
    }
    this.#arm();
  }

  /** Undefined where everything is as it should be. */
  turn(): DrainTurn | undefined {
    if (!this.isDue) return undefined;
    const now = this.#clock.now();
    this.#freed = false;
    const begun: CutWay[] = [];
    const ended: CutWay[] = [];
    for (const [key, gone] of this.#gone) {
      if (dueAt(gone) > now) continue;
      if (gone.cutAt === undefined) {
        gone.cutAt = now;
        begun.push(...waysOf(gone));
      } else {
        this.#gone.delete(key);
        ended.push(...waysOf(gone));
      }
    }
    this.#arm();
    return { ways: this.ways(), begun, ended };
  }

  /** All ways that are cut. */
  ways(): CutWay[] {
    return [...this.#gone.values()].flatMap((gone) => (gone.cutAt === undefined ? [] : waysOf(gone)));
  }

  /** Nobody is told of anything any more, whatever is noted from now on. */
  close(): void {
    this.#closed = true;
    this.#timer?.();
  }

  #add(facts: Omit<Gone, 'since' | 'cutAt'>): void {
    const key = `${facts.port} ${facts.endpoint}`;
    if (!this.#gone.has(key)) this.#gone.set(key, { ...facts, since: this.#clock.now(), cutAt: undefined });
  }

  /** What this port serves now: of its own, and of one that had the same address before. */
  #free(rules: PortRules): void {
    for (const [key, gone] of this.#gone) {
      const own = gone.port === rules.name;
      const has = rules.drain?.kept.has(gone.endpoint) ?? serves(rules, gone.endpoint);
      if (own && (has || rules.drain === undefined)) this.#drop(key, gone);
      else if (!own && has && gone.family === rules.family) {
        const left = gone.fronts.filter((one) => !rules.fronts.some((front) => isSame(front, one)));
        if (left.length === gone.fronts.length) continue;
        gone.fronts = left;
        this.#freed ||= gone.cutAt !== undefined;
      }
    }
  }

  #drop(key: string, { cutAt }: Gone): void {
    this.#gone.delete(key);
    this.#freed ||= cutAt !== undefined;
  }

  #arm(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#closed) return;
    const due = Math.min(...[...this.#gone.values()].map(dueAt));
    if (due === Number.POSITIVE_INFINITY) return;
    // Timers take whole milliseconds, and would be early by a part of one.
    this.#timer = this.#clock.after(Math.max(0, Math.ceil(due - this.#clock.now())), () => {
      if (this.isDue) this.#onDue();
      else this.#arm();
    });
  }
}

function dueAt({ since, ms, cutAt }: Gone): number {
  return cutAt === undefined ? since + ms : cutAt + CUT_MS;
}

function serves({ protocol, sets }: PortRules, endpoint: string): boolean {
  return (
    protocol === 'TCP' && [...sets.cluster, ...sets.local].some((one) => `${one.address} ${one.port}` === endpoint)
  );
}

function isSame(a: Front, b: Front): boolean {
  return a.address === b.address && a.port === b.port;
}

function waysOf({ family, endpoint, fronts }: Gone): CutWay[] {
  const [address = '', port] = endpoint.split(' ');
  return fronts.map((front) => ({
    family,
    address: front.address,
    port: front.port,
    endpoint: { address, port: Number(port) },
  }));
}
