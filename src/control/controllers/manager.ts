// Starts the controllers: one list, one order, and the same treatment for each.
// Knows nothing of what they do.
import type { Client } from '#kube/client/client.ts';
import { createEventRecorder } from '#kube/client/events.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { certificatesController } from './certificates/index.ts';
import type { Controller } from './controller.ts';
import { cronJobController } from './cronjob/index.ts';
import { daemonSetController } from './daemonset/index.ts';
import { deploymentController } from './deployment/index.ts';
import { disruptionController } from './disruption/index.ts';
import { endpointsController } from './endpoints/index.ts';
import { endpointSliceController } from './endpointslice/index.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring/index.ts';
import { garbageCollector } from './garbage-collector/index.ts';
import { hpaController } from './hpa/index.ts';
import { ipamController } from './ipam/index.ts';
import { jobController } from './job/index.ts';
import { namespaceController } from './namespace/index.ts';
import { nodeIpamController } from './node-ipam/index.ts';
import { nodeLifecycleController } from './node-lifecycle/index.ts';
import { persistentVolumeController } from './persistent-volume/index.ts';
import { podGarbageCollector } from './pod-gc/index.ts';
import { replicaSetController } from './replicaset/index.ts';
import { schedulerController } from './scheduler/index.ts';
import { serviceCidrController } from './service-cidr/index.ts';
import { type ControllerSettings, defaultSettings } from './settings.ts';
import { statefulSetController } from './statefulset/index.ts';
import { taintEvictionController } from './taint-eviction/index.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/index.ts';

/**
 * In start order. They meet only through the API, so the order decides nothing but who is ready first after a start:
 * what others need in order to work comes before what they produce.
 */
export const controllers: readonly Controller[] = [
  // What goes with a namespace that is going must not be filled again.
  namespaceController,
  // A node that has no range for its pods yet can run none.
  nodeIpamController,
  // A range of Services may not go before it is held.
  serviceCidrController,
  // Nodes that are lost are known before pods are sent to them.
  nodeLifecycleController,
  taintEvictionController,
  // Pods are made from the top down.
  deploymentController,
  replicaSetController,
  statefulSetController,
  daemonSetController,
  // A pod that has its volume can start at once.
  persistentVolumeController,
  cronJobController,
  jobController,
  schedulerController,
  // Endpoints come last, out of pods that run.
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  // A Service has its address before anyone asks for it by that.
  ipamController,
  // Evictions are refused until the budgets are counted.
  disruptionController,
  // A node that asks for its certificate can say nothing before it has it, but comes back.
  certificatesController,
  // Sizes follow what is measured of pods that run.
  hpaController,
  // Cleaning up is in no hurry; and it must have seen every owner before it calls anything ownerless.
  garbageCollector,
  ttlAfterFinishedController,
  podGarbageCollector,
];

export interface ControllersOptions {
  readonly client: Client;
  /** Shared with the rest of the process; it is started here if it was not, and not stopped here. */
  readonly informers: Informers;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random?: () => number;
  /** Times and rates that differ from upstream's. */
  readonly settings?: Partial<ControllerSettings>;
  /** Names of the controllers to run; default all. Throws on a name that does not exist. */
  readonly only?: readonly string[];
}

export interface RunningControllers {
  /** Resolves once every running reconcile is done and the events are written. */
  stop(): Promise<void>;
}

/** Resolves once every controller has read its first lists and its queues run. */
export async function startControllers(options: ControllersOptions): Promise<RunningControllers> {
  const { client, informers, log, clock, random = Math.random } = options;
  const chosen = choose(options.only);
  const recorder = createEventRecorder(client, { component: 'evenkeel-controllers', clock, log, random });
  const settings = { ...defaultSettings, ...options.settings };
  const running = chosen.map((controller) => {
    const own = { events: recorder.as(controller.component), log: log.child({ controller: controller.name }) };
    return controller.setup({ client, informers, clock, random, settings, ...own });
  });
  informers.start();
  // Each begins as soon as it has what it reads: nobody waits for the many lists of the garbage collector.
  await Promise.all(
    running.map(async ({ reads, queues }) => {
      await Promise.all(reads.map((informer) => informer.synced()));
      for (const queue of queues) queue.start();
    }),
  );
  log.info({ controllers: chosen.map((controller) => controller.name) }, 'Controllers started');

  return {
    async stop() {
      for (const parts of [...running].reverse()) {
        parts.stop?.();
        await Promise.all(parts.queues.map((queue) => queue.stop()));
      }
      await recorder.flush();
    },
  };
}

function choose(only: readonly string[] | undefined): readonly Controller[] {
  if (only === undefined) return controllers;
  const unknown = only.find((name) => !controllers.some((controller) => controller.name === name));
  if (unknown !== undefined) {
    const known = controllers.map((controller) => controller.name).join(', ');
    throw new Error(`No controller is named "${unknown}"; there are: ${known}`);
  }
  return controllers.filter((controller) => only.includes(controller.name));
}
