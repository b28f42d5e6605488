// Autoscalers of custom resources: their scale, what it may lack, and what it may refuse.
// Real API server and definitions; only figures are played.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Event } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { defaultAutoscaling } from '../settings.ts';
import { startWorld, type World } from '../testing/world.ts';
import { foreignMetrics } from './testing.ts';

const FARMS = { group: 'example.com', version: 'v1', resource: 'farms', kind: 'Farm', namespaced: true };
const LARGEST = 20;

let world: World;

beforeEach(async () => {
  world = await startWorld({
    only: ['hpa'],
    settings: { autoscaling: { ...defaultAutoscaling, syncPeriodMs: 20, downscaleStabilizationMs: 1 } },
  });
  const foreign = foreignMetrics(world.client);
  foreign.figures.external['namespaces/default/queue'] = ['900'];
  await world.restartControllers(foreign.client);
  const scale = {
    specReplicasPath: '.spec.size',
    statusReplicasPath: '.status.size',
    labelSelectorPath: '.status.selector',
  };
  const properties = {
    spec: { type: 'object', properties: { size: { type: 'integer', maximum: LARGEST } } },
    status: { type: 'object', properties: { size: { type: 'integer' }, selector: { type: 'string' } } },
  };
  await world.client.create(builtin('CustomResourceDefinition'), {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'farms.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'farms', singular: 'farm', kind: 'Farm', listKind: 'FarmList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {}, scale },
          schema: { openAPIV3Schema: { type: 'object', properties } },
        },
      ],
    },
  } as never);
  await world.until(() => world.see('CustomResourceDefinition').get('farms.example.com') !== undefined);
});
afterEach(async () => {
  await world.close();
});

/** A farm of `size`, and an autoscaler that wants one for each hundred of 900. */
async function farm(size: number, selector: string): Promise<void> {
  const metadata = { name: 'a', namespace: 'default' };
  await world.client.create(FARMS, { apiVersion: 'example.com/v1', kind: 'Farm', metadata, spec: { size } } as never);
  await world.client.patch(FARMS, 'a', 'default', 'merge', { status: { size, selector } }, { subresource: 'status' });
}

async function autoscale(averageValue: string): Promise<void> {
  const target = { type: 'AverageValue', averageValue };
  await world.client.create<HorizontalPodAutoscaler>(builtin('HorizontalPodAutoscaler'), {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'farm', namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Farm', name: 'a' },
      maxReplicas: 100,
      metrics: [{ type: 'External', external: { metric: { name: 'queue' }, target } }],
    },
  });
}

const status = (): HorizontalPodAutoscaler['status'] =>
  world.see<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').get('default/farm')?.status;
const condition = (type: string): Record<string, unknown> => ({
  ...status()?.conditions?.find((one) => one.type === type),
});
const events = (reason: string): string[] =>
  world
    .see<Event>('Event')
    .list('default')
    .filter((event) => event.reason === reason)
    .map(({ message = '' }) => message);
const sizeOf = async (): Promise<number | undefined> =>
  ((await world.client.get(FARMS, 'a', 'default')) as { spec?: { size?: number } }).spec?.size;

test('a custom resource with a scale is scaled like any other', async () => {
  await farm(2, 'farm=a');
  await autoscale('100');
  // Twice as many at first, and nobody here makes them be: the status stays.
  await world.until(() => condition('AbleToScale').status === 'True' && status()?.desiredReplicas === 9);
  expect(await sizeOf()).toBe(9);
});

test('a size that its schema refuses is not reached, and the status says who said no', async () => {
  await farm(15, 'farm=a');
  await autoscale('30');
  await world.until(() => condition('AbleToScale').reason === 'FailedUpdateScale');
  expect(condition('AbleToScale')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('the HPA controller was unable to update the target scale: '),
  });
  expect(condition('AbleToScale').message).toContain('spec.size');
  await world.until(() => events('FailedRescale').length > 0);
  expect(events('FailedRescale')[0]).toMatch(
    /^New size: 30; reason: external metric queue\(nil\) above target; error: /,
  );
  expect(status()).toMatchObject({ currentReplicas: 15 });
  expect(await sizeOf()).toBe(15);
});

test.each([
  ['none', '', 'SelectorRequired', "the HPA target's scale is missing a selector"],
  [
    'one that nobody can read',
    'farm in (',
    'InvalidSelector',
    expect.stringContaining("couldn't convert selector into a corresponding internal selector object: "),
  ],
])('of pods without a selector nothing is known: %s', async (_what, selector, event, message) => {
  await farm(2, selector);
  await autoscale('100');
  await world.until(() => condition('ScalingActive').reason === 'InvalidSelector');
  expect(condition('ScalingActive')).toMatchObject({ status: 'False', message });
  await world.until(() => events(event).length > 0);
  expect(await sizeOf()).toBe(2);
});
