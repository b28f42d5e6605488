// What a runtime may tell plugins of one pod (`runtimeConfig`), in the conventions of CNI.
// Pure: from the pod's request to words of the conventions; only what a plugin declares reaches it.
import { parseQuantity } from '#kube/api/quantity.ts';
import { NetworkError, type NetworkRequest } from '../pod-network.ts';
import type { NetworkList, PluginConfig } from './network-list.ts';

/** Comma-separated addresses that the pod wants, for plugins with the capability `ips`. */
export const IPS_ANNOTATION = 'evenkeel.dev/pod-ips';
/** The hardware address that the pod wants, for plugins with the capability `mac`. */
export const MAC_ANNOTATION = 'evenkeel.dev/pod-mac';
const INGRESS = 'kubernetes.io/ingress-bandwidth';
const EGRESS = 'kubernetes.io/egress-bandwidth';

/** Burst in bits: upstream's runtimes leave it open, too. */
const ANY_BURST = 2 ** 32 - 1;

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP: string;
}

function rate(annotation: string, text: string): number {
  try {
    const value = parseQuantity(text).value();
    // Upstream's bounds of a sensible rate: 1k to 1P.
    if (value >= 1e3 && value <= 1e15) return value;
  } catch {
    // Told below, with the annotation's name.
  }
  throw new NetworkError(`annotation ${annotation}: "${text}" is no rate between 1k and 1P, like "10M"`);
}

function bandwidth(annotations: Readonly<Record<string, string>>): Record<string, number> | undefined {
  const { [INGRESS]: ingress, [EGRESS]: egress } = annotations;
  if (ingress === undefined && egress === undefined) return undefined;
  return {
    ...(ingress === undefined ? {} : { ingressRate: rate(INGRESS, ingress), ingressBurst: ANY_BURST }),
    ...(egress === undefined ? {} : { egressRate: rate(EGRESS, egress), egressBurst: ANY_BURST }),
  };
}

function portMappings(request: NetworkRequest): PortMapping[] | undefined {
  if (request.hostPorts.length === 0) return undefined;
  return request.hostPorts.map(({ hostPort, containerPort, protocol, hostIp = '' }) => ({
    hostPort,
    containerPort,
    protocol: protocol.toLowerCase(),
    hostIP: hostIp,
  }));
}

/** Everything that can be told of a pod, by capability. `podCidrs` are the ranges of its node. */
export function capabilityArgs(request: NetworkRequest, podCidrs: readonly string[]): Record<string, unknown> {
  const { annotations = {}, dns } = request;
  const all = {
    portMappings: portMappings(request),
    bandwidth: bandwidth(annotations),
    ipRanges: podCidrs.length === 0 ? undefined : podCidrs.map((subnet) => [{ subnet }]),
    ips: annotations[IPS_ANNOTATION]?.split(',').map((one) => one.trim()),
    mac: annotations[MAC_ANNOTATION],
    dns,
    'io.kubernetes.cri.pod-annotations': Object.keys(annotations).length === 0 ? undefined : annotations,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** What was asked for by name and no plugin of the list can be told, as sentences. */
export function unmetBy(list: NetworkList, args: Readonly<Record<string, unknown>>): string[] {
  const asked: Readonly<Record<string, string>> = {
    portMappings: 'hostPort',
    bandwidth: `Annotations ${INGRESS} and ${EGRESS}`,
    ips: `Annotation ${IPS_ANNOTATION}`,
    mac: `Annotation ${MAC_ANNOTATION}`,
  };
  return Object.entries(asked)
    .filter(([name]) => name in args && !list.plugins.some(({ capabilities }) => capabilities?.[name] === true))
    .map(([name, what]) => `${what} without effect: no plugin of network "${list.name}" has the capability ${name}`);
}

/** The part of `args` that the plugin has declared. */
export function runtimeConfigOf(
  plugin: PluginConfig,
  args: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const declared = Object.entries(plugin.capabilities ?? {}).filter(([name, on]) => on === true && name in args);
  return declared.length === 0
    ? {}
    : { runtimeConfig: Object.fromEntries(declared.map(([name]) => [name, args[name]])) };
}
