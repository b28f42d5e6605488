// Autoscalers that ask for a forecast, against the real API server: what was learned before acts at once.
// Only kubelet and figures are played.
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { ConfigMap, Event } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ForecastState } from '#control/autoscale/index.ts';
import { builtin } from '#kube/api/resources.ts';
import { eventually } from '#test/support/eventually.ts';
import { defaultAutoscaling } from '../settings.ts';
import { startWorld, type World } from '../testing/world.ts';
import { FORECAST_ANNOTATION, readWish } from './forecasts.ts';
import { foreignMetrics } from './testing.ts';

const AUTOSCALERS = builtin('HorizontalPodAutoscaler');
const HOUR = 3_600_000;

describe('the annotation', () => {
  test.each([
    ['on', { seasonMs: 24 * HOUR, stepMs: 60_000, horizonMs: 180_000, maxError: 0.2, acts: true }],
    ['season=168h', { seasonMs: 168 * HOUR, stepMs: 60_000, acts: true }],
    ['season=10m, horizon=20s,mode=dry-run', { seasonMs: 600_000, stepMs: 500, horizonMs: 20_000, acts: false }],
    ['step=5m,max-error=0.5', { stepMs: 300_000, maxError: 0.5 }],
  ])('"%s" is understood', (text, wish) => expect(readWish(text)).toMatchObject(wish));

  test.each([undefined, 'off'])('%s asks for nothing', (text) => expect(readWish(text)).toBeUndefined());

  test.each([
    ['season=day', 'season "day" is no duration: write e.g. 24h or 3m'],
    ['horizont=3m', '"horizont" is none of season, horizon, step, max-error, mode'],
    ['mode=maybe', 'mode "maybe" is neither "act" nor "dry-run"'],
    ['max-error=120%', 'max-error "120%" is no share: write e.g. 20%'],
    ['season=1m,step=1m', 'season is shorter than two steps'],
    ['season=24h,step=1s', 'season has more than 20160 steps'],
    ['season=1m,horizon=2m', 'horizon is longer than season'],
    ['', '"" is none of season, horizon, step, max-error, mode'],
  ])('"%s" is refused with words', (text, words) => expect(() => readWish(text)).toThrow(words));
});

describe('in a cluster', () => {
  let world: World;
  beforeEach(async () => {
    world = await startWorld({
      only: ['deployment', 'replicaset', 'scheduler', 'hpa'],
      settings: { autoscaling: { ...defaultAutoscaling, syncPeriodMs: 20, downscaleStabilizationMs: 1 } },
    });
    const { client, figures } = foreignMetrics(world.client);
    figures.external['namespaces/default/orders'] = ['100'];
    await world.restartControllers(client);
    const labels = { app: 'web' };
    await world.client.create<Deployment>(builtin('Deployment'), {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'web' }] } },
      },
    });
    await world.client.create<HorizontalPodAutoscaler>(AUTOSCALERS, {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        maxReplicas: 10,
        metrics: [
          {
            type: 'External',
            external: { metric: { name: 'orders' }, target: { type: 'AverageValue', averageValue: '100' } },
          },
        ],
      },
    });
  });
  afterEach(() => world.close());

  const seen = (): HorizontalPodAutoscaler | undefined =>
    world.see<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').get('default/web');
  const replicas = (): number | undefined => world.see<Deployment>('Deployment').get('default/web')?.spec?.replicas;
  const forecasting = () => seen()?.status?.conditions?.find(({ type }) => type === 'Forecasting');

  async function annotate(text: string | null): Promise<void> {
    const metadata = { annotations: { [FORECAST_ANNOTATION]: text } };
    await world.client.patch(AUTOSCALERS, 'web', 'default', 'merge', { metadata });
  }

  /** What a forecaster has learned that has seen demand for five pods at all times of the day, and was seldom wrong. */
  async function learned(): Promise<void> {
    const score = (knowledge: (number | null)[], squares: number) => ({
      knowledge,
      squares,
      errors: 1,
      values: 1000,
      count: 5000,
    });
    const state: ForecastState = {
      seasonMs: 24 * HOUR,
      stepMs: 60_000,
      horizonMs: 180_000,
      scores: [
        score([1, ...Array<number>(1440).fill(4.6)], 1),
        score([0, 1, 0], 1e6),
        score([1], 1e6),
        score([1], 1e6),
      ],
    };
    const uid = seen()?.metadata?.uid ?? '';
    const owner = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'web', uid };
    await world.client.create<ConfigMap>(builtin('ConfigMap'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'web-forecast', namespace: 'default', ownerReferences: [owner] },
      data: { 'forecast.json': JSON.stringify(state) },
    });
  }

  test('what was learned before a restart brings pods before the metric asks for them', async () => {
    await eventually('the autoscaler is seen', () => expect(seen()?.status?.currentReplicas).toBe(1));
    await learned();
    await annotate('on');
    await eventually('it scales', () => expect(replicas()).toBe(5));
    // Four first: no more at a time without a behavior that says otherwise.
    const rescaled = world
      .see<Event>('Event')
      .list()
      .find(({ reason }) => reason === 'SuccessfulRescale');
    expect(rescaled?.message).toBe('New size: 4; reason: forecast (seasonal, 0 % off lately) above target');
    expect(forecasting()).toMatchObject({ status: 'True', reason: 'Acting' });
    expect(forecasting()?.message).toMatch(/^demand for 5 replicas is expected within 180 s/);
  });

  test('a dry run says what it would do, and does nothing; without the annotation nothing is said', async () => {
    await eventually('the autoscaler is seen', () => expect(seen()?.status?.currentReplicas).toBe(1));
    await learned();
    await annotate('mode=dry-run');
    await eventually('it reports', () => expect(forecasting()).toMatchObject({ status: 'True', reason: 'DryRun' }));
    expect(replicas()).toBe(1);
    await annotate(null);
    await eventually('it is silent', () => expect(forecasting()).toBeUndefined());
  });

  test('a wrong annotation is told of in the status, and the metric goes on to decide', async () => {
    await annotate('season=tomorrow');
    await eventually('it is told', () =>
      expect(forecasting()).toMatchObject({ status: 'False', reason: 'InvalidForecast' }),
    );
    expect(forecasting()?.message).toContain('season "tomorrow" is no duration');
    expect(seen()?.status?.conditions?.find(({ type }) => type === 'ScalingActive')?.status).toBe('True');
  });

  test('a forecast that knows too little says so', async () => {
    await annotate('on');
    await eventually('it is told', () =>
      expect(forecasting()).toMatchObject({ status: 'False', reason: 'NotTrusted' }),
    );
    expect(forecasting()?.message).toMatch(/^the forecast is not acted on: /);
    expect(replicas()).toBe(1);
  });
});
