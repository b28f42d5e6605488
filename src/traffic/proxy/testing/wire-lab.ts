// A raw client, the real engine and a backend that records every byte: what a test of the wire needs, started once.
// Knows nothing of what a test asserts.

import type { Socket } from 'node:net';
import { accessLogTo } from '#telemetry/access-record.ts';
import type { Cluster } from '#traffic/model/ir.ts';
import type { Engine } from '../engine.ts';
import type { HttpLimits } from '../http1/limits.ts';
import { Harness, portOf } from './harness.ts';
import { listener, simpleModel } from './model.ts';
import { RawClient, rawBackend } from './peers.ts';
import { readRequests, type StrictMessage } from './strict-reader.ts';

/** What the backend says to a request; `undefined` to say nothing. */
export type Answer = (request: StrictMessage, socket: Socket) => string | undefined;

/** `GET /a HTTP/1.1` becomes `GET /a`. */
export function askedFor(request: StrictMessage): string {
  return request.start.slice(0, request.start.lastIndexOf(' '));
}

export function ok(body: string, lines = ''): string {
  return `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export interface LabOptions {
  readonly limits?: Partial<HttpLimits>;
  readonly cluster?: Partial<Cluster>;
  /** Path of the access log. */
  readonly accessLog?: string;
}

export class WireLab {
  /** Every request that reached the backend since `reset`, as the strict reader sees it. */
  readonly requests: StrictMessage[] = [];
  /** What reached the backend and is no request. */
  readonly malformed: string[] = [];
  /** Bytes that reached the backend since `reset`. */
  bytes = '';
  /** Connections to the backend since `reset`. */
  connections = 0;
  /** Of all connections to the backend, those that were closed since `reset`. */
  closed = 0;
  answer: Answer = (request) => ok(askedFor(request));
  /** Called with what each read brings, before it is read as requests. */
  onBytes: (bytes: string, socket: Socket) => void = () => {};
  readonly #harness = new Harness();
  #engine: Engine | undefined;
  #next = 0;

  static async start(options: LabOptions = {}): Promise<WireLab> {
    const lab = new WireLab();
    const backend = await lab.#harness.backend(rawBackend((socket) => lab.#serve(socket)));
    const { limits, accessLog } = options;
    const engine = await lab.#harness.engine({
      ...(limits === undefined ? {} : { limits }),
      ...(accessLog === undefined ? {} : { accessLog: accessLogTo(accessLog) }),
    });
    // HTTP/1 alone: what is sent here must not be taken for anything else.
    const model = simpleModel([backend.port], options.cluster);
    engine.publish({ ...model, listeners: new Map([['http', { ...listener(), http2: false }]]) });
    await engine.applied();
    lab.#engine = engine;
    return lab;
  }

  get engine(): Engine {
    return this.#engine as Engine;
  }

  /** Forgets what was recorded and answers plainly again. */
  reset(): void {
    this.requests.length = 0;
    this.malformed.length = 0;
    this.bytes = '';
    this.connections = 0;
    this.closed = 0;
    this.answer = (request) => ok(askedFor(request));
    this.onBytes = () => {};
  }

  close(): Promise<void> {
    return this.#harness.close();
  }

  client(): RawClient {
    const client = new RawClient(portOf(this.engine));
    this.#harness.after(async () => client.destroy());
    return client;
  }

  /** Sends `text`, closes the sending side, and resolves with everything that came back. */
  async talk(text: string): Promise<string> {
    const client = this.client().send(text);
    client.socket.end();
    return client.untilClosed();
  }

  /** As `talk`, but keeps the sending side open: who resolves this is the engine, by closing. */
  async untilClosed(text: string): Promise<string> {
    return this.client().send(text).untilClosed();
  }

  /** Whether another client, on the same pooled connections, gets its own answer to its own request. */
  async nextClientIsIntact(): Promise<boolean> {
    const path = `/next-${this.#next++}`;
    const answer = this.answer;
    const onBytes = this.onBytes;
    this.answer = (request) => ok(askedFor(request));
    this.onBytes = () => {};
    const got = await this.untilClosed(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    this.answer = answer;
    this.onBytes = onBytes;
    const own = this.requests.filter((request) => askedFor(request) === `GET ${path}`);
    return own.length === 1 && own[0]?.body === '' && statuses(got)[0] === 200 && got.endsWith(`\r\n\r\nGET ${path}`);
  }

  #serve(socket: Socket): void {
    this.connections++;
    let unread = '';
    socket.setEncoding('latin1');
    socket.on('end', () => socket.end());
    socket.on('close', () => this.closed++);
    socket.on('data', (text: string) => {
      this.bytes += text;
      this.onBytes(text, socket);
      const { messages, rest, error } = readRequests(unread + text);
      unread = rest;
      for (const request of messages) {
        this.requests.push(request);
        const answer = this.answer(request, socket);
        if (answer !== undefined) socket.write(answer, 'latin1');
      }
      if (error === '') return;
      this.malformed.push(error);
      socket.destroy();
    });
  }
}

/** The status codes in `text`, in order. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
