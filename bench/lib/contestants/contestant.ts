// What a benchmark asks of every proxy, and what it gets: a program to start and the port it will serve.
// Types only; each proxy has its file beside this one.

import type { ChildProcess } from 'node:child_process';
import type { BalancingPolicy, Cluster } from '#traffic/model/ir.ts';
import type { Arena } from '../arena.ts';

export interface Backend {
  readonly address: string;
  readonly port: number;
}

/** A route of its own with its own backends, for benchmarks with many. */
export interface RouteSetup {
  /** A path prefix, without a slash at its end. */
  readonly path: string;
  readonly backends: readonly Backend[];
}

/** The work, the same for all: X-Forwarded-For added, connections to backends kept, one thread unless said. */
export interface Setup {
  readonly backends: readonly Backend[];
  /** In front of the catch-all route to `backends`. */
  readonly routes?: readonly RouteSetup[];
  readonly tls?: { readonly certPem: string; readonly keyPem: string };
  /** Clients may speak HTTP/2: by ALPN with TLS, by prior knowledge without. */
  readonly http2?: boolean;
  /** Backends speak HTTP/2 without TLS, and gRPC in it. */
  readonly grpc?: boolean;
  readonly workers?: number;
  /** Clients at a time; 4096 when left out. */
  readonly maxConnections?: number;
  /** Of HAProxy, nginx, Caddy and of ours, in their own words; least connections when left out. */
  readonly balance?: { readonly haproxy?: string; readonly nginx?: string; readonly evenkeel?: BalancingPolicy };
  /** Passive ejection of backends that fail, where the proxy has it. */
  readonly eject?: boolean;
  /** Ours counts nothing. */
  readonly uncounted?: boolean;
  /** Further settings of our cluster. */
  readonly cluster?: Partial<Cluster>;
}

export interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly ipc?: boolean;
}

export interface Running extends Contestant {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Milliseconds from its start until it accepted. */
  readonly startMs: number;
}

export interface ProxyKind {
  /** What is looked for, and what Debian calls its package. */
  readonly program: string;
  readonly debian: string;
  make(setup: Setup, arena: Arena, name: string): Promise<Contestant>;
}
