// Pods in one line of text, for tables: `500/1000*3 -/1000 900/1000N`.
// Knows the facts of pods; used by tests only.
import type { PodFacts, PodMetric, Requests } from '../pods.ts';

export const NOW = 10_000_000_000;
const MINUTE = 60_000;
export const RULES = { now: NOW, cpuInitializationMs: 5 * MINUTE, initialReadinessDelayMs: 30_000 };
export const TOLERANCES = { up: 0.1, down: 0.1 };

/** What a letter behind a pod says of it. */
const STATES: Readonly<Record<string, Partial<PodFacts>>> = {
  /** Waits for a node, or for its containers. */
  P: { phase: 'Pending', ready: { status: 'False', since: NOW - MINUTE } },
  /** Has failed. */
  F: { phase: 'Failed', ready: { status: 'False', since: NOW - MINUTE } },
  /** Is being deleted. */
  D: { deleting: true },
  /** Started an hour ago, and never got ready. */
  N: { ready: { status: 'False', since: NOW - 60 * MINUTE + 10_000 } },
  /** Was ready for most of an hour, and is no more. */
  L: { ready: { status: 'False', since: NOW - MINUTE } },
  /** Started a minute ago and is not ready yet. */
  Y: { startedAt: NOW - MINUTE, ready: { status: 'False', since: NOW - MINUTE } },
  /** Nobody has said whether it is ready. */
  X: { ready: undefined },
};

/** `USAGE/REQUEST` in thousandths, `-` for none, then letters of `STATES`, then `*` and how many. */
export function podsOf(text: string): { pods: PodFacts[]; metrics: Map<string, PodMetric> } {
  const pods: PodFacts[] = [];
  const metrics = new Map<string, PodMetric>();
  for (const part of text.split(' ').filter((one) => one !== '')) {
    const [, usage = '-', request = '-', letters = '', count = '1'] =
      /^(-|\d+)(?:\/(-|\d+))?([A-Z]*)(?:\*(\d+))?$/.exec(part) ?? [];
    for (let index = 0; index < Number(count); index++) {
      const name = `pod-${pods.length}`;
      const requests: Requests = request === '-' ? {} : { cpu: BigInt(request), memory: BigInt(request) };
      let pod: PodFacts = {
        name,
        phase: 'Running',
        deleting: false,
        startedAt: NOW - 60 * MINUTE,
        ready: { status: 'True', since: NOW - 59 * MINUTE },
        containers: [{ name: 'main', requests }],
        podRequests: undefined,
      };
      for (const letter of letters) pod = { ...pod, ...STATES[letter] };
      pods.push(pod);
      if (usage !== '-') metrics.set(name, { value: BigInt(usage), at: NOW - 1000, windowMs: 30_000 });
    }
  }
  return { pods, metrics };
}
