// A tiny list-and-watch server for tests, with every bad habit a network or a server can have, on command.
// Knows one resource and no rules of Kubernetes beyond list, watch and resourceVersion.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { KubeObject } from '#kube/api/object.ts';

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

interface HistoryEntry {
  readonly version: number;
  readonly type: EventType;
  readonly object: KubeObject;
}

export class UnreliableApi {
  /** Requests as they came: `list`, or `watch <resourceVersion>`. */
  readonly requests: string[] = [];
  #version = 1;
  #compacted = 0;
  #port = 0;
  #server: Server | undefined;
  #silent = false;
  #refusal: { code: number; headers: Record<string, string> } | undefined;
  readonly #objects = new Map<string, KubeObject>();
  #history: HistoryEntry[] = [];
  readonly #watches = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Listens on a free port the first time, and on the same one after `stop`. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', this.url);
      if (this.#silent) return;
      if (this.#refusal !== undefined) {
        response.writeHead(this.#refusal.code, this.#refusal.headers).end();
      } else if (url.searchParams.get('watch') === 'true') {
        this.#watch(Number(url.searchParams.get('resourceVersion')), response);
      } else {
        this.requests.push('list');
        const metadata = { resourceVersion: String(this.#version) };
        const body = { kind: 'PodList', apiVersion: 'v1', metadata, items: [...this.#objects.values()] };
        response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
      }
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Breaks every connection and stops listening. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  put(name: string, labels: Record<string, string> = {}): void {
    const version = ++this.#version;
    const existing = this.#objects.get(name);
    const uid = existing?.metadata?.uid ?? `uid-${version}`;
    const object = { metadata: { name, namespace: 'default', uid, labels, resourceVersion: String(version) } };
    this.#objects.set(name, object);
    this.#record({ version, type: existing === undefined ? 'ADDED' : 'MODIFIED', object });
  }

  remove(name: string): void {
    const object = this.#objects.get(name);
    if (object === undefined) throw new Error(`No object "${name}" to remove`);
    const version = ++this.#version;
    this.#objects.delete(name);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    this.#record({ version, type: 'DELETED', object: last });
  }

  names(): string[] {
    return [...this.#objects.keys()].sort();
  }

  /** Forgets the history, so that a watch from an older version is answered with 410. */
  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  /** From now on nothing is sent on any connection, which all stay open; `false` ends that for new requests. */
  goSilent(silent: boolean): void {
    this.#silent = silent;
    // Those that had gone silent stay so for ever, as behind a vanished peer.
    if (silent) this.#watches.clear();
  }

  /** Answers every request with this code until called without one. */
  refuse(code?: number, headers: Record<string, string> = {}): void {
    this.#refusal = code === undefined ? undefined : { code, headers };
  }

  /** Writes `bytes` into every open watch as they are. */
  inject(bytes: string): void {
    for (const watch of this.#watches) watch.write(bytes);
  }

  /** Writes the first half of an event and breaks the connection. */
  cutMidEvent(): void {
    for (const watch of this.#watches) watch.write('{"type":"ADDED","object":{"meta', () => watch.destroy());
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches.clear();
  }

  #watch(from: number, response: ServerResponse): void {
    this.requests.push(`watch ${from}`);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (from < this.#compacted) {
      const object = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Expired', code: 410 };
      response.end(line('ERROR', object));
      return;
    }
    for (const entry of this.#history) if (entry.version > from) response.write(line(entry.type, entry.object));
    this.#watches.add(response);
    response.on('close', () => this.#watches.delete(response));
  }

  #record(entry: HistoryEntry): void {
    this.#history.push(entry);
    for (const watch of this.#watches) watch.write(line(entry.type, entry.object));
  }
}

function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}
