// The HTTP server that every service runs in: routing, health endpoints, and a shutdown that loses no request.
// Knows no business of the shop.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { knobs, knobsEnabled, turn } from './knobs.ts';
import { type Handler, type Incoming, Refused, type Reply, type Service, servedBy } from './service.ts';
import { work } from './work.ts';

const MAX_BODY_BYTES = 64 * 1024;
/** Connections are retired after this many requests, so that clients spread over new replicas in time. */
const MAX_REQUESTS_PER_CONNECTION = 1_000;
/** How long a leaving server goes on listening, milliseconds. */
const LINGER_MS = 500;

let leaving = false;

/** Starts the service on POD_IP (all addresses when unset) and PORT (8080); SIGTERM and SIGINT end it. */
export function start(service: Service): Server {
  const server = createServer((request, response) => {
    answer(service, request, response).catch((error: unknown) => {
      log('error', 'Request failed', { path: request.url, error: String(error) });
      send(response, { status: 500, body: { error: 'Internal error' } });
    });
  });
  // Longer than the idle timeout of the proxies in front, so that it is never the server that closes first.
  server.keepAliveTimeout = 75_000;
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION;
  const port = Number(process.env.PORT ?? 8080);
  server.on('error', (error) => {
    log('error', 'Cannot listen', { port, error: error.message });
    process.exit(1);
  });
  server.listen(port, process.env.POD_IP, () => log('info', 'Listening', { service: service.name, port }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => leave(server, signal));
  return server;
}

/**
 * Not ready, and `Connection: close` on every further reply. Listening goes on for a moment: who has not heard yet is
 * served all the same, and no idle connection is cut while a request is on its way over it. Then the last reply ends it.
 */
function leave(server: Server, signal: string): void {
  log('info', 'Leaving', { signal });
  leaving = true;
  setTimeout(() => server.close(() => process.exit(0)), LINGER_MS);
}

async function answer(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://shop');
  if (url.pathname === '/livez') return send(response, { status: knobs.live ? 200 : 500, body: { live: knobs.live } });
  if (url.pathname === '/readyz') {
    const ready = knobs.ready && !leaving;
    return send(response, { status: ready ? 200 : 503, body: { ready } });
  }
  const incoming = read(request, url);
  try {
    if (knobsEnabled && url.pathname === '/admin/knobs') {
      if (request.method === 'POST') turn(await incoming.json());
      return send(response, { body: { ...knobs, ...servedBy } });
    }
    const handler = find(service, request.method ?? 'GET', url.pathname);
    if (handler === undefined) throw new Refused(404, `No such page in ${service.name}`);
    if (knobs.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, knobs.latencyMs));
    if (knobs.workMs > 0) await work(() => response.destroyed);
    if (knobs.errorRate > 0 && Math.random() < knobs.errorRate) throw new Refused(500, 'Failed as told by its knobs');
    send(response, await handler(incoming));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    send(response, { status: error.status, body: { error: error.message } });
  }
}

function find(service: Service, method: string, path: string): Handler | undefined {
  const asked = method === 'HEAD' ? 'GET' : method;
  const exact = service.routes[`${asked} ${path}`];
  if (exact !== undefined) return exact;
  for (const [route, handler] of Object.entries(service.routes)) {
    if (route.endsWith('*') && `${asked} ${path}`.startsWith(route.slice(0, -1))) return handler;
  }
  return undefined;
}

function read(request: IncomingMessage, url: URL): Incoming {
  const requestId = request.headers['x-request-id'];
  return {
    path: url.pathname,
    query: url.searchParams,
    cookies: parseCookies(request.headers.cookie ?? ''),
    requestId: typeof requestId === 'string' ? requestId : randomUUID(),
    json: () => readJson(request),
  };
}

function parseCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0) cookies.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim());
  }
  return cookies;
}

async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Refused(413, `Body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Falls through: the same answer as for JSON that is no object.
  }
  throw new Refused(400, 'Body must be a JSON object');
}

function send(response: ServerResponse, reply: Reply): void {
  const html = typeof reply.body === 'string';
  const text = html ? (reply.body as string) : JSON.stringify(reply.body);
  response.writeHead(reply.status ?? 200, {
    'Content-Type': html ? 'text/html; charset=utf-8' : 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Served-By': servedBy.pod,
    ...(leaving ? { Connection: 'close' } : {}),
    ...reply.headers,
  });
  response.end(text);
}

/** One JSON line on standard output. */
function log(level: 'info' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields, ...servedBy }));
}
