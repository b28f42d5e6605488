// Many routes set up at once and torn down at once: until the Gateway counts them right, and all of them answer, or none.
// Knows the API and HTTP.

import type { KubeObject } from '../../src/kube/api/object.ts';
import type { Client } from '../../src/kube/client/client.ts';
import { cpuSeconds } from '../lib/processes.ts';
import { Asker } from './asker.ts';
import { createAll, deleteAll, gatewayOf, readGateway, type Setting } from './setting.ts';
import { GATEWAYS, NAMESPACE, namespaceOf, plainRoute } from './world.ts';

const LIMIT_MS = 120_000;

/** Milliseconds from the first request to the API. */
export interface Phase {
  /** Until the API had taken the last of them. */
  readonly storedMs: number;
  /** Until the Gateway's status had the right count. */
  readonly countedMs: number;
  /** Until every route had given the right answer, asked one after the other. */
  readonly servedMs: number;
  /** Seconds of CPU of the cluster until both were so. */
  readonly cpu: number;
  /** Statuses of the Gateway on the way. */
  readonly counts: number;
}

export interface Attached {
  readonly up: Phase;
  readonly down: Phase;
}

export async function measureAttach(setting: Setting, count: number): Promise<Attached> {
  const { client, namespaces } = setting;
  const routes = Array.from({ length: count }, (_, at) =>
    plainRoute({ name: `many-${at}`, namespace: namespaceOf(at, namespaces), host: hostOfMany(at) }),
  );
  const before = (await gatewayOf(client)).attached;
  const up = await phase(setting, routes, { act: createAll, attached: before + count, status: 200 });
  const down = await phase(setting, routes, { act: deleteAll, attached: before, status: 404 });
  return { up, down };
}

interface Step {
  readonly act: (client: Client, routes: readonly KubeObject[]) => Promise<void>;
  readonly attached: number;
  readonly status: number;
}

async function phase({ client, url, pid }: Setting, routes: readonly KubeObject[], step: Step): Promise<Phase> {
  const counts = new Counts(client);
  const asker = new Asker(url);
  const cpuBefore = cpuSeconds(pid);
  const begun = performance.now();
  try {
    const counted = counts.until(step.attached, begun);
    await step.act(client, routes);
    const storedMs = performance.now() - begun;
    let servedMs = storedMs;
    for (const at of routes.keys()) {
      servedMs = (await asker.until(hostOfMany(at), ({ status }) => status === step.status)) - begun;
    }
    const countedMs = await counted;
    return { storedMs, countedMs, servedMs, cpu: cpuSeconds(pid) - cpuBefore, counts: counts.seen };
  } finally {
    asker.close();
    counts.stop();
  }
}

function hostOfMany(at: number): string {
  return `many-${at}.bench`;
}

/** What the status of the Gateway says, as it changes. */
class Counts {
  readonly #stop = new AbortController();
  readonly #client: Client;
  seen = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Milliseconds since `begun` at which it said `attached` for the last time; rejects after two minutes. */
  async until(attached: number, begun: number): Promise<number> {
    const timer = setTimeout(() => this.#stop.abort(), LIMIT_MS);
    try {
      const options = { namespace: NAMESPACE, fieldSelector: 'metadata.name=front', signal: this.#stop.signal };
      for await (const event of this.#client.watch(GATEWAYS, options)) {
        if (event.type === 'BOOKMARK') continue;
        this.seen++;
        if (readGateway(event.object).attached === attached) return performance.now() - begun;
      }
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`The Gateway did not count ${attached} routes within ${LIMIT_MS / 1000} s`);
  }

  stop(): void {
    this.#stop.abort();
  }
}
