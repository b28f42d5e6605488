// A forecast for an autoscaler that asks for one by annotation: what it says, what it is made of, and what comes of it.
// Pure; knows the annotation and the words of the condition. The models are control/autoscale.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import {
  type Condition,
  demandInPods,
  type Forecast,
  Forecaster,
  type ForecastSettings,
  isWithin,
  MOST_STEPS,
  type Proposal,
  type Refusal,
  type Situation,
  type Source,
} from '#control/autoscale/index.ts';
import { readDuration } from '#lib/duration.ts';

/** `season=24h,horizon=3m`, and where wanted `step=1m`, `max-error=20%`, `mode=dry-run`; or `off`. */
export const FORECAST_ANNOTATION = 'evenkeel.dev/forecast';

export interface Wish extends ForecastSettings {
  readonly acts: boolean;
}

/** Whether the autoscaler asks for a forecast at all, rightly or not. */
export function readsForecast({ metadata }: HorizontalPodAutoscaler): boolean {
  return (metadata?.annotations?.[FORECAST_ANNOTATION] ?? 'off').trim() !== 'off';
}

const DAY = 86_400_000;
const DEFAULTS: Wish = { seasonMs: DAY, stepMs: 60_000, horizonMs: 180_000, maxError: 0.2, acts: true };

/** Undefined when no forecast is wanted. Throws an error that names the field, and what it may be. */
export function readWish(text: string | undefined): Wish | undefined {
  if (text === undefined || text.trim() === 'off') return undefined;
  const wish: { -readonly [K in keyof Wish]: Wish[K] } = { ...DEFAULTS };
  let step: number | undefined;
  for (const part of text.split(',')) {
    const [key = '', value = ''] = part.split('=').map((word) => word.trim());
    if (part.trim() === 'on') continue;
    if (key === 'season') wish.seasonMs = durationOf(key, value);
    else if (key === 'horizon') wish.horizonMs = durationOf(key, value);
    else if (key === 'step') step = durationOf(key, value);
    else if (key === 'max-error') wish.maxError = shareOf(key, value);
    else if (key === 'mode' && (value === 'act' || value === 'dry-run')) wish.acts = value === 'act';
    else if (key === 'mode') throw new Error(`mode "${value}" is neither "act" nor "dry-run"`);
    else throw new Error(`"${key}" is none of season, horizon, step, max-error, mode`);
  }
  // A season of ten minutes is told apart by half seconds, one of a week by minutes.
  wish.stepMs = step ?? Math.min(DEFAULTS.stepMs, Math.max(500, wish.seasonMs / 1440));
  if (wish.seasonMs < 2 * wish.stepMs) throw new Error('season is shorter than two steps');
  if (wish.seasonMs / wish.stepMs > MOST_STEPS) throw new Error(`season has more than ${MOST_STEPS} steps`);
  if (wish.horizonMs > wish.seasonMs) throw new Error('horizon is longer than season');
  return wish;
}

function durationOf(key: string, value: string): number {
  const ms = readDuration(value);
  if (ms === undefined) throw new Error(`${key} "${value}" is no duration: write e.g. 24h or 3m`);
  return ms;
}

function shareOf(key: string, value: string): number {
  const share = value.endsWith('%') ? Number(value.slice(0, -1)) / 100 : Number(value);
  if (value === '' || !(share > 0 && share <= 1)) throw new Error(`${key} "${value}" is no share: write e.g. 20%`);
  return share;
}

/** What a look at an autoscaler gets of its forecast. */
export interface Foreseen {
  readonly condition: Condition;
  /** Replicas that it asks for; undefined while it only reports. */
  readonly proposal?: Proposal;
}

export interface Measured {
  readonly source: Source;
  readonly outcome: Proposal | Refusal;
}

/** The forecast of one autoscaler, by one text of its annotation. */
export class OwnForecast {
  readonly wish: Wish;
  readonly forecaster: Forecaster;

  constructor(wish: Wish) {
    this.wish = wish;
    this.forecaster = new Forecaster(wish);
  }

  /** `now`: wall milliseconds, since seasons are those of the clock. */
  look(measured: readonly Measured[], situation: Situation, now: number): Foreseen {
    const demand = highest(measured, situation);
    if (demand === undefined) return doubted('not all metrics can be read');
    this.forecaster.observe(now, demand);
    return told(this.forecaster.forecast(now), this.wish, situation);
  }
}

export function invalid(error: Error): Foreseen {
  const message = `annotation ${FORECAST_ANNOTATION}: ${error.message}`;
  return { condition: { type: 'Forecasting', status: 'False', reason: 'InvalidForecast', message } };
}

/** Demand of the metric that asks for most; undefined when one of them is not known. */
function highest(measured: readonly Measured[], { pods, statusReplicas }: Situation): number | undefined {
  let most: number | undefined;
  for (const { source, outcome } of measured) {
    if (!outcome.ok || source.type === 'unknown') return undefined;
    const ofPods = source.type !== 'External' && source.type !== 'Object';
    const demand = demandInPods(source.target, outcome.current, ofPods, pods, statusReplicas);
    if (demand !== undefined && (most === undefined || demand > most)) most = demand;
  }
  return most;
}

function doubted(reason: string): Foreseen {
  const message = `the forecast is not acted on: ${reason}`;
  return { condition: { type: 'Forecasting', status: 'False', reason: 'NotTrusted', message } };
}

/** Less than this of a pod is nobody's demand: what leads to zero must not be held up by noise. */
const NOTHING = 0.01;

function told(forecast: Forecast, { acts, horizonMs }: Wish, { specReplicas, tolerances }: Situation): Foreseen {
  const { demand, model, reason, trusted } = forecast;
  if (demand === undefined || !trusted) return doubted(reason);
  const near = specReplicas > 0 && isWithin(tolerances, demand / specReplicas);
  const replicas = near ? specReplicas : demand < NOTHING ? 0 : Math.ceil(demand);
  const within = `within ${Math.round(horizonMs / 1000)} s`;
  const message = `demand for ${replicas} replicas is expected ${within} (${model}, ${reason})`;
  if (!acts) return { condition: { type: 'Forecasting', status: 'True', reason: 'DryRun', message } };
  const metric = `forecast (${model}, ${reason})`;
  return {
    condition: { type: 'Forecasting', status: 'True', reason: 'Acting', message },
    proposal: { ok: true, replicas, metric, current: {} },
  };
}
