// The benchmark of a spike: the shop under ten times its load, how many requests fail, and how long they are slow.
// Knows the CLI and the API as people do; what is counted is the load's own report.

import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ClusterWatch, type ReplicaPoint } from '../../src/app/load/cluster-watch.ts';
import type { LoadReport } from '../../src/app/load/report.ts';
import { builtin } from '../../src/kube/api/resources.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { UsageError } from '../lib/options.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { inCluster, outputOf, type Up, until } from '../lib/up.ts';
import { boundedShop, CAPACITY } from './bounded-shop.ts';
import { readSpike } from './read-spike.ts';

const SHOP = fileURLToPath(new URL('../../examples/shop', import.meta.url));
const HOST = 'shop.local';

export const spike: Benchmark = {
  usage: {
    name: 'spike',
    about:
      'The shop under the spike profile of evenkeel load: failed requests, seconds until the p99 is below 250 ms, replicas.',
    seconds: 120,
    rounds: 1,
    own: {
      peak: { default: 200, help: 'requests a second at the highest; a tenth of it before and after' },
      'of-one-pod': {
        default: 'unbounded',
        help: `bound what a storefront carries to ${CAPACITY} requests a second, and make the peak so many times that, e.g. 3`,
      },
      limit: { default: 250, help: 'milliseconds that the p99 is to stay below' },
      network: { default: 'loopback', help: 'loopback or netns' },
      stabilization: { default: '10s', help: 'how long pods stay when fewer would do (five minutes otherwise)' },
    },
  },
  run: async (options, args) => {
    const say = speaker(options.json);
    const times = timesOf(options.text('of-one-pod'));
    const peak = times === undefined ? options.number('peak') : times * CAPACITY;
    const shop = times === undefined ? SHOP : boundedShop(SHOP, times);
    const flags = ['--horizontal-pod-autoscaler-downscale-stabilization', options.text('stabilization')];
    const runs = [];
    try {
      for (let round = 0; round < options.rounds; round++) {
        const result = await inCluster([shop, '--network', options.text('network'), ...flags], '', async (up) => {
          const { load, points } = await drive(up, peak, options.seconds);
          // Afterwards: it is a peak of its own, and the spike is to begin with as few pods as there may be.
          const capacity = await capacityOfOnePod(up, times === undefined ? 2000 : 3 * CAPACITY);
          say(`One storefront pod alone carries ${capacity.toFixed(0)} requests a second`);
          return { capacity, ...readSpike(load, points, options.number('limit')) };
        });
        runs.push(result);
      }
    } finally {
      if (shop !== SHOP) rmSync(shop, { recursive: true, force: true });
    }
    if (options.json) {
      printJson('spike', args, runs);
      return;
    }
    printTable(
      `Spike to ${peak} requests a second within ${options.seconds} s`,
      [
        { title: 'round', cell: (_, index) => String(index + 1) },
        { title: 'requests', cell: ({ requests }) => String(requests) },
        { title: 'failed', cell: ({ failed }) => String(failed) },
        { title: `s until p99 < ${options.number('limit')} ms`, cell: ({ slowSeconds }) => slowSeconds ?? 'never' },
        { title: 'worst p99, ms', cell: ({ worstP99 }) => worstP99.toFixed(0) },
        { title: 'p99 of the plateau’s end, ms', cell: ({ lateP99 }) => lateP99.toFixed(0) },
        { title: 'of one pod', cell: ({ capacity }) => `${(peak / capacity).toFixed(2)}x` },
        {
          title: 's until more are wanted, ready',
          cell: ({ decidedAfter, readyAfter }) => `${decidedAfter}, ${readyAfter}`,
        },
        { title: 'wanted (s: pods)', cell: ({ wanted }) => wanted },
        { title: 'ready', cell: ({ replicas }) => replicas },
      ],
      runs.map((run) => ({
        ...run,
        slowSeconds: run.slowSeconds?.toString(),
        decidedAfter: run.decidedAfter?.toFixed(1) ?? '-',
        readyAfter: run.readyAfter?.toFixed(1) ?? '-',
      })),
    );
  },
};

/** Undefined: pods carry what they can. */
function timesOf(text: string): number | undefined {
  if (text === 'unbounded') return undefined;
  const times = Number(text);
  if (!(times >= 1 && times <= 20)) {
    throw new UsageError(`Option --of-one-pod is "${text}": give a number from 1 to 20, or leave it out`);
  }
  return times;
}

interface StorefrontPod {
  readonly status?: { readonly podIP?: string };
}

/** What comes back in a second when more is sent to one pod than it can answer, once it is warm. */
async function capacityOfOnePod({ client }: Up, rate: number): Promise<number> {
  const pods = async (): Promise<StorefrontPod[]> => {
    const labelSelector = 'app.kubernetes.io/name=storefront';
    return (await client.list(builtin('Pod'), { namespace: 'shop', labelSelector })).items as StorefrontPod[];
  };
  const autoscaler = await client.get(builtin('HorizontalPodAutoscaler'), 'storefront', 'shop');
  const { minReplicas } = (autoscaler as { spec?: { minReplicas?: number } }).spec ?? {};
  // Until then the autoscaler might take the very pod that is asked.
  await until('the spike is over for the autoscaler as well', async () => (await pods()).length === minReplicas);
  const [pod] = await pods();
  const load = ['load', `http://${pod?.status?.podIP}:8080/`, '--rate', `${rate}`, '--connections', '32'];
  load.push('--timeout', '60s', '--json');
  await outputOf([...load, '--duration', '1s']);
  const { ok, requests, achievedRate } = JSON.parse(await outputOf([...load, '--duration', '3s'])) as LoadReport;
  if (ok < requests) throw new Error(`${requests - ok} of ${requests} requests to one pod alone failed`);
  return achievedRate;
}

async function drive(
  { client, http }: Up,
  peak: number,
  seconds: number,
): Promise<{ load: LoadReport; points: readonly ReplicaPoint[] }> {
  const watch = new ClusterWatch(client, systemClock);
  await watch.ready(10_000);
  watch.begin();
  const shape = ['--profile', 'spike', '--rate', `${peak / 10}`, '--peak', `${peak}`, '--duration', `${seconds}s`];
  const text = await outputOf(['load', `${http}/`, '--host', HOST, ...shape, '--json']);
  const { workloads } = await watch.end();
  const points = workloads.find(({ name }) => name === 'shop/storefront')?.points ?? [];
  return { load: JSON.parse(text) as LoadReport, points };
}
