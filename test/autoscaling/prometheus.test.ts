// Autoscaling by what a real Prometheus knows: rules make metrics of its series, for pods and from outside.
// The exporter that it scrapes is this test's own; everything else is as users run it.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { eventually } from '#test/support/eventually.ts';
import { echoManifests } from '#test/support/manifests.ts';
import { settled } from '#test/support/pods.ts';
import { evenkeel, type Running, start } from '#test/support/run.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { freePort, hasTool } from '#test/support/tools.ts';

const namespace = 'measured';
const CUSTOM = '/apis/custom.metrics.k8s.io/v1beta2';
const EXTERNAL = '/apis/external.metrics.k8s.io/v1beta1';

const RULES = `
rules:
  - seriesQuery: 'app_busy{namespace!="",pod!=""}'
    resources: { overrides: { namespace: { resource: namespace }, pod: { resource: pod } } }
    name: { matches: "^app_(.*)$" }
    metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
externalRules:
  - seriesQuery: 'queue_depth'
    resources: { overrides: { namespace: { resource: namespace } } }
    metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)'
  - seriesQuery: '{__name__="queue_depth"}'
    resources: { overrides: { namespace: { resource: namespace } } }
    name: { as: broken }
    metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}'
`;

const AUTOSCALER = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: ${namespace} }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 1
  maxReplicas: 5
  metrics:
    - type: External
      external:
        metric: { name: queue_depth, selector: { matchLabels: { queue: mail } } }
        target: { type: AverageValue, averageValue: "10" }
  behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
`;

describe.runIf(hasTool('prometheus', 'autoscaling by a real Prometheus'))('metrics of a Prometheus', () => {
  const directory = tempDir('prometheus');
  let page = '';
  const exporter = createServer((_, response) => response.setHeader('content-type', 'text/plain').end(page));
  let cluster: TestCluster;
  let prometheus: Running;

  beforeAll(async () => {
    queues({ mail: 5, sms: 1000 });
    await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
    const port = await freePort();
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [
        {
          job_name: 'app',
          honor_labels: true,
          static_configs: [{ targets: [`127.0.0.1:${(exporter.address() as AddressInfo).port}`] }],
        },
      ],
    };
    writeFileSync(join(directory.path, 'prometheus.yml'), JSON.stringify(config));
    writeFileSync(join(directory.path, 'rules.yaml'), RULES);
    prometheus = start('prometheus', [
      `--config.file=${directory.path}/prometheus.yml`,
      `--storage.tsdb.path=${directory.path}/tsdb`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const args = ['--prometheus-url', `http://127.0.0.1:${port}`, '--prometheus-rules', `${directory.path}/rules.yaml`];
    cluster = await startCluster(['-'], {
      input: `${echoManifests({ name: 'web', namespace })}\n---${AUTOSCALER}`,
      args: [...args, '--network', 'loopback', '--metrics-relist-interval', '1m'],
    });
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
    prometheus?.child.kill('SIGTERM');
    await prometheus?.finished;
    exporter.close();
    directory.remove();
  }, 30_000);

  function queues(depths: Readonly<Record<string, number>>, more: readonly string[] = []): void {
    const lines = Object.entries(depths).map(
      ([queue, depth]) => `queue_depth{namespace="${namespace}",queue="${queue}"} ${depth}`,
    );
    page = `# TYPE queue_depth gauge\n${[...lines, ...more].join('\n')}\n`;
  }

  const read = async (path: string): Promise<Record<string, unknown>> =>
    (await cluster.client.raw('GET', path)) as Record<string, unknown>;

  const items = async (path: string): Promise<Record<string, unknown>[]> =>
    (await read(path)).items as Record<string, unknown>[];

  const scalingActive = async (): Promise<{ status?: string; reason?: string; message?: string } | undefined> => {
    const { status } = await cluster.get<HorizontalPodAutoscaler>('HorizontalPodAutoscaler', 'web', namespace);
    return status?.conditions?.find(({ type }) => type === 'ScalingActive');
  };

  test('are listed beside those of the gateway', async () => {
    await eventually('it lists them', async () => {
      const names = ((await read(EXTERNAL)).resources as { name: string }[]).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['queue_depth', 'service_http_requests_per_second']));
    });
  });

  test('come with their series, narrowed down by the labels of a selector', async () => {
    const path = `${EXTERNAL}/namespaces/${namespace}/queue_depth`;
    const found = await eventually('Prometheus has them', async () => {
      const all = await items(path);
      expect(all).toHaveLength(2);
      return all;
    });
    expect(found.map(({ metricLabels, value }) => [metricLabels, value])).toEqual([
      [{ queue: 'mail' }, '5'],
      [{ queue: 'sms' }, '1k'],
    ]);
    expect(await items(`${path}?labelSelector=queue%3Dmail`)).toHaveLength(1);
    // Of another namespace, and of a queue that nobody has, there are none.
    expect(await items(`${EXTERNAL}/namespaces/default/queue_depth`)).toEqual([]);
    expect(await items(`${path}?labelSelector=queue%3Dnone`)).toEqual([]);
  });

  test('bring pods, and take them', async () => {
    queues({ mail: 25, sms: 1000 });
    await settled(cluster, 'web', 3, namespace);
    queues({ mail: 3 });
    await settled(cluster, 'web', 1, namespace);
    expect(await scalingActive()).toMatchObject({ status: 'True', reason: 'ValidMetricFound' });
  }, 60_000);

  test('are of pods, by their labels', async () => {
    const [pod] = await cluster.list('Pod', namespace, 'app.kubernetes.io/name=web');
    const name = pod?.metadata?.name ?? '';
    const all = `${CUSTOM}/namespaces/${namespace}/pods/*/busy`;
    // Nobody has it so far: not found, as of an adapter.
    await expect(read(all)).rejects.toMatchObject({
      code: 404,
      message: expect.stringContaining('metric busy for pods'),
    });
    queues({ mail: 3 }, [
      `app_busy{namespace="${namespace}",pod="${name}",core="0"} 0.25`,
      `app_busy{namespace="${namespace}",pod="${name}",core="1"} 0.5`,
      `app_busy{namespace="${namespace}",pod="gone-1"} 9`,
    ]);
    const found = await eventually('it is there', async () => {
      const [first, ...rest] = await items(all);
      expect(rest).toEqual([]);
      return first;
    });
    expect(found).toMatchObject({ describedObject: { kind: 'Pod', name }, metric: { name: 'busy' }, value: '750m' });
    expect(await items(`${all}?metricLabelSelector=core%3D0`)).toMatchObject([{ value: '250m' }]);
    await expect(read(`${CUSTOM}/namespaces/${namespace}/pods/nobody/busy`)).rejects.toMatchObject({ code: 404 });
  });

  test('that have gone stale change nothing, and the autoscaler says so', async () => {
    page = '';
    await eventually('there are no series any more', async () => {
      expect(await items(`${EXTERNAL}/namespaces/${namespace}/queue_depth`)).toEqual([]);
    });
    await eventually('the autoscaler says it', async () => {
      expect(await scalingActive()).toMatchObject({
        status: 'False',
        reason: 'FailedGetExternalMetric',
        message: expect.stringContaining('no metrics returned from external metrics API'),
      });
    });
  });

  test('cannot be had by a query that Prometheus refuses, nor when it is gone', async () => {
    const refused = { code: 500, message: 'Internal error occurred: unable to fetch metrics' };
    await expect(read(`${EXTERNAL}/namespaces/${namespace}/broken`)).rejects.toMatchObject(refused);
    queues({ mail: 3 });
    await eventually('it is back', async () => {
      expect(await items(`${EXTERNAL}/namespaces/${namespace}/queue_depth`)).toHaveLength(1);
    });
    prometheus.child.kill('SIGTERM');
    await prometheus.finished;
    await expect(read(`${EXTERNAL}/namespaces/${namespace}/queue_depth`)).rejects.toMatchObject(refused);
    await eventually('the autoscaler says it', async () => {
      expect(await scalingActive()).toMatchObject({
        reason: 'FailedGetExternalMetric',
        message: expect.stringContaining('unable to fetch metrics'),
      });
    });
    // The gateway's own are there as before.
    await items(`${EXTERNAL}/namespaces/${namespace}/service_http_requests_in_flight`);
  });
});

describe('evenkeel up with rules', () => {
  test('says everything that is wrong with them, and starts nothing', async () => {
    const directory = tempDir('rules');
    try {
      const file = join(directory.path, 'rules.yaml');
      writeFileSync(file, "rules:\n  - seriesQuery: 'x'\n    metricQuery: '<<.Series>>'\n");
      const { code, stderr } = await evenkeel([
        'up',
        '--prometheus-url',
        'http://127.0.0.1:1',
        '--prometheus-rules',
        file,
      ]);
      expect(code).toBe(1);
      expect(stderr).toContain(
        'rules.yaml:3:5: Field "rules[0].metricQuery" does not exist. Did you mean "metricsQuery"?',
      );
      expect(stderr).toContain('Field "rules[0].metricsQuery" is missing');
    } finally {
      directory.remove();
    }
  });

  test.each([
    [['--prometheus-url', 'http://127.0.0.1:9090'], 'Give --prometheus-rules'],
    [['--prometheus-rules', 'rules.yaml'], 'Give --prometheus-url'],
    [['--prometheus-url', 'prometheus:9090'], 'It is no http:// or https:// URL'],
    [['--prometheus-url', 'http://127.0.0.1:9090', '--prometheus-rules', '/none'], 'Cannot read "/none": ENOENT'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await evenkeel(['up', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
