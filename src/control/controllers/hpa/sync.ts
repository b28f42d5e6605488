// One look at an autoscaler: reads the scale and the metrics, scales, and writes down what was seen.
// Knows order and words; the mathematics is control/autoscale. (Upstream: reconcileAutoscaler in horizontal.go.)
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from 'kubernetes-types/autoscaling/v2.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import {
  type Condition,
  combine,
  evaluate,
  firstLook,
  type History,
  initialHistory,
  remembered,
  settle,
  tolerancesOf,
  withConditions,
  zeroCondition,
} from '#control/autoscale/index.ts';
import { builtin } from '#kube/api/resources.ts';
import { type LabelQuery, parseLabelSelector } from '#kube/api/selector.ts';
import type { Client } from '#kube/client/client.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import type { ControllerContext } from '../controller.ts';
import { autoscalerOf, podFacts, sourceOf } from './facts.ts';
import { Forecasts } from './forecast-memory.ts';
import { readsForecast } from './forecasts.ts';
import { Kinds } from './kinds.ts';
import { actionOf, errorOf, type ScaleAction, type ScaleError, told } from './observed.ts';
import { Selectors } from './overlap.ts';
import { type FoundScale, Scales } from './scale.ts';
import { Signals } from './signals.ts';
import { metricStatus } from './status.ts';

const AUTOSCALERS = builtin('HorizontalPodAutoscaler');
/** Between two warnings of one reason: a moment less than upstream's pace. */
const WARNING_PAUSE_MS = 14_000;
/** Of a status that others come before. */
const ATTEMPTS = 5;

type Status = NonNullable<HorizontalPodAutoscaler['status']>;

/** What this look has come to; the status is made of it. */
interface Look {
  readonly key: string;
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly namespace: string;
  readonly conditions: Condition[];
  metrics: MetricStatus[];
}

/** For whoever counts. */
interface Outcome {
  action: ScaleAction;
  error: ScaleError;
}

interface Asked {
  readonly replicas: number;
  readonly metric: string;
}

export class Sync {
  readonly #context: ControllerContext;
  readonly #pods: Informer<Pod>;
  readonly #scales: Scales;
  readonly #signals: Signals;
  readonly #selectors = new Selectors();
  readonly #forecasts: Forecasts;
  /** When each autoscaler last warned, by reason. */
  readonly #said = new Map<string, Map<string, number>>();
  readonly #histories = new Map<string, History>();

  constructor(context: ControllerContext, pods: Informer<Pod>) {
    const { client, clock } = context;
    const kinds = new Kinds(client, clock);
    this.#context = context;
    this.#pods = pods;
    this.#forecasts = new Forecasts(context);
    this.#scales = new Scales(client, kinds);
    this.#signals = new Signals(client, kinds, clock);
  }

  forget(key: string): void {
    this.#histories.delete(key);
    this.#said.delete(key);
    this.#selectors.forget(key);
    this.#forecasts.forget(key);
  }

  /** Rejects when it could not do all of it; the status then says why. */
  async run(key: string, autoscaler: HorizontalPodAutoscaler): Promise<void> {
    const { clock } = this.#context;
    const begun = clock.now();
    const outcome: Outcome = { action: 'none', error: 'internal' };
    try {
      await this.#look(key, autoscaler, outcome);
      outcome.error = 'none';
    } finally {
      told()?.reconciled(outcome.action, outcome.error, clock.now() - begun);
    }
  }

  async #look(key: string, autoscaler: HorizontalPodAutoscaler, outcome: Outcome): Promise<void> {
    const namespace = autoscaler.metadata?.namespace ?? '';
    const look: Look = { key, autoscaler, namespace, conditions: [], metrics: [] };
    const found = await this.#readScale(look);
    const current = found.scale.spec?.replicas ?? 0;
    const history = this.#histories.get(key) ?? initialHistory(current, this.#context.clock.now());
    this.#histories.set(key, history);
    const own = autoscalerOf(autoscaler);
    const first = firstLook(own, current);
    let desired = current;
    let reason = '';
    let failure: string | undefined;
    if (first.do === 'nothing') look.conditions.push(first.condition);
    else if (first.do === 'scale') ({ desired, reason } = first);
    else {
      const { asked, error } = await this.#measure(look, found);
      if (asked === undefined) {
        outcome.error = errorOf(look.conditions.find(({ type }) => type === 'ScalingActive')?.reason);
        await this.#writeStatus(look, current, autoscaler.status?.desiredReplicas ?? 0, false);
        this.#warn(look, 'FailedComputeMetricsReplicas', error ?? '');
        throw new Error(error);
      }
      failure = error;
      const settled = this.#settle(look, current, asked);
      ({ desired, reason } = settled);
    }
    outcome.action = actionOf(current, desired);
    if (desired !== current) await this.#scale(look, found, desired, reason);
    await this.#writeStatus(look, current, desired, desired !== current);
    if (failure !== undefined) throw new Error(failure);
  }

  async #readScale(look: Look): Promise<FoundScale> {
    const target = look.autoscaler.spec?.scaleTargetRef ?? { kind: '', name: '' };
    try {
      const found = await this.#scales.get(target, look.namespace);
      const message = "the HPA controller was able to get the target's current scale";
      look.conditions.push({ type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale', message });
      return found;
    } catch (error) {
      const { message } = error as Error;
      this.#warn(look, 'FailedGetScale', message);
      const text = `the HPA controller was unable to get the target's current scale: ${message}`;
      look.conditions.push({ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: text });
      await this.#writeStatus(look, undefined, undefined, false);
      throw error;
    }
  }

  /** What all metrics ask for; nothing when that cannot be told. */
  async #measure(
    look: Look,
    { scale }: FoundScale,
  ): Promise<{ readonly asked?: Asked; readonly error: string | undefined }> {
    const { autoscaler, namespace } = look;
    const selector = this.#selectorOf(look, scale.status?.selector ?? '');
    if (typeof selector === 'string') return { error: selector };
    const { clock, settings } = this.#context;
    const { tolerance, cpuInitializationMs, initialReadinessDelayMs } = settings.autoscaling;
    const specReplicas = scale.spec?.replicas ?? 0;
    const metrics = autoscaler.spec?.metrics ?? [];
    const lasted: number[] = [];
    const read = metrics.map(async (metric, index) => {
      const begun = clock.now();
      const signal = await this.#signals.read(metric, namespace, selector.toString());
      lasted[index] = clock.now() - begun;
      return signal;
    });
    const signals = await Promise.all(read);
    const situation = {
      namespace,
      specReplicas,
      statusReplicas: scale.status?.replicas ?? 0,
      pods: this.#podsOf(namespace, selector).map(podFacts),
      tolerances: tolerancesOf(autoscalerOf(autoscaler).behavior, tolerance),
      rules: { now: clock.wall(), cpuInitializationMs, initialReadinessDelayMs },
    };
    const outcomes = metrics.map((metric, index) => {
      const signal = signals[index] ?? { kind: 'failed', message: '' };
      const outcome = evaluate(sourceOf(metric), signal, situation);
      if (!outcome.ok) this.#warn(look, outcome.reason, outcome.message);
      look.metrics.push(metricStatus(metric, outcome));
      const action = outcome.ok ? actionOf(specReplicas, outcome.replicas) : 'none';
      told()?.computed(action, errorOf(outcome.ok ? undefined : outcome.reason), metric.type, lasted[index] ?? 0);
      return outcome;
    });
    const measured = outcomes.map((outcome, i) => ({ source: sourceOf(metrics[i] as MetricSpec), outcome }));
    const foreseen = await this.#forecasts.look(look.key, autoscaler, measured, situation);
    if (foreseen !== undefined) look.conditions.push(foreseen.condition);
    // What is measured comes first: of equals it is the reason.
    const all = foreseen?.proposal === undefined ? outcomes : [...outcomes, foreseen.proposal];
    const { replicas, metric, condition, error } = combine(all, specReplicas);
    look.conditions.push(condition);
    return replicas === undefined ? { error } : { asked: { replicas, metric }, error };
  }

  #podsOf(namespace: string, selector: LabelQuery): Pod[] {
    return this.#pods.list(namespace).filter((pod) => selector.matches(pod.metadata?.labels));
  }

  /** The pods that count, or why that cannot be told. */
  #selectorOf(look: Look, text: string): LabelQuery | string {
    const refuse = (reason: string, message: string, shown = message): string => {
      this.#warn(look, reason, message);
      const word = reason === 'SelectorRequired' ? 'InvalidSelector' : reason;
      look.conditions.push({ type: 'ScalingActive', status: 'False', reason: word, message: shown });
      return message;
    };
    if (text === '') {
      return refuse('SelectorRequired', 'selector is required', "the HPA target's scale is missing a selector");
    }
    let selector: LabelQuery;
    try {
      selector = parseLabelSelector(text);
    } catch (error) {
      const why = (error as Error).message;
      const message = `couldn't convert selector into a corresponding internal selector object: ${why}`;
      return refuse('InvalidSelector', message);
    }
    this.#selectors.set(look.key, selector);
    const pods = this.#podsOf(look.namespace, selector).map(({ metadata }) => metadata?.labels);
    const all = this.#selectors.selecting(look.namespace, pods);
    if (all.length <= 1) return selector;
    return refuse('AmbiguousSelector', `pods by selector ${text} are controlled by multiple HPAs: [${all.join(' ')}]`);
  }

  #settle(look: Look, current: number, asked: Asked): { desired: number; reason: string } {
    const { clock, settings } = this.#context;
    const now = clock.now();
    const { desired, reason, conditions, history } = settle({
      autoscaler: autoscalerOf(look.autoscaler),
      current,
      asked,
      history: this.#histories.get(look.key) ?? initialHistory(current, now),
      downWindowMs: settings.autoscaling.downscaleStabilizationMs,
      now,
    });
    this.#histories.set(look.key, history);
    look.conditions.push(...conditions);
    return { desired, reason };
  }

  async #scale(look: Look, found: FoundScale, desired: number, reason: string): Promise<void> {
    const { events, clock, settings, log } = this.#context;
    const current = found.scale.spec?.replicas ?? 0;
    const text = `New size: ${desired}; reason: ${reason}`;
    try {
      await this.#scales.set(found, desired);
    } catch (error) {
      const { message } = error as Error;
      this.#warn(look, 'FailedRescale', `${text}; error: ${message}`);
      const why = `the HPA controller was unable to update the target scale: ${message}`;
      look.conditions.push({ type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message: why });
      await this.#writeStatus(look, current, look.autoscaler.status?.desiredReplicas ?? 0, false);
      throw error;
    }
    const done = `the HPA controller was able to update the target scale to ${desired}`;
    look.conditions.push({ type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message: done });
    events.event(look.autoscaler, 'Normal', 'SuccessfulRescale', text);
    log.info({ autoscaler: look.key, from: current, to: desired, reason }, 'Rescaled');
    const own = autoscalerOf(look.autoscaler);
    look.conditions.push(zeroCondition(own, current, desired));
    const history = this.#histories.get(look.key);
    if (history === undefined) return;
    const { downscaleStabilizationMs } = settings.autoscaling;
    const next = remembered(history, own.behavior, current, desired, downscaleStabilizationMs, clock.now());
    this.#histories.set(look.key, next);
  }

  /** Without numbers only the conditions change: nothing was seen. */
  async #writeStatus(
    { autoscaler, conditions, metrics }: Look,
    currentReplicas: number | undefined,
    desiredReplicas: number | undefined,
    rescaled: boolean,
  ): Promise<void> {
    const { client, clock } = this.#context;
    const now = timestamp(clock.wall());
    const before = autoscaler.status;
    const lastScaleTime = rescaled ? now : before?.lastScaleTime;
    const seen =
      currentReplicas === undefined
        ? { ...before, desiredReplicas: before?.desiredReplicas ?? 0 }
        : {
            currentReplicas,
            desiredReplicas: desiredReplicas ?? 0,
            currentMetrics: metrics,
            ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
          };
    // Without its annotation a forecast is a thing of the past.
    const kept = (before?.conditions ?? []).filter(({ type }) => type !== 'Forecasting' || readsForecast(autoscaler));
    const status = {
      ...seen,
      observedGeneration: autoscaler.metadata?.generation,
      conditions: withConditions(kept, conditions, now),
    } as Status;
    if (semanticallyEqual(status, before)) return;
    try {
      await writeOver(client, autoscaler, status);
    } catch (error) {
      const { message, code } = error as Error & { code?: number };
      // It has gone, and with it whoever would have read this.
      if (code === 404) return;
      this.#context.events.event(autoscaler, 'Warning', 'FailedUpdateStatus', message);
      const name = autoscaler.metadata?.name ?? '';
      throw new Error(`failed to update status for ${name}: ${message}`, { cause: error });
    }
  }

  /** Looks that follow each other quickly must not use up what an object may have of events. */
  #warn({ autoscaler, key }: Look, reason: string, message: string): void {
    const now = this.#context.clock.now();
    const said = this.#said.get(key) ?? new Map<string, number>();
    this.#said.set(key, said);
    const last = said.get(reason);
    if (last !== undefined && now - last < WARNING_PAUSE_MS) return;
    said.set(reason, now);
    this.#context.events.event(autoscaler, 'Warning', reason, message);
  }
}

/**
 * Whoever changed the autoscaler meanwhile did not change what was seen and done: a status that were lost now would
 * forget that the autoscaler itself has taken the last pod.
 */
async function writeOver(client: Client, autoscaler: HorizontalPodAutoscaler, status: Status): Promise<void> {
  const { name = '', namespace } = autoscaler.metadata ?? {};
  let latest = autoscaler;
  for (let attempt = 1; ; attempt++) {
    try {
      await client.update<HorizontalPodAutoscaler>(AUTOSCALERS, { ...latest, status }, { subresource: 'status' });
      return;
    } catch (error) {
      if ((error as { code?: number }).code !== 409 || attempt === ATTEMPTS) throw error;
      latest = await client.get<HorizontalPodAutoscaler>(AUTOSCALERS, name, namespace);
    }
  }
}
