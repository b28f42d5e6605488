// The kubelet's paths that become streams: exec, attach and port-forward, by SPDY or WebSocket.
// Knows paths and pods; the streams are joined in remote-command.ts and dial-pod.ts.
import { acceptPortForward } from '#kube/streaming/portforward/accept.ts';
import { acceptRemoteCommand } from '#kube/streaming/remotecommand/accept.ts';
import { refuseUpgrade, type Upgrade } from '#kube/streaming/upgrade.ts';
import type { Clock } from '#lib/clock.ts';
import type { PodManager } from '../pod/pod-manager.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { podDialer } from './dial-pod.ts';
import { serveAttach, serveExec, streamOptions } from './remote-command.ts';

export interface UpgradeOptions {
  readonly pods: PodManager;
  readonly clock: Clock;
}

interface Target {
  readonly what: string;
  readonly worker: PodWorker;
  readonly container: string;
  readonly query: URLSearchParams;
}

/** Resolves when the connection is over. Rejects when the request is no good. */
export async function serveUpgrade(options: UpgradeOptions, upgrade: Upgrade): Promise<void> {
  const target = find(options.pods, upgrade);
  if (target === undefined) return;
  const { what, worker, container, query } = target;
  if (what === 'portForward') return await servePortForward(worker, upgrade, query, options.clock);
  const running = worker.running(container);
  if (running === undefined) return refuseUpgrade(upgrade, 404, `container not found ("${container}")`);
  const wanted = streamOptions(query);
  const remote = await acceptRemoteCommand(upgrade, wanted, options.clock);
  if (remote === undefined) return;
  if (what === 'attach') return await serveAttach(remote, running, wanted, options.clock);
  await serveExec(remote, running, { ...wanted, command: query.getAll('command') }, options.clock);
}

/** Undefined after a refusal. */
function find(pods: PodManager, upgrade: Upgrade): Target | undefined {
  const url = new URL(upgrade.request.url ?? '/', 'https://kubelet');
  const [, what = '', namespace = '', pod = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
  if (!['exec', 'attach', 'portForward'].includes(what)) {
    refuseUpgrade(upgrade, 404, `the kubelet serves no streams at "${url.pathname}"\n`);
    return undefined;
  }
  // The pod's uid may stand before the container, or at the end.
  const container = what === 'portForward' ? '' : (rest.at(-1) ?? '');
  const uid = what === 'portForward' ? rest[0] : rest.length > 1 ? rest[0] : undefined;
  const worker = pods.find(namespace, pod);
  if (worker === undefined || (uid !== undefined && uid !== '' && worker.uid !== uid)) {
    refuseUpgrade(upgrade, 404, 'pod does not exist\n');
    return undefined;
  }
  return { what, worker, container, query: url.searchParams };
}

async function servePortForward(
  worker: PodWorker,
  upgrade: Upgrade,
  query: URLSearchParams,
  clock: Clock,
): Promise<void> {
  const { name, namespace } = worker.pod.metadata ?? {};
  const network = worker.sandbox;
  if (network.podIps.length === 0) return refuseUpgrade(upgrade, 404, `pod ${name}_${namespace} has no network yet\n`);
  const dialer = podDialer(network);
  try {
    const target = { dial: (port: number) => dialer.dial(port), pod: `pod ${name}, uid ${worker.uid}` };
    await acceptPortForward(upgrade, query.getAll('port'), target, clock);
  } finally {
    dialer.close();
  }
}
