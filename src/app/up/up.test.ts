// What `up` says about Deployments and addresses, from objects as the API holds them.
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { dataDirAt } from '../main/data-dir.ts';
import { addressLines, hostsOf } from './addresses.ts';
import { podTrouble } from './pod-trouble.ts';
import {
  daemonSetReadiness,
  deploymentReadiness,
  jobReadiness,
  podReadiness,
  replicaSetReadiness,
  statefulSetReadiness,
} from './readiness.ts';

const selector = { matchLabels: { app: 'web' } };
const template = { metadata: { labels: { app: 'web' } } };

function deployment(generation: number, status: Record<string, unknown>): Parameters<typeof deploymentReadiness>[0] {
  return { metadata: { name: 'web', generation }, spec: { replicas: 2, selector, template }, status };
}

function condition(type: string, reason?: string, message?: string) {
  const texts = { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
  return { conditions: [{ type, status: 'True', ...texts }] };
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
  expect(deploymentReadiness(deployment(generation, status))).toEqual({ text, done });
});

test('a rollout past its deadline has failed', () => {
  const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }];
  expect(deploymentReadiness(deployment(1, { observedGeneration: 1, conditions }))).toMatchObject({
    failed: 'ProgressDeadlineExceeded',
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
    statefulSetReadiness({ metadata: { generation }, spec, status: { ...status, updatedReplicas } });
  expect(state(0)).toEqual({ text: '3/3 ready', done: false });
  expect(state(1).done).toBe(true);
  expect(state(1, 2)).toEqual({ text: '0/3 ready', done: false });
});

test('a DaemonSet is done when every node that wants its pod has a new one, available', () => {
  const status = { observedGeneration: 1, currentNumberScheduled: 2, numberMisscheduled: 0, numberReady: 2 };
  const state = (updatedNumberScheduled: number) =>
    daemonSetReadiness({
      metadata: { generation: 1 },
      spec: { selector, template },
      status: { ...status, desiredNumberScheduled: 2, numberAvailable: 2, updatedNumberScheduled },
    });
  expect(state(1)).toEqual({ text: '2/2 ready', done: false });
  expect(state(2).done).toBe(true);
});

test('a ReplicaSet is done when its pods are available, and no more are left', () => {
  const state = (replicas: number, availableReplicas: number) =>
    replicaSetReadiness({
      metadata: { generation: 1 },
      spec: { replicas: 2, selector, template },
      status: { observedGeneration: 1, replicas, readyReplicas: 2, availableReplicas },
    });
  expect([state(3, 2), state(2, 1), state(2, 2)].map(({ done }) => done)).toEqual([false, false, true]);
});

test.each([
  ['running', {}, { active: 1 }, { text: '0/3 complete', done: false }],
  ['its success decided, its pods ending', {}, condition('SuccessCriteriaMet'), { text: '0/3 complete', done: false }],
  ['complete', {}, { succeeded: 3, ...condition('Complete') }, { text: '3/3 complete', done: true }],
  ['suspended', { suspend: true }, condition('Suspended'), { text: 'suspended', done: true }],
  [
    'failed',
    {},
    { failed: 7, ...condition('Failed', 'BackoffLimitExceeded', 'Job has reached the limit') },
    { text: '0/3 complete', done: false, failed: 'BackoffLimitExceeded: Job has reached the limit' },
  ],
])('a Job that is %s', (_, spec, status, state) => {
  expect(jobReadiness({ spec: { completions: 3, template: { spec: { containers: [] } }, ...spec }, status })).toEqual(
    state,
  );
});

test.each([
  ['ready', { phase: 'Running', ...condition('Ready') }, { text: '0/1 ready', done: true }],
  ['over', { phase: 'Succeeded' }, { text: 'completed', done: true }],
  ['failed', { phase: 'Failed', reason: 'Evicted' }, { text: '0/1 ready', done: false, failed: 'Evicted' }],
])('a pod that is %s', (_, status, state) => {
  expect(podReadiness({ spec: { containers: [{ name: 'main' }] }, status })).toEqual(state);
});

test.each([
  ['nothing', { waiting: { reason: 'ContainerCreating' } }, undefined],
  ['its image', { waiting: { reason: 'ImagePullBackOff', message: 'no x' } }, 'container "a": ImagePullBackOff: no x'],
  ['its end', { terminated: { exitCode: 3, reason: 'Error' } }, 'container "a": Error, exit code 3'],
  ['an end as it should be', { terminated: { exitCode: 0, reason: 'Completed' } }, undefined],
])('what keeps a pod from being ready: %s', (_, state, text) => {
  const status = { ready: false, image: '', imageID: '', restartCount: 0, name: 'a', state };
  expect(podTrouble({ status: { containerStatuses: [status] } })).toBe(text);
  expect(podTrouble({ status: { initContainerStatuses: [status] } })).toBe(text);
});

test('a pod that fits nowhere says so, and one that crashes says how it ended', () => {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes fit' }];
  expect(podTrouble({ status: { conditions } })).toBe('Unschedulable: 0/3 nodes fit');
  const status = {
    ...{ ready: false, image: '', imageID: '', restartCount: 2, name: 'a' },
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s' } },
    lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
  };
  expect(podTrouble({ status: { containerStatuses: [status] } })).toBe(
    'container "a": CrashLoopBackOff: back-off 20s (OOMKilled, exit code 137)',
  );
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
