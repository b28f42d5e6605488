// Ports that a pod takes on its node, and which of them cannot stand beside each other.
// Pure. Upstream: framework.HostPortInfo.
import type { Pod } from 'kubernetes-types/core/v1.js';

export interface HostPort {
  readonly port: number;
  readonly protocol: string;
  /** Empty for every address. */
  readonly ip: string;
}

/** Those of sidecars count as well: they run as long as the containers. */
export function hostPorts(pod: Pod): HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...sidecars, ...(pod.spec?.containers ?? [])].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol = 'TCP', hostIP = '' }) =>
      hostPort === undefined || hostPort === 0
        ? []
        : [{ port: hostPort, protocol, ip: hostIP === '0.0.0.0' ? '' : hostIP }],
    ),
  );
}

export function portsClash(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '' || b.ip === '');
}
