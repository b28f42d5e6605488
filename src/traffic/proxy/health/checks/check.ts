// What one health check asks, of whom, and what it answers.
// Types and what all kinds share; knows no protocol.

import type { Socket } from 'node:net';
import type { HealthCheck, UpstreamTls } from '#traffic/model/ir.ts';
import { dial } from '../../upstream/dial.ts';

export interface CheckTarget {
  readonly address: string;
  readonly port: number;
  readonly check: HealthCheck;
  /** Whether the endpoint speaks HTTP/2; gRPC always does. */
  readonly http2: boolean;
  readonly tls: UpstreamTls | undefined;
  /** The header of a check says that the connection is the proxy's own. */
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
}

export interface CheckResult {
  readonly good: boolean;
  /** What came back, in words; names no address. */
  readonly detail: string;
}

/** Calls `done` once, whatever happens; the function it returns gives up, and then nothing is called any more. */
export type Check = (target: CheckTarget, done: (result: CheckResult) => void) => () => void;

export const good = (detail: string): CheckResult => ({ good: true, detail });
export const bad = (detail: string): CheckResult => ({ good: false, detail });

/** A connection of its own for each check: whether the endpoint takes new ones is part of the question. */
export function openSocket({ address, port, tls, proxyProtocol }: CheckTarget, protocol: 'http1' | 'http2'): Socket {
  return dial({ address, port, transport: { protocol, tls, proxyProtocol } }, () => {});
}

/** What went wrong with a connection, fit for people. */
export function connectionTrouble(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ECONNREFUSED') return 'Connection refused';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'Connection closed';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'Endpoint cannot be reached';
  return `Connection failed: ${error instanceof Error ? error.message : String(error)}`;
}
