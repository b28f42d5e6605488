// Rules of EndpointSlices and Endpoints: what may stand as the address of a pod.
// Knows addresses; 127/8 is admitted only where the caller says so. Upstream source: pkg/apis/discovery/validation.
import type { Endpoints } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { isIpAddress, isIpv4, oneOf, validateIp, validateNonSpecialIp, validatePort } from './common.ts';
import { immutable } from './metadata.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor, type ValidationOptions } from './rules.ts';

const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
const protocols = ['SCTP', 'TCP', 'UDP'];

const endpointSlice = rulesFor<EndpointSlice>({
  validate(object, report, options) {
    oneOf(object.addressType, ['FQDN', 'IPv4', 'IPv6'], 'addressType', report);
    const endpoints = object.endpoints ?? [];
    if (endpoints.length > maxEndpoints) report.tooMany('endpoints', endpoints.length, maxEndpoints);
    for (const [index, endpoint] of endpoints.entries()) {
      const here = at('endpoints', index);
      const addresses = endpoint.addresses ?? [];
      if (addresses.length === 0) report.required(child(here, 'addresses'), 'must contain at least 1 address');
      if (addresses.length > maxAddresses) report.tooMany(child(here, 'addresses'), addresses.length, maxAddresses);
      for (const [position, address] of addresses.entries()) {
        validateAddress(address, object.addressType, at(child(here, 'addresses'), position), report, options);
      }
      if ((endpoint.hostname ?? '') !== '') {
        report.each(child(here, 'hostname'), endpoint.hostname, dnsLabel(endpoint.hostname ?? ''));
      }
      if (endpoint.nodeName !== undefined) {
        report.each(child(here, 'nodeName'), endpoint.nodeName, dnsSubdomain(endpoint.nodeName));
      }
    }
    validatePorts(object, report);
  },
  validateUpdate(next, previous, report) {
    if (next.addressType !== previous.addressType) report.invalid('addressType', next.addressType, immutable);
  },
});

function validateAddress(
  address: string,
  type: string,
  path: FieldPath,
  report: Report,
  options: ValidationOptions,
): void {
  if (type === 'FQDN') {
    report.each(path, address, dnsSubdomain(address));
  } else if (type === 'IPv4' || type === 'IPv6') {
    const fits = isIpAddress(address) && isIpv4(address) === (type === 'IPv4');
    if (!fits) report.invalid(path, address, `must be a valid ${type} address`);
    else validateNonSpecialIp(address, path, report, options);
  }
}

function validatePorts(object: EndpointSlice, report: Report): void {
  const ports = object.ports ?? [];
  if (ports.length > maxPorts) report.tooMany('ports', ports.length, maxPorts);
  const names = new Set<string>();
  for (const [index, { name = '', port, protocol, appProtocol }] of ports.entries()) {
    const here = at('ports', index);
    if (name !== '') report.each(child(here, 'name'), name, dnsLabel(name));
    if (names.has(name)) report.duplicate(child(here, 'name'), name);
    names.add(name);
    validatePort(port, child(here, 'port'), report);
    oneOf(protocol, protocols, child(here, 'protocol'), report, 'optional');
    if (appProtocol !== undefined) report.each(child(here, 'appProtocol'), appProtocol, qualifiedName(appProtocol));
  }
}

const endpoints = rulesFor<Endpoints>({
  validate(object, report, options) {
    for (const [index, subset] of (object.subsets ?? []).entries()) {
      const here = at('subsets', index);
      const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
      if (addresses.length + notReadyAddresses.length === 0) {
        report.required(here, 'must specify `addresses` or `notReadyAddresses`');
      }
      for (const [field, list] of Object.entries({ addresses, notReadyAddresses })) {
        for (const [position, { ip = '' }] of list.entries()) {
          const path = child(at(child(here, field), position), 'ip');
          if (isIpAddress(ip)) validateNonSpecialIp(ip, path, report, options);
          else validateIp(ip, path, report);
        }
      }
      for (const [position, { name = '', port, protocol }] of ports.entries()) {
        const path = at(child(here, 'ports'), position);
        if (name !== '') report.each(child(path, 'name'), name, dnsLabel(name));
        else if (ports.length > 1) report.required(child(path, 'name'));
        validatePort(port, child(path, 'port'), report);
        oneOf(protocol, protocols, child(path, 'protocol'), report, 'optional');
      }
    }
  },
});

export const endpointRules: Readonly<Record<string, KindRules>> = {
  '/Endpoints': endpoints,
  'discovery.k8s.io/EndpointSlice': endpointSlice,
};
