// `evenkeel kubelet` from start to end: joins a cluster, looks after its pods, and leaves when it is told to.
// Knows API servers by a kubeconfig only: the embedded one is no different from any other.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { createInformers } from '#kube/client/informer.ts';
import { type ClientConfig, loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { type KubeletOptions, startKubelet } from '#kube/kubelet/kubelet.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { codeOf, Failure, messageOf, UsageFailure } from '../../failure.ts';
import { readImages } from '../../main/images-file.ts';
import { checkPort } from '../../main/ports.ts';
import { SilenceBoard } from '../../service-proxy/silence.ts';
import { BesideProxy, speakerOf } from '../../speaker/beside-proxy.ts';
import { chooseNetwork, type NetworkChoice, openNetwork } from './choose-network.ts';
import { podCidrsOf, reachServer } from './join.ts';
import { serveServices } from './service-proxy.ts';
import type { KubeletSettings } from './settings.ts';

export interface AgentDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the kubelet and its pods, in order. */
  readonly signal: AbortSignal;
  /** Lines for people. */
  readonly tell: (line: string) => void;
}

const DRAINS: Readonly<Record<KubeletSettings['drainBy'], KubeletOptions['drain'] & object>> = {
  condition: { by: 'condition', maxMs: 30_000, settleMs: 0 },
  slices: { by: 'slices', maxMs: 10_000, settleMs: 1_000 },
};

/** A node's rules follow a change within some ten milliseconds; on a busy machine within some more. */
const PROXY_SETTLE_MS = 500;

/** Resolves when it has ended. Throws a `Failure` for what a person can put right. */
export async function runKubelet(settings: KubeletSettings, deps: AgentDependencies): Promise<void> {
  const { clock, log, signal, tell } = deps;
  const { nodeName } = settings;
  const choice = chooseNetwork(settings);
  tell(`Network ${choice.kind}: ${choice.reason}`);
  const config = readKubeconfig(settings);
  const nodeAddresses = settings.nodeIps.length > 0 ? settings.nodeIps : [ownAddress(choice)];
  await checkAddresses(settings, nodeAddresses);
  const serving = servingOf(settings, config, nodeAddresses[0] ?? '');
  // Met below, where it is awaited.
  serving.catch(() => {});
  const client = createClient(config, { log: log.child({ part: 'client' }), clock });
  const informers = createInformers(client, { log: log.child({ part: 'informers' }), clock });
  // Ends after the pods: until then they reach Services.
  const proxying = new AbortController();
  let proxy: Promise<void> | undefined;
  const silence = new SilenceBoard();
  const printers = new Map<string, (format: MetricFormat) => string>();
  const speaker =
    settings.announce === undefined
      ? undefined
      : new BesideProxy(speakerOf(nodeName, settings.announce, settings.nodeLiveness), {
          client,
          clock,
          log: log.child({ part: 'speaker' }),
          tell,
          onSilence: (silent) => silence.tell(silent),
          onMetrics: (text) => void printers.set('speaker', text),
        });
  try {
    const joining = { client, nodeName, clock, log, signal };
    const podCidrs = await podCidrsOf(joining, settings.podCidrs, await reachServer(joining));
    if (signal.aborted) return;
    const network = openNetwork(choice, settings, podCidrs, { clock, log: log.child({ part: 'network' }) });
    informers.start();
    // A node that is heard again counts with all that the API says of its pods: that has to be true by then.
    const told = Promise.withResolvers<void>();
    const onMetrics = (text: (format: MetricFormat) => string): void => void printers.set('proxy', text);
    const onReady = (): void => void told.promise.then(() => speaker?.proxyReady());
    proxy = serveServices(settings, { client, clock, log, tell, signal: proxying.signal, onReady, onMetrics, silence });
    const starting = startKubelet({
      client,
      informers,
      nodeName,
      nodeAddresses,
      podCidrs,
      network,
      dataDir: settings.dataDir,
      hidden: settings.hidden,
      clusterDns: settings.clusterDns,
      clusterDomain: settings.clusterDomain,
      images: () => ({
        ...(settings.imagesFile === undefined ? {} : readImages(settings.imagesFile)),
        ...settings.images,
      }),
      stubImages: settings.stubImages,
      ...(settings.engine === undefined ? {} : { engine: settings.engine }),
      drain: drainOf(settings),
      labels: settings.labels,
      taints: settings.taints,
      ...(settings.maxPods === undefined ? {} : { maxPods: settings.maxPods }),
      sharesMachine: settings.sharesMachine,
      ...(settings.statsMs === undefined ? {} : { statsIntervalMs: settings.statsMs }),
      ...(settings.podMaxPids === undefined ? {} : { podPidsLimit: settings.podMaxPids }),
      heartbeat: {
        ...(settings.leaseSeconds === undefined ? {} : { leaseSeconds: settings.leaseSeconds }),
        ...(settings.statusMs === undefined ? {} : { statusMs: settings.statusMs }),
      },
      serving: await serving,
      moreMetrics: (format) => [...printers.values()].map((text) => text(format)).join(''),
      log: log.child({ part: 'kubelet' }),
      clock,
    });
    // A server that went away in the middle of it would be waited for without end.
    const kubelet = await Promise.race([starting, aborted(signal).then(() => undefined)]);
    if (kubelet === undefined) {
      starting.then((late) => late.kill()).catch(() => {});
      tell('Stopping');
      await network.close();
      return;
    }
    void kubelet.caughtUp.then(() => clock.after(PROXY_SETTLE_MS, told.resolve));
    const killPods = (): void => kubelet.kill();
    process.once('exit', killPods);
    const problem = network.problem();
    const how = problem === undefined ? 'is ready' : `has joined, and is not ready yet (${problem})`;
    tell(`Node ${nodeName} ${how}: ${nodeAddresses.join(' ')}, pods ${podCidrs.join(' ')}`);
    await aborted(signal);
    tell('Stopping');
    // Before the pods, so that nobody is led here who would not be served.
    await speaker?.leave();
    await kubelet.stop({ graceMs: settings.graceMs });
    process.removeListener('exit', killPods);
  } finally {
    await speaker?.leave();
    proxying.abort();
    await proxy;
    await informers.stop();
    await client.close();
  }
}

/** Proxies in the kernel say nothing of when they have heard: they are given time. */
function drainOf({ drainBy, serviceProxy }: KubeletSettings): KubeletOptions['drain'] & object {
  const drain = DRAINS[drainBy];
  return serviceProxy === undefined ? drain : { ...drain, settleMs: Math.max(drain.settleMs, PROXY_SETTLE_MS) };
}

function readKubeconfig({ kubeconfig, context }: KubeletSettings): ClientConfig {
  try {
    return { ...loadKubeconfig(kubeconfig, context), userAgent: 'evenkeel-kubelet' };
  } catch (error) {
    throw new UsageFailure(messageOf(error), 'Name a kubeconfig with --kubeconfig');
  }
}

/** Of the first interface to the outside; a pod of another machine could not reach any other. */
function ownAddress({ kind }: NetworkChoice): string {
  if (kind === 'loopback') return '127.0.0.1';
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (found !== undefined) return found;
  throw new UsageFailure('This machine has no address that others reach it at', 'Give one with --node-ip');
}

/** At once: the API server may be long in coming. Throws a `Failure` that names the flag. */
async function checkAddresses({ nodeIps, port }: KubeletSettings, [address = '']: readonly string[]): Promise<void> {
  for (const ip of nodeIps) await checkPort(0, ip, '--node-ip');
  await checkPort(port, address, '--port');
}

async function servingOf(
  settings: KubeletSettings,
  config: ClientConfig,
  address: string,
): Promise<KubeletOptions['serving']> {
  const { nodeName, nodeIps, port, tls, clientCaFile } = settings;
  const clientCaPem = clientCaFile === undefined ? config.caPem : readPem(clientCaFile, '--client-ca-file');
  if (clientCaPem === undefined) {
    throw new UsageFailure(
      'The kubeconfig names no authority, so nobody could be trusted to ask this kubelet',
      'Name the one that signs the API server’s client certificate with --client-ca-file',
    );
  }
  const at = { address, port, clientCaPem };
  if (tls !== undefined) {
    const certPem = readPem(tls.certFile, '--tls-cert-file');
    return { ...at, certPem, keyPem: readPem(tls.keyFile, '--tls-private-key-file') };
  }
  // Of its own making, as upstream's: who wants it verified names one.
  const authority = await createAuthority({ commonName: `${nodeName}-ca` });
  const ips = [...new Set([address, ...nodeIps])];
  return { ...at, ...(await authority.issue({ commonName: nodeName, dnsNames: [nodeName], ips })) };
}

function readPem(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(
      `Cannot read "${file}": ${codeOf(error) ?? messageOf(error)}`,
      `Name a readable PEM file with ${flag}`,
      { cause: error },
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
