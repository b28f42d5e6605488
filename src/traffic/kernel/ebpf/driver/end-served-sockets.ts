// Ends connections that were made at the socket: they lead to their endpoint directly, and no packet shows the Service.
// Which socket came by which Service is what the programs remember for names of peers.
import { endSockets } from '../../conntrack/end-sockets.ts';
import type { CutWay } from '../../contract.ts';
import type { BpfMap } from '../bpf/map.ts';
import { frontKey, PLACE_SIZE, placeBytes, TAIL_AT } from '../programs/layout.ts';
import { textOf } from '../tables/mirrored-map.ts';

/** Throws, as a sentence, where the kernel ends no sockets. */
export function endServedSockets(reverse: BpfMap, ways: readonly CutWay[]): void {
  const meant = new Set(ways.map((way) => textOf(placeBytes(way.endpoint)) + textOf(frontKey(way, 'TCP'))));
  const cookies = new Set<bigint>();
  for (const [key, front] of reverse.elements()) {
    if (!meant.has(textOf(key.subarray(0, PLACE_SIZE)) + textOf(front))) continue;
    cookies.add(new DataView(key.buffer, key.byteOffset).getBigUint64(TAIL_AT, true));
  }
  if (cookies.size > 0) endSockets(({ cookie }) => cookies.has(cookie));
}
