// Whether requests can be routed at a port of a Service: by its appProtocol, else by how it is called.
// Knows one port and no route.
import type { ServicePort } from 'kubernetes-types/core/v1.js';
import { appProtocolOf } from '../app-protocol.ts';

const HTTP = ['http', 'kubernetes.io/ws', 'kubernetes.io/h2c', 'h2c', 'http2', 'grpc'];
/** First words of names, as people give them: `tcp-sql`, `tls`. */
const NOT_HTTP = new Set(['https', 'tls', 'wss', 'tcp', 'udp', 'sctp']);

export function isTcp({ protocol = 'TCP' }: ServicePort): boolean {
  return protocol === 'TCP';
}

/** What it says it speaks, when that is no HTTP that a proxy could read. */
export function strangeProtocol(port: ServicePort): string | undefined {
  const app = appProtocolOf(port);
  return app === '' || HTTP.includes(app) ? undefined : port.appProtocol;
}

/** Of a port that no route names: a route for all ports does not take those that speak something else. */
export function speaksHttp(port: ServicePort): boolean {
  if (!isTcp(port) || strangeProtocol(port) !== undefined) return false;
  if ((port.appProtocol ?? '') !== '') return true;
  return !NOT_HTTP.has((port.name ?? '').toLowerCase().split('-', 1)[0] ?? '');
}
