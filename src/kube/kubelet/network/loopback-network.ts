// Pods as addresses of the loopback device: no namespace, no privileges, one machine.
// Knows the node's range only.
import { AddressPool } from '../node/address-pool.ts';
import { type NetworkAttachment, NetworkError, type NetworkRequest, type PodNetwork } from './pod-network.ts';

export class LoopbackNetwork implements PodNetwork {
  readonly name = 'loopback';
  readonly #addresses: AddressPool;

  /** `podCidr` within 127.0.0.0/8. */
  constructor(podCidr: string) {
    this.#addresses = new AddressPool(podCidr);
  }

  async setUp({ podUid, hostPorts }: NetworkRequest): Promise<NetworkAttachment> {
    try {
      const podIps = [this.#addresses.acquire(podUid)];
      const unmet = hostPorts.map(
        ({ hostPort, protocol, containerPort }) =>
          `Host port ${hostPort}/${protocol} has no effect: network loopback leads no port of the node to a pod; ` +
          `ask ${podIps[0]}:${containerPort}`,
      );
      return unmet.length === 0 ? { podIps } : { podIps, unmet };
    } catch (error) {
      throw new NetworkError((error as Error).message);
    }
  }

  async tearDown(podUid: string): Promise<void> {
    this.#addresses.release(podUid);
  }

  /** Addresses are only remembered, so nothing outlives a run. */
  async sweep(): Promise<void> {}

  problem(): undefined {
    return undefined;
  }

  async close(): Promise<void> {}
}
