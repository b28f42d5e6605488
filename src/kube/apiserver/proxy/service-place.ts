// Where a Service is reached by this server itself: one of its ready endpoints.
// Knows Services and EndpointSlices; what is sent there is its callers' matter.
import { randomInt } from 'node:crypto';
import { StatusError } from '#kube/api/status.ts';
import type { ResourceRequest } from '../context.ts';
import { type AnyObject, dig, digArray, digNumber, digString, isFields } from '../registry/any-object.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** A ready endpoint of a Service, by the name or number of its port. Throws `StatusError` 503. */
export function servicePlace(
  { server, namespace }: Pick<ResourceRequest, 'server' | 'namespace'>,
  service: AnyObject,
  asked: string,
): Place {
  const name = service.metadata?.name ?? '';
  const ports = digArray(service, 'spec', 'ports').filter(isFields);
  const chosen = ports.find((port) =>
    asked === '' ? ports.length === 1 : port.name === asked || String(port.port) === asked,
  );
  if (chosen === undefined) throw unavailable(`no service port "${asked}" found for service "${name}"`);
  const places = server.registry
    .builtin('discovery.k8s.io', 'v1', 'endpointslices')
    .collection.list(namespace)
    .map((item) => item.object)
    .filter((slice) => slice.metadata?.labels?.['kubernetes.io/service-name'] === name)
    .flatMap((slice) => placesOf(slice, digString(chosen, 'name')));
  const place = places[places.length === 0 ? 0 : randomInt(places.length)];
  if (place === undefined) throw unavailable(`no endpoints available for service "${name}"`);
  return place;
}

function placesOf(slice: AnyObject, portName: string): Place[] {
  const port = digNumber(
    digArray(slice, 'ports').find((one) => digString(one, 'name') === portName),
    'port',
  );
  if (port === undefined) return [];
  const ready = digArray(slice, 'endpoints').filter((endpoint) => dig(endpoint, 'conditions', 'ready') !== false);
  return ready.flatMap((endpoint) => {
    const [host] = digArray(endpoint, 'addresses');
    return typeof host === 'string' ? [{ host, port }] : [];
  });
}

export function unavailable(message: string): StatusError {
  return new StatusError(503, 'ServiceUnavailable', message);
}
