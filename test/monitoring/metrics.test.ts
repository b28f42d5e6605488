// What every component shows at /metrics: Prometheus' own tools find nothing to complain of, in either format.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Node } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { Gateways } from '#test/support/gateway.ts';
import { ask } from '#test/support/http.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { evenkeelBinary, run, start } from '#test/support/run.ts';
import { freePort, hasTool } from '#test/support/tools.ts';
import { servesPort } from '../support/low-ports.ts';

const OPENMETRICS = 'application/openmetrics-text; version=1.0.0';

/** What `promtool check metrics` says of a page; empty when all is well. */
async function lint(page: string): Promise<string> {
  const { stdout, stderr, code } = await run('promtool', ['check', 'metrics'], { input: page });
  return code === 0 ? '' : `${stdout}${stderr}`;
}

const AUTOSCALER = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: metrics }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  maxReplicas: 2
  metrics:
    - type: Object
      object:
        describedObject: { apiVersion: v1, kind: Service, name: web }
        metric: { name: http_requests_in_flight }
        target: { type: AverageValue, averageValue: "1k" }
    - type: External
      external: { metric: { name: nobody_has_it }, target: { type: Value, value: "1" } }
`;

function metricNames(page: string): string[] {
  return [...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
}

describe.runIf(hasTool('promtool', 'what promtool says of the metrics'))('evenkeel up', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    const app = { name: 'web', namespace: 'metrics', host: 'web.test', replicas: 1 };
    cluster = await startCluster(['-'], { input: `${echoManifests(app)}\n---${AUTOSCALER}` });
    await ask(`${cluster.http}/`, { headers: { host: 'web.test' } });
  }, 90_000);
  afterAll(() => cluster?.remove(), 30_000);

  /** With the certificate of the API server as a client of kubelets, which `data` holds. */
  async function fetch(url: string, accept: string): Promise<{ type: string; text: string }> {
    const key = readFileSync(join(cluster.data, 'pki', 'apiserver-kubelet-client.pem'));
    const tls = { key, cert: key, ca: readFileSync(cluster.caFile) };
    return await new Promise((resolve, reject) => {
      request(url, { ...tls, headers: { accept } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ type: response.headers['content-type'] ?? '', text }));
      })
        .on('error', reject)
        .end();
    });
  }

  async function kubelet(): Promise<string> {
    const [node] = await cluster.list<Node & KubeObject>('Node');
    const { addresses = [], daemonEndpoints } = node?.status ?? {};
    const address = addresses.find(({ type }) => type === 'InternalIP')?.address;
    return `https://${address}:${daemonEndpoints?.kubeletEndpoint?.Port}`;
  }

  const api = (): string => loadKubeconfig(cluster.kubeconfig).server;

  test('gateway, DNS and controllers', async () => {
    const page = (await ask(`${cluster.admin}/metrics`)).text;
    expect(await lint(page)).toBe('');
    const wanted = [
      'evenkeel_http_requests_total',
      ...(servesPort(53, 'that there are metrics of DNS') ? ['evenkeel_dns_requests_total'] : []),
      'evenkeel_workqueue_reconciles_total',
    ];
    expect(metricNames(page)).toEqual(expect.arrayContaining(wanted));
    expect(page).toMatch(/^evenkeel_nodes\{condition="ready"\} 1$/m);
    expect(page).toMatch(/^evenkeel_deployment_ready_replicas\{namespace="metrics",deployment="web"\} 1$/m);
    expect(new Set(metricNames(page)).size, 'a name twice').toBe(metricNames(page).length);
    const open = await ask(`${cluster.admin}/metrics`, { headers: { accept: OPENMETRICS } });
    expect(open.headers['content-type']).toMatch(/^application\/openmetrics-text; version=1.0.0/);
    expect(open.text).toMatch(/\n# TYPE evenkeel_http_requests counter\nevenkeel_http_requests_total\{.*\n# EOF\n$/s);
  });

  test('the work of autoscalers, by upstream’s names', async () => {
    await eventually('it has been looked at', async () => {
      const page = (await ask(`${cluster.admin}/metrics`)).text;
      // Nothing may be in flight or something be, so that it proposes fewer pods or as many.
      const read = 'action="(none|scale_down)",error="none",metric_type="Object"';
      const failed = 'action="none",error="internal"';
      for (const line of [
        `reconciliations_total{${failed}}`,
        `reconciliation_duration_seconds_count{${failed}}`,
        `metric_computation_total{${read}}`,
        `metric_computation_total{${failed},metric_type="External"}`,
        `metric_computation_duration_seconds_count{${read}}`,
      ]) {
        expect(page).toMatch(new RegExp(`^horizontal_pod_autoscaler_controller_${line} \\d`, 'm'));
      }
      expect(await lint(page)).toBe('');
    });
  });

  test('API server', async () => {
    const { type, text } = await fetch(`${api()}/metrics`, '');
    expect(type).toMatch(/^text\/plain; version=0.0.4/);
    expect(await lint(text)).toBe('');
    expect(text).toMatch(/^evenkeel_apiserver_requests_total\{verb="create",group="",resource="pods",code="201"\} 1$/m);
    expect(text).toMatch(/^evenkeel_apiserver_long_running_requests\{verb="watch",group="",resource="pods"\} [1-9]/m);
    expect(text).toMatch(/^evenkeel_apiserver_storage_objects\{group="",resource="nodes"\} 1$/m);
    expect(text).not.toMatch(/duration_seconds_count\{verb="watch"/);
    expect((await fetch(`${api()}/metrics`, OPENMETRICS)).text).toMatch(/# EOF\n$/);
  });

  test('methods and paths of a client’s invention open no series at the API server', async () => {
    const before = (await fetch(`${api()}/metrics`, '')).text.split('\n').length;
    for (let i = 0; i < 50; i++) {
      await cluster.client.raw('GET', `/apis/none-${i}/v1/things`).catch(() => {});
      await cluster.client.raw('GET', `/api/v1/namespaces/ns-${i}/pods/p-${i}`).catch(() => {});
    }
    const after = (await fetch(`${api()}/metrics`, '')).text.split('\n').length;
    // A 404 of pods, one of none, and a histogram of each.
    expect(after - before).toBeLessThan(60);
  });

  test('kubelet', async () => {
    const { text } = await fetch(`${await kubelet()}/metrics`, '');
    expect(await lint(text)).toBe('');
    expect(text).toMatch(/^evenkeel_kubelet_pods\{phase="Running"\} 1$/m);
    expect(text).toMatch(/^evenkeel_kubelet_pod_events_total\{type="Normal",reason="Started"\} 1$/m);
    expect((await fetch(`${await kubelet()}/metrics`, OPENMETRICS)).text).toMatch(/# EOF\n$/);
  });

  test('the scheduler alone, where --metrics-bind-address says', async () => {
    const port = await freePort();
    const at = ['--metrics-bind-address', `127.0.0.1:${port}`];
    const scheduler = start(evenkeelBinary, ['scheduler', '--kubeconfig', cluster.kubeconfig, ...at]);
    try {
      const page = await eventually('it serves', async () => (await ask(`http://127.0.0.1:${port}/metrics`)).text);
      expect(await lint(page)).toBe('');
      expect(metricNames(page)).toContain('evenkeel_workqueue_depth');
    } finally {
      scheduler.child.kill('SIGINT');
      await scheduler.finished;
    }
  });

  test('DNS alone', async () => {
    const port = await freePort();
    const at = ['--listen', '127.0.0.1:0', '--metrics', `127.0.0.1:${port}`];
    const dns = start(evenkeelBinary, ['dns', '--kubeconfig', cluster.kubeconfig, ...at]);
    try {
      const page = await eventually('it serves', async () => (await ask(`http://127.0.0.1:${port}/metrics`)).text);
      expect(await lint(page)).toBe('');
      const open = await ask(`http://127.0.0.1:${port}/metrics`, { headers: { accept: OPENMETRICS } });
      expect(open.text).toMatch(/# EOF\n$/);
    } finally {
      dns.child.kill('SIGINT');
      await dns.finished;
    }
  });
});

describe.runIf(hasTool('promtool', 'what promtool says of the gateway’s metrics'))('evenkeel gateway', () => {
  const gateways = new Gateways();
  afterAll(() => gateways.close());

  test('its page, with the fate of its configuration', async () => {
    const gateway = await gateways.start('listeners: { web: { address: 127.0.0.1, port: 0 } }\n');
    const page = (await ask(`${gateway.url('admin')}/metrics`)).text;
    expect(await lint(page)).toBe('');
    expect(page).toMatch(/^evenkeel_config_last_reload_successful 1$/m);
  });
});
