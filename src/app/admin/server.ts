// The admin server: what runs here and how it fares, for people and for scrapers, and a few actions. Loopback only.
// Knows the engine's reports; what it changes, an action of actions.ts does.
import { createServer, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { metricsAnswer } from '#telemetry/metrics-page.ts';
import { processMetrics } from '#telemetry/process-metrics.ts';
import type { ClusterReport } from '#traffic/proxy/cluster-report.ts';
import type { Explanation, Question } from '#traffic/proxy/explain/explanation.ts';
import { questionOf } from '../explain/question.ts';
import { messageOf, UsageFailure } from '../failure.ts';
import { type ActionTarget, actionAt, perform } from './actions.ts';
import { renderIndex } from './index-page.ts';
import { type ControlledNode, nodeActionAt, nodeReports, performOnNode } from './node-control.ts';

/** What the admin server asks of the traffic engine. */
export interface ReportSource {
  metricsText(format: MetricFormat): Promise<string>;
  clusters(): Promise<readonly ClusterReport[]>;
  configDump(): Promise<unknown>;
  explain(question: Question): Promise<Explanation>;
}

export interface AdminOptions {
  readonly address: string;
  readonly port: number;
  readonly engine: ReportSource & Pick<ActionTarget, 'drainEndpoint'>;
  /** Metrics of other parts, each line ended; left out: none. */
  readonly moreMetrics?: (format: MetricFormat) => string;
  /** Whether everything that should run does. */
  readonly ready: () => boolean;
  /** Nodes that can be stopped and started; none when left out. */
  readonly nodes?: () => readonly ControlledNode[];
  /** Somebody asks this gateway to take nothing new. `ready` says no from then on. */
  readonly drain: () => void;
  readonly log: Logger;
}

export interface AdminServer {
  readonly url: string;
  close(): Promise<void>;
}

type Page = (
  query: URLSearchParams,
  accept: string | undefined,
) => Promise<{ readonly type: string; readonly text: string; readonly status?: number }>;

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';

/** Listens, or rejects with the system's error. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { engine, log, nodes = () => [] } = options;
  const metrics = async (format: MetricFormat): Promise<string> =>
    `${await engine.metricsText(format)}${options.moreMetrics?.(format) ?? ''}${processMetrics(format)}`;
  const pages: Readonly<Record<string, Page>> = {
    '/': async () => ({
      type: 'text/html; charset=utf-8',
      text: renderIndex(await engine.clusters(), process.uptime()),
    }),
    '/metrics': (_query, accept) => metricsAnswer(metrics, accept),
    '/stats': async () => json(processStats()),
    '/clusters': async () => json(await engine.clusters()),
    '/config_dump': async () => json(await engine.configDump()),
    '/nodes': async () => json(nodeReports(nodes())),
    '/explain': async (query) => explainPage(engine, query),
    '/healthz': async () => ({ type: TEXT, text: 'ok\n' }),
    '/readyz': async () =>
      options.ready() ? { type: TEXT, text: 'ok\n' } : { type: TEXT, text: 'not ready\n', status: 503 },
  };
  const target: ActionTarget = {
    drain: () => options.drain(),
    drainEndpoint: (cluster, key, drained) => engine.drainEndpoint(cluster, key, drained),
  };
  const server = createServer((request, response) => {
    const asked = request.url ?? '/';
    const path = asked.split('?', 1)[0] ?? '/';
    const query = asked.slice(path.length + 1);
    const page = pages[path];
    if (!isLocalHost(request.headers.host))
      return reply(response, 421, TEXT, 'This page answers only to names of this machine\n');
    const action = actionAt(path);
    if (action !== undefined) {
      const { status, text, headers } = perform(action, request, target);
      return reply(response, status, TEXT, text, headers);
    }
    const nodeAction = nodeActionAt(path);
    if (nodeAction !== undefined) {
      void performOnNode(nodeAction, request, nodes()).then(({ status, text }) => reply(response, status, TEXT, text));
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return reply(response, 405, TEXT, 'Only GET is served here\n');
    if (page === undefined)
      return reply(response, 404, TEXT, `No such page; there are: ${Object.keys(pages).join(' ')}\n`);
    page(new URLSearchParams(query), request.headers.accept).then(
      ({ status = 200, type, text }) => reply(response, status, type, text),
      (error: unknown) => {
        log.error({ path, error: messageOf(error) }, 'Admin page failed');
        reply(response, 500, TEXT, `${messageOf(error)}\n`);
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.address, resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://${options.address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** `?url=…&method=…&header=name: value&header=…&listener=…&client=…` */
async function explainPage(engine: ReportSource, query: URLSearchParams): ReturnType<Page> {
  const text = (name: string): Record<string, string> => {
    const value = query.get(name);
    return value === null ? {} : { [name]: value };
  };
  const asked = { url: query.get('url') ?? '', headers: query.getAll('header') };
  try {
    const question = questionOf({ ...asked, ...text('method'), ...text('listener'), ...text('client') });
    return json(await engine.explain(question));
  } catch (error) {
    if (!(error instanceof UsageFailure)) throw error;
    return { type: TEXT, text: `${error.message}\n${error.remedy}.\n`, status: 400 };
  }
}

function reply(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, {
    ...headers,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    Vary: 'Accept',
    'X-Content-Type-Options': 'nosniff',
    // Its buttons must not be pressed from within another page.
    'X-Frame-Options': 'DENY',
    'Content-Security-Policy': "frame-ancestors 'none'",
  });
  response.end(text);
}

function json(value: unknown): { type: string; text: string } {
  return { type: JSON_TYPE, text: `${JSON.stringify(value, redact, 2)}\n` };
}

/** A second look, whoever made the dump: nothing that is marked private, and no private key, leaves in plain text. */
function redact(_: string, value: unknown): unknown {
  if (typeof value === 'string' && value.includes('PRIVATE KEY-----')) return '[redacted]';
  if (typeof value === 'object' && value !== null && (value as { private?: unknown }).private === true)
    return '[redacted]';
  return value;
}

/** A web page elsewhere must not read this one through a name of its own that leads here (DNS rebinding). */
function isLocalHost(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

function processStats(): Record<string, unknown> {
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    pid: process.pid,
    uptimeSeconds: Math.round(process.uptime()),
    memoryBytes: { resident: rss, heapUsed, external },
    cpuSeconds: { user: user / 1e6, system: system / 1e6 },
    node: process.versions.node,
  };
}
