// What tests of policies share: backends of the test's own that can be told how to behave, and Services over them.
// Knows the API from the outside.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Backend {
  readonly name: string;
  readonly port: number;
  /** Status of its answers, also to health checks. */
  status: number;
  /** Requests so far that are no health checks. */
  requests: number;
  /** Answers the requests with ?wait that are under way. */
  release(): void;
  close(): void;
}

/** Says its name; a request with `?wait` is answered when the test says so. */
export async function backend(name: string, address = '127.0.0.1'): Promise<Backend> {
  let waiting: (() => void)[] = [];
  const server: Server = createServer((request, response) => {
    const answer = (): void => {
      response.writeHead(own.status, { 'content-type': 'text/plain' });
      response.end(name);
    };
    if (request.url !== '/healthz') own.requests++;
    if (request.url?.endsWith('?wait') === true) waiting.push(answer);
    else answer();
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const own: Backend = {
    name,
    port: (server.address() as AddressInfo).port,
    status: 200,
    requests: 0,
    release: () => {
      for (const answer of waiting) answer();
      waiting = [];
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return own;
}

/** A Service whose endpoints are these backends, each in a slice of its own. */
export function serviceOver(name: string, backends: readonly Pick<Backend, 'port'>[], annotations = '{}'): string {
  const slices = backends.map(
    ({ port }, at) => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-${at}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }]`,
  );
  return `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, annotations: ${annotations} }
spec: { ports: [{ name: http, port: 80 }] }${slices.join('')}
`;
}

export function ingress(name: string, host: string, service: string, annotations = '{}'): string {
  return `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ${name}, annotations: ${annotations} }
spec:
  ingressClassName: evenkeel
  rules:
    - host: ${host}
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: ${service}, port: { name: http } } } }] }
`;
}

export function policy(name: string, targets: string, settings: string): string {
  return `
---
apiVersion: evenkeel.dev/v1alpha1
kind: BackendPolicy
metadata: { name: ${name} }
spec: { targetRefs: [${targets}], ${settings} }
`;
}

export const toService = (name: string, port?: string): string =>
  `{ group: "", kind: Service, name: ${name}${port === undefined ? '' : `, sectionName: "${port}"`} }`;

export const toRoute = (name: string, rule?: string): string =>
  `{ group: gateway.networking.k8s.io, kind: HTTPRoute, name: ${name}${rule === undefined ? '' : `, sectionName: ${rule}`} }`;
