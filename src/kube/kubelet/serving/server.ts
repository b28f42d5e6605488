// The kubelet's HTTPS API: logs, the node's pods and health, for holders of the right client certificate only.
// Knows no pod worker; it asks the manager handed in.
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { refuseUpgrade } from '#kube/streaming/upgrade.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { metricsAnswer } from '#telemetry/metrics-page.ts';
import { parseLogQuery } from '../logs/log-line.ts';
import { readLogs } from '../logs/read-logs.ts';
import type { PodManager } from '../pod/pod-manager.ts';
import type { Runtime } from '../runtime.ts';
import type { KubeletMetrics } from '../stats/kubelet-metrics.ts';
import { serveUpgrade } from './upgrades.ts';

export interface KubeletServerOptions {
  readonly address: string;
  readonly port: number;
  readonly certPem: string;
  readonly keyPem: string;
  readonly clientCaPem: string;
  readonly pods: PodManager;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly stats: StatsReports;
  readonly metrics: KubeletMetrics;
  readonly log: Logger;
}

/** What `/stats/summary` and `/metrics/resource` answer. */
export interface StatsReports {
  summary(): Promise<unknown>;
  resourceMetrics(format: MetricFormat): Promise<string>;
}

export interface KubeletServer {
  readonly port: number;
  close(): Promise<void>;
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(body);
}

async function serveLogs(options: KubeletServerOptions, url: URL, response: ServerResponse): Promise<void> {
  const [, , namespace = '', pod = '', container = ''] = url.pathname.split('/').map(decodeURIComponent);
  const worker = options.pods.find(namespace, pod);
  if (worker === undefined) return text(response, 404, `pod "${pod}" does not exist\n`);
  const query = parseLogQuery(url.searchParams, Date.now());
  const logPath = worker.logPath(container, query.previous);
  if (logPath === undefined) return text(response, 400, worker.noLogMessage(container, query.previous));
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  await readLogs(logPath, query, options.runtime, {
    closed,
    write: (chunk) => {
      response.write(chunk);
      return response.writableLength;
    },
    drained: async () => {
      if (!response.writableNeedDrain || response.destroyed) return;
      await Promise.race([new Promise((resolve) => response.once('drain', resolve)), closed]);
    },
    gone: () => response.destroyed,
  });
  response.end();
}

async function serve(
  options: KubeletServerOptions,
  target: string,
  accept: string | undefined,
  response: ServerResponse,
): Promise<void> {
  if (!URL.canParse(target, 'https://kubelet')) return text(response, 400, `"${target}" is not a path\n`);
  const url = new URL(target, 'https://kubelet');
  if (url.pathname.startsWith('/containerLogs/')) return await serveLogs(options, url, response);
  if (/^\/(exec|attach|portForward)\//.test(url.pathname)) {
    return text(response, 400, 'Upgrade request required: this path speaks SPDY/3.1 and WebSocket\n');
  }
  if (url.pathname === '/healthz') return text(response, 200, 'ok');
  if (url.pathname === '/pods' || url.pathname === '/pods/') {
    const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: options.pods.list() };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(list));
    return;
  }
  if (url.pathname === '/stats/summary') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(await options.stats.summary()));
    return;
  }
  if (url.pathname === '/metrics') {
    const answer = await metricsAnswer((format) => options.metrics.text(options.pods.running(), format), accept);
    response.writeHead(200, { 'content-type': answer.type, vary: 'Accept' });
    response.end(answer.text);
    return;
  }
  if (url.pathname === '/metrics/resource') {
    const answer = await metricsAnswer((format) => options.stats.resourceMetrics(format), accept);
    response.writeHead(200, { 'content-type': answer.type, vary: 'Accept' });
    response.end(answer.text);
    return;
  }
  text(
    response,
    404,
    `the kubelet serves /containerLogs, /exec, /attach, /portForward, /pods, /stats/summary, /metrics, /metrics/resource and /healthz, not "${url.pathname}"\n`,
  );
}

/** Rejects when the address cannot be listened on. */
export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const server = createServer(
    {
      cert: options.certPem,
      key: options.keyPem,
      ca: options.clientCaPem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const { url: target = '/' } = request;
      serve(options, target, request.headers.accept, response).catch((error: Error) => {
        options.log.info({ path: target, error: error.message }, 'Request failed');
        if (response.headersSent) response.destroy();
        else text(response, 400, `${error.message}\n`);
      });
    },
  );
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    const upgrade = { request, socket, head };
    const before = (socket as Socket).bytesWritten;
    serveUpgrade(options, upgrade).catch((error: Error) => {
      options.log.info({ path: request.url, error: error.message }, 'Stream failed');
      // Before the first answer it can be said; afterwards there is nothing left to say.
      if ((socket as Socket).bytesWritten > before) socket.destroy();
      else refuseUpgrade(upgrade, 400, `${error.message}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of upgraded) socket.destroy();
      }),
  };
}
