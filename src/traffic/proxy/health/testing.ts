// A fleet of small backends behind an engine, each with knobs, for tests of who gets requests and who does not.
// Knows nothing of what a test asserts.

import { type handleUnaryCall, type MethodDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import type { ClusterReport, EndpointReport } from '../cluster-report.ts';
import type { Engine, EngineOptions } from '../engine.ts';
import { type Harness, portOf } from '../testing/harness.ts';
import { endpoint, simpleModel, update } from '../testing/model.ts';
import { exchange, httpBackend } from '../testing/peers.ts';

export const CLUSTER = 'test/web/http';

interface HasPort {
  readonly port: number;
}

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
  fleet: readonly HasPort[],
  settings: Partial<Cluster>,
  options: Partial<EngineOptions> = {},
  endpointOf: (knobs: HasPort) => Endpoint = (knobs) => endpoint(knobs.port),
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

export async function reportOf(engine: Engine, { port }: HasPort): Promise<EndpointReport> {
  const found = (await report(engine)).endpoints.find((one) => one.port === port);
  if (found === undefined) throw new Error(`Endpoint with port ${port} is not there`);
  return found;
}

/** The state of each backend, as the engine tells it. */
export async function states(engine: Engine, fleet: readonly HasPort[]): Promise<string[]> {
  const { endpoints } = await report(engine);
  return fleet.map(({ port }) => endpoints.find((one) => one.port === port)?.state ?? 'missing');
}

/** A gRPC server that serves the health protocol, its messages written down byte by byte. */
export interface GrpcKnobs {
  readonly port: number;
  /** `ServingStatus` of the answer: 1 is SERVING. */
  serving: number;
  /** Status of the call; 0 is OK. */
  code: number;
  /** Names of the services that were asked about. */
  readonly services: string[];
}

export async function grpcBackend(harness: Harness): Promise<GrpcKnobs> {
  const server = new Server();
  const check: MethodDefinition<Buffer, Buffer> = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => message,
    requestDeserialize: (message) => message,
    responseSerialize: (message) => message,
    responseDeserialize: (message) => message,
  };
  const answer: handleUnaryCall<Buffer, Buffer> = (call, done) => {
    // Field 1, a string: tag, length, bytes.
    knobs.services.push(call.request.subarray(2).toString());
    if (knobs.code === 0) done(null, Buffer.from([0x08, knobs.serving]));
    else done({ code: knobs.code });
  };
  server.addService({ check }, { check: answer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  harness.after(async () => server.forceShutdown());
  const knobs: GrpcKnobs = { port, serving: 1, code: 0, services: [] };
  return knobs;
}
