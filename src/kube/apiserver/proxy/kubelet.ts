// Which kubelet serves a Pod, which of its containers is meant, and how the kubelet is talked to.
// Knows Pods and Nodes; what is asked of the kubelet is the caller's matter.
import { badRequest, StatusError } from '#kube/api/status.ts';
import type { ServerContext } from '../context.ts';
import { type AnyObject, digArray, digNumber, digString, isFields } from '../registry/any-object.ts';

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** Throws `StatusError` 400 when the Pod has no such container, or several and none was named. */
export function containerOf(pod: AnyObject, asked: string): string {
  const podName = pod.metadata?.name ?? '';
  const names = (field: string) => digArray(pod, 'spec', field).map((container) => digString(container, 'name'));
  const containers = names('containers');
  const init = names('initContainers');
  if (asked !== '') {
    if ([...containers, ...init, ...names('ephemeralContainers')].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${podName}`);
  }
  const [only] = containers;
  if (containers.length === 1 && only !== undefined) return only;
  const marked = pod.metadata?.annotations?.[DEFAULT_CONTAINER];
  if (marked !== undefined && containers.includes(marked)) return marked;
  const initText = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  throw badRequest(
    `a container name must be specified for pod ${podName}, choose one of: [${containers.join(' ')}]${initText}`,
  );
}

export interface KubeletTls {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly rejectUnauthorized?: false;
}

/** Options of a TLS connection that the kubelet accepts. */
export function kubeletTls({ kubeletClient }: Pick<ServerContext, 'kubeletClient'>): KubeletTls {
  if (kubeletClient === undefined) return {};
  const { certPem, keyPem, caPem } = kubeletClient;
  return { cert: certPem, key: keyPem, ...(caPem === undefined ? { rejectUnauthorized: false } : { ca: caPem }) };
}

/** Throws `StatusError` 500 when the Node does not say where its kubelet is. */
export function kubeletOf(node: AnyObject): { host: string; port: number } {
  const addresses = digArray(node, 'status', 'addresses').filter(isFields);
  const host = digString(
    addresses.find((address) => address.type === 'InternalIP'),
    'address',
  );
  const port = digNumber(node, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port');
  if (host === '' || port === undefined) {
    throw new StatusError(
      500,
      'InternalError',
      `Internal error occurred: node "${node.metadata?.name}" has no InternalIP or kubelet port in its status: wait for its kubelet`,
    );
  }
  return { host, port };
}
