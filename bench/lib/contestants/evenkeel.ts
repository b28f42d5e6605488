// The engine as a contestant: the gateway alone, with a fixed model, in a process of its own.
// Knows how the model is written; nothing of load.

import { fileURLToPath } from 'node:url';
import { serialize } from 'node:v8';
import { defaultPolicy } from '#traffic/model/cluster-defaults.ts';
import type { Cluster, Endpoint, Route, TrafficUpdate } from '#traffic/model/ir.ts';
import { certificate, cluster, endpoint, listener, route, simpleModel } from '#traffic/proxy/testing/model.ts';
import type { Arena } from '../arena.ts';
import type { Backend, Contestant, ProxyKind, Running, Setup } from './contestant.ts';

/** What the process of the gateway starts with, as `v8.serialize` writes it. */
export interface GatewayFile {
  readonly workers: number;
  readonly update: TrafficUpdate;
}

export const CATCH_ALL = 'test/web/http';

export const evenkeel: ProxyKind = {
  program: process.execPath,
  debian: '',
  async make(setup: Setup, arena: Arena, name: string): Promise<Contestant> {
    const port = await arena.port();
    const file: GatewayFile = { workers: setup.workers ?? 1, update: modelOf(setup, port) };
    const script = fileURLToPath(new URL('./gateway.ts', import.meta.url));
    const path = arena.file(`${name}.model`, serialize(file));
    const profile = process.env.EVENKEEL_BENCH_NODE_OPTIONS?.split(' ') ?? [];
    const uncounted = new URL('../../telemetry/uncounted.ts', import.meta.url).href;
    const more = setup.uncounted === true ? ['--import', uncounted] : [];
    return { name, port, command: process.execPath, args: [...profile, ...more, script, path], ipc: true };
  },
};

/** Publishes further changes in a running engine; resolves once all its workers have applied them. */
export function publish({ child }: Running, update: Omit<TrafficUpdate, 'version'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('The gateway ended as it was told of a change'));
    child.once('exit', ended);
    child.once('message', () => {
      child.off('exit', ended);
      resolve();
    });
    child.send(update);
  });
}

export function endpointsOf(backends: readonly Backend[]): Endpoint[] {
  return backends.map(({ address, port }, i) => endpoint(port, `test/pod-${i}`, address));
}

function modelOf(setup: Setup, port: number): TrafficUpdate {
  const overrides: Partial<Cluster> = {
    policy: setup.balance?.evenkeel ?? defaultPolicy,
    upstreamProtocol: setup.grpc ? 'http2' : 'http1',
    timeouts: { connect: 2000, response: 30_000, idle: 30_000 },
    ...(setup.eject ? { outlierDetection: { consecutiveGatewayErrors: 5 } } : {}),
    ...setup.cluster,
  };
  const many = setup.routes ?? [];
  const names = many.map((_, i) => `test/many-${i}/http`);
  const routes: Route[] = [...many.map(({ path }, i) => route(names[i] as string, path)), route(CATCH_ALL)];
  const { tls } = setup;
  return {
    ...simpleModel([]),
    listeners: new Map([['http', listener('http', tls === undefined ? 'http' : 'https', port)]]),
    certificates: new Map(
      tls === undefined ? [] : [['bench', certificate('bench', [], { cert: tls.certPem, key: tls.keyPem })]],
    ),
    virtualHosts: new Map([['*', { hostname: '*', wildcard: 'any-labels', routes }]]),
    clusters: new Map([...names, CATCH_ALL].map((name) => [name, cluster(name, overrides)])),
    endpoints: new Map([
      ...many.map(({ backends }, i) => [names[i] as string, endpointsOf(backends)] as const),
      [CATCH_ALL, endpointsOf(setup.backends)] as const,
    ]),
  };
}
