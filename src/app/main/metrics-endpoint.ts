// A page of metrics at addresses of its own, for scrapers within the cluster.
// Knows no metric.
import { createServer, type Server } from 'node:http';
import type { Logger } from '#lib/log.ts';
import { type MetricsText, metricsListener } from '#telemetry/metrics-page.ts';
import { messageOf } from '../failure.ts';

/** An address that cannot be had is left out, and the log says so. */
export async function serveMetrics(
  addresses: readonly string[],
  port: number,
  text: MetricsText,
  log: Logger,
): Promise<{ close(): Promise<void> }> {
  const servers: Server[] = [];
  for (const address of addresses) {
    const server = createServer(metricsListener(text));
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: address, port, exclusive: true }, resolve);
      });
      servers.push(server);
    } catch (error) {
      log.warn({ address, port, error: messageOf(error) }, 'Cannot serve metrics');
    }
  }
  const close = (server: Server): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { close: async () => void (await Promise.all(servers.map(close))) };
}
