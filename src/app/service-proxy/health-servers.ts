// What load balancers ask: one server for each Service that has a health port (KEP-1669), and those of the proxy itself.
// Knows no rule; it is told numbers and answers with them.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { HealthCheckRule } from '#traffic/snapshot/rules/rule-model.ts';
import { closeServer } from '../main/pages.ts';

interface Serving {
  readonly server: Server;
  rule: HealthCheckRule;
}

export interface HealthServersOptions {
  /** Where the ports of Services are served; every address when empty. */
  readonly addresses: readonly string[];
  readonly healthy: () => boolean;
  /** Told once for each port that cannot be had. */
  readonly onProblem: (message: string) => void;
}

/** Health ports of Services, as upstream's pkg/proxy/healthcheck/service_health.go answers them. */
export class HealthServers {
  readonly #options: HealthServersOptions;
  /** By port. */
  readonly #serving = new Map<number, Serving>();

  constructor(options: HealthServersOptions) {
    this.#options = options;
  }

  reconcile(rules: readonly HealthCheckRule[]): void {
    const wanted = new Map(rules.map((rule) => [rule.port, rule]));
    for (const [port, serving] of this.#serving) {
      const rule = wanted.get(port);
      if (rule === undefined) {
        closeServer(serving.server);
        this.#serving.delete(port);
      } else {
        serving.rule = rule;
      }
    }
    for (const [port, rule] of wanted) if (!this.#serving.has(port)) this.#open(port, rule);
  }

  close(): void {
    for (const { server } of this.#serving.values()) closeServer(server);
    this.#serving.clear();
  }

  #open(port: number, rule: HealthCheckRule): void {
    const server = createServer((_request, response) => {
      const { service, localEndpoints } = serving.rule;
      const [namespace = '', name = ''] = service.split('/');
      const serviceProxyHealthy = this.#options.healthy();
      response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
        'Content-Type': 'application/json',
        'X-Content-Type-Options': 'nosniff',
        'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
      });
      response.end(`${JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy })}\n`);
    });
    const serving: Serving = { server, rule };
    server.on('error', (error: NodeJS.ErrnoException) => {
      this.#serving.delete(port);
      const why = error.code === 'EADDRINUSE' ? 'the port is taken' : error.message;
      this.#options.onProblem(
        `Health port ${port} of Service "${rule.service}" cannot be served: ${why}; free it, or give the Service another healthCheckNodePort`,
      );
    });
    server.listen({ port });
    this.#serving.set(port, serving);
  }
}

/** `/healthz` (also for the node's own fate) and `/livez`, as upstream's proxier_health.go answers them. */
export function proxyHealth(healthy: () => boolean, leaving: () => boolean, wall: () => number): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/healthz' && path !== '/livez') {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('There are /healthz and /livez\n');
      return;
    }
    const alive = healthy();
    const eligible = !leaving();
    const well = path === '/livez' ? alive : alive && eligible;
    const now = new Date(wall()).toISOString();
    response.writeHead(well ? 200 : 503, { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' });
    response.end(
      `${JSON.stringify({ currentTime: now, healthy: alive, ...(path === '/healthz' ? { nodeEligible: eligible } : {}) })}\n`,
    );
  };
}
