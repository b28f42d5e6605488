// CronJob: makes a Job each time its schedule says so.
// Knows Jobs by their owner and their conditions only. Upstream: pkg/controller/cronjob.
import type { CronJob, CronJobStatus, Job } from 'kubernetes-types/batch/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { BY_CONTROLLER, byController, controllerOf, controllerReference } from '../common/owners.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { heldCondition, isFinished } from '../job/outcome.ts';
import { surplusJobs } from './history.ts';
import { dueAt, jobName, parseSchedule, TOO_MANY, untilNext } from './schedule.ts';

const CRON_JOBS = builtin('CronJob');
const JOBS = builtin('Job');
const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** A timer may fire a little early. */
const SLACK_MS = 100;
/** Timers hold 24 days at most; nobody is harmed by a look each day. */
const MAX_WAIT_MS = 86_400_000;

export const cronJobController: Controller = {
  name: 'cronjob',
  component: 'cronjob-controller',
  setup: (context) => new CronJobController(context).parts(),
};

class CronJobController {
  readonly #context: ControllerContext;
  readonly #cronJobs: Informer<CronJob>;
  readonly #jobs: Informer<Job>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#cronJobs = context.informers.of<CronJob>(CRON_JOBS);
    this.#jobs = context.informers.of<Job>(JOBS);
    this.#jobs.addIndex(BY_CONTROLLER, byController);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('cronjob', (key) => this.#reconcile(key), { clock, log, workers: 5 });
    this.#cronJobs.onChange((key) => queue.add(key));
    this.#jobs.onChange((_key, now, before) => {
      for (const job of [now, before]) {
        const owner = job === undefined ? undefined : controllerOf(job);
        if (owner?.kind === 'CronJob') queue.add(`${job?.metadata?.namespace}/${owner.name}`);
      }
    });
    return { queues: [queue], reads: [this.#cronJobs, this.#jobs] };
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const cronJob = this.#cronJobs.get(key);
    if (cronJob === undefined || cronJob.metadata?.deletionTimestamp !== undefined) return undefined;
    const { client, clock } = this.#context;
    const own = this.#jobs.byIndex(BY_CONTROLLER, cronJob.metadata?.uid ?? '');
    let status = this.#observed(cronJob, own);
    await Promise.all(surplusJobs(cronJob, own).map((job) => this.#delete(cronJob, job)));
    const now = clock.wall();
    const { status: next, waitMs } = await this.#run(cronJob, status, own, now);
    status = next;
    if (!semanticallyEqual(status, cronJob.status ?? {}))
      await client.update<CronJob>(CRON_JOBS, { ...cronJob, status }, { subresource: 'status' });
    return waitMs === undefined ? undefined : { requeueAfterMs: Math.min(waitMs, MAX_WAIT_MS) };
  }

  /** The status as its Jobs are now: those that ended leave the active ones, and are told of once. */
  #observed(cronJob: CronJob, own: readonly Job[]): CronJobStatus {
    const { events } = this.#context;
    const status: CronJobStatus = { ...cronJob.status };
    const before = new Set((status.active ?? []).map(({ uid }) => uid));
    for (const job of own) {
      const complete = heldCondition(job, 'Complete');
      if (!before.has(job.metadata?.uid) || !isFinished(job)) continue;
      const how = complete === undefined ? 'Failed' : 'Complete';
      const text = `Saw completed job: ${job.metadata?.name}, condition: ${how}`;
      events.event(asCronJob(cronJob), 'Normal', 'SawCompletedJob', text);
      const at = job.status?.completionTime;
      if (at !== undefined && String(at) > String(status.lastSuccessfulTime ?? '')) status.lastSuccessfulTime = at;
    }
    const known = new Set(own.map(({ metadata }) => metadata?.uid));
    for (const { name, uid } of status.active ?? []) {
      if (!known.has(uid)) events.event(asCronJob(cronJob), 'Normal', 'MissingJob', `Active job went missing: ${name}`);
    }
    const running = own.filter((job) => !isFinished(job));
    return { ...status, active: running.map(referenceTo) };
  }

  async #run(
    cronJob: CronJob,
    status: CronJobStatus,
    own: readonly Job[],
    now: number,
  ): Promise<{ status: CronJobStatus; waitMs?: number }> {
    const { events } = this.#context;
    const { suspend, concurrencyPolicy, startingDeadlineSeconds } = cronJob.spec ?? {};
    if (suspend === true) return { status };
    const cron = parseSchedule(cronJob);
    if (cron === undefined) {
      const text = `unparseable schedule: "${cronJob.spec?.schedule}" in time zone "${cronJob.spec?.timeZone ?? ''}"`;
      events.event(asCronJob(cronJob), 'Warning', 'UnparseableSchedule', text);
      return { status };
    }
    const due = dueAt(cronJob, cron, now);
    const { time, missed } = due;
    const waitMs = (untilNext(cronJob, cron, due, now) ?? MAX_WAIT_MS) + SLACK_MS;
    if (missed > TOO_MANY) {
      const text = `too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew`;
      events.event(asCronJob(cronJob), 'Warning', 'TooManyMissedTimes', text);
    }
    if (time === undefined) return { status, waitMs };
    if (startingDeadlineSeconds !== undefined && time + startingDeadlineSeconds * 1000 < now) {
      const text = `Missed scheduled time to start a job: ${timestamp(time)}`;
      events.event(asCronJob(cronJob), 'Warning', 'MissSchedule', text);
      return { status, waitMs };
    }
    const running = own.filter((job) => !isFinished(job));
    if (concurrencyPolicy === 'Forbid' && running.length > 0) {
      const text = 'Not starting job because prior execution is running and concurrency policy is Forbid';
      events.event(asCronJob(cronJob), 'Normal', 'JobAlreadyActive', text);
      return { status, waitMs };
    }
    if (concurrencyPolicy === 'Replace') await Promise.all(running.map((job) => this.#delete(cronJob, job)));
    const job = await this.#create(cronJob, time);
    const kept =
      concurrencyPolicy === 'Replace' ? [] : (status.active ?? []).filter(({ uid }) => uid !== job?.metadata?.uid);
    const active = job === undefined || isFinished(job) ? kept : [...kept, referenceTo(job)];
    return { status: { ...status, active, lastScheduleTime: timestamp(time) as never }, waitMs };
  }

  async #create(cronJob: CronJob, time: number): Promise<Job | undefined> {
    const { client, events } = this.#context;
    const { namespace } = cronJob.metadata ?? {};
    const name = jobName(cronJob, time);
    const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
    try {
      const job = await client.create<Job>(JOBS, {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: {
          name,
          namespace,
          ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
          annotations: { ...metadata?.annotations, [SCHEDULED_AT]: timestamp(time) },
          ownerReferences: [controllerReference(CRON_JOBS, cronJob)],
        },
        ...(spec === undefined ? {} : { spec }),
      });
      events.event(asCronJob(cronJob), 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return job;
    } catch (error) {
      // Made before we died, or by another of us: it is the run that was due.
      if (isStatus(error, 409)) return await this.#existing(cronJob, name);
      events.event(asCronJob(cronJob), 'Warning', 'FailedCreate', `Error creating job: ${(error as Error).message}`);
      throw error;
    }
  }

  async #existing(cronJob: CronJob, name: string): Promise<Job | undefined> {
    const job = await this.#context.client.get<Job>(JOBS, name, cronJob.metadata?.namespace);
    return controllerOf(job)?.uid === cronJob.metadata?.uid ? job : undefined;
  }

  async #delete(cronJob: CronJob, job: Job): Promise<void> {
    const { client, events } = this.#context;
    const { name = '', namespace, uid = '' } = job.metadata ?? {};
    try {
      await client.delete(JOBS, name, namespace, { propagationPolicy: 'Background', preconditions: { uid } });
      events.event(asCronJob(cronJob), 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  }
}

function referenceTo(job: Job) {
  const [, name] = objectKey(job).split('/');
  const { namespace, uid, resourceVersion } = job.metadata ?? {};
  return { apiVersion: 'batch/v1', kind: 'Job', name, namespace, uid, resourceVersion };
}

function asCronJob(cronJob: CronJob): CronJob {
  return { ...cronJob, apiVersion: 'batch/v1', kind: 'CronJob' };
}
