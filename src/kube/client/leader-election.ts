// Who of several copies of a program works, and who waits: the one whose name stands in a Lease, as long as it renews it.
// Knows nothing of the work. Upstream: client-go's tools/leaderelection, whose Leases it shares.
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { CallOptions, Client } from './client.ts';

const LEASES = builtin('Lease');
const HEADER = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' } as const;
/** For each of the two requests that give a lease back: whoever ends is not to be kept for long. */
const RELEASE_MS = 1_500;
/** Waiting copies ask at moments that differ by up to this share of the period. As upstream. */
export const RETRY_JITTER = 1.2;

export interface LeaseTimes {
  /** A lease that has not been renewed for so long, by the clock of the copy that waits, may be taken. */
  readonly leaseMs: number;
  /** A leader that could not renew for so long gives up; less than `leaseMs`, so that two never work at once. */
  readonly renewDeadlineMs: number;
  /** Time between two attempts. */
  readonly retryMs: number;
}

export const defaultLeaseTimes: LeaseTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export interface ElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Different for each copy, also on one machine. */
  readonly identity: string;
  readonly lease: { readonly name: string; readonly namespace: string };
  readonly times?: LeaseTimes;
  readonly random?: () => number;
  /** Called when another copy is seen to lead. */
  readonly onLeader?: (identity: string) => void;
}

export interface Election {
  /** True once this copy leads; false when it was stopped before. */
  readonly won: Promise<boolean>;
  /** Resolves when this copy led and may not any more: it must stop its work at once. */
  readonly lost: Promise<void>;
  /** Stop the work first: the lease is given back, and whoever waits takes it at once. Never rejects. */
  stop(): Promise<void>;
}

/** Why these times cannot work together; undefined when they can. */
export function wrongTimes({ leaseMs, renewDeadlineMs, retryMs }: LeaseTimes): string | undefined {
  if (leaseMs < 1000) return 'the lease duration must be at least 1s';
  if (leaseMs <= renewDeadlineMs) return 'the lease duration must be greater than the renew deadline';
  if (renewDeadlineMs <= retryMs * RETRY_JITTER)
    return `the renew deadline must be greater than ${RETRY_JITTER} times the retry period`;
  return undefined;
}

export function elect(options: ElectionOptions): Election {
  const candidate = new Candidate(options);
  const finished = candidate.run();
  return {
    won: candidate.won.promise,
    lost: candidate.lost.promise,
    async stop() {
      candidate.stopping.abort();
      await finished;
    },
  };
}

class Candidate {
  readonly won = Promise.withResolvers<boolean>();
  readonly lost = Promise.withResolvers<void>();
  readonly stopping = new AbortController();
  readonly #options: ElectionOptions;
  readonly #times: LeaseTimes;
  /** The lease as last seen, and when we saw it change: other machines' clocks are not compared with ours. */
  #seen: { readonly version: string; readonly at: number } | undefined;
  #toldLeader = '';

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#times = options.times ?? defaultLeaseTimes;
  }

  async run(): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    const { signal } = this.stopping;
    let outcome: Attempt = 'failed';
    while (!signal.aborted) {
      outcome = await this.#attempt();
      if (outcome === 'ours') break;
      await delay(clock, this.#times.retryMs * (1 + RETRY_JITTER * random()), signal);
    }
    const won = outcome === 'ours' && !signal.aborted;
    this.won.resolve(won);
    // Also one that was stopped in the middle of an attempt may find that it was about to win.
    if (!won || (await this.#renew())) await this.#release();
  }

  /** Renews until it is stopped (true) or has lost (false). */
  async #renew(): Promise<boolean> {
    const { clock, log, lease } = this.#options;
    const { signal } = this.stopping;
    for (let renewed = clock.now(); ; ) {
      await delay(clock, this.#times.retryMs, signal);
      if (signal.aborted) return true;
      const asked = clock.now();
      const outcome = await this.#attempt();
      // What counts is when we asked: the server may have written it at once and answered late.
      if (outcome === 'ours') renewed = asked;
      else if (outcome === 'held' || clock.now() - renewed >= this.#times.renewDeadlineMs) {
        log.error({ lease: lease.name }, 'Lost the lease');
        this.lost.resolve();
        return false;
      }
    }
  }

  /** Takes the lease or renews it, if it may. */
  async #attempt(): Promise<Attempt> {
    const { client, clock, log, identity, lease } = this.#options;
    const { signal } = this.stopping;
    const call = { timeoutMs: Math.max(500, this.#times.renewDeadlineMs / 2), signal };
    try {
      const found = await this.#find(call);
      if (found === undefined) {
        await client.create<Lease>(LEASES, { ...HEADER, metadata: lease, spec: this.#spec(undefined) }, call);
        return 'ours';
      }
      const { holderIdentity: holder = '', leaseDurationSeconds = 0 } = found.spec ?? {};
      const version = found.metadata?.resourceVersion ?? '';
      if (this.#seen?.version !== version) this.#seen = { version, at: clock.now() };
      const valid = this.#seen.at + leaseDurationSeconds * 1000 > clock.now();
      if (holder !== '' && holder !== identity && valid) {
        this.#tell(holder);
        return 'held';
      }
      await client.update<Lease>(LEASES, { ...found, spec: this.#spec(found) }, call);
      return 'ours';
    } catch (error) {
      // Another copy was faster: the next look shows who.
      if (!isStatus(error, 409) && !signal.aborted)
        log.warn({ lease: lease.name, error: String(error) }, 'Cannot take or renew the lease');
      return 'failed';
    }
  }

  async #find(call: CallOptions): Promise<Lease | undefined> {
    const { client, lease } = this.#options;
    try {
      return await client.get<Lease>(LEASES, lease.name, lease.namespace, call);
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  #spec(found: Lease | undefined): NonNullable<Lease['spec']> {
    const { identity, clock } = this.#options;
    const now = microTime(clock.wall());
    const before = found?.spec;
    const same = before?.holderIdentity === identity;
    return {
      ...before,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#times.leaseMs / 1000),
      acquireTime: same ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + Number(found !== undefined && !same),
    } as NonNullable<Lease['spec']>;
  }

  /** Best effort: if it fails, the others wait until the lease has run out. */
  async #release(): Promise<void> {
    const { client, log, identity, lease, clock } = this.#options;
    const call = { timeoutMs: RELEASE_MS };
    try {
      const found = await this.#find(call);
      if (found?.spec?.holderIdentity !== identity) return;
      const now = microTime(clock.wall());
      const spec = { ...found.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
      await client.update<Lease>(LEASES, { ...found, spec: spec as never }, call);
    } catch (error) {
      log.warn({ lease: lease.name, error: String(error) }, 'Cannot give the lease back');
    }
  }

  #tell(holder: string): void {
    if (holder === this.#toldLeader) return;
    this.#toldLeader = holder;
    this.#options.onLeader?.(holder);
  }
}

/** `held`: by another copy. `failed`: nobody knows, and the next attempt may tell. */
type Attempt = 'ours' | 'held' | 'failed';

function microTime(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, -1)}000Z`;
}
