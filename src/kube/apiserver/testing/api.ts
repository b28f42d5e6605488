// A small client for the tests of this room: plain requests over TLS, and watches as a list of events.
// Knows HTTP only, so that the tests see exactly what the server sends.
import { Agent, request } from 'undici';
import { startTestServer, type TestServer, type TestServerOptions } from '../testing.ts';

export type Json = Record<string, unknown>;

export interface Answer {
  readonly code: number;
  readonly body: Json;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WatchedEvent {
  readonly type: string;
  readonly object: Json & { metadata?: Json };
}

export interface TestWatch {
  /** The next event; rejects when the stream ends first. */
  next(): Promise<WatchedEvent>;
  /** Resolves with what was left when the server ends the stream. */
  ended(): Promise<WatchedEvent[]>;
  close(): void;
}

export interface TestApi {
  readonly server: TestServer;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Like `call`, but throws unless the code is 2xx. */
  ok(method: string, path: string, options?: CallOptions): Promise<Json>;
  watch(path: string, options?: CallOptions): Promise<TestWatch>;
  close(): Promise<void>;
}

export async function startTestApi(options?: TestServerOptions): Promise<TestApi> {
  const server = await startTestServer({ withoutRootCa: true, ...options });
  const agent = new Agent({ connect: { ca: server.caPem } });
  const send = (method: string, path: string, { body, type, accept, token, headers }: CallOptions = {}) =>
    request(server.url + path, {
      method: method as 'GET',
      dispatcher: agent,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token ?? server.adminToken}` }),
        ...(accept === undefined ? {} : { accept }),
        ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const call = async (method: string, path: string, callOptions?: CallOptions): Promise<Answer> => {
    const response = await send(method, path, callOptions);
    const text = await response.body.text();
    const isJson = String(response.headers['content-type']).startsWith('application/json');
    return {
      code: response.statusCode,
      body: isJson && text !== '' ? JSON.parse(text) : { text },
      headers: response.headers,
    };
  };
  return {
    server,
    call,
    async ok(method, path, callOptions) {
      const answer = await call(method, path, callOptions);
      if (answer.code >= 300) throw new Error(`${method} ${path}: ${answer.code} ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    async watch(path, callOptions) {
      const { body } = await send('GET', path, callOptions);
      return follow(body);
    },
    async close() {
      await server.close();
      await agent.close();
    },
  };
}

function follow(body: NodeJS.ReadableStream & { destroy(): unknown }): TestWatch {
  const waiting: WatchedEvent[] = [];
  const readers: { resolve: (event: WatchedEvent) => void; reject: (error: Error) => void }[] = [];
  const end = Promise.withResolvers<void>();
  let text = '';
  const finish = (): void => {
    end.resolve();
    for (const reader of readers.splice(0)) reader.reject(new Error('The watch ended before the event came'));
  };
  body.setEncoding('utf8');
  body.on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line) as WatchedEvent;
      const reader = readers.shift();
      if (reader === undefined) waiting.push(event);
      else reader.resolve(event);
    }
  });
  body.on('end', finish);
  body.on('close', finish);
  body.on('error', finish);
  return {
    next() {
      const event = waiting.shift();
      if (event !== undefined) return Promise.resolve(event);
      return new Promise((resolve, reject) => readers.push({ resolve, reject }));
    },
    async ended() {
      await end.promise;
      return waiting;
    },
    close: () => void body.destroy(),
  };
}

export const configMap = (name: string, extra: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...extra,
});

export const pod = (name: string, extra: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { containers: [{ name: 'main', image: 'evenkeel.dev/echo' }], ...extra },
});

export const deployment = (name: string, spec: Json = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'evenkeel.dev/echo' }] },
    },
    ...spec,
  },
});

export const service = (name: string, spec: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
});

/** Reads a path out of an answer, for short assertions. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<string | number, unknown> | undefined)?.[step], value);
}
