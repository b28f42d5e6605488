// `up` from start to end: cluster, manifests, rollouts, addresses; then it stands until a signal ends it.
// Knows the order of what a person sees; how it is shown is the Progress's business.
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import type { AutoscalingSettings } from '#control/controllers/settings.ts';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { Gateway } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { delay } from '#lib/backoff.ts';
import { systemClock } from '#lib/clock.ts';
import type { Reporting } from '#telemetry/reporting.ts';
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import type { UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import { Failure, UsageFailure } from '../failure.ts';
import type { AccessSettings } from '../main/api.ts';
import { asFailure } from '../main/as-failure.ts';
import { type Cluster, type Milestone, startCluster } from '../main/cluster.ts';
import { createDataDir, type DataDir } from '../main/data-dir.ts';
import { openLog } from '../main/file-log.ts';
import type { Images } from '../main/images-file.ts';
import type { Network } from '../main/network.ts';
import type { NodeOptions } from '../main/node-host.ts';
import type { NodeLife } from '../main/node-life.ts';
import type { Ports } from '../main/ports.ts';
import { applyManifests } from '../manifests/apply.ts';
import { effectNotes } from '../manifests/effect-notes.ts';
import { formatProblem } from '../manifests/format.ts';
import { type Manifests, readManifests } from '../manifests/read.ts';
import type { PrometheusSource } from '../measures/prometheus/open-prometheus.ts';
import { addressLines, hostsOf } from './addresses.ts';
import { rememberMode } from './choose-network.ts';
import { gatewayLines } from './gateway-lines.ts';
import type { Progress } from './progress.ts';
import { readinessRules } from './readiness.ts';
import { unservedLines } from './unserved.ts';
import { readyTasks } from './wait-ready.ts';

export interface UpOptions extends Reporting {
  readonly paths: readonly string[];
  readonly recursive: boolean;
  readonly projectFile?: string;
  readonly data: DataDir;
  readonly ports: Ports;
  readonly network: Network;
  /** Left out: the resolvers of the machine. */
  readonly dnsUpstreams?: readonly UpstreamAddress[];
  readonly dnsStubs?: readonly StubDomain[];
  readonly dnsAutopath?: boolean;
  readonly nodes: NodeOptions;
  readonly workers: number;
  readonly nodeLife: NodeLife;
  readonly access: AccessSettings;
  readonly autoscaling: AutoscalingSettings;
  /** Custom and external metrics from there, too. */
  readonly prometheus?: PrometheusSource;
  readonly verbose: boolean;
  /** Said on the command line, over what the manifests' evenkeel.yaml says. */
  readonly imagesOnTop: Images;
  readonly stubImages: boolean;
  /** Container engine for images that are not mapped. */
  readonly engine?: string;
  /** Most processes and threads of a pod. */
  readonly podMaxPids: number;
  /** Longest wait for a workload to be ready, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends everything, in order. */
  readonly signal: AbortSignal;
  /** All is applied and ready, or has been given up; `clean` is false when something was not. */
  readonly onUp: (clean: boolean) => void;
}

/** How long an object that is just being applied has when all is taken down, in milliseconds. */
const APPLY_END_MS = 2_000;

/** When this process began: containers that run since before are none of this run's. */
const startedAt = Date.now() - process.uptime() * 1000;

/** In the order of the list. */
function milestonesOf(network: Network): { name: Milestone; title: string }[] {
  return [
    { name: 'api', title: 'API server' },
    { name: 'gateway', title: 'Gateway' },
    ...network.nodes.map(({ name }) => ({ name: `node:${name}` as const, title: 'Node' })),
  ];
}

/**
 * Resolves once everything has been taken down again; `false` when a document or a workload failed on the way. Throws a
 * `Failure` when it was stopped before all was up.
 */
export async function runUp(options: UpOptions, progress: Progress): Promise<boolean> {
  const manifests = await readManifests(options.paths, {
    recursive: options.recursive,
    ...(options.projectFile === undefined ? {} : { projectFile: options.projectFile }),
  });
  createDataDir(options.data);
  rememberMode(options.data, options.network);
  const log = await openLog({ file: options.data.logFile, verbose: options.verbose });
  const stop = Promise.withResolvers<Error | undefined>();
  const ended = new AbortController();
  const end = (error?: Error): void => {
    stop.resolve(error);
    ended.abort(new Failure('Stopped', 'Start it again to go on'));
  };
  options.signal.addEventListener('abort', () => end());
  if (options.signal.aborted) end();
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.error({ error, event }, 'A part of Evenkeel failed');
      end(asFailure(error, options.data.logFile));
    });
  }
  let cluster: Cluster | undefined;
  try {
    const heard = untilAborted(progress, ended.signal);
    cluster = await startWithProgress(options, manifests, heard, log, ended.signal, end);
    const bringUp = applyAndWait(options, manifests, cluster, heard, ended.signal);
    // Objects are applied one by one: what is under way is given the time to end, unless the server is what failed.
    const clean = await Promise.race([
      bringUp,
      stop.promise.then(() => delay(systemClock, APPLY_END_MS)).then(() => false),
    ]);
    const whole = !ended.signal.aborted;
    if (whole) options.onUp(clean);
    const error = await stop.promise;
    if (error !== undefined) throw error;
    if (!whole) throw stoppedEarly();
    progress.line('Stopping');
    return clean;
  } catch (thrown) {
    // What a part says that was stopped in its middle is not why it ended.
    const error = ended.signal.aborted ? ((await stop.promise) ?? stoppedEarly()) : thrown;
    log.error({ error }, 'Ended before all was up, or with a failure');
    throw error instanceof UsageFailure ? error : asFailure(error, options.data.logFile);
  } finally {
    await cluster?.stop();
    log.flush();
  }
}

function stoppedEarly(): Failure {
  return new Failure(
    'Stopped before everything was up',
    'What had been applied is stored: start again with the same command to go on',
  );
}

/** Says nothing any more once all is being taken down: what fails then fails because of that. */
function untilAborted(progress: Progress, signal: AbortSignal): Progress {
  const unless = (say: (text: string) => void) => (text: string) => {
    if (!signal.aborted) say(text);
  };
  return {
    phase: (tasks) => progress.phase(tasks),
    line: unless((text) => progress.line(text)),
    warning: unless((text) => progress.warning(text)),
  };
}

async function startWithProgress(
  options: UpOptions,
  manifests: Manifests,
  progress: Progress,
  log: Awaited<ReturnType<typeof openLog>>,
  signal: AbortSignal,
  onFatal: (error: Error) => void,
): Promise<Cluster> {
  const milestones = milestonesOf(options.network).map((one) => ({ ...one, ...Promise.withResolvers<string>() }));
  const shown = progress.phase(milestones.map(({ title, promise }) => ({ title, run: () => promise })));
  // Told below, with the cluster's own error.
  shown.catch(() => {});
  try {
    const cluster = await startCluster({
      data: options.data,
      ports: options.ports,
      network: options.network,
      ...(options.dnsUpstreams === undefined ? {} : { dnsUpstreams: options.dnsUpstreams }),
      ...(options.dnsStubs === undefined ? {} : { dnsStubs: options.dnsStubs }),
      dnsAutopath: options.dnsAutopath === true,
      workers: options.workers,
      nodeLife: options.nodeLife,
      access: options.access,
      autoscaling: options.autoscaling,
      ...(options.prometheus && { prometheus: options.prometheus }),
      images: { ...manifests.images, ...options.imagesOnTop },
      stubImages: options.stubImages,
      ...(options.engine === undefined ? {} : { engine: options.engine }),
      podMaxPids: options.podMaxPids,
      nodes: options.nodes,
      onNodeTrouble: (text) => progress.warning(text),
      log,
      clock: systemClock,
      onMilestone: (reached, detail) => milestones.find(({ name }) => name === reached)?.resolve(detail),
      signal,
      onFatal,
      ...(options.accessLog && { accessLog: options.accessLog }),
      ...(options.traces && { traces: options.traces }),
    });
    await shown;
    return cluster;
  } catch (error) {
    for (const { resolve, reject } of milestones) {
      if (signal.aborted) resolve('');
      else reject(error);
    }
    await shown.catch(() => {});
    throw error;
  }
}

/** Applies what can be applied, waits for its workloads, and says where everything is. */
async function applyAndWait(
  options: UpOptions,
  manifests: Manifests,
  cluster: Cluster,
  progress: Progress,
  signal: AbortSignal,
): Promise<boolean> {
  let clean = manifests.problems.length === 0;
  for (const problem of manifests.problems) progress.warning(formatProblem(problem));
  for (const note of effectNotes(manifests.objects)) progress.warning(note);
  const applied = await applyManifests(manifests.objects, {
    client: cluster.client,
    namespace: 'default',
    // The files are what the user asks for: fields that kubectl changed since then go back to what they say.
    force: true,
    signal,
    onApplied: (result) => {
      if (result.outcome !== 'failed') progress.line(`${result.name} ${result.outcome}`);
      else for (const problem of result.problems) progress.warning(formatProblem(problem));
    },
  });
  if (signal.aborted) return false;
  clean &&= applied.every(({ outcome }) => outcome !== 'failed');
  const workloads =
    options.paths.length === 0
      ? await storedWorkloads(cluster)
      : applied.flatMap((result) =>
          result.outcome !== 'failed' && result.resource.kind in readinessRules
            ? [{ ...result.object, kind: result.resource.kind }]
            : [],
        );
  if (options.paths.length === 0 && workloads.length === 0) {
    progress.line('No workload is stored yet: bring manifests in with "evenkeel apply" or kubectl');
  }
  const failures: Failure[] = [];
  const tasks = readyTasks(workloads, {
    client: cluster.client,
    informers: cluster.informers,
    clock: systemClock,
    timeoutMs: options.timeoutMs,
    since: startedAt,
    signal,
    onFailure: (failure) => failures.push(failure),
  });
  try {
    if (tasks.length > 0) await progress.phase(tasks);
  } catch (error) {
    clean = false;
    if (failures.length === 0) failures.push(asFailure(error, options.data.logFile));
  }
  for (const { message, remedy } of failures) progress.warning(`${message}. ${remedy}.`);
  if (signal.aborted) return clean;
  const ingresses = cluster.informers.of<Ingress & KubeObject>(builtin('Ingress'));
  await ingresses.synced();
  for (const line of unservedLines(await cluster.unserved())) progress.warning(line);
  progress.line('');
  for (const line of gatewayLines(await gatewaysOf(cluster))) progress.line(line);
  for (const line of addressLines(hostsOf(ingresses.list()), cluster, options.data)) progress.line(line);
  return clean;
}

/** Read once: statuses of all that came with the manifests are written by now, or say why not. */
async function gatewaysOf({ client }: Cluster): Promise<readonly Gateway[]> {
  return (await client.list<Gateway>(gatewayResource('Gateway'))).items;
}

/** What an earlier run left: without manifests it is all there is to wait for. */
async function storedWorkloads({ informers }: Cluster): Promise<KubeObject[]> {
  const kinds = Object.keys(readinessRules).map(async (kind) => {
    const stored = informers.of<KubeObject>(builtin(kind));
    await stored.synced();
    return stored
      .list()
      .filter((object) => !isManaged(object) && !hasEnded(object))
      .map((object) => ({ ...object, kind }));
  });
  const all = (await Promise.all(kinds)).flat();
  return all.sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1));
}

/** It is a part of another, which is waited for. */
function isManaged({ metadata }: KubeObject): boolean {
  return metadata?.ownerReferences?.some(({ controller }) => controller === true) === true;
}

/** In an earlier run, which has told of it: a Job or a pod that is over, however it ended. */
function hasEnded(object: KubeObject): boolean {
  const { conditions, phase } = (object as { status?: Job['status'] & Pod['status'] }).status ?? {};
  const over = conditions?.some(({ type, status }) => ['Complete', 'Failed'].includes(type) && status === 'True');
  return over === true || phase === 'Succeeded' || phase === 'Failed';
}
