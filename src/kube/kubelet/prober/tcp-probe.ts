// TCP probes: a connection that opens is success.
// Knows no pod: the address is resolved before it comes here.
import { connect } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import { patience } from './patience.ts';
import { dialError, failure, joinHostPort, type ProbeResult, success } from './result.ts';

/** Never rejects. (Upstream: pkg/probe/tcp.) */
export function tcpProbe(host: string, port: number, timeoutMs: number, clock: Clock): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const address = joinHostPort(host, port);
    const socket = connect({ host, port });
    const finish = (result: ProbeResult): void => {
      cancel();
      // An orderly end: a reset would be an error in the pod, and crash a server that does not expect one.
      socket.destroy();
      resolve(result);
    };
    const cancel = patience(clock, timeoutMs, () => finish(failure(`dial tcp ${address}: i/o timeout`)));
    socket.once('connect', () => finish(success()));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish(failure(dialError(address, error), error.code === 'ECONNREFUSED')),
    );
  });
}
