// `evenkeel service-proxy` from start to end: what the API says becomes rules, until it is told to end.
// Knows API servers by a client only; which driver enforces the rules is chosen before.
import { availableParallelism } from 'node:os';
import type { Node } from 'kubernetes-types/core/v1.js';
import { L4Feed, type L4Sink } from '#control/controllers/traffic/l4-feed.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { ServiceCidr } from '#kube/api/service-ranges.ts';
import type { Client } from '#kube/client/client.ts';
import { createEventRecorder } from '#kube/client/events.ts';
import { createInformers } from '#kube/client/informer.ts';
import { delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { collectGarbage } from '#lib/sys/collect-garbage.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { metricsListener } from '#telemetry/metrics-page.ts';
import { processMetrics } from '#telemetry/process-metrics.ts';
import { TcpFlows } from '#traffic/kernel/conntrack/tcp-flows.ts';
import { UdpFlows } from '#traffic/kernel/conntrack/udp-flows.ts';
import type { DriverName } from '#traffic/kernel/contract.ts';
import type { Scheduler } from '#traffic/kernel/ipvs/table.ts';
import { messageOf } from '../failure.ts';
import { type Bind, servePages } from '../main/pages.ts';
import { conflictTeller } from './conflicts.ts';
import { type ConntrackSettings, conntrackWishes, holdConntrack } from './conntrack-settings.ts';
import { chooseDriver, clearLeft, type Mode } from './drivers.ts';
import { HealthServers, proxyHealth } from './health-servers.ts';
import { NodeMesh } from './mesh/node-mesh.ts';
import { ProxyMetrics } from './metrics.ts';
import { LackTeller, nodeLacks } from './node-lacks.ts';
import { isLeaving, machineAddresses, meshPlaceOf, type NodeSettings, nodeFactsOf, rangesOf } from './node-watch.ts';
import { holdNamespace } from './one-proxy.ts';
import { ServiceProxy } from './service-proxy.ts';
import type { SilenceBoard } from './silence.ts';

export interface ServiceProxySettings {
  readonly mode: Mode;
  readonly node: NodeSettings;
  /** The Node is made by whoever starts this, so that it may come late. */
  readonly registersNode?: true;
  readonly owner?: string;
  /** Of IPVS. */
  readonly scheduler?: Scheduler;
  /** Of eBPF: folder of the control group whose sockets are served. */
  readonly cgroup?: string;
  /** `/healthz` and `/livez`. */
  readonly healthz: Bind | undefined;
  readonly metrics: Bind | undefined;
  /** Rules stay in force when it ends, for the next one to take over. */
  readonly keepRules: boolean;
  readonly verifyMs: number;
  /** Requests to Services that have routes of the Gateway API go by a proxy of the node's own, in so many threads. */
  readonly mesh?: { readonly workers: number };
  /** Of the kernel's connection tracking; left as they are when left out. */
  readonly conntrack?: ConntrackSettings;
}

export interface ServiceProxyDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Lines for people. */
  readonly tell: (line: string) => void;
  /** Called once with what prints its metrics, for whoever serves them with others. */
  readonly onMetrics?: (text: (format: MetricFormat) => string) => void;
  /** Everything that there was at the start is in force. */
  readonly onReady?: () => void;
  /** Where it hears of nodes that have fallen silent; left out where nobody listens to them. */
  readonly silence?: SilenceBoard;
}

/** Below this many the start leaves too little for a pause. */
const MANY_SERVICES = 5_000;

/**
 * Between the steps of a start with many Services: reading, compiling and telling the kernel each leave more than is kept
 * of them, and V8 would let all three come together.
 */
function tidy(services: number): void {
  if (services >= MANY_SERVICES) collectGarbage();
}

/** Addresses come and go without a word to us (links, tunnels, VIPs). */
const LOOK_AT_ADDRESSES_MS = 10_000;
/** At whether rules that were refused are in force now. */
const LOOK_AGAIN_MS = 1_000;

/** Resolves when it has ended. Throws a `Failure` for what a person can put right. */
export async function runServiceProxy(settings: ServiceProxySettings, deps: ServiceProxyDependencies): Promise<void> {
  const wishes = conntrackWishes(settings.conntrack ?? {}, availableParallelism());
  const letGo = await holdNamespace(
    `for node "${settings.node.name}"`,
    'End it first: the rules of both would be the same ones, and go with the first that ends',
  );
  let restore = (): void => {};
  try {
    restore = holdConntrack(wishes);
    await serve(settings, deps);
  } finally {
    // The next proxy goes on with rules that were kept, and so with what they need.
    if (!settings.keepRules) restore();
    letGo();
  }
}

async function serve(settings: ServiceProxySettings, deps: ServiceProxyDependencies): Promise<void> {
  const { client, clock, log, signal, tell } = deps;
  const warn = (message: string): void => log.warn({}, message);
  const { driver, reason, endsFlows } = await chooseDriver(settings.mode, {
    warn,
    ...(settings.owner === undefined ? {} : { owner: settings.owner }),
    ...(settings.scheduler === undefined ? {} : { scheduler: settings.scheduler }),
    ...(settings.cgroup === undefined ? {} : { cgroup: settings.cgroup }),
  });
  tell(`Driver ${driver.name}: ${reason}`);
  const metrics = new ProxyMetrics(driver.name, settings.node.name);
  const informers = createInformers(client, { log: log.child({ part: 'informers' }), clock });
  const nodes = informers.of<Node & KubeObject>(builtin('Node'), {
    fieldSelector: `metadata.name=${settings.node.name}`,
  });
  const { name: host } = settings.node;
  const recorder = createEventRecorder(client, { component: 'evenkeel-service-proxy', host, clock, log });
  const ranges = informers.of<ServiceCidr>(builtin('ServiceCIDR'));
  const facts = () =>
    nodeFactsOf(settings.node, nodes.get(settings.node.name), machineAddresses(), rangesOf(ranges.list()));
  const health = new HealthServers({ addresses: [], healthy: () => proxy.healthy, onProblem: warn });
  const sink: L4Sink = { publish: ({ names, since }) => proxy.publish(names, since) };
  const feed = new L4Feed({ informers, sink, clock, log, node: host });
  const proxy: ServiceProxy = new ServiceProxy({
    driver,
    node: facts(),
    sources: feed,
    flows: endsFlows ? undefined : new UdpFlows(),
    tcp: endsFlows ? undefined : new TcpFlows(),
    metrics,
    onHealthChecks: (rules) => health.reconcile(rules),
    onConflict: conflictTeller(client, recorder),
    onCompiled: tidy,
    verifyMs: settings.verifyMs,
    clock,
    log,
  });
  const mesh =
    settings.mesh === undefined
      ? undefined
      : new NodeMesh({
          informers,
          node: host,
          zone: () => facts().zone,
          place: () => meshPlaceOf(settings.node, nodes.get(host), machineAddresses()),
          async detour(detours) {
            feed.detour(detours);
            await proxy.settled();
          },
          workers: settings.mesh.workers,
          clock,
          log: log.child({ part: 'mesh' }),
        });
  let closePages = (): void => {};
  deps.onMetrics?.((format) => `${metrics.text(format)}${mesh?.lastMetrics(format) ?? ''}`);
  let ends: (() => void)[] = [];
  let keep = settings.keepRules;
  try {
    const leaving = (): boolean => isLeaving(nodes.get(settings.node.name));
    const metricsText = async (format: MetricFormat): Promise<string> =>
      `${metrics.text(format)}${(await mesh?.metricsText(format)) ?? ''}${processMetrics(format)}`;
    closePages = await servePages([
      {
        bind: settings.healthz,
        flag: '--healthz-bind-address',
        listener: proxyHealth(() => proxy.healthy, leaving, clock.wall),
      },
      { bind: settings.metrics, flag: '--metrics-bind-address', listener: metricsListener(metricsText) },
    ]);
    informers.start();
    const ready = nodes.synced().then(async () => {
      const lacks = new LackTeller(warn);
      const look = (): void => {
        const now = facts();
        const node = nodes.get(settings.node.name);
        proxy.changeNode(now);
        mesh?.look();
        if (node !== undefined || settings.registersNode !== true) {
          lacks.tell(nodeLacks(settings.node, node, now), clock.now());
        }
      };
      look();
      const { silence } = deps;
      if (silence !== undefined && silence.silent.size > 0) proxy.changeSilent(silence.silent);
      ends = [
        ...(silence === undefined ? [] : [silence.onChange((silent) => proxy.changeSilent(silent))]),
        nodes.onChange(look),
        // Whoever has no right to them, or none of them, has what the flag says.
        ranges.onChange(look),
        clock.every(LOOK_AT_ADDRESSES_MS, look),
      ];
      tidy(await feed.listed());
      feed.start();
      await proxy.settled();
      const { ports } = proxy.model;
      tell(
        `Serving ${ports.size} Service ports of ${new Set([...ports.values()].map(({ service }) => service)).size} Services`,
      );
      deps.onReady?.();
      mesh?.start();
      tidy(ports.size);
      await clearOthers(driver.name, proxy, settings.owner, deps);
    });
    // The API may not be there yet, or never; a signal ends the waiting too.
    ready.catch(() => {});
    await Promise.race([aborted(signal), ready]);
    await aborted(signal);
  } catch (error) {
    // Whatever an earlier run left is still right; nothing of this run is.
    keep = true;
    throw error;
  } finally {
    for (const end of ends) end();
    await mesh?.close();
    feed.stop();
    await informers.stop();
    health.close();
    closePages();
    await proxy.close(keep);
    await recorder.flush();
  }
}

/** What other drivers left goes once the rules of this one are in force: nobody meets a gap between them. */
async function clearOthers(
  current: DriverName,
  proxy: ServiceProxy,
  owner: string | undefined,
  { clock, log, signal, tell }: ServiceProxyDependencies,
): Promise<void> {
  // Without rights nothing was left, and nothing can be removed.
  if (process.getuid?.() !== 0) return;
  while (!proxy.inForce) {
    await delay(clock, LOOK_AGAIN_MS, signal);
    if (signal.aborted) return;
  }
  try {
    const warn = (message: string): void => log.warn({}, message);
    const cleared = await clearLeft({ current }, { warn, ...(owner === undefined ? {} : { owner }) });
    for (const { driver, outcome } of cleared) {
      if (outcome !== 'removed') continue;
      log.info({ driver }, 'Removed what an earlier run with another driver had left');
      tell(`Removed what an earlier run with driver ${driver} had left`);
    }
  } catch (error) {
    log.warn(
      { error: messageOf(error) },
      'What an earlier run with another driver left could not be removed, and may lead packets astray; end this proxy, and run evenkeel service-proxy --cleanup',
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
