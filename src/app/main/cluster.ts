// Starts the embedded cluster: one ordered list of parts, each with the reason for its place; stopping is its mirror.
// Knows every part by its door and none from the inside.
import type { AutoscalingSettings } from '#control/controllers/settings.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Reporting } from '#telemetry/reporting.ts';
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import type { UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import type { Engine } from '#traffic/proxy/engine.ts';
import type { PrometheusSource } from '../measures/prometheus/open-prometheus.ts';
import { TrafficFigures } from '../measures/traffic-figures.ts';
import { type AccessSettings, startApi } from './api.ts';
import { AwaitedServices } from './awaited-services.ts';
import { startControlPlane } from './control-plane.ts';
import type { DataDir } from './data-dir.ts';
import { startDevCertificates } from './dev-certificate.ts';
import { startDns } from './dns.ts';
import { gatewayAddressHost } from './gateway-objects.ts';
import { type Images, rememberImages } from './images-file.ts';
import { acquireLock } from './instance-lock.ts';
import { withPrometheus } from './measured.ts';
import { claimNetwork, gatewayListeners, INGRESS_CLASS, type Network, NODE_NAME, PUBLIC_ADDRESS } from './network.ts';
import { DRAIN_MS, makeFabric, type NodeOptions } from './node-host.ts';
import { controllerSettings, type NodeLife } from './node-life.ts';
import { NodeProcesses } from './node-processes.ts';
import { OwnNode } from './own-node.ts';
import { openPki } from './pki.ts';
import { flagOfListener, listenFailure, type Ports, resolvePorts } from './ports.ts';
import { finishRestore } from './restore-journal.ts';
import { Shutdown } from './shutdown.ts';

/** A node is told by its name. */
export type Milestone = 'api' | 'gateway' | `node:${string}`;

export interface ClusterOptions extends Reporting {
  /** Created already. */
  readonly data: DataDir;
  /** 0 takes a free one. */
  readonly ports: Ports;
  readonly network: Network;
  /** Resolvers for names that are not the cluster's; left out: those of the machine. */
  readonly dnsUpstreams?: readonly UpstreamAddress[];
  readonly dnsStubs?: readonly StubDomain[];
  readonly dnsAutopath?: boolean;
  /** Threads of the traffic engine. */
  readonly workers: number;
  readonly nodeLife: NodeLife;
  readonly access: AccessSettings;
  readonly autoscaling: AutoscalingSettings;
  readonly prometheus?: PrometheusSource;
  /** Remembered with those of earlier starts, which go on running. */
  readonly images: Images;
  /** Lets the echo server stand in for images that are not here. */
  readonly stubImages: boolean;
  /** Container engine for images that are not mapped: `podman`, `docker` or the path of a socket. */
  readonly engine?: string;
  /** Most processes and threads of a pod. */
  readonly podMaxPids: number;
  readonly nodes: NodeOptions;
  /** Something happened to a node that a person should see. */
  readonly onNodeTrouble?: (text: string) => void;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called as parts become usable; `detail` is fit for a progress line. */
  readonly onMilestone?: (milestone: Milestone, detail: string) => void;
  /** Gives the start up when aborted: what had been started is stopped again, and the reason thrown. */
  readonly signal?: AbortSignal;
  /** A part failed for good after the start; the cluster should be stopped. */
  readonly onFatal: (error: Error) => void;
}

export interface Cluster {
  readonly client: Client;
  readonly informers: Informers;
  readonly ports: Ports;
  readonly apiUrl: string;
  readonly adminUrl: string;
  /** What the traffic engine cannot listen at, by the names of Service ports and listeners, once it has tried. */
  unserved(): Promise<ReadonlyMap<string, Error>>;
  /** Takes everything down in reverse order; never rejects, and may be called again. */
  stop(): Promise<void>;
}

/** Throws a `Failure` for what a person can put right; whatever had been started is stopped again. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const shutdown = new Shutdown(options.log, options.clock);
  try {
    return await start(options, shutdown);
  } catch (error) {
    await shutdown.run();
    throw error;
  }
}

async function start(options: ClusterOptions, shutdown: Shutdown): Promise<Cluster> {
  const { data, network, nodeLife, log, clock } = options;
  const reached = options.onMilestone ?? (() => {});
  const carryOn = (): void => options.signal?.throwIfAborted();

  // 1. The lock of the data directory, and the addresses: two clusters on one store, or on one network, would ruin each other.
  const lock = acquireLock(data.lock, data.root);
  shutdown.add('lock', () => lock.release());
  finishRestore(data);
  rememberImages(data.images, options.images);
  if (network.fabric === undefined) {
    const claim = await claimNetwork(network);
    shutdown.add('addresses', () => claim.release());
  }

  // 2. Ports, keys and the nodes' network, while the code of the later parts is loaded: none of them needs another.
  const [fabric, ports, pki, parts] = await allOrFirstFailure([
    makeFabric(data, network, clock, shutdown),
    resolvePorts(options.ports, PUBLIC_ADDRESS),
    openPki(
      data.pki,
      {
        apiAddresses: [network.kubernetesServiceAddress, ...(network.fabric?.machine ?? [])],
        nodes: network.nodes,
      },
      clock.wall(),
    ),
    loadParts(),
  ]);
  carryOn();

  // 3. The traffic engine: its threads take longest to come up, and it needs nobody until there is traffic to carry.
  const figures = new TrafficFigures(clock, log.child({ part: 'figures' }));
  const awaited = new AwaitedServices(() => figures.refresh());
  const measured = await withPrometheus([figures], options.prometheus, options, shutdown);
  const starting = startEngine(parts, options, ports, awaited.held, shutdown);
  // Its failure is met below, where it is awaited.
  starting.catch(() => {});

  // Processes of nodes likewise: they load their code, and then wait for the API server.
  const inside = fabric === undefined && network.nodes.length === 1;
  const nodes = inside ? new OwnNode(options, shutdown) : new NodeProcesses(options, { fabric, pki, ports }, shutdown);
  nodes.begin();

  // 4. Store and API server: everything from here on speaks through them.
  const api = await startApi(
    {
      data,
      pki,
      port: ports.api,
      network,
      tolerationSeconds: nodeLife.tolerationSeconds,
      access: options.access,
      kubeletCaPem: pki.authority.certPem,
      measured,
      log,
      clock,
    },
    shutdown,
  );
  reached('api', api.url);
  carryOn();

  // 5. Controllers, before there is a node: what they find from last time is put in order first.
  const { client, informers, metrics } = await startControlPlane(
    {
      apiUrl: api.url,
      pki,
      settings: {
        ...controllerSettings(nodeLife),
        volumesDir: data.volumes,
        autoscaling: options.autoscaling,
        onAwaited: awaited.onAwaited,
      },
      balancerCidrs: network.balancerCidrs,
      log,
      clock,
    },
    shutdown,
  );
  const certificates = startDevCertificates({
    client,
    informers,
    authority: pki.authority,
    ingressClass: INGRESS_CLASS,
    clock,
    log: log.child({ part: 'dev-certificate' }),
  });
  shutdown.add('development certificates', () => certificates.stop());
  carryOn();

  // 6. Names, ahead of those who ask for them; each is told of with the traffic for it.
  const dns = await startDns(
    {
      serviceCidr: network.serviceCidr,
      podCidr: network.podCidr,
      client,
      informers,
      ...(options.dnsUpstreams === undefined ? {} : { upstreams: options.dnsUpstreams }),
      ...(options.dnsStubs === undefined ? {} : { stubs: options.dnsStubs }),
      autopath: options.dnsAutopath === true,
      log: log.child({ part: 'dns' }),
      clock,
    },
    shutdown,
  );
  carryOn();

  // 7. Traffic: the engine gets its tables, so that pods find their Services from the moment they start.
  const engine = await starting;
  figures.watch(engine);
  shutdown.add('figures', () => figures.stop());
  const traffic = await parts.startTraffic({
    client,
    informers,
    sink: engine,
    listeners: gatewayListeners(ports),
    ingressClass: INGRESS_CLASS,
    publishAddress: PUBLIC_ADDRESS,
    gatewayAddresses: gatewayAddressHost(fabric),
    mesh: true,
    ...(dns.feed === undefined ? {} : { dns: dns.feed }),
    log: log.child({ part: 'traffic' }),
    clock,
  });
  shutdown.add('traffic', () => traffic.stop());
  await engine.ready();
  reached('gateway', `http://${PUBLIC_ADDRESS}:${ports.http}  https://${PUBLIC_ADDRESS}:${ports.https}`);
  carryOn();

  // 8. The nodes come last of the machinery: they start processes that expect all of the above.
  await nodes.join({ client, informers, pki, clusterDns: dns.addresses });
  carryOn();

  // 9. The window for people, when there is something to see.
  const drained = new parts.DrainSwitch(engine, DRAIN_MS, log.child({ part: 'admin' }));
  const admin = await parts.startAdmin({
    address: PUBLIC_ADDRESS,
    port: ports.admin,
    engine,
    moreMetrics: (format) => `${dns.metricsText(format)}${metrics.text(format)}`,
    ready: () => !shutdown.begun && !drained.on,
    drain: () => drained.begin(),
    nodes: () => nodes.nodes,
    log: log.child({ part: 'admin' }),
  });
  shutdown.add('admin', () => admin.close());
  lock.describe({ apiUrl: api.url, adminUrl: admin.url });

  return {
    client,
    informers,
    ports,
    apiUrl: api.url,
    adminUrl: admin.url,
    async unserved() {
      await engine.applied();
      return engine.listenErrors();
    },
    stop: () => shutdown.run(),
  };
}

/**
 * Rejects only when all have ended: one that came up after the rest had been stopped would be left behind, so what can be
 * stopped must be known by then.
 */
async function allOrFirstFailure<T extends readonly unknown[]>(work: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(work);
  return await (Promise.all(work) as Promise<unknown> as Promise<T>);
}

type Parts = Awaited<ReturnType<typeof loadParts>>;

async function loadParts() {
  const [traffic, engine, admin, drain] = await Promise.all([
    import('#control/controllers/traffic/index.ts'),
    import('#traffic/proxy/engine.ts'),
    import('../admin/server.ts'),
    import('../admin/drain-switch.ts'),
  ]);
  return {
    startTraffic: traffic.startTraffic,
    startEngine: engine.startEngine,
    startAdmin: admin.startAdmin,
    DrainSwitch: drain.DrainSwitch,
  };
}

async function startEngine(
  parts: Parts,
  options: ClusterOptions,
  ports: Ports,
  onHeld: (cluster: string) => void,
  shutdown: Shutdown,
): Promise<Engine> {
  const log = options.log.child({ part: 'engine' });
  const engine = await parts.startEngine({
    workers: options.workers,
    servedByHeader: 'x-evenkeel-endpoint',
    node: NODE_NAME,
    onHeld,
    // Nodes with a network of their own serve them, and the machine is a client like any other.
    clusterAddresses: options.network.fabric === undefined,
    balancerCidrs: options.network.fabric === undefined ? options.network.balancerCidrs : [],
    log,
    ...(options.accessLog && { accessLog: options.accessLog }),
    ...(options.traces && { traces: options.traces }),
  });
  shutdown.add('engine', () => engine.close());
  engine.onListenError((name, error) => {
    const listener = gatewayListeners(ports).find((candidate) => candidate.name === name);
    // A Service port that cannot be had costs that Service only; without the gateway there is nothing to come for.
    if (listener === undefined) log.warn({ name, error: error.message }, 'Cannot listen for a Service');
    else options.onFatal(listenFailure(error, listener.port, listener.address, flagOfListener(name)));
  });
  return engine;
}
