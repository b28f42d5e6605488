// What to type to get to what was started: every Ingress host, the admin page, and kubectl.
// Knows hosts and ports; prints nothing itself.
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { Cluster } from '../main/cluster.ts';
import type { DataDir } from '../main/data-dir.ts';
import { INGRESS_CLASS, PUBLIC_ADDRESS } from '../main/network.ts';

type IngressObject = Ingress & KubeObject;

interface HostEntry {
  readonly host: string;
  readonly tls: boolean;
}

/** Hosts of every Ingress of our class, those that a browser reaches as they are first. */
export function hostsOf(ingresses: readonly IngressObject[]): HostEntry[] {
  const hosts = new Map<string, HostEntry>();
  for (const { spec } of ingresses) {
    if (spec?.ingressClassName !== INGRESS_CLASS) continue;
    const secured = new Set((spec.tls ?? []).flatMap(({ hosts: names }) => names ?? []));
    for (const { host } of spec.rules ?? []) {
      if (host === undefined || host.startsWith('*')) continue;
      hosts.set(host, { host, tls: secured.has(host) || hosts.get(host)?.tls === true });
    }
  }
  const rank = ({ host }: HostEntry): number => (isLocal(host) ? 0 : 1);
  return [...hosts.values()].sort((a, b) => rank(a) - rank(b) || (a.host < b.host ? -1 : 1));
}

/** The closing lines of `up`. */
export function addressLines(
  hosts: readonly HostEntry[],
  cluster: Pick<Cluster, 'ports' | 'adminUrl'>,
  data: DataDir,
): string[] {
  const { ports, adminUrl } = cluster;
  const address = PUBLIC_ADDRESS;
  const lines = hosts.flatMap(({ host, tls }) => {
    if (isLocal(host)) {
      return [
        `  ${host}`,
        `    http://${host}:${ports.http}/`,
        ...(tls ? [`    https://${host}:${ports.https}/`] : []),
      ];
    }
    return [
      `  ${host}  (not in DNS: name the address yourself)`,
      `    curl -H 'Host: ${host}' http://${address}:${ports.http}/`,
      ...(tls
        ? [
            `    curl --cacert ${data.pki}/ca.crt --resolve ${host}:${ports.https}:${address} https://${host}:${ports.https}/`,
          ]
        : []),
    ];
  });
  return [
    ...(lines.length === 0
      ? [`Gateway  http://${address}:${ports.http}/  (no Ingress of class ${INGRESS_CLASS} yet)`]
      : ['Open', ...lines]),
    '',
    `Admin    ${adminUrl}/`,
    '',
    `export KUBECONFIG=${data.kubeconfig}`,
  ];
}

/** Browsers and curl take these names to this machine without asking DNS (RFC 6761 6.3). */
function isLocal(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}
