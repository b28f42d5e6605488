// What `up` says about Deployments and addresses, from objects as the API holds them.
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { dataDirAt } from '../main/data-dir.ts';
import { addressLines, hostsOf } from './addresses.ts';
import { daemonSetState, statefulSetState, stateOf } from './rollout-state.ts';

const selector = { matchLabels: { app: 'web' } };
const template = { metadata: { labels: { app: 'web' } } };

function deployment(generation: number, status: Record<string, unknown>): Parameters<typeof stateOf>[0] {
  return { metadata: { name: 'web', generation }, spec: { replicas: 2, selector, template }, status };
}

test.each([
  [
    'nothing has been looked at',
    2,
    { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
    '0/2 ready',
    false,
  ],
  [
    'old pods serve on',
    1,
    { observedGeneration: 1, replicas: 3, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3 },
    '1/2 ready',
    false,
  ],
  [
    'an old pod is still there',
    1,
    { observedGeneration: 1, replicas: 3, updatedReplicas: 2, readyReplicas: 3, availableReplicas: 3 },
    '2/2 ready',
    false,
  ],
  [
    'all is new and available',
    1,
    { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
    '2/2 ready',
    true,
  ],
])('a rollout while %s', (_, generation, status, text, done) => {
  expect(stateOf(deployment(generation, status))).toEqual({ text, done, failed: false });
});

test('a rollout past its deadline has failed', () => {
  const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
  expect(stateOf(deployment(1, { observedGeneration: 1, conditions }))).toMatchObject({
    failed: true,
    text: '0/2 ready',
  });
});

test('a StatefulSet is done when what the partition leaves is updated, and all of it is available', () => {
  const spec = {
    replicas: 3,
    serviceName: 'db',
    selector,
    template,
    updateStrategy: { rollingUpdate: { partition: 2 } },
  };
  const status = { observedGeneration: 1, replicas: 3, readyReplicas: 3, availableReplicas: 3 };
  const state = (updatedReplicas: number, generation = 1) =>
    statefulSetState({ metadata: { generation }, spec, status: { ...status, updatedReplicas } });
  expect(state(0)).toEqual({ text: '3/3 ready', done: false, failed: false });
  expect(state(1).done).toBe(true);
  expect(state(1, 2)).toEqual({ text: '0/3 ready', done: false, failed: false });
});

test('a DaemonSet is done when every node that wants its pod has a new one, available', () => {
  const status = { observedGeneration: 1, currentNumberScheduled: 2, numberMisscheduled: 0, numberReady: 2 };
  const state = (updatedNumberScheduled: number) =>
    daemonSetState({
      metadata: { generation: 1 },
      spec: { selector, template },
      status: { ...status, desiredNumberScheduled: 2, numberAvailable: 2, updatedNumberScheduled },
    });
  expect(state(1)).toEqual({ text: '2/2 ready', done: false, failed: false });
  expect(state(2).done).toBe(true);
});

test('hosts that a browser reaches as they are come first, and those of other classes not at all', () => {
  const ingress = (ingressClassName: string, hosts: string[], secured: string[]): Ingress & KubeObject => ({
    spec: { ingressClassName, tls: [{ hosts: secured }], rules: hosts.map((host) => ({ host })) },
  });
  const hosts = hostsOf([
    ingress('evenkeel', ['shop.local', 'shop.localhost', '*.wild.test'], ['shop.local']),
    ingress('nginx', ['other.test'], []),
  ]);
  expect(hosts).toEqual([
    { host: 'shop.localhost', tls: false },
    { host: 'shop.local', tls: true },
  ]);
  const cluster = { ports: { api: 1, http: 8080, https: 8443, admin: 2 }, adminUrl: 'http://127.0.0.1:2' };
  const text = addressLines(hosts, cluster, dataDirAt('/data')).join('\n');
  expect(text).toContain('    http://shop.localhost:8080/\n');
  expect(text).not.toContain('https://shop.localhost');
  expect(text).toContain("curl -H 'Host: shop.local' http://127.0.0.1:8080/");
  expect(text).toContain('curl --cacert /data/pki/ca.crt --resolve shop.local:8443:127.0.0.1 https://shop.local:8443/');
  expect(text).toContain('export KUBECONFIG=/data/kubeconfig');
});
