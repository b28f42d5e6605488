// Autoscalers against the real API server, with the figures of somebody else's metrics APIs.
// Only kubelet and figures are played.
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler, MetricSpec } from 'kubernetes-types/autoscaling/v2.js';
import type { Event, Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { isPodReady } from '../common/pods.ts';
import { defaultAutoscaling } from '../settings.ts';
import { startWorld, type World } from '../testing/world.ts';
import { type Figures, foreignMetrics } from './testing.ts';

const AUTOSCALERS = builtin('HorizontalPodAutoscaler');
const DEPLOYMENTS = builtin('Deployment');

let world: World;
let figures: Figures;

beforeEach(async () => {
  world = await startWorld({
    only: ['deployment', 'replicaset', 'scheduler', 'hpa'],
    settings: { autoscaling: { ...defaultAutoscaling, syncPeriodMs: 20, downscaleStabilizationMs: 1 } },
  });
  const foreign = foreignMetrics(world.client);
  ({ figures } = foreign);
  await world.restartControllers(foreign.client);
});
afterEach(async () => {
  await world.close();
});

async function deploy(name: string, replicas: number, labels: Record<string, string> = { app: name }): Promise<void> {
  const containers = ['main', 'sidecar'].map((container) => ({
    name: container,
    image: 'web',
    resources: { requests: { cpu: '100m' } },
  }));
  await world.client.create<Deployment>(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  });
}

type Spec = Partial<NonNullable<HorizontalPodAutoscaler['spec']>>;

async function autoscale(name: string, spec: Spec): Promise<void> {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name };
  await world.client.create<HorizontalPodAutoscaler>(AUTOSCALERS, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: 'default' },
    spec: { scaleTargetRef, maxReplicas: 10, ...spec },
  });
}

const cpuAt = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});
const external = (name: string, value: string): MetricSpec => ({
  type: 'External',
  external: { metric: { name }, target: { type: 'Value', value } },
});
const seen = (name: string): HorizontalPodAutoscaler | undefined =>
  world.see<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').get(`default/${name}`);
const replicasOf = (name: string): number | undefined =>
  world.see<Deployment>('Deployment').get(`default/${name}`)?.spec?.replicas;
const condition = (name: string, type: string): string => {
  const found = seen(name)?.status?.conditions?.find((one) => one.type === type);
  return `${found?.status} ${found?.reason}`;
};
const events = (reason: string): string[] =>
  world
    .see<Event>('Event')
    .list('default')
    .filter((event) => event.reason === reason)
    .map(({ message = '' }) => message);
const readyPods = (): number => world.see<Pod>('Pod').list('default').filter(isPodReady).length;

test('a Deployment grows with what its pods use, and shrinks again', async () => {
  await deploy('web', 2);
  figures.cpu = () => ({ main: '100m', sidecar: '50m' });
  await autoscale('web', { minReplicas: 1, metrics: [cpuAt(50)] });
  await world.until(() => replicasOf('web') === 3);
  await world.until(() => events('SuccessfulRescale').length > 0);
  expect(events('SuccessfulRescale')).toContain(
    'New size: 3; reason: cpu resource utilization (percentage of request) above target',
  );
  figures.cpu = () => ({ main: '50m', sidecar: '50m' });
  const status = await world.until(() => {
    const now = seen('web')?.status;
    return now?.currentMetrics?.[0]?.resource?.current?.averageUtilization === 50 && readyPods() >= 3 && now;
  });
  expect(status).toMatchObject({
    observedGeneration: 1,
    currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageValue: '100m' } } }],
  });
  expect(status.lastScaleTime).toMatch(/^\d{4}-.*Z$/);
  expect(condition('web', 'ScalingActive')).toBe('True ValidMetricFound');
  figures.cpu = () => ({ main: '10m', sidecar: '10m' });
  await world.until(() => replicasOf('web') === 1);
  await world.until(() => events('SuccessfulRescale').includes('New size: 1; reason: All metrics below target'));
});

test('only the container that is named counts', async () => {
  await deploy('web', 1);
  figures.cpu = () => ({ main: '10m', sidecar: '300m' });
  const target = { type: 'Utilization', averageUtilization: 100 };
  const containerResource = { name: 'cpu', container: 'sidecar', target };
  await autoscale('web', { metrics: [{ type: 'ContainerResource', containerResource }] });
  await world.until(() => (replicasOf('web') ?? 0) >= 3);
  await world.until(() => seen('web')?.status?.currentMetrics?.[0]?.type === 'ContainerResource');
});

test('it grows no faster than its own rules allow', async () => {
  await deploy('web', 2);
  figures.cpu = () => ({ main: '500m', sidecar: '500m' });
  const policies = [{ type: 'Pods', value: 1, periodSeconds: 600 }];
  await autoscale('web', { metrics: [cpuAt(50)], behavior: { scaleUp: { policies, selectPolicy: 'Max' } } });
  await world.until(() => condition('web', 'ScalingLimited') === 'True ScaleUpLimit' && replicasOf('web') === 3);
  await world.until(() => seen('web')?.status?.currentReplicas === 3 && readyPods() === 3);
  const before = seen('web')?.status?.lastScaleTime;
  figures.cpu = () => ({ main: '501m', sidecar: '500m' });
  await world.until(() => seen('web')?.status?.currentMetrics?.[0]?.resource?.current?.averageValue === '1001m');
  expect(seen('web')?.status).toMatchObject({ desiredReplicas: 3, lastScaleTime: before });
});

test('a deviation within its own tolerance changes nothing', async () => {
  await deploy('web', 2);
  figures.cpu = () => ({ main: '150m', sidecar: '140m' });
  const rules = { tolerance: '0.5' } as object;
  await autoscale('web', { metrics: [cpuAt(100)], behavior: { scaleUp: rules } });
  await world.until(() => seen('web')?.status?.currentMetrics?.[0]?.resource?.current?.averageUtilization === 145);
  expect(replicasOf('web')).toBe(2);
  figures.cpu = () => ({ main: '160m', sidecar: '142m' });
  await world.until(() => replicasOf('web') === 4);
});

test('bounds count without any metric', async () => {
  await deploy('web', 1);
  await autoscale('web', { minReplicas: 3, metrics: [cpuAt(50)] });
  await world.until(() => replicasOf('web') === 3);
  await world.until(() => events('SuccessfulRescale').length > 0);
  expect(events('SuccessfulRescale')).toEqual([
    'New size: 3; reason: Current number of replicas below Spec.MinReplicas',
  ]);
  await world.until(() => condition('web', 'ScalingActive') === 'False FailedGetResourceMetric');
  await world.until(() => events('FailedComputeMetricsReplicas').length > 0);
  expect(events('FailedGetResourceMetric')).toEqual([
    'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
  ]);
  expect(seen('web')?.status).toMatchObject({ currentReplicas: 3, currentMetrics: [{ type: '' }] });
});

test('a target at zero is left alone, and one that the autoscaler brought there comes back', async () => {
  await deploy('web', 0);
  figures.external['namespaces/default/queue'] = ['500'];
  // Pods that start do no work yet: without a window the first ones would be taken again at once.
  const behavior = { scaleDown: { stabilizationWindowSeconds: 1 } };
  await autoscale('web', { minReplicas: 0, metrics: [external('queue', '100')], behavior });
  await world.until(() => condition('web', 'ScalingActive') === 'False ScalingDisabled');
  const scale = (replicas: number): Promise<unknown> =>
    world.client.patch(DEPLOYMENTS, 'web', 'default', 'merge', { spec: { replicas } });
  await scale(1);
  await world.until(() => replicasOf('web') === 5 && readyPods() === 5);
  figures.external['namespaces/default/queue'] = ['0'];
  await world.until(() => replicasOf('web') === 0 && condition('web', 'ScaledToZero') === 'True ScaledToZero');
  figures.external['namespaces/default/queue'] = ['150', '100'];
  await world.until(() => (replicasOf('web') ?? 0) >= 3);
  await world.until(() => condition('web', 'ScaledToZero') === 'False NotScaledToZero');
  expect(events('SuccessfulRescale')).toContain('New size: 0; reason: All metrics below target');
  await world.until(() =>
    events('SuccessfulRescale').includes('New size: 3; reason: external metric queue(nil) above target'),
  );
});

test('metrics of pods and of an object are asked for by selector, kind and name', async () => {
  await deploy('web', 1);
  figures.custom['namespaces/default/services/web/rps'] = [['web', '3']];
  const metric = { name: 'rps', selector: { matchLabels: { verb: 'GET' } } };
  const describedObject = { apiVersion: 'v1', kind: 'Service', name: 'web' };
  await autoscale('web', {
    metrics: [
      { type: 'Object', object: { metric, describedObject, target: { type: 'AverageValue', averageValue: '1' } } },
      { type: 'Pods', pods: { metric: { name: 'busy' }, target: { type: 'AverageValue', averageValue: '500m' } } },
    ],
  });
  await world.until(() => replicasOf('web') === 3);
  await world.until(() => condition('web', 'ScalingActive') === 'True ValidMetricFound');
  expect(figures.asked).toContain(
    '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/services/web/rps?metricLabelSelector=verb=GET',
  );
  expect(figures.asked).toContain(
    '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/busy?labelSelector=app=web',
  );
  await world.until(() => events('FailedGetPodsMetric').length > 0);
});

test('two autoscalers of the same pods both stop, and say so', async () => {
  const labels = { app: 'both' };
  await deploy('one', 1, labels);
  await deploy('two', 1, labels);
  figures.cpu = () => ({ main: '500m', sidecar: '500m' });
  await world.until(() => readyPods() === 2);
  world.kubelet.look();
  const quiet = { metrics: [external('absent', '1')], minReplicas: 1 };
  await autoscale('one', quiet);
  await autoscale('two', quiet);
  await world.until(
    () =>
      condition('one', 'ScalingActive') === 'False AmbiguousSelector' &&
      condition('two', 'ScalingActive') === 'False AmbiguousSelector',
  );
  const { message } = seen('one')?.status?.conditions?.find(({ type }) => type === 'ScalingActive') ?? {};
  expect(message).toBe('pods by selector app=both are controlled by multiple HPAs: [default/one default/two]');
  await world.client.delete(AUTOSCALERS, 'two', 'default');
  await world.until(() => condition('one', 'ScalingActive') === 'False FailedGetExternalMetric');
});

test.each([
  [
    'a name that is not there',
    { apiVersion: 'apps/v1', kind: 'Deployment', name: 'no' },
    'deployments.apps "no" not found',
  ],
  [
    'a kind that is not served',
    { apiVersion: 'example.com/v1', kind: 'Thing', name: 'a' },
    'no matches for kind "Thing" in group "example.com"',
  ],
  [
    'a version that is none',
    { apiVersion: 'a/b/c', kind: 'Thing', name: 'a' },
    'unexpected GroupVersion string: a/b/c',
  ],
])('%s', async (_what, scaleTargetRef, why) => {
  await autoscale('lost', { scaleTargetRef });
  await world.until(() => condition('lost', 'AbleToScale') === 'False FailedGetScale');
  const found = seen('lost')?.status?.conditions?.[0];
  expect(found?.message).toBe(`the HPA controller was unable to get the target's current scale: ${why}`);
  await world.until(() => events('FailedGetScale').includes(why));
});

test('after a restart it goes on, and what was needed is not taken at once', async () => {
  await deploy('web', 4);
  figures.cpu = () => ({ main: '10m', sidecar: '10m' });
  await world.until(() => readyPods() === 4);
  await autoscale('web', {
    metrics: [cpuAt(50)],
    behavior: { scaleDown: { stabilizationWindowSeconds: 3600 } },
  });
  await world.until(() => condition('web', 'AbleToScale') === 'True ScaleDownStabilized');
  expect(replicasOf('web')).toBe(4);
});
