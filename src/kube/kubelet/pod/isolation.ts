// How far apart a pod's containers are from the node and from each other, by the pod's own wish.
// Pure; which of it the runtime can bring about is its matter.
import type { Pod } from 'kubernetes-types/core/v1.js';
import { ContainerConfigError } from '../env/container-env.ts';
import type { Isolation } from '../runtime.ts';

/** Parameters that affect nobody but the pod. (Upstream: pkg/kubelet/sysctl/safe_sysctls.go.) */
const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);

export function isolationOf(pod: Pod): Isolation {
  const { hostPID, hostIPC, shareProcessNamespace, securityContext } = pod.spec ?? {};
  const shared = shareProcessNamespace === true ? 'pod' : 'container';
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const together = containers.length + initContainers.length > 1 ? 'pod' : 'container';
  return {
    pid: hostPID === true ? 'host' : shared,
    ipc: hostIPC === true ? 'host' : together,
    sysctls: Object.fromEntries((securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
  };
}

/** Throws `ContainerConfigError` for what would change the node, or other pods. */
export function checkSysctls(pod: Pod, { sysctls }: Isolation): void {
  for (const given of Object.keys(sysctls)) {
    const name = given.replaceAll('/', '.');
    const ofHost = name.startsWith('net.') ? pod.spec?.hostNetwork : pod.spec?.hostIPC;
    if (!SAFE_SYSCTLS.has(name)) throw new ContainerConfigError(`forbidden sysctl: "${given}" not allowlisted`);
    if (ofHost === true)
      throw new ContainerConfigError(`forbidden sysctl: "${given}" not allowed with host namespaces`);
  }
}
