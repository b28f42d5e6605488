// How Services and their endpoints are printed.
// Knows columns and cells only.
import type { Endpoints, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import {
  ageColumn,
  column,
  labelsText,
  nameColumn,
  nameOf,
  objectAge,
  type Printer,
  printer,
  wide,
} from './printer.ts';

const service = printer<Service>(
  [
    nameColumn,
    column('Type', 'How the Service is reached'),
    column('Cluster-IP', 'Address inside the cluster'),
    column('External-IP', 'Addresses or name outside the cluster'),
    column('Port(s)', 'Ports of the Service, with node ports'),
    ageColumn,
    wide('Selector', 'Labels of the pods behind the Service'),
  ],
  (object, now) => [
    nameOf(object),
    object.spec?.type ?? '',
    object.spec?.clusterIPs?.[0] ?? object.spec?.clusterIP ?? '<none>',
    externalText(object),
    portsText(object),
    objectAge(object, now),
    labelsText(object.spec?.selector),
  ],
);

function externalText(object: Service): string {
  const external = object.spec?.externalIPs ?? [];
  switch (object.spec?.type) {
    case 'ExternalName':
      return object.spec.externalName ?? '<none>';
    case 'LoadBalancer': {
      const ingress = (object.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
      const all = [...ingress, ...external].filter((address) => address !== '');
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    default:
      return external.length === 0 ? '<none>' : external.join(',');
  }
}

function portsText(object: Service): string {
  const ports = object.spec?.ports ?? [];
  if (ports.length === 0) return '<none>';
  return ports
    .map(({ port, nodePort, protocol = 'TCP' }) =>
      nodePort === undefined || nodePort === 0 ? `${port}/${protocol}` : `${port}:${nodePort}/${protocol}`,
    )
    .join(',');
}

const endpoints = printer<Endpoints>(
  [nameColumn, column('Endpoints', 'Addresses and ports behind the Service'), ageColumn],
  (object, now) => {
    const all: string[] = [];
    for (const { addresses = [], ports = [] } of object.subsets ?? []) {
      if (ports.length === 0) all.push(...addresses.map(({ ip }) => bracketed(ip)));
      for (const { port } of ports) all.push(...addresses.map(({ ip }) => `${bracketed(ip)}:${port}`));
    }
    return [nameOf(object), firstFew(all, '<none>'), objectAge(object, now)];
  },
);

const endpointSlice = printer<EndpointSlice>(
  [
    nameColumn,
    column('AddressType', 'Kind of address in the slice'),
    column('Ports', 'Ports of the endpoints'),
    column('Endpoints', 'Addresses of the endpoints'),
    ageColumn,
  ],
  (object, now) => [
    nameOf(object),
    object.addressType ?? '',
    firstFew(
      (object.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : `${port}`)),
      '<unset>',
    ),
    firstFew(
      (object.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
      '<unset>',
    ),
    objectAge(object, now),
  ],
);

function bracketed(ip = ''): string {
  return ip.includes(':') ? `[${ip}]` : ip;
}

/** Upstream shows three and counts the rest. */
function firstFew(all: readonly string[], none: string): string {
  if (all.length === 0) return none;
  const rest = all.length - 3;
  return all.slice(0, 3).join(',') + (rest > 0 ? ` + ${rest} more...` : '');
}

export const servicePrinters: Readonly<Record<string, Printer>> = {
  '/Service': service,
  '/Endpoints': endpoints,
  'discovery.k8s.io/EndpointSlice': endpointSlice,
};
