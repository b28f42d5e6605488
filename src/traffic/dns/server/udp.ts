// One UDP address of the DNS server: many datagrams a call where the kernel can be called, one by one elsewhere.
// Knows nothing of what is in a datagram.
import { datagramBatchesObstacle } from '#lib/sys/datagram-batches.ts';
import type { Endpoint } from './endpoint.ts';
import { listenUdpByBatch } from './udp-by-batch.ts';
import { listenUdpByOne, type UdpOptions } from './udp-by-one.ts';

/** Rejects with what binding threw. */
export function listenUdp(address: string, port: number, options: UdpOptions): Promise<Endpoint> {
  return (datagramBatchesObstacle() === undefined ? listenUdpByBatch : listenUdpByOne)(address, port, options);
}
