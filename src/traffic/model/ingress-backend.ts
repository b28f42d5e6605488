// What a backend of an Ingress means: the cluster behind it, or the answer to give in its place.
// Knows nothing of hosts and paths.
import type { Service, ServicePort } from 'kubernetes-types/core/v1.js';
import type { IngressBackend, IngressServiceBackend } from 'kubernetes-types/networking/v1.js';
import type { RouteAction } from './ir.ts';
import { clusterName } from './names.ts';
import type { ProblemReason } from './problem.ts';

/** The Service with this `namespace/name`, if it exists. */
export type FindService = (key: string) => Service | undefined;

type BackendProblem = Extract<ProblemReason, 'BackendNotSupported' | 'PortNotFound' | 'ServiceNotFound'>;

/** What strangers may read; the names inside the cluster are for the owner of the Ingress. */
const PUBLIC_REASONS: Readonly<Record<BackendProblem, string>> = {
  BackendNotSupported: 'The backend of this route is not supported',
  PortNotFound: 'The backend service of this route has no such port',
  ServiceNotFound: 'The backend service of this route does not exist',
};

export interface ResolvedBackend {
  readonly action: RouteAction;
  readonly problem?: { readonly reason: ProblemReason; readonly field: string; readonly message: string };
}

/** `field` is where the backend stands in its Ingress. */
export function resolveBackend(
  backend: IngressBackend,
  namespace: string,
  field: string,
  findService: FindService,
): ResolvedBackend {
  const wanted = backend.service;
  if (wanted === undefined) {
    const what = `${backend.resource?.kind ?? 'nothing'} "${backend.resource?.name ?? ''}"`;
    return unavailable(
      'BackendNotSupported',
      `${field}.resource`,
      `Backend ${what} is no Service: point it to a Service`,
    );
  }
  const key = `${namespace}/${wanted.name}`;
  const service = findService(key);
  if (service === undefined) {
    return unavailable(
      'ServiceNotFound',
      `${field}.service.name`,
      `Service "${key}" does not exist: create it or correct the name`,
    );
  }
  const port = findPort(service, wanted);
  if (port === undefined) {
    const known = (service.spec?.ports ?? []).map(({ name, port }) => (name ? `"${name}" (${port})` : `${port}`));
    const label = wanted.port?.name === undefined ? `${wanted.port?.number ?? 'none'}` : `"${wanted.port.name}"`;
    return unavailable(
      'PortNotFound',
      `${field}.service.port`,
      `Service "${key}" has no port ${label}: use one of ${known.join(', ') || 'its spec.ports, of which there is none'}`,
    );
  }
  return { action: { type: 'forward', clusters: [{ cluster: clusterName(key, port), weight: 1 }] } };
}

function findPort(service: Service, { port: wanted }: IngressServiceBackend): ServicePort | undefined {
  const named = wanted?.name !== undefined && wanted.name !== '';
  return (service.spec?.ports ?? []).find((port) =>
    named ? port.name === wanted.name : port.port === wanted?.number && (port.protocol ?? 'TCP') === 'TCP',
  );
}

/** The route stays and answers 503, so that the fault shows where it is and not as a page of some other backend. */
function unavailable(reason: BackendProblem, field: string, message: string): ResolvedBackend {
  const action = { type: 'respond', status: 503, reason: PUBLIC_REASONS[reason] } as const;
  return { action, problem: { reason, field, message } };
}
