// One UDP address by way of Node: each datagram is an event, each answer a call.
// For where the kernel cannot be called; it takes more than twice the time. Knows nothing of what is in a datagram.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { DnsMetrics } from '../metrics.ts';
import { type Endpoint, MAX_PENDING } from './endpoint.ts';
import type { Responder } from './responder.ts';

export interface UdpOptions {
  readonly responder: Responder;
  readonly metrics: DnsMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Rejects with what binding threw. */
export function listenUdpByOne(address: string, port: number, options: UdpOptions): Promise<Endpoint> {
  const { responder, metrics, log } = options;
  const socket = createSocket({
    ...(isIPv6(address) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' }),
    // Who asked is an address already.
    lookup: (host, _, found) => found(null, host, isIPv6(host) ? 6 : 4),
  });
  let pending = 0;
  let open = true;
  socket.on('message', (bytes, from) => {
    // Nobody listens at port 0, and sending there throws.
    if (from.port === 0) return;
    const reply = (answer: Buffer | undefined): void => {
      // A client that has gone is no failure.
      if (answer !== undefined && open) socket.send(answer, from.port, from.address, () => {});
    };
    if (pending >= MAX_PENDING) return metrics.dropped('overload');
    const answer = responder.respond(bytes, 'udp', from.address);
    if (!(answer instanceof Promise)) return reply(answer);
    pending += 1;
    void answer.then((late) => {
      pending -= 1;
      reply(late);
    });
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', reject);
      socket.on('error', (error) => log.warn({ address, error: error.message }, 'DNS socket failed'));
      resolve({
        address,
        port: socket.address().port,
        close: () =>
          new Promise((done) => {
            open = false;
            socket.close(() => done());
          }),
      });
    });
  });
}
