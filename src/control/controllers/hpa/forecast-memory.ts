// All forecasts of this controller, and what they have learned: kept in a ConfigMap each, so that a restart costs nothing.
// Knows the API; what is learned, forecasts.ts and control/autoscale know.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import type { ForecastState, Situation } from '#control/autoscale/index.ts';
import { builtin } from '#kube/api/resources.ts';
import type { ControllerContext } from '../controller.ts';
import { FORECAST_ANNOTATION, type Foreseen, invalid, type Measured, OwnForecast, readWish } from './forecasts.ts';

const CONFIG_MAPS = builtin('ConfigMap');
const KEY = 'forecast.json';
const SAVE_EVERY_MS = 5 * 60_000;

interface Kept {
  readonly text: string;
  readonly forecast: OwnForecast;
  savedAt: number;
}

export class Forecasts {
  readonly #context: Pick<ControllerContext, 'client' | 'clock' | 'log'>;
  /** By key of the autoscaler. */
  readonly #all = new Map<string, Kept>();

  constructor(context: Pick<ControllerContext, 'client' | 'clock' | 'log'>) {
    this.#context = context;
  }

  forget(key: string): void {
    this.#all.delete(key);
  }

  /** Undefined where no forecast is wanted. Never rejects: a forecast is worth less than what is measured. */
  async look(
    key: string,
    autoscaler: HorizontalPodAutoscaler,
    measured: readonly Measured[],
    situation: Situation,
  ): Promise<Foreseen | undefined> {
    const text = autoscaler.metadata?.annotations?.[FORECAST_ANNOTATION];
    let kept = this.#all.get(key);
    if (kept === undefined || kept.text !== text) {
      this.#all.delete(key);
      try {
        const wish = readWish(text);
        if (wish === undefined || text === undefined) return undefined;
        kept = { text, forecast: new OwnForecast(wish), savedAt: this.#context.clock.now() };
      } catch (error) {
        return invalid(error as Error);
      }
      await this.#restore(autoscaler, kept.forecast);
      this.#all.set(key, kept);
    }
    const foreseen = kept.forecast.look(measured, situation, this.#context.clock.wall());
    const now = this.#context.clock.now();
    if (now - kept.savedAt >= SAVE_EVERY_MS) {
      kept.savedAt = now;
      await this.#save(autoscaler, kept.forecast);
    }
    return foreseen;
  }

  async #restore(autoscaler: HorizontalPodAutoscaler, { forecaster }: OwnForecast): Promise<void> {
    const { namespace } = autoscaler.metadata ?? {};
    try {
      const found = await this.#context.client.get<ConfigMap>(CONFIG_MAPS, nameFor(autoscaler), namespace);
      // Of an autoscaler that had the same name before, or damaged by hand: then it learns anew.
      if (!isOf(found, autoscaler)) return;
      forecaster.restore(JSON.parse(found.data?.[KEY] ?? '') as ForecastState);
    } catch (error) {
      if ((error as { code?: number }).code === 404) return;
      const message = (error as Error).message;
      this.#context.log.warn({ autoscaler: nameFor(autoscaler), error: message }, 'A forecast begins anew');
    }
  }

  async #save(autoscaler: HorizontalPodAutoscaler, { forecaster }: OwnForecast): Promise<void> {
    const { client, log } = this.#context;
    const { namespace, name = '', uid = '' } = autoscaler.metadata ?? {};
    const data = { [KEY]: JSON.stringify(forecaster.state()) };
    const owner = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name, uid, controller: true };
    const metadata = { name: nameFor(autoscaler), namespace: namespace ?? '', ownerReferences: [owner] };
    try {
      const found = await client
        .get<ConfigMap>(CONFIG_MAPS, metadata.name, namespace)
        .catch((error: { code?: number }) => (error.code === 404 ? undefined : Promise.reject(error)));
      const wanted = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as const;
      if (found === undefined) await client.create<ConfigMap>(CONFIG_MAPS, wanted);
      // Somebody else's object of that name is theirs.
      else if (isOf(found, autoscaler)) await client.update<ConfigMap>(CONFIG_MAPS, { ...found, data });
    } catch (error) {
      log.warn({ autoscaler: metadata.name, error: (error as Error).message }, 'A forecast could not be stored');
    }
  }
}

function nameFor({ metadata }: HorizontalPodAutoscaler): string {
  return `${metadata?.name ?? ''}-forecast`;
}

function isOf({ metadata }: ConfigMap, autoscaler: HorizontalPodAutoscaler): boolean {
  return metadata?.ownerReferences?.some(({ uid }) => uid === autoscaler.metadata?.uid) === true;
}
