// One UDP address of the DNS server.
// Knows nothing of what is in a datagram.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Logger } from '#lib/log.ts';
import type { DnsMetrics } from '../metrics.ts';
import type { Responder } from './responder.ts';

/** Answers that wait for a resolver; beyond it, questions are dropped, and their clients ask again. */
const MAX_PENDING = 2_000;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with what binding threw. */
export function listenUdp(
  address: string,
  port: number,
  responder: Responder,
  metrics: DnsMetrics,
  log: Logger,
): Promise<Endpoint> {
  const socket = createSocket(isIPv6(address) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
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
    const answer = responder.respond(bytes, 'udp');
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
