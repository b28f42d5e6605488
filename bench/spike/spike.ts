// The benchmark of a spike: the shop under ten times its load, how many requests fail, and how long they are slow.
// Knows the CLI and the API as people do; what is counted is the load's own report.

import { fileURLToPath } from 'node:url';
import { ClusterWatch, type ReplicaPoint } from '../../src/app/load/cluster-watch.ts';
import type { LoadReport } from '../../src/app/load/report.ts';
import { builtin } from '../../src/kube/api/resources.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { inCluster, outputOf, type Up } from '../lib/up.ts';
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
      limit: { default: 250, help: 'milliseconds that the p99 is to stay below' },
      network: { default: 'loopback', help: 'loopback or netns' },
      stabilization: { default: '10s', help: 'how long pods stay when fewer would do (five minutes otherwise)' },
    },
  },
  run: async (options, args) => {
    const say = speaker(options.json);
    const runs = [];
    for (let round = 0; round < options.rounds; round++) {
      const flags = ['--horizontal-pod-autoscaler-downscale-stabilization', options.text('stabilization')];
      const result = await inCluster([SHOP, '--network', options.text('network'), ...flags], '', async (up) => {
        const { load, points } = await drive(up, options.number('peak'), options.seconds);
        // Afterwards: it is a peak of its own, and the spike is to begin with as few pods as there may be.
        const capacity = await capacityOfOnePod(up);
        say(`One storefront pod alone carries ${capacity.toFixed(0)} requests a second`);
        return { capacity, ...readSpike(load, points, options.number('limit')) };
      });
      runs.push(result);
    }
    if (options.json) {
      printJson('spike', args, runs);
      return;
    }
    printTable(
      `Spike to ${options.number('peak')} requests a second within ${options.seconds} s`,
      [
        { title: 'round', cell: (_, index) => String(index + 1) },
        { title: 'requests', cell: ({ requests }) => String(requests) },
        { title: 'failed', cell: ({ failed }) => String(failed) },
        { title: `s until p99 < ${options.number('limit')} ms`, cell: ({ slowSeconds }) => slowSeconds ?? 'never' },
        { title: 'p99 of the plateau’s end, ms', cell: ({ lateP99 }) => lateP99.toFixed(0) },
        { title: 'of one pod', cell: ({ capacity }) => `${(options.number('peak') / capacity).toFixed(2)}x` },
        { title: 'replicas ready (s: pods)', cell: ({ replicas }) => replicas },
      ],
      runs.map((run) => ({ ...run, slowSeconds: run.slowSeconds?.toString() })),
    );
  },
};

/** What comes back in a second when more is sent to one pod than it can answer, once it is warm. */
async function capacityOfOnePod({ client }: Up): Promise<number> {
  const { items } = await client.list(builtin('Pod'), {
    namespace: 'shop',
    labelSelector: 'app.kubernetes.io/name=storefront',
  });
  const ip = (items[0] as { status?: { podIP?: string } } | undefined)?.status?.podIP;
  const load = ['load', `http://${ip}:8080/`, '--rate', '2000', '--connections', '32', '--timeout', '60s', '--json'];
  await outputOf([...load, '--duration', '1s']);
  return (JSON.parse(await outputOf([...load, '--duration', '3s'])) as LoadReport).achievedRate;
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
