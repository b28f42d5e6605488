// Who is alive, as the main thread knows it from the thread that hears: asked at once, told a moment later.
// Knows names only; nothing of messages or sockets.
import type { Clock } from '#lib/clock.ts';
import type { Liveness } from '../liveness/liveness.ts';
import type { Peer } from '../liveness/members.ts';

export interface RemoteLivenessOptions {
  /** Name of this node. */
  readonly name: string;
  /** Milliseconds from now in which peers that become known count as alive: they had no time to speak yet. */
  readonly settleMs: number;
  readonly clock: Clock;
  readonly onChange: () => void;
  readonly refused: () => number;
  readonly setPeers: (version: number, peers: readonly Peer[]) => void;
  readonly leave: () => Promise<void>;
}

interface Known {
  alive: boolean;
  /** Of the first list of peers that it is in. */
  readonly version: number;
}

export class RemoteLiveness implements Liveness {
  readonly #options: RemoteLivenessOptions;
  readonly #settledAt: number;
  readonly #known = new Map<string, Known>();
  #version = 0;
  #told = '';

  constructor(options: RemoteLivenessOptions) {
    this.#options = options;
    this.#settledAt = options.clock.now() + options.settleMs;
  }

  isAlive(node: string): boolean {
    return this.#known.get(node)?.alive ?? false;
  }

  get alivePeers(): string[] {
    return [...this.#known].flatMap(([name, { alive }]) => (alive ? [name] : [])).sort();
  }

  get refused(): number {
    return this.#options.refused();
  }

  setPeers(peers: readonly Peer[]): void {
    const { name: own, clock, setPeers } = this.#options;
    const others = peers.filter(({ name }) => name !== own);
    const text = JSON.stringify(others);
    if (text === this.#told) return;
    this.#told = text;
    this.#version += 1;
    const names = new Set(others.map(({ name }) => name));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    const alive = clock.now() < this.#settledAt;
    for (const name of names) {
      if (!this.#known.has(name)) this.#known.set(name, { alive, version: this.#version });
    }
    setPeers(this.#version, others);
  }

  leave(): Promise<void> {
    return this.#options.leave();
  }

  /** Of the peers of `version`: who came later has not been asked about yet. */
  hear(version: number, names: readonly string[]): void {
    const alive = new Set(names);
    let changed = false;
    for (const [name, known] of this.#known) {
      if (known.version > version || known.alive === alive.has(name)) continue;
      known.alive = alive.has(name);
      changed = true;
    }
    if (changed) this.#options.onChange();
  }
}
