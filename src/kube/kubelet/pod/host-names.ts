// How a pod is called inside, and what its /etc/hosts says.
// Pure; the node's own file is handed in as text.
import type { Pod } from 'kubernetes-types/core/v1.js';

/** The kernel's bound for a host name, and that of a DNS label. */
const MAX_HOSTNAME = 64;
const MAX_LABEL = 63;

export interface HostNames {
  /** What `hostname` says. */
  readonly hostname: string;
  /** Names of the pod's address, the full one first. */
  readonly names: readonly string[];
}

/** (Upstream: pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain.) */
export function hostNames(pod: Pod, nodeName: string, clusterDomain: string): HostNames {
  const { hostname, subdomain, setHostnameAsFQDN, hostNetwork } = pod.spec ?? {};
  // Names of pods may be longer than host names; what a cut leaves at the end must still be a name.
  const own = (hostname ?? pod.metadata?.name ?? '').slice(0, MAX_LABEL).replace(/[-.]+$/, '');
  const label = hostNetwork === true ? nodeName.slice(0, MAX_LABEL) : own;
  if (subdomain === undefined || subdomain === '' || hostNetwork === true) return { hostname: label, names: [label] };
  const full = `${label}.${subdomain}.${pod.metadata?.namespace}.svc.${clusterDomain}`;
  return { hostname: setHostnameAsFQDN === true ? full : label, names: [full, label] };
}

/** Why the kernel cannot have this host name, in upstream's words. */
export function hostnameProblem({ hostname }: HostNames): string | undefined {
  if (hostname.length <= MAX_HOSTNAME) return undefined;
  return `failed to construct FQDN from pod hostname and cluster domain, FQDN ${hostname} is too long (${MAX_HOSTNAME} characters is the max, ${hostname.length} characters requested)`;
}

/** (Upstream: pkg/kubelet/kubelet_pods.go managedHostsFileContent and nodeHostsFileContent.) */
export function hostsFile(pod: Pod, ips: readonly string[], { names }: HostNames, nodeFile: string): string {
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`);
  const base =
    pod.spec?.hostNetwork === true
      ? ['# Kubernetes-managed hosts file (host network).', nodeFile.trimEnd()]
      : [
          '# Kubernetes-managed hosts file.',
          '127.0.0.1\tlocalhost',
          '::1\tlocalhost ip6-localhost ip6-loopback',
          'fe00::0\tip6-localnet',
          'fe00::0\tip6-mcastprefix',
          'fe00::1\tip6-allnodes',
          'fe00::2\tip6-allrouters',
          ...ips.map((ip) => `${ip}\t${names.join('\t')}`),
        ];
  const more = aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases];
  return `${[...base, ...more].join('\n')}\n`;
}
