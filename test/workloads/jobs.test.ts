// Jobs, CronJobs and the drain of a node, as people see them through kubectl.
// The CLI, the kubelet and kubectl are real.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { findKubectl, kubectlFor } from '#test/support/kubectl.ts';

const template = `{spec: {restartPolicy: Never, containers: [{name: c, image: sh, command: [sh, -c, 'echo index $JOB_COMPLETION_INDEX']}]}}`;
const input = `
apiVersion: batch/v1
kind: Job
metadata: {name: numbered, namespace: default}
spec: {completionMode: Indexed, completions: 2, parallelism: 2, template: ${template}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: yearly, namespace: default}
spec: {schedule: '@yearly', jobTemplate: {spec: {template: ${template}}}}
`;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster(['-'], { input, args: ['--image', 'sh=/bin/sh'] });
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
}, 30_000);

const found = await findKubectl('current');
if ('missing' in found) test.skip(`skipped: ${found.missing}`, () => {});
else {
  test('a Job runs to its end, one is made from a CronJob, and a drained node is empty', async () => {
    const kubectl = kubectlFor(found.path, cluster.kubeconfig, cluster.data);
    await kubectl(['wait', '--for=condition=complete', 'job/numbered', '--timeout=30s']);
    const logs = await kubectl(['logs', '-l', 'job-name=numbered']);
    expect(logs.trim().split('\n').sort()).toEqual(['index 0', 'index 1']);
    await kubectl(['create', 'job', 'once', '--from=cronjob/yearly']);
    await kubectl(['wait', '--for=condition=complete', 'job/once', '--timeout=30s']);
    const node = 'node-1';
    const flags = ['--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=30s'];
    expect(await kubectl(['drain', node, ...flags])).toContain(`node/${node} drained`);
    expect(await kubectl(['get', 'pods', '-o', 'name'])).toBe('');
    expect(await kubectl(['uncordon', node])).toContain(`node/${node} uncordoned`);
  }, 120_000);
}
