// The program of the image `evenkeel.dev/echo`: answers with what it received, as slow, wrong or broken as it is told.
// Plain JavaScript on node:http alone, so that it starts fast; other protocols are loaded when they are asked for.
// Knows only its environment.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const DRAIN_LIMIT_MS = 25_000;
/** After SIGTERM it goes on accepting for so long: balancers learn of an end a moment after the process does. */
const LAME_DUCK_MS = Number(process.env.ECHO_DRAIN_MS ?? 300);

/** What may be changed while it runs: by POST /knobs, or for one request by query or `x-echo-*` header. */
const knobs = {
  latencyMs: Number(process.env.ECHO_LATENCY_MS ?? 0),
  errorRate: Number(process.env.ECHO_ERROR_RATE ?? 0),
  status: Number(process.env.ECHO_STATUS ?? 200),
  cpuMs: Number(process.env.ECHO_CPU_MS ?? 0),
  size: Number(process.env.ECHO_SIZE ?? 0),
};
const NAMES = Object.keys(knobs);
/** Where pods share one loopback device, its own address; else every one, for a pod has an IPv6 address as well. */
const HOST = process.env.EVENKEEL_POD_IP ?? (/^127\./.test(process.env.POD_IP ?? '') ? process.env.POD_IP : undefined);

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const who = {
  pod: process.env.POD_NAME ?? process.env.HOSTNAME ?? '',
  podIp: process.env.POD_IP ?? process.env.EVENKEEL_POD_IP ?? '',
  namespace: process.env.POD_NAMESPACE ?? process.env.EVENKEEL_NAMESPACE ?? '',
  version: process.env.ECHO_VERSION ?? '',
};

let ready = process.env.ECHO_READY !== 'false';
let live = process.env.ECHO_LIVE !== 'false';
let draining = false;
let served = 0;

function knobsFor(request, url) {
  const own = { ...knobs };
  for (const name of NAMES) {
    const text = url.searchParams.get(name) ?? request.headers[`x-echo-${kebab(name)}`];
    if (text !== undefined && text !== null && Number.isFinite(Number(text))) own[name] = Number(text);
  }
  return own;
}

function burn(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

function send(response, status, value, contentType = 'application/json') {
  const body = typeof value === 'string' ? value : `${JSON.stringify(value)}\n`;
  const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
  if (draining) headers.connection = 'close';
  response.writeHead(status, headers);
  response.end(body);
}

function readBody(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
  });
}

function flag(url) {
  return url.searchParams.get('value') !== 'false';
}

/** Paths that command the server rather than ask it; `undefined` when the path is none of them. */
function control(request, url) {
  const post = request.method === 'POST';
  if (url.pathname === '/readyz') return ready && !draining ? [200, 'ok\n'] : [503, 'not ready\n'];
  if (url.pathname === '/livez') return live ? [200, 'ok\n'] : [500, 'not live\n'];
  if (url.pathname === '/ready' && post) ready = flag(url);
  else if (url.pathname === '/live' && post) live = flag(url);
  else return undefined;
  return [200, `${JSON.stringify({ ready, live })}\n`];
}

/** In place of an image nobody has, health checks ask for paths that only that image knows. */
function probed(request) {
  if (process.env.ECHO_PROBES !== 'any' || !/^kube-probe\//.test(request.headers['user-agent'] ?? '')) return undefined;
  return live && ready && !draining ? [200, 'ok\n'] : [503, 'not ready\n'];
}

/** What the handshake told of who asks. */
function tlsOf(socket) {
  return { serverName: socket.servername || undefined, client: socket.getPeerCertificate()?.subject?.CN };
}

async function handle(request, response) {
  const url = new URL(request.url ?? '/', 'http://echo');
  const answer = control(request, url) ?? probed(request);
  if (answer !== undefined) return send(response, answer[0], answer[1], 'text/plain');
  if (url.pathname === '/crash' && request.method === 'POST') {
    const code = Number(url.searchParams.get('code') ?? 1);
    send(response, 200, 'crashing\n', 'text/plain');
    setImmediate(() => process.exit(code));
    return;
  }
  const body = await readBody(request);
  if (url.pathname === '/knobs') {
    if (request.method === 'POST') {
      const wanted = body === '' ? Object.fromEntries(url.searchParams) : JSON.parse(body);
      for (const name of NAMES) if (wanted[name] !== undefined) knobs[name] = Number(wanted[name]);
    }
    return send(response, 200, knobs);
  }
  const own = knobsFor(request, url);
  if (own.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, own.latencyMs));
  if (own.cpuMs > 0) burn(own.cpuMs);
  served += 1;
  const failed = own.errorRate > 0 && Math.random() < own.errorRate;
  send(response, failed ? 500 : own.status, {
    ...who,
    method: request.method,
    path: request.url,
    httpVersion: request.httpVersion,
    ...(request.socket.encrypted ? { tls: tlsOf(request.socket) } : {}),
    headers: request.headers,
    ...(body === '' ? {} : { body }),
    // IPv4 at a socket of both families is an IPv4 address all the same.
    remoteAddress: request.socket.remoteAddress?.replace(/^::ffff:/, ''),
    served,
    ...(own.size > 0 ? { padding: 'x'.repeat(own.size) } : {}),
  });
}

/** Certificate and key of a volume named `tls`; a client may show a certificate, and is told which one was seen. */
function identity() {
  const folder = process.env.ECHO_TLS_DIR ?? process.env.EVENKEEL_MOUNT_TLS ?? '/tls';
  const read = (name) => readFileSync(`${folder}/${name}`);
  return { cert: read('tls.crt'), key: read('tls.key'), requestCert: true, rejectUnauthorized: false };
}

let webSockets;

function asHttp(server) {
  server.on('request', (request, response) => {
    handle(request, response).catch((error) => {
      if (!response.headersSent) send(response, 400, { error: error.message });
      else response.destroy();
    });
  });
  server.on('upgrade', async (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    webSockets ??= await import('./protocols/websocket.mjs');
    webSockets.upgrade(who, request, socket, head);
  });
  // Longer than a gateway keeps an idle connection, so that it is never the server who closes under a request.
  server.keepAliveTimeout = 75_000;
  return server;
}

const PROTOCOLS = {
  http: () => asHttp(createServer()),
  https: async () => asHttp((await import('node:https')).createServer(identity())),
  grpc: async () => (await import('./protocols/grpc.mjs')).grpc({ who }),
  tcp: async () => (await import('./protocols/streams.mjs')).tcp({ who }),
  tls: async () => (await import('./protocols/streams.mjs')).tls({ who, identity: identity() }),
  udp: async () => (await import('./protocols/streams.mjs')).udp({ who }),
};

/** `8080`, or `8443/https`. */
async function open(text) {
  const [port, protocol = 'http'] = text.trim().split('/');
  const make = PROTOCOLS[protocol];
  if (make === undefined) {
    throw new Error(`ECHO_PORTS: "${protocol}" is no protocol of this image; use ${Object.keys(PROTOCOLS).join(', ')}`);
  }
  const server = await make();
  server.listen(Number(port), HOST, () => {
    console.log(JSON.stringify({ message: 'listening', protocol, ...server.address(), pod: who.pod }));
  });
  return server;
}

const servers = await Promise.all((process.env.ECHO_PORTS ?? process.env.PORT ?? '8080').split(',').map(open));

process.on('SIGTERM', () => {
  draining = true;
  console.log(JSON.stringify({ message: 'draining', pod: who.pod }));
  // Requests are still answered, with Connection: close; then the last one ends us.
  setTimeout(() => {
    let open = servers.length;
    for (const server of servers) {
      server.close(() => --open === 0 && process.exit(0));
      server.closeIdleConnections?.();
    }
    webSockets?.closeAll();
  }, LAME_DUCK_MS);
  setTimeout(() => process.exit(0), DRAIN_LIMIT_MS).unref();
});
