// `evenkeel metrics-server` behind an API server that knows nothing of it but its APIServices: kubectl top, pods' own metrics, and who may ask.
// The API server, a node and the server of metrics are processes of their own, as in any cluster.
import { mkdirSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { eventually } from '#test/support/eventually.ts';
import { findKubectl, kubectlFor } from '#test/support/kubectl.ts';
import { ownNumber } from '#test/support/own-number.ts';
import { evenkeelBinary, type Running, start } from '#test/support/run.ts';
import { tempDir } from '#test/support/temp-dir.ts';

const METRICS = '/apis/metrics.k8s.io/v1beta1';
const CUSTOM = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods';

/** What a program of users says of itself: a gauge, a counter, a histogram. */
const PROGRAM = `
let asked = 0;
require('http').createServer((_, r) => {
  asked++;
  r.setHeader('content-type', 'text/plain');
  r.end(['# TYPE depth gauge', 'depth{queue="mail"} 4', 'depth{queue="sms"} 3', '# TYPE jobs counter',
    'jobs_total ' + asked * 50, '# TYPE wait_seconds histogram', 'wait_seconds_bucket{le="1"} ' + asked * 8,
    'wait_seconds_bucket{le="+Inf"} ' + asked * 10, 'wait_seconds_sum ' + asked * 5, 'wait_seconds_count ' + asked * 10, ''].join('\\n'));
}).listen(9100, process.env.POD_IP);
`;

const pod = (name: string, annotations: Record<string, string> = {}): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'told' }, annotations },
    spec: {
      nodeName: 'n1',
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: 'evenkeel.dev/echo',
          command: ['node', '-e', PROGRAM],
          env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
        },
      ],
    },
  }) as KubeObject;

describe('a server of metrics behind a foreign API server', () => {
  const data = tempDir('foreign-metrics');
  const kubeconfig = join(data.path, 'api', 'kubeconfig');
  let api: Running;
  let node: Running;
  let metrics: Running;
  let client: Client;
  let port = 0;

  const startMetrics = async (): Promise<void> => {
    const where = ['--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1', '--secure-port', String(port)];
    metrics = start(evenkeelBinary, ['metrics-server', '--kubeconfig', kubeconfig, ...where]);
    await eventually('it serves', () => expect(metrics.output().stdout).toContain('Serving metrics'), 60_000);
    port = Number(/port (\d+)/.exec(metrics.output().stdout)?.[1]);
  };

  beforeAll(async () => {
    api = start(evenkeelBinary, ['apiserver', '--controllers', '--data', join(data.path, 'api'), '--api-port', '0']);
    await eventually('the API server is there', () => expect(api.output().stdout).toContain('KUBECONFIG'), 90_000);
    client = createClient(loadKubeconfig(kubeconfig));
    const range = `127.232.${ownNumber()}.0/24`;
    const at = ['--data', join(data.path, 'n1'), '--port', '0', '--network', 'loopback', '--pod-cidr', range];
    node = start(evenkeelBinary, ['kubelet', '--kubeconfig', kubeconfig, '--node-name', 'n1', ...at]);
    const asking = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9100' };
    await eventually('the node is there', () => client.get(builtin('Node'), 'n1'), 60_000);
    await client.create(builtin('Pod'), pod('told', asking));
    await client.create(builtin('Pod'), pod('silent'));
    await startMetrics();
    await eventually(
      'pods run',
      async () => {
        for (const name of ['told', 'silent']) {
          expect((await client.get<Pod & KubeObject>(builtin('Pod'), name, 'default')).status?.phase).toBe('Running');
        }
      },
      60_000,
    );
  }, 240_000);
  afterAll(async () => {
    await client?.close();
    for (const running of [metrics, node, api]) {
      running?.child.kill('SIGTERM');
      await running?.finished;
    }
    data.remove();
  }, 60_000);

  const condition = async (name: string): Promise<unknown> => {
    const found = (await client.raw('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${name}`)) as {
      status?: { conditions?: unknown[] };
    };
    return found.status?.conditions?.[0];
  };

  test('is registered, and available', async () => {
    for (const name of ['v1beta1.metrics.k8s.io', 'v1beta2.custom.metrics.k8s.io']) {
      await eventually(
        `${name} is available`,
        async () => {
          expect(await condition(name)).toMatchObject({
            type: 'Available',
            status: 'True',
            reason: 'Passed',
            message: 'all checks passed',
          });
        },
        60_000,
      );
    }
  }, 150_000);

  test('tells kubectl top what nodes and pods use', async () => {
    const found = await findKubectl('current');
    if ('missing' in found) throw new Error(found.missing);
    const home = join(data.path, 'home');
    mkdirSync(home);
    const kubectl = kubectlFor(found.path, kubeconfig, home);
    await eventually(
      'both are measured',
      async () => {
        expect(await kubectl(['top', 'pods'])).toMatch(/^silent +\d+m +\d+Mi[\s\S]*^told +\d+m +\d+Mi/m);
      },
      30_000,
    );
    expect(await kubectl(['top', 'nodes'])).toMatch(/^n1 +\d+m/m);
    expect(await kubectl(['get', 'apiservices'])).toMatch(/^v1beta1\.metrics\.k8s\.io +\S+\/evenkeel-metrics +True/m);
    expect(await kubectl(['api-resources', '--api-group', 'metrics.k8s.io'])).toMatch(/^pods .*PodMetrics$/m);
  }, 60_000);

  test.each([
    ['depth', '7'],
    ['depth?metricLabelSelector=queue%3Dmail', '4'],
    ['jobs_total', expect.stringMatching(/^\d+$/)],
    ['jobs_per_second', expect.stringMatching(/^[1-9]\d*m?$/)],
    ['wait_seconds_count_per_second', expect.stringMatching(/^[1-9]\d*m?$/)],
    // Half a second each, whatever the rate.
    ['wait_seconds_average', '500m'],
    ['wait_seconds_p50', '625m'],
  ])(
    'has the pods’ own metric %s',
    async (metric, value) => {
      const [name, query = ''] = metric.split('?');
      await eventually(
        'the pod has been read twice',
        async () => {
          const list = (await client.raw('GET', `${CUSTOM}/*/${name}?labelSelector=app%3Dtold&${query}`)) as {
            items: { describedObject: { name: string }; value: string }[];
          };
          expect(list.items.map(({ describedObject, value: told }) => [describedObject.name, told])).toEqual([
            ['told', value],
          ]);
        },
        40_000,
      );
    },
    60_000,
  );

  describe('asked by somebody without rights', () => {
    let token = '';
    beforeAll(async () => {
      await eventually('the account is there', () => client.get(builtin('ServiceAccount'), 'default', 'default'));
      const made = (await client.raw('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {},
      })) as { status: { token: string } };
      token = made.status.token;
    });

    const ask = (to: number, headers: Record<string, string>): Promise<{ code: number; text: string }> =>
      new Promise((resolve, reject) => {
        const path = `${METRICS}/nodes`;
        const sent = request(
          { host: '127.0.0.1', port: to, path, headers, rejectUnauthorized: false, agent: false },
          (answer) => {
            let text = '';
            answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
            answer.on('end', () => resolve({ code: answer.statusCode ?? 0, text }));
          },
        );
        sent.on('error', reject).end();
      });
    const apiPort = (): number => Number(new URL(loadKubeconfig(kubeconfig).server).port);

    test('refuses in front and behind alike', async () => {
      for (const to of [apiPort(), port]) {
        const answer = await ask(to, { authorization: `Bearer ${token}` });
        expect(answer.code).toBe(403);
        expect(answer.text).toContain(
          'nodes.metrics.k8s.io is forbidden: User \\"system:serviceaccount:default:default\\"',
        );
        expect((await ask(to, { authorization: 'Bearer nonsense' })).code).toBe(401);
      }
    });

    test('believes nobody but the API server who asks', async () => {
      const claim = { 'x-remote-user': 'root', 'x-remote-group': 'system:masters' };
      const direct = await ask(port, claim);
      expect(direct).toMatchObject({ code: 403, text: expect.stringContaining('system:anonymous') });
      // One who may read metrics is told apart from who they say that they are.
      await client.create(builtin('ClusterRole'), {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'reads-metrics' },
        rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['nodes'], verbs: ['list'] }],
      } as KubeObject);
      await client.create(builtin('ClusterRoleBinding'), {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'reads-metrics' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reads-metrics' },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
      } as KubeObject);
      const headers = { authorization: `Bearer ${token}`, 'x-remote-user': 'nobody' };
      await eventually('the role counts in front', async () => expect((await ask(apiPort(), headers)).code).toBe(200));
      // A refusal is kept for a while behind.
      await eventually('and behind', async () => expect((await ask(port, headers)).code).toBe(200), 30_000);
    });
  });

  test('is told of when it is gone, and when it is back', async () => {
    metrics.child.kill('SIGTERM');
    await metrics.finished;
    await eventually(
      'it is missed',
      async () => {
        expect(await condition('v1beta1.metrics.k8s.io')).toMatchObject({
          status: 'False',
          reason: 'FailedDiscoveryCheck',
          message: expect.stringMatching(/^failing or missing response from https:\/\/127\.0\.0\.1:\d+\/apis\/metrics/),
        });
      },
      30_000,
    );
    await expect(client.raw('GET', `${METRICS}/nodes`)).rejects.toMatchObject({
      code: 503,
      message: 'service unavailable',
    });
    await startMetrics();
    await eventually(
      'it is back',
      async () => {
        expect(((await client.raw('GET', `${METRICS}/nodes`)) as { items: unknown[] }).items).toHaveLength(1);
      },
      30_000,
    );
    await client.raw('DELETE', '/apis/apiregistration.k8s.io/v1/apiservices/v1beta2.custom.metrics.k8s.io');
    await eventually('what nobody serves is not there', async () => {
      await expect(client.raw('GET', '/apis/custom.metrics.k8s.io/v1beta2')).rejects.toMatchObject({ code: 404 });
    });
  }, 120_000);
});
