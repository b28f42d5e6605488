// Deletes Jobs some time after they are over, where `ttlSecondsAfterFinished` says so.
// Runs no pod. Upstream: pkg/controller/ttlafterfinished.
import type { Job } from 'kubernetes-types/batch/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import type { Controller, ReconcileResult } from '../controller.ts';
import { heldCondition } from '../job/outcome.ts';

const JOBS = builtin('Job');

export const ttlAfterFinishedController: Controller = {
  name: 'ttl-after-finished',
  component: 'ttl-after-finished-controller',
  setup({ client, informers, clock, log }) {
    const jobs = informers.of<Job>(JOBS);
    const reconcile = async (key: string): Promise<ReconcileResult> => {
      const job = jobs.get(key);
      if (job === undefined || job.metadata?.deletionTimestamp !== undefined) return undefined;
      const left = timeLeft(job, clock.wall());
      if (left === undefined) return undefined;
      if (left > 0) return { requeueAfterMs: left };
      const { name = '', namespace, uid = '', resourceVersion = '' } = job.metadata ?? {};
      try {
        // Somebody may have given it more time meanwhile.
        const preconditions = { uid, resourceVersion };
        await client.delete(JOBS, name, namespace, { propagationPolicy: 'Foreground', preconditions });
      } catch (error) {
        if (!isStatus(error, 404)) throw error;
      }
      return undefined;
    };
    const queue = createWorkQueue('ttl-after-finished', reconcile, { clock, log });
    jobs.onChange((key) => queue.add(key));
    return { queues: [queue], reads: [jobs] };
  },
};

/** Milliseconds that a Job has left; undefined while it runs, or when it may stay. */
export function timeLeft(job: Job, now: number): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  const ended = heldCondition(job, 'Complete') ?? heldCondition(job, 'Failed');
  if (seconds === undefined || ended === undefined) return undefined;
  return Date.parse(String(ended.lastTransitionTime)) + seconds * 1000 - now;
}
