// HorizontalPodAutoscaler: as many pods as what is measured asks for.
// Knows when an autoscaler is looked at; what then happens is in sync.ts. (Upstream: pkg/controller/podautoscaler.)
import type { HorizontalPodAutoscaler, MetricSpec } from 'kubernetes-types/autoscaling/v2.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { createWorkQueue, type Requeue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import type { Controller } from '../controller.ts';
import { Sync } from './sync.ts';

export const hpaController: Controller = {
  name: 'hpa',
  component: 'horizontal-pod-autoscaler',
  setup(context) {
    const { clock, log, informers, settings } = context;
    const { syncPeriodMs, workers } = settings.autoscaling;
    const autoscalers = informers.of<HorizontalPodAutoscaler>(builtin('HorizontalPodAutoscaler'));
    const pods = informers.of<Pod>(builtin('Pod'));
    const sync = new Sync(context, pods);
    const reconcile = async (key: string): Promise<Requeue | undefined> => {
      const autoscaler = autoscalers.get(key);
      if (autoscaler === undefined || autoscaler.metadata?.deletionTimestamp !== undefined) {
        sync.forget(key);
        return undefined;
      }
      try {
        await sync.run(key, autoscaler);
      } catch (error) {
        // What cannot be measured or written now is tried again at the next look, and no sooner.
        log.debug({ autoscaler: key, error: (error as Error).message }, 'An autoscaler cannot do its work');
      }
      return { requeueAfterMs: syncPeriodMs };
    };
    const queue = createWorkQueue('hpa', reconcile, { clock, log, workers });
    // Its own status changes all the time; only what people write is worth a look before its time.
    autoscalers.onChange((key, now, before) => {
      if (now === undefined || before === undefined || !semanticallyEqual(now.spec, before.spec)) queue.add(key);
    });
    settings.onAwaited?.((namespace, service) => {
      for (const { metadata, spec } of autoscalers.list(namespace)) {
        if (spec?.metrics?.some((metric) => measures(metric, service))) queue.add(`${namespace}/${metadata?.name}`);
      }
    });
    return { queues: [queue], reads: [autoscalers, pods] };
  },
};

/** By its name, or by an external metric, which may be that of any Service. */
function measures({ object, external }: MetricSpec, service: string): boolean {
  const { kind, name } = object?.describedObject ?? {};
  return (kind === 'Service' && name === service) || external !== undefined;
}
