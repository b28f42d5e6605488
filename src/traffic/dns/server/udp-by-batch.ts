// One UDP address by batches: what waits is taken at once, and plain answers go out together.
// Knows nothing of what is in a datagram.
import { DatagramBatches, type Peer, SLOT } from '#lib/sys/datagram-batches.ts';
import { decodeSocketAddress } from '#lib/sys/socket-address.ts';
import { type Endpoint, MAX_PENDING } from './endpoint.ts';
import type { UdpOptions } from './udp-by-one.ts';

/** Batches of one wake-up; then the loop turns, so that a flood does not starve the rest. */
const PER_WAKE_UP = 8;

/** Rejects with what binding threw. */
export async function listenUdpByBatch(address: string, port: number, options: UdpOptions): Promise<Endpoint> {
  const { responder, metrics, log, clock } = options;
  const batches = new DatagramBatches(address, port);
  let pending = 0;
  let open = true;

  /** In a turn of its own: whoever is told by the kernel directly has no promises and ticks run behind him. */
  const answerLater = (bytes: Buffer, peer: Peer): void => {
    pending += 1;
    setImmediate(async () => {
      const from = decodeSocketAddress(peer.name);
      const client = from?.family === 'inet' ? from.address : '';
      const answer = await responder.respondToAny(bytes, 'udp', client);
      pending -= 1;
      // A client that has gone is no failure.
      if (answer !== undefined && open) batches.sendTo(peer, answer);
    });
  };
  /** False when nothing waited. */
  const work = (): boolean => {
    const count = batches.receive();
    if (count === 0) return false;
    const since = clock.now();
    for (let at = 0; at < count; at++) {
      const { received, answers, answerAt } = batches;
      const begin = at * SLOT;
      const length = batches.lengthOf(at);
      const written = responder.plain.write(received, begin, length, answers, answerAt, SLOT, 'udp', since);
      if (written > 0) batches.answer(at, written);
      else if (pending >= MAX_PENDING) metrics.dropped('overload');
      else answerLater(Buffer.from(received.subarray(begin, begin + length)), batches.peer(at));
    }
    for (let lost = batches.flush(); lost > 0; lost--) metrics.dropped('overload');
    return open;
  };
  batches.watch(() => {
    try {
      for (let turn = 0; turn < PER_WAKE_UP; turn++) if (!work()) return;
    } catch (error) {
      log.warn({ address, error: (error as Error).message }, 'DNS socket failed');
    }
  });
  return {
    address,
    port: batches.port,
    close: async () => {
      open = false;
      batches.close();
    },
  };
}
