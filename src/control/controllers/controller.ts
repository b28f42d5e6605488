// What a controller is: a name and a way to set it up; the manager does the rest in the same way for all.
// Knows no controller.
import type { Client } from '#kube/client/client.ts';
import type { EventRecorder } from '#kube/client/events.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Requeue, WorkQueue } from '#kube/client/work-queue.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { ControllerSettings } from './settings.ts';

export interface ControllerContext {
  readonly client: Client;
  readonly informers: Informers;
  /** Speaks under the controller's own component name. */
  readonly events: EventRecorder;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly settings: ControllerSettings;
}

/** What `setup` made. Nothing in it runs yet. */
export interface ControllerParts {
  /** Their reconciles run only once every informer below has its first list. */
  readonly queues: readonly WorkQueue[];
  readonly reads: readonly { synced(): Promise<void> }[];
  /** Ends what is neither queue nor informer, such as timers. */
  readonly stop?: () => void;
}

/**
 * A level-triggered control loop: change handlers only add keys to a queue, and a reconcile reads the whole state for its
 * key, compares it with what should be, and writes the difference. Running it once more must change nothing.
 */
export interface Controller {
  readonly name: string;
  /** Component of its events, as upstream names it. */
  readonly component: string;
  setup(context: ControllerContext): ControllerParts;
}

export type ReconcileResult = undefined | Requeue;
