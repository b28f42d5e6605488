// The benchmark of scaling from zero: how long the first of many requests waits beside what a pod takes to start.
// Knows the API and HTTP; both figures are of the same machine in the same run.

import { request } from 'node:http';
import { builtin } from '../../src/kube/api/resources.ts';
import type { Client } from '../../src/kube/client/client.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';
import { inCluster, until } from '../lib/up.ts';

const HOST = 'zero.local';
const DEPLOYMENTS = builtin('Deployment');

const deployment = (name: string, replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: default }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: echo
          image: evenkeel.dev/echo
          readinessProbe: { httpGet: { path: /readyz, port: 8080 }, periodSeconds: 1 }
`;

const MANIFESTS = `${deployment('plain', 0)}---${deployment('web', 1)}---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: default }
spec:
  ingressClassName: evenkeel
  rules:
    - host: ${HOST}
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: default }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 0
  maxReplicas: 1
  metrics:
    - type: Object
      object:
        describedObject: { apiVersion: v1, kind: Service, name: web }
        metric: { name: http_requests_in_flight }
        target: { type: AverageValue, averageValue: "1k" }
  behavior: { scaleDown: { stabilizationWindowSeconds: 1 } }
`;

interface Round {
  readonly podMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly failed: number;
}

export const zero: Benchmark = {
  usage: {
    name: 'zero',
    about: 'Many first requests to a Service without a pod, beside the start of a pod: how long the first one waits.',
    seconds: 1,
    rounds: 5,
    own: {
      requests: { default: 200, help: 'at once' },
      network: { default: 'loopback', help: 'loopback or netns' },
    },
  },
  run: async (options, args) => {
    const say = speaker(options.json);
    const rounds = await inCluster(['-', '--network', options.text('network')], MANIFESTS, async ({ client, http }) => {
      const all: Round[] = [];
      for (let round = 0; round < options.rounds; round++) {
        await scaledTo(client, 'web', 0);
        const podMs = await startOfPod(client);
        const burst = await burstOf(http, options.number('requests'));
        all.push({ podMs, ...burst });
        say(`Round ${round + 1}: pod ${podMs.toFixed(0)} ms, first answer ${burst.firstMs.toFixed(0)} ms`);
      }
      return all;
    });
    if (options.json) printJson('zero', args, rounds);
    else {
      printTable(
        `${options.number('requests')} first requests at once, ${options.text('network')}`,
        [
          { title: 'round', cell: (_, index) => (index === rounds.length ? 'median' : String(index + 1)) },
          { title: 'start of a pod, ms', cell: ({ podMs }) => podMs.toFixed(0) },
          { title: 'first answer, ms', cell: ({ firstMs }) => firstMs.toFixed(0) },
          { title: 'beyond the start', cell: ({ firstMs, podMs }) => (firstMs - podMs).toFixed(0) },
          { title: 'last answer, ms', cell: ({ lastMs }) => lastMs.toFixed(0) },
          { title: 'failed', cell: ({ failed }) => String(failed) },
        ],
        [...rounds, middle(rounds)],
      );
    }
  },
};

function middle(rounds: readonly Round[]): Round {
  const of = (key: keyof Round): number => median(rounds.map((round) => round[key]));
  return { podMs: of('podMs'), firstMs: of('firstMs'), lastMs: of('lastMs'), failed: of('failed') };
}

/** From the wish for a pod to the moment at which it is ready, of a Deployment that nobody scales. */
async function startOfPod(client: Client): Promise<number> {
  const scale = (replicas: number): Promise<unknown> =>
    client.patch(DEPLOYMENTS, 'plain', 'default', 'merge', { spec: { replicas } }, { subresource: 'scale' });
  const begun = performance.now();
  await scale(1);
  await until('the pod is ready', async () => (await statusOf(client, 'plain')).readyReplicas === 1, 5);
  const took = performance.now() - begun;
  await scale(0);
  await scaledTo(client, 'plain', 0);
  return took;
}

async function scaledTo(client: Client, name: string, replicas: number): Promise<void> {
  await until(`${name} has ${replicas} pods`, async () => {
    const { items } = await client.list(builtin('Pod'), { namespace: 'default', labelSelector: `app=${name}` });
    return items.length === replicas && ((await statusOf(client, name)).replicas ?? 0) === replicas;
  });
}

async function statusOf(client: Client, name: string): Promise<{ replicas?: number; readyReplicas?: number }> {
  const found = (await client.get(DEPLOYMENTS, name, 'default')) as { status?: { replicas?: number } };
  return found.status ?? {};
}

async function burstOf(http: string, count: number): Promise<Omit<Round, 'podMs'>> {
  const begun = performance.now();
  const answers = await Promise.all(
    Array.from({ length: count }, async () => ({ code: await ask(http), ms: performance.now() - begun })),
  );
  const times = answers.map(({ ms }) => ms);
  return {
    firstMs: Math.min(...times),
    lastMs: Math.max(...times),
    failed: answers.filter(({ code }) => code !== 200).length,
  };
}

/** The status of the answer; 0 when there was none. */
function ask(http: string): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(`${http}/`, { headers: { host: HOST }, agent: false }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
      answer.on('error', () => resolve(0));
    });
    sent.on('error', () => resolve(0)).end();
  });
}
