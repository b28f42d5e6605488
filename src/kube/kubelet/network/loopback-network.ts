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

  async setUp({ podUid }: NetworkRequest): Promise<NetworkAttachment> {
    try {
      return { podIps: [this.#addresses.acquire(podUid)] };
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
