// The node agent: brings its parts up in order, and takes them down in the mirror of that order.
// Knows every part of this folder and none outside the client.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type {
  ConfigMap,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Service,
  Taint,
} from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { createEventRecorder, type EventRecorder } from '#kube/client/events.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { openCgroups } from './cgroup/open.ts';
import type { ObjectSource } from './env/container-env.ts';
import type { ImageMap } from './images.ts';
import { hookFile } from './loopback/environment.ts';
import { NamesFile } from './loopback/names-file.ts';
import { LoopbackNetwork } from './network/loopback-network.ts';
import type { PodNetwork } from './network/pod-network.ts';
import { machineCapacity, machineInfo } from './node/machine.ts';
import { type Heartbeat, NodeAgent } from './node/node-agent.ts';
import type { NodeFacts } from './node/node-object.ts';
import { openRuntime } from './open-runtime.ts';
import { DrainGate, type DrainPolicy } from './pod/drain-gate.ts';
import { sweepPodDirs } from './pod/pod-dirs.ts';
import { PodManager } from './pod/pod-manager.ts';
import { watchReferences } from './pod/reference-watch.ts';
import { withoutStaleEndpoints } from './pod/stale-endpoints.ts';
import { watchStorage } from './pod/storage-watch.ts';
import type { PodEvents } from './pod/worker-types.ts';
import type { Runtime } from './runtime.ts';
import { startKubeletServer } from './serving/server.ts';
import { KubeletMetrics } from './stats/kubelet-metrics.ts';
import { NodeStats } from './stats/node-stats.ts';
import { unmountBelow } from './volumes/memory-volume.ts';
import type { StorageSource } from './volumes/persistent.ts';
import { podVolumes } from './volumes/pod-volumes.ts';
import { PodTokens } from './volumes/tokens.ts';

export interface KubeletOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly nodeName: string;
  /** The node's own addresses, at most one a family, the primary first, e.g. 127.0.0.1. */
  readonly nodeAddresses: readonly string[];
  /** Ranges of the pods' addresses, at most one a family, the primary first, e.g. 127.244.0.0/24. */
  readonly podCidrs: readonly string[];
  /** How pods are connected (`network/create-network.ts`); on the loopback device, in the primary range, when left out. */
  readonly network?: PodNetwork;
  /** Holds volumes, logs and records of processes. */
  readonly dataDir: string;
  /** Image names to commands, from `images:` of evenkeel.yaml; asked anew for every container that starts. */
  readonly images: () => ImageMap;
  /** Lets the echo server stand in for images that are not here. */
  readonly stubImages?: boolean;
  /** `podman`, `docker` or the path of a socket: runs images that are not mapped. */
  readonly engine?: string;
  /** How long the end of a pod waits for traffic to leave it; by EndpointSlices when left out. */
  readonly drain?: DrainPolicy;
  /** Addresses of the cluster's name server, for pods in networks of their own; none when left out. */
  readonly clusterDns?: readonly string[];
  /** Suffix of the cluster's names; `cluster.local` when left out. */
  readonly clusterDomain?: string;
  /** Directories that no container may see, besides `dataDir`: they hold keys. */
  readonly hidden?: readonly string[];
  /** Other nodes run on this machine, so that its use is not this node's. */
  readonly sharesMachine?: boolean;
  /** Milliseconds between two readings of what containers use; 10,000 when left out. */
  readonly statsIntervalMs?: number;
  /** Milliseconds between two looks at what pods have on the disk; upstream's 10,000 when left out. */
  readonly storageCheckMs?: number;
  /** Most processes and threads of a pod; 4096 when left out. */
  readonly podPidsLimit?: number;
  /** Added to the Node's labels, e.g. `topology.kubernetes.io/zone`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Set on a Node that is new. */
  readonly taints?: readonly Taint[];
  /** Most pods that the scheduler may send here; 110 when left out. */
  readonly maxPods?: number;
  /** How often the node says that it lives; upstream's times when left out. */
  readonly heartbeat?: Partial<Heartbeat>;
  /** Where logs are served over HTTPS to holders of a client certificate of `clientCaPem`; port 0 takes a free one. */
  readonly serving: {
    readonly address: string;
    readonly port: number;
    readonly certPem: string;
    readonly keyPem: string;
    readonly clientCaPem: string;
  };
  /** Metrics of what runs beside it in this process, each line ended; served with its own. */
  readonly moreMetrics?: (format: MetricFormat) => string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** For proxies that do not say when they are done: most follow EndpointSlices well within this time. */
const defaultDrain: DrainPolicy = { by: 'slices', maxMs: 10_000, settleMs: 1_000 };
/** Enough for any server, too few to keep the machine from its work. */
const POD_PIDS_LIMIT = 4096;
const STORAGE_CHECK_MS = 10_000;
const STALE_MS = 10_000;

export interface Kubelet {
  /** Port on which logs are served. */
  readonly port: number;
  /**
   * Resolves when the API knows how the pods are that were here at the start, and no EndpointSlice offers one that is
   * not ready any more; after 10 s in any case.
   */
  readonly caughtUp: Promise<void>;
  /** Ends every container, each with at most `graceMs` (default 30,000), and leaves no process behind. */
  stop(options?: { graceMs?: number }): Promise<void>;
  /** Ends every container on the spot; for a process that has no time left, so it is synchronous. */
  kill(): void;
}

/** Fresh reads: a container must not start with a ConfigMap that the cache has yet to hear of. */
async function readIfThere<T extends KubeObject>(
  client: Client,
  kind: string,
  namespace: string | undefined,
  name: string,
): Promise<T | undefined> {
  try {
    return await client.get<T>(builtin(kind), name, namespace);
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

function objectSource(client: Client): ObjectSource {
  return {
    configMap: (namespace, name) => readIfThere<ConfigMap>(client, 'ConfigMap', namespace, name),
    secret: (namespace, name) => readIfThere<Secret>(client, 'Secret', namespace, name),
  };
}

function storageSource(client: Client): StorageSource {
  return {
    claim: (namespace, name) => readIfThere<PersistentVolumeClaim>(client, 'PersistentVolumeClaim', namespace, name),
    volume: (name) => readIfThere<PersistentVolume>(client, 'PersistentVolume', undefined, name),
  };
}

function podEvents(recorder: EventRecorder, metrics: KubeletMetrics): PodEvents {
  return (pod, container, type, reason, message) => {
    metrics.happened(type, reason);
    const fieldPath = container === undefined ? undefined : containerPath(pod, container);
    recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, type, reason, message, fieldPath);
  };
}

function containerPath(pod: Pod, container: string): string {
  const lists = ['initContainers', 'ephemeralContainers'] as const;
  const list = lists.find((name) => pod.spec?.[name]?.some((one) => one.name === container)) ?? 'containers';
  return `spec.${list}{${container}}`;
}

/** Resolves once the Node is registered and its pods are being looked after. */
export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { client, informers, nodeName, dataDir, clock, log } = options;
  mkdirSync(dataDir, { recursive: true });

  const cgroups = await openCgroups({ dataDir, nodeName, clock });
  // First of all: what a crash left running holds ports and addresses that are about to be given out again.
  const { runtime, close: closeRuntime } = await openRuntime({
    dataDir,
    images: options.images,
    stubImages: options.stubImages === true,
    engine: options.engine,
    hidden: options.hidden ?? [],
    cgroups,
    clock,
    log,
  });
  const swept = await runtime.sweep();
  if (swept > 0) log.warn({ processes: swept }, 'Ended processes that an earlier run left behind');

  const recorder = createEventRecorder(client, { component: 'kubelet', host: nodeName, clock, log });
  const services = informers.of<Service>(builtin('Service'));
  const slices = informers.of<EndpointSlice>(builtin('EndpointSlice'));
  const pods = informers.of<Pod>(builtin('Pod'), { fieldSelector: `spec.nodeName=${nodeName}` });
  // Containers learn of Services when they start, so the Services must be known before the first one does.
  await Promise.all([services.synced(), slices.synced()]);
  const names = new NamesFile(join(dataDir, 'names.json'), services, slices, clock);

  const network = options.network ?? new LoopbackNetwork(options.podCidrs[0] ?? '');
  const isolated = await canIsolate(network, runtime, log);
  const capacity = machineCapacity(dataDir, options.maxPods);
  const objects = objectSource(client);
  const storage = storageSource(client);
  const metrics = new KubeletMetrics(nodeName, options.moreMetrics);
  const tokens = new PodTokens({ client, clock, log, due: (uid) => manager.refresh(uid) });
  await pods.synced();
  sweepPodDirs(dataDir, new Set(pods.list().map((pod) => pod.metadata?.uid ?? '')));
  // What pods of an earlier run had in the network, before the first one asks for an address.
  await network.sweep(
    new Set(
      pods
        .list()
        .filter(mayRun)
        .map((pod) => pod.metadata?.uid ?? ''),
    ),
  );
  const manager: PodManager = new PodManager({
    client,
    clock,
    log,
    runtime,
    objects,
    dataDir,
    services: () => services.list(),
    loopback: { hookFile, namesFile: names.path },
    podPidsLimit: options.podPidsLimit ?? POD_PIDS_LIMIT,
    events: podEvents(recorder, metrics),
    network,
    isolated,
    nodeName,
    dns: { servers: options.clusterDns ?? [], domain: options.clusterDomain ?? 'cluster.local' },
    drain: new DrainGate(options.drain ?? defaultDrain, slices, clock),
    volumes: (pod) => podVolumes(join(dataDir, 'pods', pod.metadata?.uid ?? ''), { pod, objects, storage, tokens }),
    hostIps: options.nodeAddresses,
    allocatable: capacity,
  });
  runtime.onSandboxLost?.((uid) => manager.sandboxLost(uid));
  const stats = new NodeStats({
    nodeName,
    sharesMachine: options.sharesMachine === true,
    ...(options.statsIntervalMs === undefined ? {} : { intervalMs: options.statsIntervalMs }),
    containers: () => manager.running(),
    clock,
    log,
  });
  const server = await startKubeletServer({ ...options.serving, pods: manager, runtime, stats, metrics, clock, log });
  const facts: NodeFacts = {
    name: nodeName,
    addresses: options.nodeAddresses,
    podCidrs: options.podCidrs,
    kubeletPort: server.port,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    capacity,
    info: machineInfo(runtime.name),
  };
  const agent = new NodeAgent(
    facts,
    { client, clock, log, networkProblem: () => network.problem() },
    options.heartbeat,
  );
  const node = await agent.start();
  recorder.event({ ...node, apiVersion: 'v1', kind: 'Node' }, 'Normal', 'Starting', 'Starting kubelet.');
  agent.onReady = (back) => {
    const text = `Node ${nodeName} status is now: NodeReady`;
    recorder.event({ ...back, apiVersion: 'v1', kind: 'Node' }, 'Normal', 'NodeReady', text);
  };

  const stops = [
    watchReferences(pods, {
      client,
      clock,
      log,
      changed: (kind, object) => manager.referenceChanged(kind, object),
    }),
    manager.follow(pods),
    watchStorage({
      intervalMs: options.storageCheckMs ?? STORAGE_CHECK_MS,
      dataDir,
      pods: () => manager.list(),
      evict: (uid, message) => manager.evict(uid, message),
      clock,
      log,
    }),
  ];

  return {
    port: server.port,
    caughtUp: manager
      .told()
      .then(() =>
        withoutStaleEndpoints({ slices, nodeName, isReady: (uid) => manager.isReady(uid), clock, limitMs: STALE_MS }),
      ),
    // The sweep does its work before it yields.
    kill: () => void runtime.sweep(),
    async stop({ graceMs = 30_000 } = {}) {
      for (const stop of stops) stop();
      await manager.stop(graceMs);
      agent.stop();
      tokens.stop();
      stats.stop();
      names.stop();
      await server.close();
      await recorder.flush();
      // What left its container's process group is found now at the latest.
      await runtime.sweep();
      cgroups?.close();
      // What lies in memory is lost with us; the rest stays for the next run.
      unmountBelow(join(dataDir, 'pods'));
      // Nothing sends or listens any more.
      await network.close();
      closeRuntime();
    },
  };
}

/** Containers are kept apart where pods have networks of their own: it takes the same rights. */
async function canIsolate(network: PodNetwork, runtime: Runtime, log: Logger): Promise<boolean> {
  if (network.name === 'loopback' || runtime.isolationObstacle === undefined) return false;
  const obstacle = await runtime.isolationObstacle();
  if (obstacle !== undefined) log.warn({ reason: obstacle }, 'Containers share the file system of this machine');
  return obstacle === undefined;
}

function mayRun(pod: Pod): boolean {
  return pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
}
