// A fleet of small backends behind an engine, each with knobs, for tests of who gets requests and who does not.
// Knows nothing of what a test asserts.

import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import type { ClusterReport, EndpointReport } from '../cluster-report.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { type Harness, portOf } from '../testing/harness.ts';
import { endpoint, simpleModel, update } from '../testing/model.ts';
import { exchange, httpBackend } from '../testing/peers.ts';

export const CLUSTER = 'test/web/http';

/** One backend: what it answers, and what it was asked. */
export interface Knobs {
  port: number;
  /** Status of requests. */
  status: number;
  /** Status of its health path. */
  health: number;
  /** Further response headers. */
  headers: Record<string, string>;
  requests: number;
  checks: number;
}

export async function backend(harness: Harness): Promise<Knobs> {
  const knobs: Knobs = { port: 0, status: 200, health: 200, headers: {}, requests: 0, checks: 0 };
  const { port } = await harness.backend(
    httpBackend((request, response) => {
      const isCheck = request.url === '/healthz';
      if (isCheck) knobs.checks++;
      else knobs.requests++;
      response.writeHead(isCheck ? knobs.health : knobs.status, knobs.headers).end(String(knobs.port));
    }),
  );
  knobs.port = port;
  return knobs;
}

export function backends(harness: Harness, count: number): Promise<Knobs[]> {
  return Promise.all(Array.from({ length: count }, () => backend(harness)));
}

export async function engineOver(
  harness: Harness,
  fleet: readonly Knobs[],
  settings: Partial<Cluster>,
  options: Partial<EngineOptions> = {},
  endpointOf: (knobs: Knobs) => Endpoint = (knobs) => endpoint(knobs.port),
): Promise<Engine> {
  const engine = await harness.engine(options);
  const ports = fleet.map(({ port }) => port);
  engine.publish({ ...simpleModel(ports, settings), endpoints: new Map([[CLUSTER, fleet.map(endpointOf)]]) });
  await engine.applied();
  return engine;
}

export function republish(engine: Engine, endpoints: readonly Endpoint[]): Promise<void> {
  engine.publish(update({ endpoints: new Map([[CLUSTER, endpoints]]) }));
  return engine.applied();
}

/** Sends `count` requests, each on a connection of its own, so that every worker gets some; resolves with the statuses. */
export async function send(engine: Engine, count: number, listener = 'http'): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await exchange(portOf(engine, listener), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    statuses.push(Number(answer.slice(9, 12)));
  }
  return statuses;
}

/** Sends `count` requests and tells how many of them each backend got. */
export async function shares(engine: Engine, fleet: readonly Knobs[], count: number): Promise<number[]> {
  const before = fleet.map(({ requests }) => requests);
  await send(engine, count);
  return fleet.map(({ requests }, place) => requests - (before[place] ?? 0));
}

export async function report(engine: Engine, name = CLUSTER): Promise<ClusterReport> {
  const found = (await engine.clusters()).find((cluster) => cluster.name === name);
  if (found === undefined) throw new Error(`Cluster "${name}" is not there`);
  return found;
}

export async function reportOf(engine: Engine, { port }: { readonly port: number }): Promise<EndpointReport> {
  const found = (await report(engine)).endpoints.find((one) => one.port === port);
  if (found === undefined) throw new Error(`Endpoint with port ${port} is not there`);
  return found;
}

/** The state of each backend, as the engine tells it. */
export async function states(engine: Engine, fleet: readonly Knobs[]): Promise<string[]> {
  const { endpoints } = await report(engine);
  return fleet.map(({ port }) => endpoints.find((one) => one.port === port)?.state ?? 'missing');
}

/** A backend that speaks the gRPC health protocol, written down byte by byte: `status` is a ServingStatus. */
export async function grpcBackend(harness: Harness): Promise<Knobs & { services: string[] }> {
  const knobs = { port: 0, status: 1, health: 0, headers: {}, requests: 0, checks: 0, services: [] as string[] };
  const server: Http2Server = createHttp2Server();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    knobs.checks++;
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', () => stream.close());
    stream.on('end', () => {
      knobs.services.push(`${headers[':path']} ${Buffer.concat(parts).subarray(7).toString()}`);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, knobs.status]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  knobs.port = (server.address() as AddressInfo).port;
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  harness.after(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  );
  return knobs;
}
