// The real engine in front of a backend that says who asked, and what is looked at after each case: lives, leaks, memory.
// Knows nothing of what is sent.

import { connect, type Socket } from 'node:net';
import { type Logger, silentLogger } from '#lib/log.ts';
import type { Cluster, Endpoint, RouteFilter } from '#traffic/model/ir.ts';
import { type Engine, startEngine } from '../../src/traffic/proxy/engine.ts';
import { cluster, endpoint, listener, route, update } from '../../src/traffic/proxy/testing/model.ts';
import { type Backend, rawBackend } from '../../src/traffic/proxy/testing/peers.ts';
import { fieldValues, readRequests, type StrictMessage } from '../../src/traffic/proxy/testing/strict-reader.ts';

/** How long anything may take before it counts as hanging: far beyond every limit of the run but the machine's. */
const PATIENCE_MS = 20_000;
const MEGABYTE = 1024 * 1024;

/** Paths below go to backends of their own, which close connections: a request that was on one is sent once more. */
export const WHOLE = '/whole';
/**
 * A response that comes in pieces may end with too much when its connection has been given to the next request
 * already, which nobody can tell from the start of an answer.
 */
export const PIECES = '/pieces';

/** To a backend of HTTP/2, which says what `frames` says. */
export const FRAMES = '/frames';

/** One cluster, with one backend, for each. */
const paths = ['/', WHOLE, PIECES] as const;

/** What one client got, and whether the engine ended it. */
export interface Told {
  readonly received: string;
  readonly hung: boolean;
}

export class Rig {
  /** Requests by the address of the client that the engine names. */
  readonly seen = new Map<string, StrictMessage[]>();
  /** What reached the backend and is no request; nothing ever should. */
  readonly malformed: string[] = [];
  /** What the engine logged as an error. */
  readonly errors: string[] = [];
  /** What answers in place of the plain answer, by path. */
  readonly hostile = new Map<string, (socket: Socket) => void>();
  /** What the backend of HTTP/2 does with a new connection. */
  frames: (socket: Socket) => void = (socket) => socket.destroy();
  #engine: Engine | undefined;
  #framesPort = 0;
  readonly #backends: Backend[] = [];
  #port = 0;
  #clients = 0;
  #baseline = 0;
  peak = 0;

  async start(): Promise<void> {
    for (const _ of paths) this.#backends.push(await rawBackend((socket) => this.#serve(socket)));
    const framed = await rawBackend((socket) => this.frames(socket));
    this.#backends.push(framed);
    this.#framesPort = framed.port;
    this.#engine = await startEngine({ workers: 1, log: this.#log(), limits: { linger: 200 } });
    await this.route([]);
    this.#port = this.#engine.address('http')?.port ?? 0;
  }

  /** Puts `filters` on every route, while connections stay open. */
  async route(filters: readonly RouteFilter[]): Promise<void> {
    const timeouts = { connect: 2000, response: 5000, idle: 5000 };
    const routes = [...paths, FRAMES].map((path) => ({ ...route(path, path), filters }));
    this.#engine?.publish(
      update({
        listeners: new Map([['http', listener()]]),
        virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes }]]),
        clusters: new Map([
          ...paths.map((path): [string, Cluster] => [path, cluster(path, { timeouts })]),
          [FRAMES, cluster(FRAMES, { timeouts, upstreamProtocol: 'http2' })],
        ]),
        endpoints: new Map([
          ...paths.map((path, i): [string, Endpoint[]] => [path, [endpoint((this.#backends[i] as Backend).port)]]),
          [FRAMES, [endpoint(this.#framesPort)]],
        ]),
      }),
    );
    await this.#engine?.applied();
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    await Promise.all(this.#backends.map((backend) => backend.close()));
  }

  /** An address of its own for a client: the engine passes it on, whatever the client says. */
  nextAddress(): string {
    const n = this.#clients++ % (240 * 250 * 250);
    return `127.${10 + (Math.floor(n / 62_500) % 80)}.${1 + (Math.floor(n / 250) % 250)}.${1 + (n % 250)}`;
  }

  /** Sends `pieces` from `address`, each in a turn of its own, and closes that side; resolves when the engine closes. */
  talk(address: string, pieces: readonly string[]): Promise<Told> {
    return new Promise((resolve) => {
      let received = '';
      const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress: address, allowHalfOpen: true });
      const timer = setTimeout(() => finish(true), PATIENCE_MS);
      const finish = (hung: boolean): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve({ received, hung });
      };
      socket.setEncoding('latin1');
      socket.setNoDelay(true);
      socket.on('data', (text: string) => {
        received += text;
      });
      socket.on('end', () => finish(false));
      socket.on('error', () => finish(false));
      socket.on('close', () => finish(false));
      const send = (index: number): void => {
        if (socket.destroyed) return;
        if (index === pieces.length) socket.end();
        else socket.write(pieces[index] as string, 'latin1', () => setImmediate(() => send(index + 1)));
      };
      socket.on('connect', () => send(0));
    });
  }

  /** What the backend was asked by `address`, and forgets it. */
  take(address: string): StrictMessage[] {
    const requests = this.seen.get(address) ?? [];
    this.seen.delete(address);
    return requests;
  }

  /** Once nothing is under way: connections and requests that the engine still counts. */
  async leaks(): Promise<string> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const text = (await this.#engine?.metricsText()) ?? '';
      const left = [
        ...text.matchAll(/^evenkeel_(?:downstream_connections|http_requests_in_flight)(?:\{.*\})? ([1-9]\d*)$/gm),
      ];
      if (left.length === 0) return '';
      if (performance.now() > deadline) return left.map(([line]) => line).join(', ');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Notes the memory in use now as what later figures are compared with. */
  settle(): void {
    this.#baseline = process.memoryUsage().rss;
    this.peak = this.#baseline;
  }

  /** Megabytes beyond the baseline. */
  growth(): number {
    const { rss } = process.memoryUsage();
    this.peak = Math.max(this.peak, rss);
    return (rss - this.#baseline) / MEGABYTE;
  }

  #serve(socket: Socket): void {
    let unread = '';
    socket.setEncoding('latin1');
    socket.on('end', () => socket.end());
    socket.on('data', (text: string) => {
      const { messages, rest, error } = readRequests(unread + text);
      unread = rest;
      for (const request of messages) this.#answer(request, socket);
      if (error === '') return;
      this.malformed.push(`${error}: ${JSON.stringify(rest.slice(0, 500))}`);
      socket.destroy();
    });
  }

  #answer(request: StrictMessage, socket: Socket): void {
    const who = fieldValues(request, 'x-forwarded-for').join();
    const of = this.seen.get(who) ?? [];
    of.push(request);
    this.seen.set(who, of);
    const hostile = this.hostile.get(request.start.split(' ')[1] as string);
    if (hostile !== undefined) {
      hostile(socket);
      return;
    }
    const body = request.start.startsWith('HEAD ') ? '' : `who=${who};`;
    socket.write(
      `HTTP/1.1 200 OK\r\nX-Who: ${who}\r\nContent-Length: ${`who=${who};`.length}\r\n\r\n${body}`,
      'latin1',
    );
  }

  #log(): Logger {
    const logger: Logger = {
      ...silentLogger,
      error: (fields, message) => void this.errors.push(`${message} ${JSON.stringify(fields)}`),
      child: () => logger,
    };
    return logger;
  }
}
