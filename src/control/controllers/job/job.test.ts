// Jobs against the real API server, from creation to their last condition.
// Only the kubelet is played.
import type { Job, JobSpec } from 'kubernetes-types/batch/v1.js';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { isPodReady } from '../common/pods.ts';
import { startWorld, type World } from '../testing/world.ts';
import { INDEX } from './indexes.ts';

const JOBS = builtin('Job');
let world: World;

beforeEach(async () => {
  world = await startWorld();
});
afterEach(async () => {
  await world.close();
});

describe('a Job', () => {
  test('runs as many at once as it may, counts each success once and is complete', async () => {
    let most = 0;
    world.see<Pod>('Pod').onChange(() => {
      most = Math.max(most, pods().filter(({ status }) => status?.phase === 'Running').length);
    });
    const done = new Set<string>();
    world.kubelet.exits = (pod) => (done.has(pod.metadata?.name ?? '') ? 0 : undefined);
    await create({ completions: 5, parallelism: 2 });
    for (let round = 1; round <= 5; round++) {
      // None ends before as many run as may, however fast one is ready.
      const next = await world.until(() => {
        const running = pods().filter((pod) => isPodReady(pod) && !done.has(pod.metadata?.name ?? ''));
        return running.length === Math.min(2, 5 - done.size) ? running[0] : undefined;
      });
      done.add(next.metadata?.name ?? '');
      world.kubelet.look();
    }
    const { status } = await world.until(() => held('Complete'));
    expect(status).toMatchObject({ succeeded: 5, active: 0, ready: 0, terminating: 0 });
    expect(status?.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'SuccessCriteriaMet CompletionsReached',
      'Complete CompletionsReached',
    ]);
    expect(most).toBe(2);
    expect(pods().map(({ status: pod }) => pod?.phase)).toEqual(Array(5).fill('Succeeded'));
    expect(pods().some(({ metadata }) => (metadata?.finalizers ?? []).length > 0)).toBe(false);
    await world.until(() => reasons().includes('Completed'));
  });

  test('is given a selector of its own and the labels of its pods', async () => {
    const job = await create({});
    const uid = job.metadata?.uid ?? '';
    expect(job.spec?.selector?.matchLabels).toEqual({ 'batch.kubernetes.io/controller-uid': uid });
    const pod = await world.until(() => pods()[0]);
    expect(pod.metadata?.labels).toMatchObject({ 'job-name': 'work', 'batch.kubernetes.io/controller-uid': uid });
    expect(pod.metadata?.finalizers).toEqual(['batch.kubernetes.io/job-tracking']);
  });

  test('fails at its limit of failures, and says which', async () => {
    world.kubelet.exits = () => 3;
    await create({ backoffLimit: 0 });
    const { status } = await world.until(() => held('Failed'));
    expect(status).toMatchObject({ failed: 1, active: 0 });
    expect(status?.conditions?.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      'FailureTarget BackoffLimitExceeded',
      'Failed BackoffLimitExceeded',
    ]);
    expect(status?.completionTime).toBeUndefined();
    await world.until(() => reasons().includes('BackoffLimitExceeded'));
  });

  test('waits before it tries again after a failure', async () => {
    world.kubelet.exits = () => 1;
    await create({ backoffLimit: 3 });
    await world.until(() => job()?.status?.failed === 1);
    // Another Job goes all the way meanwhile, and this one has still made one pod only.
    world.kubelet.exits = (pod) => (pod.metadata?.labels?.['job-name'] === 'other' ? 0 : 1);
    await create({}, 'other');
    await world.until(() => held('Complete', 'other'));
    expect(pods()).toHaveLength(1);
  });

  test('a pod failure policy ends it at once, or lets failures pass', async () => {
    world.kubelet.exits = (pod) => (pod.metadata?.labels?.['job-name'] === 'work' ? 42 : 1);
    const rules = [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }];
    await create({ backoffLimit: 6, podFailurePolicy: { rules } });
    const failed = await world.until(() => held('Failed'));
    const condition = failed.status?.conditions?.find(({ type }) => type === 'Failed');
    expect(condition?.reason).toBe('PodFailurePolicy');
    expect(condition?.message).toMatch(
      /^Container c for pod default\/work-\w+ failed with exit code 42 matching FailJob/,
    );
    const ignoring = [{ action: 'Ignore', onExitCodes: { operator: 'NotIn', values: [42] } }];
    await create({ backoffLimit: 0, podFailurePolicy: { rules: ignoring } }, 'lenient');
    await world.until(() =>
      pods('lenient').some((pod) => pod.status?.phase === 'Failed' && pod.metadata?.finalizers?.length !== 1),
    );
    expect(held('Failed', 'lenient')).toBeUndefined();
    expect(job('lenient')?.status?.failed ?? 0).toBe(0);
  });

  test('of indexed mode gives each pod its number, and ends by its success policy', async () => {
    world.kubelet.exits = (pod) => (['0', '2'].includes(pod.metadata?.annotations?.[INDEX] ?? '') ? 0 : undefined);
    const successPolicy = { rules: [{ succeededIndexes: '0,2' }] };
    await create({ completionMode: 'Indexed', completions: 4, parallelism: 4, successPolicy });
    const { status } = await world.until(() => held('Complete'));
    expect(status).toMatchObject({ completedIndexes: '0,2', succeeded: 2, active: 0 });
    expect(status?.conditions?.at(-1)).toMatchObject({ reason: 'SuccessPolicy', message: 'Matched rules at index 0' });
    const [first] = pods().filter((pod) => pod.metadata?.annotations?.[INDEX] === '0');
    expect(first?.metadata?.labels?.[INDEX]).toBe('0');
    expect(first?.metadata?.name).toMatch(/^work-0-/);
    expect(first?.spec?.hostname).toBe('work-0');
    expect(first?.spec?.containers[0]?.env?.[0]).toMatchObject({ name: 'JOB_COMPLETION_INDEX' });
  });

  test('counts failures of each index by itself', async () => {
    world.kubelet.exits = (pod) => (pod.metadata?.annotations?.[INDEX] === '1' ? 1 : 0);
    await create({ completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 0 });
    const { status } = await world.until(() => held('Failed'));
    expect(status).toMatchObject({ completedIndexes: '0,2', failedIndexes: '1', succeeded: 2, failed: 1 });
    expect(status?.conditions?.at(-1)).toMatchObject({ reason: 'FailedIndexes', message: 'Job has failed indexes' });
  });

  test('gives up when more indexes have failed than maxFailedIndexes', async () => {
    world.kubelet.exits = (pod) => (Number(pod.metadata?.annotations?.[INDEX]) < 2 ? 1 : undefined);
    const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 4, backoffLimitPerIndex: 0 };
    await create({ ...indexed, maxFailedIndexes: 1 });
    const { status } = await world.until(() => held('Failed'));
    expect(status).toMatchObject({ failedIndexes: '0,1', active: 0 });
    expect(status?.conditions?.at(-1)).toMatchObject({ reason: 'MaxFailedIndexesExceeded' });
  });

  test('suspended runs nothing, resumed goes on, and what suspension ended is no failure', async () => {
    await create({ suspend: true });
    await world.until(() => held('Suspended'));
    expect(pods()).toEqual([]);
    const suspend = (value: boolean) =>
      world.client.patch(JOBS, 'work', 'default', 'merge', { spec: { suspend: value } });
    await suspend(false);
    await world.until(() => job()?.status?.active === 1 && pods().some(isPodReady));
    await suspend(true);
    await world.until(() => pods().length === 0 && job()?.status?.active === 0);
    world.kubelet.exits = () => 0;
    await suspend(false);
    const { status } = await world.until(() => held('Complete'));
    expect(status?.failed ?? 0).toBe(0);
    expect(reasons()).toEqual(expect.arrayContaining(['Suspended', 'Resumed']));
  });

  test('ends at its deadline and takes its pods along', async () => {
    await create({ activeDeadlineSeconds: 1 });
    const { status } = await world.until(() => held('Failed'));
    expect(status?.conditions?.at(-1)).toMatchObject({ reason: 'DeadlineExceeded' });
    expect(status).toMatchObject({ failed: 1, active: 0, terminating: 0 });
    await world.until(() => pods().length === 0);
  });

  test('that is over goes when its time to live is up, with its pods', async () => {
    world.kubelet.exits = () => 0;
    await create({ ttlSecondsAfterFinished: 0 });
    await world.until(() => reasons().includes('Completed') && job() === undefined && pods().length === 0);
  });

  test('that is deleted while it runs leaves no pod behind', async () => {
    await create({ parallelism: 3, completions: 3 });
    await world.until(() => pods().filter(isPodReady).length === 3);
    await world.client.delete(JOBS, 'work', 'default', { propagationPolicy: 'Background' });
    await world.until(() => job() === undefined && pods().length === 0);
  });

  test('whose selector is chosen by hand takes the pods that match, counts them, and lets go of those that do not', async () => {
    const ended = new Set(['early']);
    world.kubelet.exits = ({ metadata }) => (ended.has(metadata?.labels?.at ?? '') ? 0 : undefined);
    const orphan = (name: string): Promise<Pod> =>
      world.client.create<Pod>(builtin('Pod'), {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', labels: { 'job-name': 'work', at: name } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'work' }] },
      });
    const find = (name: string): Pod | undefined => world.see<Pod>('Pod').get(`default/${name}`);
    for (const name of ['early', 'late']) await orphan(name);
    await world.until(() => find('early')?.status?.phase === 'Succeeded');
    const selector = { matchLabels: { 'job-name': 'work' } };
    const { metadata } = await create({ completions: 3, parallelism: 3, manualSelector: true, selector });
    const owned = (name: string): boolean => find(name)?.metadata?.ownerReferences?.[0]?.uid === metadata?.uid;
    await world.until(() => job()?.status?.succeeded === 1 && owned('early') && owned('late'));
    // One has ended and one was there: one is made.
    const made = await world.until(
      () => pods().length === 3 && pods().find((pod) => pod.metadata?.labels?.at === undefined),
    );
    expect(find('late')?.metadata?.finalizers).toEqual(['batch.kubernetes.io/job-tracking']);
    await world.client.patch(builtin('Pod'), 'late', 'default', 'merge', {
      metadata: { labels: { 'job-name': 'none' } },
    });
    await world.until(() => (find('late')?.metadata?.ownerReferences ?? []).length === 0);
    await world.until(() => (find('late')?.metadata?.finalizers ?? []).length === 0);
    // Another is made in its place.
    await world.until(() => pods().length === 3);
    world.kubelet.exits = (pod) => (pod.metadata?.labels?.['job-name'] === 'work' ? 0 : undefined);
    world.kubelet.look();
    expect((await world.until(() => held('Complete'))).status?.succeeded).toBe(3);
    expect(pods().map((pod) => pod.metadata?.name)).toContain(made.metadata?.name);
  });

  test('that chooses its pods by hand leaves those of others alone', async () => {
    const own = await create({});
    await world.until(() => pods()[0]);
    const selector = { matchLabels: { 'job-name': 'work' } };
    await create({ manualSelector: true, selector, suspend: true }, 'greedy');
    await world.until(() => held('Suspended', 'greedy'));
    expect(pods()[0]?.metadata?.ownerReferences?.[0]?.uid).toBe(own.metadata?.uid);
  });

  test('of somebody else is left alone', async () => {
    await create({ managedBy: 'example.com/queue' });
    world.kubelet.exits = () => 0;
    await create({}, 'other');
    await world.until(() => held('Complete', 'other'));
    expect(pods()).toEqual([]);
  });

  test('loses no count when the controllers restart in the middle', async () => {
    const done = new Set<string>();
    world.kubelet.exits = (pod) => (done.has(pod.metadata?.name ?? '') ? 0 : undefined);
    await create({ completions: 6, parallelism: 3 });
    for (let round = 1; round <= 6; round++) {
      const next = await world.until(() =>
        pods().find((pod) => isPodReady(pod) && !done.has(pod.metadata?.name ?? '')),
      );
      done.add(next.metadata?.name ?? '');
      world.kubelet.look();
      if (round % 2 === 0) await world.restartControllers();
    }
    const { status } = await world.until(() => held('Complete'));
    expect(status?.succeeded).toBe(6);
    expect(pods()).toHaveLength(6);
  });
});

const job = (name = 'work'): Job | undefined => world.see<Job>('Job').get(`default/${name}`);
const held = (type: string, name = 'work'): Job | undefined => {
  const found = job(name);
  return found?.status?.conditions?.some((each) => each.type === type && each.status === 'True') ? found : undefined;
};
const pods = (name = 'work'): Pod[] =>
  world
    .see<Pod>('Pod')
    .list('default')
    .filter(({ metadata }) => metadata?.labels?.['job-name'] === name);
const reasons = (): string[] =>
  world
    .see<Event>('Event')
    .list()
    .map(({ reason = '' }) => reason);

function create(spec: Partial<JobSpec> & { managedBy?: string }, name = 'work'): Promise<Job> {
  const labels = spec.manualSelector === true ? { metadata: { labels: { 'job-name': 'work' } } } : {};
  const template = { ...labels, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'work' }] } };
  return world.client.create<Job>(JOBS, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'default' },
    spec: { ...spec, template } as JobSpec,
  });
}
