// Addresses of the embedded cluster, in the one network it has today.
// Knows numbers only.
import type { Listener } from '#traffic/model/ir.ts';
import type { Ports } from './ports.ts';

/** Everything lives in 127/8: no privileges, nothing leaves the machine. */
export const loopbackNetwork = {
  nodeName: 'node-1',
  nodeAddress: '127.0.0.1',
  podCidr: '127.244.0.0/24',
  serviceCidr: '127.96.0.0/16',
  /** First of the Service range: the API server as pods see it. */
  kubernetesServiceAddress: '127.96.0.1',
  nodePortRange: { from: 30_000, to: 32_767 },
  /** Where API, gateway and admin listen. */
  publicAddress: '127.0.0.1',
} as const;

export const INGRESS_CLASS = 'evenkeel';

export function gatewayListeners(ports: Ports): Listener[] {
  const address = loopbackNetwork.publicAddress;
  return [
    { name: 'http', address, port: ports.http, protocol: 'http' },
    { name: 'https', address, port: ports.https, protocol: 'https' },
  ];
}
