// A real Prometheus on what `evenkeel monitoring` wrote: it scrapes every part, and rules and dashboards find their metrics.

import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { KubeObject } from '#kube/api/object.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { Gateways, type TestGateway } from '#test/support/gateway.ts';
import { ask } from '#test/support/http.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { evenkeel, mustRun, type Running, repository, run, start } from '#test/support/run.ts';
import { freePort, hasTool } from '#test/support/tools.ts';
import { expressions, metricsIn } from '../../tools/dashboards/expressions.ts';
import { servesPort } from '../support/low-ports.ts';

const hasDns = servesPort(53, 'panels and metrics of DNS');

const MONITORING = join(repository, 'deploy', 'monitoring');
/** In which every part has been scraped more than once. */
const PATIENCE_MS = 20_000;

interface TargetState {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

/** `dashboard: panel` of faults that cannot be had here: a disk that takes no line of the access log. */
const NOT_HERE = new Set(['gateway: Lines of the access log that were lost']);

/** A gateway in trouble: one endpoint of two refuses, one request at a time, and a collector that is not there. */
const troubled = (good: string, dead: number): string => `
listeners:
  web: { address: 127.0.0.1, port: 0 }
traces: { url: "http://127.0.0.1:${dead}", ratio: 1 }
virtualHosts:
  all:
    hostname: "*"
    routes:
      - action: app
clusters:
  app:
    policy: round_robin
    circuitBreaker: { maxRequests: 1 }
    outlierDetection: { consecutiveConnectFailures: 1, interval: 1s, baseEjection: 1s, maxEjectionPercent: 100 }
    healthCheck: { type: tcp, interval: 1s, port: ${good.split(':')[1]} }
    endpoints: ["${good}", "127.0.0.1:${dead}"]
`;

const AUTOSCALER = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: watched }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 1
  maxReplicas: 3
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: secure, namespace: watched }
spec:
  ingressClassName: evenkeel
  tls: [{ hosts: [web.test], secretName: web-tls }]
  defaultBackend: { service: { name: web, port: { number: 80 } } }
---
apiVersion: v1
kind: Service
metadata: { name: raw, namespace: watched }
spec:
  selector: { app.kubernetes.io/name: web }
  ports:
    - { name: raw, port: 9000, targetPort: http }
    - { name: datagrams, port: 9001, protocol: UDP }
`;

describe.runIf(hasTool('prometheus', 'that Prometheus scrapes every part'))(
  'a Prometheus of evenkeel monitoring',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-monitoring-'));
    const gateways = new Gateways();
    let cluster: TestCluster;
    let gateway: TestGateway;
    let prometheus: Running;
    let url: string;

    async function api<T>(path: string): Promise<T> {
      return (JSON.parse((await ask(`${url}/api/v1/${path}`)).text) as { data: T }).data;
    }

    async function query(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
      return (await api<{ result: never[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
    }

    beforeAll(async () => {
      const app = echoManifests({ name: 'web', namespace: 'watched', host: 'web.test', replicas: 2 });
      const backend = await gateways.backend((_request, response) => void setTimeout(() => response.end(), 50));
      gateway = await gateways.start(troubled(backend, await freePort()));
      cluster = await startCluster(['-'], { input: `${app}\n---${AUTOSCALER}` });
      await ask(`${cluster.http}/`, { headers: { host: 'web.test' } });
      const admin = gateway.url('admin').replace('http://', '');
      const args = ['--data', cluster.data, '--scrape-interval', '1s', '--gateway', admin];
      const { code, stdout, stderr } = await evenkeel(['monitoring', directory, ...args]);
      expect(code, stderr).toBe(0);
      expect(stdout).toContain(`prometheus --config.file=${directory}/prometheus.yml`);
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      prometheus = start('prometheus', [
        `--config.file=${directory}/prometheus.yml`,
        `--storage.tsdb.path=${directory}/tsdb`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ]);
    }, 120_000);
    afterAll(async () => {
      prometheus?.child.kill('SIGTERM');
      await prometheus?.finished;
      await gateways.close();
      await cluster?.remove();
      rmSync(directory, { recursive: true });
    }, 30_000);

    test('scrapes every part without an error', async () => {
      await eventually(
        'every target was scraped twice',
        async () => {
          const { activeTargets } = await api<{ activeTargets: TargetState[] }>('targets');
          expect(activeTargets.map(({ labels, health, lastError }) => [labels.job, health, lastError]).sort()).toEqual([
            ['evenkeel', 'up', ''],
            ['evenkeel-apiserver', 'up', ''],
            ['evenkeel-gateway', 'up', ''],
            ['evenkeel-kubelet', 'up', ''],
            ['evenkeel-resources', 'up', ''],
          ]);
          const twice = await query('count_over_time(up[1m]) > 1');
          expect(twice.length, prometheus.output().stderr).toBe(5);
        },
        PATIENCE_MS,
      );
      expect(await query('min_over_time(up[1m]) < 1')).toEqual([]);
      // What it may complain of in a page it can read: samples of one time twice, or out of order.
      expect(prometheus.output().stderr).not.toMatch(/level=(warn|error)/);
    });

    test('was served OpenMetrics', async () => {
      // There a counter is named without _total.
      const metadata = await api<Record<string, unknown>>('metadata?metric=evenkeel_http_requests');
      expect(metadata).toMatchObject({ evenkeel_http_requests: [{ type: 'counter' }] });
    });

    test('knows nodes by their names, and how many pods there are', async () => {
      const ready = await query('evenkeel_kubelet_ready_pods');
      expect(ready).toMatchObject([{ metric: { instance: 'node-1' }, value: [expect.anything(), '2'] }]);
      expect(await query('evenkeel_hpa_max_replicas')).toMatchObject([{ value: [expect.anything(), '3'] }]);
    });

    test('evaluates every rule', async () => {
      await eventually(
        'all are evaluated',
        async () => {
          const { groups } = await api<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
            'rules',
          );
          const rules = groups.flatMap((group) => group.rules);
          expect(rules.length).toBeGreaterThan(20);
          for (const { name, health, lastError } of rules)
            expect([name, health, lastError]).toEqual([name, 'ok', undefined]);
        },
        PATIENCE_MS,
      );
    });

    test('has something to show in every panel', async () => {
      const load = evenkeel(['load', `${cluster.http}/`, '--host', 'web.test', '--rate', '20', '--duration', '12s']);
      const resolver = new Resolver({ timeout: 1000, tries: 1 });
      const addressOf = async (name: string, namespace: string): Promise<string> =>
        (await cluster.get<Service & KubeObject>('Service', name, namespace)).spec?.clusterIP ?? '';
      resolver.setServers([await addressOf('kube-dns', 'kube-system')]);
      const raw = await addressOf('raw', 'watched');
      const open = connect(9000, raw);
      const udp = createSocket('udp4');
      open.on('error', () => {});
      for (let round = 0; round < 12; round++) {
        const some = Array.from({ length: 5 }, () => ask(`${gateway.url('web')}/`).catch(() => undefined));
        await Promise.all([
          ...some,
          ask(`${cluster.http}/`, { host: 'nowhere.test' }),
          ask(`${cluster.https}/`, { host: 'web.test', ca: readFileSync(cluster.caFile, 'utf8') }).catch(
            () => undefined,
          ),
          new Promise((resolve) => udp.send('anybody?', 9001, raw, resolve)),
          // Neither a handshake nor a request.
          sendRaw(cluster.https, 'GET / HTTP/1.1\r\n\r\n'),
          sendRaw(cluster.http, 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'),
          resolver.resolve4('web.watched.svc.cluster.local').catch(() => undefined),
        ]);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      await load;
      const empty: string[] = [];
      for (const { dashboard, panel, expr } of expressions()) {
        if (NOT_HERE.has(`${dashboard}: ${panel}`) || (!hasDns && expr.includes('evenkeel_dns_'))) continue;
        const found = await query(expr);
        if (!found.some(({ value: [, text] }) => Number.isFinite(Number(text))))
          empty.push(`${dashboard}: ${panel}: ${expr}`);
      }
      open.destroy();
      udp.close();
      expect(empty).toEqual([]);
    }, 60_000);

    test('has every metric that dashboards and rules name', async () => {
      const known = new Set(Object.keys(await api<Record<string, unknown>>('metadata')));
      const { groups } = parse(readFileSync(join(MONITORING, 'rules.yml'), 'utf8')) as {
        groups: { rules: { record?: string; expr: string }[] }[];
      };
      const rules = groups.flatMap((group) => group.rules);
      const exprs = [...expressions().map(({ expr }) => expr), ...rules.map(({ expr }) => expr)];
      const recorded = (expr: string): string => expr.replace(/\b\w+:[\w:]+/g, '');
      const named = new Set(exprs.map(recorded).flatMap(metricsIn));
      const missing = [...named]
        .filter((name) => !known.has(name) && !known.has(name.replace(/_total$/, '')))
        .filter((name) => hasDns || !name.startsWith('evenkeel_dns_'));
      expect(missing).toEqual([]);
    });
  },
);

function sendRaw(url: string, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    socket.on('error', () => {});
    socket.resume();
    socket.once('close', () => resolve());
  });
}

describe.runIf(hasTool('promtool', 'rules and configurations'))('deploy/monitoring', () => {
  test('the rules do what their tests say', async () => {
    await mustRun('sh', ['-c', `cd "${MONITORING}" && promtool test rules rules.test.yml`]);
  });

  test('the configuration for clusters is one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-config-'));
    try {
      const config = parse(readFileSync(join(MONITORING, 'prometheus.yml'), 'utf8'));
      // Debian builds its promtool without the discovery of Kubernetes: all the rest it can judge.
      for (const job of config.scrape_configs) delete job.kubernetes_sd_configs;
      const file = join(directory, 'prometheus.yml');
      writeFileSync(file, JSON.stringify(config));
      const { stderr, code } = await run('promtool', ['check', 'config', '--syntax-only', file]);
      expect(code, stderr).toBe(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('evenkeel monitoring', () => {
  test('says what to do where no cluster runs', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-none-'));
    try {
      const { code, stderr } = await evenkeel(['monitoring', directory, '--data', directory]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/evenkeel up/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each([
    ['--gateway', 'nowhere'],
    ['--gateway', '::1:80'],
    ['--scrape-interval', '10ms'],
  ])('refuses %s %s', async (...args) => {
    const { code, stderr } = await evenkeel(['monitoring', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(args[0]);
  });
});
