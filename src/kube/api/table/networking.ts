// How Ingresses, their classes, network policies and addresses of Services are printed.
// Knows columns and cells only.
import type { Ingress, IngressClass, NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type { IpAddress, ServiceCidr } from '../service-ranges.ts';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer, selectorText } from './printer.ts';

const legacyClass = 'kubernetes.io/ingress.class';

const ingress = printer<Ingress>(
  [
    nameColumn,
    column('Class', 'Class of controllers that serve it'),
    column('Hosts', 'Hosts it answers for'),
    column('Address', 'Addresses it is reached at'),
    column('Ports', 'Ports of those addresses'),
    ageColumn,
  ],
  (object, now) => [
    nameOf(object),
    object.spec?.ingressClassName ?? object.metadata?.annotations?.[legacyClass] ?? '<none>',
    hostsText((object.spec?.rules ?? []).flatMap(({ host }) => (host === undefined || host === '' ? [] : [host]))),
    (object.status?.loadBalancer?.ingress ?? [])
      .map(({ ip, hostname }) => ip ?? hostname ?? '')
      .filter((address) => address !== '')
      .join(','),
    (object.spec?.tls?.length ?? 0) > 0 ? '80, 443' : '80',
    objectAge(object, now),
  ],
);

function hostsText(hosts: readonly string[]): string {
  if (hosts.length === 0) return '*';
  const rest = hosts.length - 3;
  return hosts.slice(0, 3).join(',') + (rest > 0 ? ` + ${rest} more...` : '');
}

const ingressClass = printer<IngressClass>(
  [
    nameColumn,
    column('Controller', 'Controller that serves the class'),
    column('Parameters', 'Object that configures the class'),
    ageColumn,
  ],
  (object, now) => {
    const parameters = object.spec?.parameters;
    const group = parameters?.apiGroup === undefined ? '' : `.${parameters.apiGroup}`;
    const text = parameters === undefined ? '<none>' : `${parameters.kind}${group}/${parameters.name}`;
    return [nameOf(object), object.spec?.controller ?? '', text, objectAge(object, now)];
  },
);

const networkPolicy = printer<NetworkPolicy>(
  [nameColumn, column('Pod-Selector', 'Labels of the pods it holds for'), ageColumn],
  (object, now) => [nameOf(object), selectorText(object.spec?.podSelector), objectAge(object, now)],
);

const serviceCidr = printer<ServiceCidr>(
  [nameColumn, column('CIDRs', 'Ranges of addresses of Services'), ageColumn],
  (object, now) => [nameOf(object), (object.spec?.cidrs ?? []).join(','), objectAge(object, now)],
);

const ipAddress = printer<IpAddress>(
  [nameColumn, column('ParentRef', 'Object that has the address'), ageColumn],
  (object, now) => {
    const { group = '', resource, namespace = '', name } = object.spec?.parentRef ?? {};
    const kind = group === '' ? resource : `${resource}.${group}`;
    const text = resource === undefined ? '<none>' : [kind, namespace, name].filter((part) => part !== '').join('/');
    return [nameOf(object), text, objectAge(object, now)];
  },
);

export const networkingPrinters: Readonly<Record<string, Printer>> = {
  'networking.k8s.io/Ingress': ingress,
  'networking.k8s.io/IngressClass': ingressClass,
  'networking.k8s.io/NetworkPolicy': networkPolicy,
  'networking.k8s.io/ServiceCIDR': serviceCidr,
  'networking.k8s.io/IPAddress': ipAddress,
};
