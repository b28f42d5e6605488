// A real Prometheus on what `evenkeel monitoring` wrote: it scrapes every part, and rules and dashboards find their metrics.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { Gateways } from '#test/support/gateway.ts';
import { ask } from '#test/support/http.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { evenkeel, mustRun, type Running, repository, run, start } from '#test/support/run.ts';
import { freePort, hasTool } from '#test/support/tools.ts';
import { expressions, metricsIn } from '../../tools/dashboards/expressions.ts';

const MONITORING = join(repository, 'deploy', 'monitoring');
/** In which every part has been scraped more than once. */
const PATIENCE_MS = 20_000;

interface TargetState {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

const AUTOSCALER = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: watched }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 1
  maxReplicas: 3
`;

describe.runIf(hasTool('prometheus', 'that Prometheus scrapes every part'))(
  'a Prometheus of evenkeel monitoring',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-monitoring-'));
    const gateways = new Gateways();
    let cluster: TestCluster;
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
      const gateway = await gateways.start('listeners: { web: { address: 127.0.0.1, port: 0 } }\n');
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

    test('has every metric that dashboards and rules name', async () => {
      const known = new Set(Object.keys(await api<Record<string, unknown>>('metadata')));
      const { groups } = parse(readFileSync(join(MONITORING, 'rules.yml'), 'utf8')) as {
        groups: { rules: { record?: string; expr: string }[] }[];
      };
      const rules = groups.flatMap((group) => group.rules);
      const exprs = [...expressions().map(({ expr }) => expr), ...rules.map(({ expr }) => expr)];
      const recorded = (expr: string): string => expr.replace(/\b\w+:[\w:]+/g, '');
      const named = new Set(exprs.map(recorded).flatMap(metricsIn));
      const missing = [...named].filter((name) => !known.has(name) && !known.has(name.replace(/_total$/, '')));
      expect(missing).toEqual([]);
    });
  },
);

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
