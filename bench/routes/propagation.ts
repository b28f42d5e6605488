// How long until a new route, and a pod that has become ready, are served: from the write to the first right answer.
// Beside load on another route; knows the API and HTTP.

import type { LoadReport } from '#app/load/report.ts';
import type { KubeObject } from '../../src/kube/api/object.ts';
import { builtin } from '../../src/kube/api/resources.ts';
import type { Client } from '../../src/kube/client/client.ts';
import { openLoop } from '../lib/load/open-loop.ts';
import { Asker } from './asker.ts';
import type { Setting } from './setting.ts';
import { GATE, GATED_POD, NAMESPACE, namespaceOf, plainRoute, ROUTES, USED_HOST } from './world.ts';

const PODS = builtin('Pod');
const GATED_HOST = 'gated.bench';
/** Between two samples: what the one has set going ends before the next begins. */
const PAUSE_MS = 25;

/** Milliseconds, one of each a sample. */
export interface Samples {
  /** From sending the route until the API had stored it. */
  readonly stored: readonly number[];
  /** From sending the route to its first answer. */
  readonly route: readonly number[];
  /** From the news that the pod is ready to the first answer of its Service. */
  readonly pod: readonly number[];
  readonly load: LoadReport;
}

export interface PropagationPlan {
  readonly seconds: number;
  /** Requests a second beside it. */
  readonly rate: number;
}

/** Half of the time goes to routes, half to the pod. */
export async function measurePropagation(setting: Setting, { seconds, rate }: PropagationPlan): Promise<Samples> {
  const { client, url, namespaces } = setting;
  const used = plainRoute({ name: 'used', namespace: namespaceOf(0, namespaces), host: USED_HOST });
  await client.create(ROUTES, used);
  const gated = plainRoute({ name: 'gated', namespace: NAMESPACE, host: GATED_HOST, service: 'gated' });
  await client.create(ROUTES, gated);
  const readiness = await Readiness.of(client);
  const asker = new Asker(url);
  try {
    await asker.until(USED_HOST, ({ status }) => status === 200);
    await asker.until(GATED_HOST, ({ status }) => status === 503);
    const load = openLoop({ url, host: USED_HOST, rate, seconds, timeoutMs: 5000, connections: 64 });
    const begun = performance.now();
    const samples = { stored: [] as number[], route: [] as number[], pod: [] as number[] };
    for (let at = 0; performance.now() - begun < seconds * 500; at++) {
      const sample = await sampleRoute(setting, asker, at);
      samples.stored.push(sample.stored);
      samples.route.push(sample.answered);
      await pause();
    }
    while (performance.now() - begun < seconds * 1000) {
      const ready = readiness.next(true);
      const answered = asker.until(GATED_HOST, ({ status }) => status === 200);
      await readiness.say(true);
      samples.pod.push((await answered) - (await ready));
      await readiness.say(false);
      await asker.until(GATED_HOST, ({ status }) => status === 503);
      await pause();
    }
    return { ...samples, load: await load };
  } finally {
    asker.close();
    readiness.stop();
    await client.delete(PODS, 'gated', NAMESPACE, { gracePeriodSeconds: 0 });
    for (const { metadata } of [used, gated]) await client.delete(ROUTES, metadata?.name ?? '', metadata?.namespace);
  }
}

async function sampleRoute(
  { client, namespaces }: Setting,
  asker: Asker,
  at: number,
): Promise<{ stored: number; answered: number }> {
  const name = `new-${at}`;
  const namespace = namespaceOf(at, namespaces);
  const host = `${name}.bench`;
  const begun = performance.now();
  const answered = asker.until(host, ({ status }) => status === 200);
  await client.create(ROUTES, plainRoute({ name, namespace, host }));
  const stored = performance.now() - begun;
  const result = { stored, answered: (await answered) - begun };
  await client.delete(ROUTES, name, namespace);
  return result;
}

/** The pod that is ready when it is told so. */
class Readiness {
  readonly #client: Client;
  readonly #stop = new AbortController();
  #waiting: { readonly ready: boolean; readonly resolve: (at: number) => void } | undefined;

  static async of(client: Client): Promise<Readiness> {
    const readiness = new Readiness(client);
    void readiness.#watch();
    await client.create(PODS, GATED_POD);
    return readiness;
  }

  private constructor(client: Client) {
    this.#client = client;
  }

  /** When the API says that the pod is ready, or is not. */
  next(ready: boolean): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting = { ready, resolve };
    });
  }

  async say(ready: boolean): Promise<void> {
    const conditions = [{ type: GATE, status: ready ? 'True' : 'False' }];
    await this.#client.patch(
      PODS,
      'gated',
      NAMESPACE,
      'strategic',
      { status: { conditions } },
      { subresource: 'status' },
    );
  }

  stop(): void {
    this.#stop.abort();
  }

  async #watch(): Promise<void> {
    const options = { namespace: NAMESPACE, labelSelector: 'app=gated', signal: this.#stop.signal };
    for await (const event of this.#client.watch(PODS, options)) {
      if (event.type === 'BOOKMARK' || this.#waiting === undefined) continue;
      if (isReady(event.object) !== this.#waiting.ready) continue;
      this.#waiting.resolve(performance.now());
      this.#waiting = undefined;
    }
  }
}

function isReady(pod: KubeObject): boolean {
  const { status } = pod as { readonly status?: { conditions?: readonly { type: string; status: string }[] } };
  return (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
