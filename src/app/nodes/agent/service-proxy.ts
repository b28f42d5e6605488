// The service proxy of a node, beside its kubelet: a part that may fail without taking the pods with it.
// Knows settings of the kubelet; what a proxy does is app/service-proxy.
import { messageOf } from '../../failure.ts';
import type { NodeSettings } from '../../service-proxy/node-watch.ts';
import { runServiceProxy, type ServiceProxyDependencies } from '../../service-proxy/run.ts';
import type { KubeletSettings } from './settings.ts';

const VERIFY_MS = 60_000;
const AGAIN_MS = 5_000;
/** One is enough for the pods of a node of this machine's. */
const MESH_WORKERS = 1;

/** Resolves when it has ended, which is at once where none is asked for. Never rejects. */
export async function serveServices(settings: KubeletSettings, deps: ServiceProxyDependencies): Promise<void> {
  const { serviceProxy, nodeName, clusterDns } = settings;
  if (serviceProxy === undefined) return;
  const { signal, log, tell } = deps;
  const node: NodeSettings = {
    name: nodeName,
    // A pod of another node that asks for a node's port with policy Local needs this node's endpoints: answers of
    // others would not come back this way.
    clusterCidrs: [],
    detectLocal: 'NodeCIDR',
    // The name servers have addresses of Services, and are no Service of the proxy's: the machine serves them.
    serviceCidrs: serviceProxy.serviceCidrs,
    apart: clusterDns,
    nodePortAddresses: 'primary',
    masqueradeAll: false,
    drainMs: 0,
  };
  const { mode, healthz, metrics, mesh } = serviceProxy;
  while (!signal.aborted) {
    try {
      const own = { registersNode: true, keepRules: false, verifyMs: VERIFY_MS } as const;
      const meshed = mesh ? { mesh: { workers: MESH_WORKERS } } : {};
      await runServiceProxy({ mode, node, healthz, metrics, ...own, ...meshed }, deps);
    } catch (error) {
      log.error({ error }, 'The service proxy has ended');
      tell(`Services are not served on this node: ${messageOf(error)}; trying again in ${AGAIN_MS / 1000} s`);
      await pause(AGAIN_MS, deps);
    }
  }
}

function pause(ms: number, { clock, signal }: Pick<ServiceProxyDependencies, 'clock' | 'signal'>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
