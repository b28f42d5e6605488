// What one health check asks, of whom, and what it answers.
// Types and what all kinds share; knows no protocol.

import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls';
import type { HealthCheck, UpstreamTls } from '#traffic/model/ir.ts';

export interface CheckTarget {
  readonly address: string;
  readonly port: number;
  readonly check: HealthCheck;
  /** Whether the endpoint speaks HTTP/2; gRPC always does. */
  readonly http2: boolean;
  readonly tls: UpstreamTls | undefined;
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
export function openSocket({ address, port, tls }: CheckTarget, protocol: 'http/1.1' | 'h2'): Socket {
  if (tls === undefined) return connect({ host: address, port, noDelay: true });
  return connectTls({ host: address, port, ALPNProtocols: [protocol], ...secure(tls) });
}

function secure(tls: UpstreamTls): ConnectionOptions {
  const { subjectNames, clientCertificate } = tls;
  return {
    servername: tls.serverName,
    rejectUnauthorized: tls.insecureSkipVerify !== true,
    ...(tls.caPem === undefined ? {} : { ca: tls.caPem }),
    ...(tls.minVersion === undefined ? {} : { minVersion: tls.minVersion }),
    ...(clientCertificate === undefined
      ? {}
      : { cert: clientCertificate.certificateChainPem, key: clientCertificate.privateKeyPem.value }),
    checkServerIdentity: (host: string, certificate: PeerCertificate) => {
      if (subjectNames === undefined) return checkServerIdentity(host, certificate);
      const matches = subjectNames.some((name) => speaksFor(certificate, name));
      return matches ? undefined : new Error(`Certificate is for none of ${subjectNames.join(', ')}`);
    },
  };
}

function speaksFor(certificate: PeerCertificate, name: string): boolean {
  if (!name.includes('://')) return checkServerIdentity(name, certificate) === undefined;
  return (certificate.subjectaltname ?? '').split(', ').includes(`URI:${name}`);
}

/** What went wrong with a connection, fit for people. */
export function connectionTrouble(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ECONNREFUSED') return 'Connection refused';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'Connection closed';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'Endpoint cannot be reached';
  return `Connection failed: ${error instanceof Error ? error.message : String(error)}`;
}
