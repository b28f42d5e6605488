// What tests of filters share: an engine with one route to echoing backends, and a client that says what it is told.
// Knows nothing of what a test asserts.

import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import type { Cluster, Route, TrafficUpdate } from '#traffic/model/ir.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { type Harness, portOf } from '../testing/harness.ts';
import { cluster, endpoint, listener, route, update } from '../testing/model.ts';
import { exchange, httpBackend } from '../testing/peers.ts';

export const WEB = 'test/web/http';

/** What an echoing backend got. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly raw: readonly string[];
  readonly body: string;
}

/** Answers with the request as JSON. */
export const echo: RequestListener = (request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const { method = '', url = '', headers, rawHeaders: raw } = request;
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ method, url, headers, raw, body: Buffer.concat(parts).toString() }));
  });
};

/** One listener, one route to one cluster, with what the test wants different. */
export function routed(
  ports: readonly number[],
  of: Partial<Route>,
  cluster_: Partial<Cluster> = {},
  more: Omit<TrafficUpdate, 'version'> = {},
): TrafficUpdate {
  return update({
    listeners: new Map([['http', listener()]]),
    virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes: [{ ...route(WEB), ...of }] }]]),
    clusters: new Map([[WEB, cluster(WEB, cluster_)], ...(more.clusters ?? [])]),
    endpoints: new Map([[WEB, ports.map((port) => endpoint(port))], ...(more.endpoints ?? [])]),
  });
}

export class FilterLab {
  readonly harness: Harness;
  readonly options: Partial<EngineOptions>;
  engine: Engine | undefined;

  constructor(harness: Harness, options: Partial<EngineOptions> = {}) {
    this.harness = harness;
    this.options = options;
  }

  /** Starts an engine, and a backend, with a route that is `of`; the port of the engine. */
  async serve(of: Partial<Route>, backend: RequestListener = echo, of2: Partial<Cluster> = {}): Promise<number> {
    const { port } = await this.harness.backend(httpBackend(backend));
    return this.publish(routed([port], of, of2));
  }

  async publish(model: TrafficUpdate): Promise<number> {
    this.engine ??= await this.harness.engine(this.options);
    this.engine.publish(model);
    await this.engine.applied();
    return portOf(this.engine);
  }

  async metrics(): Promise<string> {
    return (await this.engine?.metricsText()) ?? '';
  }
}

export interface Answer {
  readonly status: number;
  /** Lower-case names; several lines of one name joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
  readonly body: string;
}

/** Sends `GET /` with further lines, or a whole request line and lines. */
export async function ask(port: number, requestLine = 'GET /', ...lines: string[]): Promise<Answer> {
  const version = / HTTP\/1\.[01]$/.test(requestLine) ? '' : ' HTTP/1.1';
  const host = lines.some((line) => /^host:/i.test(line)) || version === '' ? [] : ['Host: shop.test'];
  return read(
    await exchange(port, `${[requestLine + version, ...host, ...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`),
  );
}

/** Reads the last response of `text`; a chunked body is put together. */
export function read(text: string): Answer {
  const final = text.slice(Math.max(0, text.lastIndexOf('HTTP/1.1 ')));
  const at = final.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = final.slice(0, at).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const body = final.slice(at + 4);
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    lines,
    body: headers['transfer-encoding'] === 'chunked' ? unchunk(body) : body,
  };
}

/** The payload of a chunked body, as Latin-1. */
export function unchunk(body: string): string {
  let out = '';
  for (let at = 0; at < body.length; ) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, lineEnd), 16);
    if (!(size > 0)) break;
    out += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
  return out;
}

export function echoOf(answer: Answer): Echo {
  return JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as Echo;
}
