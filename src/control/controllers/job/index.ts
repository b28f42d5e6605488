// Job: runs pods until enough of them have succeeded, and counts every one exactly once.
// The decisions are in the pure files beside it. Upstream: pkg/controller/job.
import type { Job, JobStatus } from 'kubernetes-types/batch/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { Expectations } from '../common/expectations.ts';
import { BY_CONTROLLER, byController, claim, controllerOf, orphanKey } from '../common/owners.ts';
import { isPodReady } from '../common/pods.ts';
import { slowStart } from '../common/slow-start.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { type Moves, movesOf } from './manage.ts';
import { completion, deadlineLeft, isFinished, type Outcome, outcomeOf } from './outcome.ts';
import { podOf, TRACKING } from './template.ts';
import { book, conclude, setCondition, settle } from './tracking.ts';
import { isSuspended, type JobView, viewOf } from './view.ts';

const JOBS = builtin('Job');
const PODS = builtin('Pod');
const OURS = 'kubernetes.io/job-controller';

export const jobController: Controller = {
  name: 'job',
  component: 'job-controller',
  setup: (context) => new JobController(context).parts(),
};

class JobController {
  readonly #context: ControllerContext;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  /** Uids of pods whose finalizer we took off, until our copy shows it. */
  readonly #released = new Set<string>();
  /** By uid, the version of the last status written: an older copy would count again what is counted. */
  readonly #written = new Map<string, bigint>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#jobs = context.informers.of<Job>(JOBS);
    this.#pods = context.informers.of<Pod>(PODS);
    this.#pods.addIndex(BY_CONTROLLER, byController);
    this.#expectations = new Expectations(context.clock);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('job', (key) => this.#reconcile(key), { clock, log, workers: 5 });
    const orphans = createWorkQueue('job-orphans', (key) => this.#releaseOrphan(key), { clock, log });
    this.#jobs.onChange((key, now, before) => {
      if (now === undefined || (before !== undefined && before.metadata?.uid !== now.metadata?.uid)) {
        this.#expectations.forget(key);
        this.#written.delete(before?.metadata?.uid ?? '');
        for (const pod of this.#pods.byIndex(BY_CONTROLLER, before?.metadata?.uid ?? '')) orphans.add(objectKey(pod));
      }
      queue.add(key);
    });
    this.#pods.onChange((podKey, now, before) => {
      if (now?.metadata?.finalizers?.includes(TRACKING) !== true)
        this.#released.delete((now ?? before)?.metadata?.uid ?? '');
      const going = now === undefined || now.metadata?.deletionTimestamp !== undefined;
      for (const pod of new Set([before, now])) {
        const owner = pod === undefined ? undefined : controllerOf(pod);
        if (owner?.kind !== 'Job') {
          if (pod !== now || pod === undefined) continue;
          if (pod.metadata?.finalizers?.includes(TRACKING) === true) orphans.add(podKey);
          for (const job of this.#adopters(pod)) queue.add(objectKey(job));
          continue;
        }
        const key = `${pod?.metadata?.namespace}/${owner.name}`;
        if (going) this.#expectations.deleted(key, podKey);
        else if (before === undefined) this.#expectations.created(key);
        queue.add(key);
        orphans.add(podKey);
      }
    });
    return { queues: [queue, orphans], reads: [this.#jobs, this.#pods] };
  }

  /** Jobs that would take a pod which nobody controls. */
  #adopters(pod: Pod): Job[] {
    if (controllerOf(pod) !== undefined) return [];
    return this.#jobs
      .list(pod.metadata?.namespace)
      .filter((job) => isOurs(job) && !isFinished(job))
      .filter((job) => labelSelectorMatches(job.spec?.selector, pod.metadata?.labels ?? {}));
  }

  #claim(job: Job): Promise<Pod[]> {
    const { uid = '', namespace } = job.metadata ?? {};
    const candidates = [uid, orphanKey(namespace)].flatMap((owner) => this.#pods.byIndex(BY_CONTROLLER, owner));
    const { client } = this.#context;
    const selector = job.spec?.selector;
    return claim({ client, ownerRef: JOBS, owner: job, selector, dependentRef: PODS, candidates, finalizer: TRACKING });
  }

  /** A pod of a Job that is gone or over is counted by nobody any more. */
  async #releaseOrphan(key: string): Promise<void> {
    const pod = this.#pods.get(key);
    if (pod?.metadata?.finalizers?.includes(TRACKING) !== true) return;
    const owner = controllerOf(pod);
    const job = owner?.kind === 'Job' ? this.#jobs.get(`${pod.metadata?.namespace}/${owner.name}`) : undefined;
    if (job !== undefined && job.metadata?.uid === owner?.uid) {
      if (!isOurs(job) || !isFinished(job)) return;
    } else if (owner?.kind === 'Job' && (await this.#exists(pod, owner.name, owner.uid))) return;
    // It will be counted after all.
    if (this.#adopters(pod).length > 0) return;
    await this.#release(pod);
  }

  /** The pod may have been shown to us before its Job. */
  async #exists(pod: Pod, name: string, uid: string): Promise<boolean> {
    try {
      const live = await this.#context.client.get<Job>(JOBS, name, pod.metadata?.namespace);
      return live.metadata?.uid === uid;
    } catch (error) {
      if (isStatus(error, 404)) return false;
      throw error;
    }
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const job = this.#jobs.get(key);
    if (job === undefined) {
      this.#expectations.forget(key);
      return undefined;
    }
    const { uid = '', resourceVersion = '0', deletionTimestamp } = job.metadata ?? {};
    if (!isOurs(job) || isFinished(job) || BigInt(resourceVersion) < (this.#written.get(uid) ?? 0n)) return undefined;
    const { clock, events } = this.#context;
    const now = clock.wall();
    const stamp = timestamp(now);
    const trusted = this.#expectations.satisfied(key);
    const view = viewOf(job, await this.#claim(job), this.#released);
    let status: JobStatus = { ...job.status };
    if (status.startTime === undefined && !isSuspended(job)) status.startTime = stamp as never;

    let outcome = outcomeOf(view, now);
    let moved: Moved = { created: 0, removed: [] };
    let waitMs: number | undefined;
    if (outcome !== undefined) {
      moved = await this.#remove(key, job, view.active, false);
      // As long as anything may run that we do not see, the Job is not over.
      if (moved.error !== undefined || !trusted) outcome = undefined;
    } else if (trusted && deletionTimestamp === undefined) {
      const moves = movesOf(view, now);
      waitMs = moves.waitMs;
      moved = await this.#move(key, job, moves);
      outcome = completion(view, view.active.length - moved.removed.length + moved.created);
      if (outcome === undefined) status = this.#suspension(job, status, stamp);
    }
    status = { ...status, ...counts(view, moved) };
    if (outcome !== undefined) status = setCondition(status, outcome.type, true, outcome, stamp);
    const booked = book(view, status, outcome);
    // The books first: a pod that is let go before it stands in the status would be lost if we died now.
    let current = await this.#write(job, booked.status);
    const { kept, error } = await this.#releaseAll(booked.release);
    const tracked = new Set(view.pods.filter(view.isTracked).map((pod) => pod.metadata?.uid ?? ''));
    for (const pod of booked.release) if (!kept.has(pod)) tracked.delete(pod.metadata?.uid ?? '');
    let final = settle(current.status ?? {}, tracked);
    if (outcome !== undefined && booked.all) final = conclude(job, final, outcome, stamp);
    current = await this.#write(current, final);
    if (isFinished(current) && outcome !== undefined) tell(events, current, outcome);
    if (error !== undefined) throw error;
    if (moved.error !== undefined) throw moved.error;
    return next(waitMs, deadlineLeft(current, now));
  }

  #suspension(job: Job, status: JobStatus, stamp: string): JobStatus {
    const { events } = this.#context;
    const suspended = isSuspended(job);
    const why = suspended
      ? { reason: 'JobSuspended', message: 'Job suspended' }
      : { reason: 'JobResumed', message: 'Job resumed' };
    const changed = setCondition(status, 'Suspended', suspended, why, stamp);
    if (changed === status) return status;
    events.event(asJob(job), 'Normal', suspended ? 'Suspended' : 'Resumed', why.message);
    // The deadline counts the time in which the Job may run.
    return suspended ? changed : { ...changed, startTime: stamp as never };
  }

  async #move(key: string, job: Job, moves: Moves): Promise<Moved> {
    if (moves.remove.length > 0) return this.#remove(key, job, moves.remove, true);
    const { client, events } = this.#context;
    if (moves.create.length === 0) return { created: 0, removed: [] };
    this.#expectations.expect(key, moves.create.length);
    const { succeeded, error } = await slowStart(moves.create.length, async (at) => {
      const { index, failures } = moves.create[at] ?? {};
      const created = await client.create<Pod>(PODS, podOf(job, index, failures));
      events.event(asJob(job), 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
    });
    this.#expectations.created(key, moves.create.length - succeeded);
    if (error === undefined) return { created: succeeded, removed: [] };
    if (isStatus(error, 403) && error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating'))
      return { created: succeeded, removed: [] };
    events.event(asJob(job), 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
    return { created: succeeded, removed: [], error };
  }

  /** `uncounted` lets the pods go first: whom we end ourselves is no failure. */
  async #remove(key: string, job: Job, pods: readonly Pod[], uncounted: boolean): Promise<Moved> {
    if (pods.length === 0) return { created: 0, removed: [] };
    const { client, events } = this.#context;
    this.#expectations.expect(key, 0, pods.map(objectKey));
    const removed: Pod[] = [];
    let failure: unknown;
    await Promise.all(
      pods.map(async (pod) => {
        const { name = '', namespace, uid = '' } = pod.metadata ?? {};
        try {
          if (uncounted) await this.#release(pod);
          await client.delete(PODS, name, namespace, { preconditions: { uid } });
          events.event(asJob(job), 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
          removed.push(pod);
        } catch (error) {
          this.#expectations.deleted(key, objectKey(pod));
          if (isStatus(error, 404) || isStatus(error, 409)) removed.push(pod);
          else {
            events.event(asJob(job), 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
            failure = error;
          }
        }
      }),
    );
    return { created: 0, removed, ...(failure === undefined ? {} : { error: failure }) };
  }

  async #releaseAll(pods: readonly Pod[]): Promise<{ kept: ReadonlySet<Pod>; error?: unknown }> {
    const outcomes = await Promise.allSettled(pods.map((pod) => this.#release(pod)));
    const kept = new Set(pods.filter((_, index) => outcomes[index]?.status === 'rejected'));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    return failed === undefined ? { kept } : { kept, error: failed.reason };
  }

  async #release(pod: Pod): Promise<void> {
    const { name = '', namespace, uid = '' } = pod.metadata ?? {};
    const metadata = { uid, '$deleteFromPrimitiveList/finalizers': [TRACKING] };
    try {
      await this.#context.client.patch<Pod>(PODS, name, namespace, 'strategic', { metadata });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
    // Our copy may have learned of it already, and then nobody would take it out again.
    if (this.#pods.get(objectKey(pod))?.metadata?.finalizers?.includes(TRACKING) === true) this.#released.add(uid);
  }

  async #write(job: Job, status: JobStatus): Promise<Job> {
    if (semanticallyEqual(status, job.status ?? {})) return job;
    const updated = await this.#context.client.update<Job>(JOBS, { ...job, status }, { subresource: 'status' });
    const { uid = '', resourceVersion = '0' } = updated.metadata ?? {};
    this.#written.set(uid, BigInt(resourceVersion));
    return updated;
  }
}

interface Moved {
  readonly created: number;
  readonly removed: readonly Pod[];
  readonly error?: unknown;
}

function counts(view: JobView, { created, removed }: Moved): Partial<JobStatus> {
  const staying = view.active.filter((pod) => !removed.includes(pod));
  return {
    active: staying.length + created,
    ready: staying.filter(isPodReady).length,
    terminating: view.terminating.length + removed.length,
  };
}

function isOurs(job: Job): boolean {
  return (job.spec?.managedBy ?? OURS) === OURS;
}

function asJob(job: Job): Job {
  return { ...job, apiVersion: 'batch/v1', kind: 'Job' };
}

function tell(events: ControllerContext['events'], job: Job, { type, reason, message }: Outcome): void {
  if (type === 'FailureTarget') events.event(asJob(job), 'Warning', reason, message);
  else events.event(asJob(job), 'Normal', 'Completed', 'Job completed');
}

function next(...delays: readonly (number | undefined)[]): ReconcileResult {
  const due = delays.filter((delay) => delay !== undefined && delay > 0) as number[];
  return due.length === 0 ? undefined : { requeueAfterMs: Math.min(...due) };
}
