// Rules of Services.
// Knows addresses and ports as texts and numbers; ranges to allocate from are the server's. Upstream source:
// ValidateService in pkg/apis/core/validation.
import type { Service, ServicePort, ServiceSpec } from 'kubernetes-types/core/v1.js';
import { jsonEqual } from '#lib/json.ts';
import {
  isIpAddress,
  oneOf,
  validateCidr,
  validateIp,
  validateNonSpecialIp,
  validatePort,
  validatePortOrName,
} from './common.ts';
import { validateLabels } from './metadata.ts';
import { dns1035Label, dnsLabel, dnsSubdomain, qualifiedName } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor, type ValidationOptions } from './rules.ts';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const maxAffinitySeconds = 86_400;

const service = rulesFor<Service>({
  name: dns1035Label,
  validate({ spec }, report, options) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    oneOf(spec.type, types, child('spec', 'type'), report, 'optional');
    validatePorts(spec, report);
    validateAddresses(spec, report, options);
    validateAffinity(spec, report);
    validatePolicies(spec, report);
    validateLabels(spec.selector, child('spec', 'selector'), report);
  },
  validateUpdate(next, previous, report) {
    const [before, after] = [previous.spec, next.spec];
    if (before === undefined || after === undefined) return;
    validateLoadBalancerUpdate(before, after, report);
    if (before.type === 'ExternalName' || after.type === 'ExternalName') return;
    const [old, now] = [before.clusterIPs ?? listOf(before.clusterIP), after.clusterIPs ?? listOf(after.clusterIP)];
    if (old.length === 0) return;
    const first = at(child('spec', 'clusterIPs'), 0);
    if (now.length === 0) report.invalid(first, old[0], 'primary clusterIP can not be unset');
    else if (now[0] !== old[0]) report.invalid(first, now, 'may not change once set');
    const second = at(child('spec', 'clusterIPs'), 1);
    if (old.length === 2 && now.length === 2 && now[1] !== old[1]) {
      report.invalid(second, now[1], 'may not change once set');
    }
    const families = [before.ipFamilies ?? [], after.ipFamilies ?? []] as const;
    for (const [index, family] of families[0].entries()) {
      const next = families[1][index];
      const path = at(child('spec', 'ipFamilies'), index);
      if (next !== undefined && next !== family) report.invalid(path, families[1], 'may not change once set');
      else if (next === undefined && index === 0) report.invalid(path, family, 'primary ipFamily can not be unset');
    }
  },
});

const listOf = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : [text]);
const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None';

function validatePorts(spec: ServiceSpec, report: Report): void {
  const ports = spec.ports ?? [];
  const path = child('spec', 'ports');
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') report.required(path);
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const here = at(path, index);
    validateServicePort(port, ports.length > 1, names, here, report);
    const { protocol = 'TCP' } = port;
    const number = `${protocol}/${port.port}`;
    if (numbers.has(number)) report.duplicate(here, { protocol, port: port.port });
    numbers.add(number);
    const nodePort = port.nodePort ?? 0;
    if (nodePort === 0) continue;
    if (spec.type === 'ClusterIP' || spec.type === undefined) {
      report.forbidden(child(here, 'nodePort'), "may not be used when `type` is 'ClusterIP'");
    }
    if (nodePorts.has(`${protocol}/${nodePort}`)) report.duplicate(child(here, 'nodePort'), nodePort);
    nodePorts.add(`${protocol}/${nodePort}`);
  }
}

function validateServicePort(
  port: ServicePort,
  named: boolean,
  names: Set<string>,
  path: FieldPath,
  report: Report,
): void {
  const { name = '', targetPort, appProtocol } = port;
  if (name === '') {
    if (named) report.required(child(path, 'name'));
  } else {
    report.each(child(path, 'name'), name, dnsLabel(name));
    if (names.has(name)) report.duplicate(child(path, 'name'), name);
    names.add(name);
  }
  validatePort(port.port ?? 0, child(path, 'port'), report);
  oneOf(port.protocol, protocols, child(path, 'protocol'), report, 'optional');
  if (targetPort !== undefined && targetPort !== 0 && targetPort !== '') {
    validatePortOrName(targetPort, child(path, 'targetPort'), report);
  }
  if (appProtocol !== undefined) report.each(child(path, 'appProtocol'), appProtocol, qualifiedName(appProtocol));
}

function validateAddresses(spec: ServiceSpec, report: Report, options: ValidationOptions): void {
  const addresses = spec.clusterIPs ?? listOf(spec.clusterIP);
  if (spec.type === 'ExternalName') {
    if (addresses.length > 0) {
      report.forbidden(child('spec', 'clusterIPs'), "may not be set when `type` is 'ExternalName'");
    }
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (name === '') report.required(child('spec', 'externalName'));
    else report.each(child('spec', 'externalName'), name, dnsSubdomain(name));
  } else {
    validateClusterIps(spec, addresses, report);
  }
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    const path = at(child('spec', 'externalIPs'), index);
    if (isIpAddress(address)) validateNonSpecialIp(address, path, report, options);
    else validateIp(address, path, report);
  }
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0 && spec.type !== 'LoadBalancer') {
    report.forbidden(child('spec', 'loadBalancerSourceRanges'), "may only be used when `type` is 'LoadBalancer'");
  }
  for (const [index, range] of ranges.entries()) {
    validateCidr(range.trim(), at(child('spec', 'loadBalancerSourceRanges'), index), report);
  }
  if (spec.type === 'LoadBalancer') {
    const { loadBalancerClass: name } = spec;
    if (name !== undefined) report.each(child('spec', 'loadBalancerClass'), name, qualifiedName(name));
  } else {
    for (const field of ['loadBalancerClass', 'allocateLoadBalancerNodePorts'] as const) {
      if (spec[field] === undefined) continue;
      report.forbidden(child('spec', field), "may only be used when `type` is 'LoadBalancer'");
    }
  }
}

const hasHealthCheckPort = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';

/** What a load balancer has been made with stays. */
function validateLoadBalancerUpdate(before: ServiceSpec, after: ServiceSpec, report: Report): void {
  if (before.type !== 'LoadBalancer' || after.type !== 'LoadBalancer') return;
  if (before.loadBalancerClass !== after.loadBalancerClass) {
    report.invalid(child('spec', 'loadBalancerClass'), after.loadBalancerClass, 'may not change once set');
  }
  const [old, next] = [before.healthCheckNodePort ?? 0, after.healthCheckNodePort ?? 0];
  if (hasHealthCheckPort(before) && hasHealthCheckPort(after) && old !== 0 && old !== next) {
    report.forbidden(child('spec', 'healthCheckNodePort'), 'field is immutable');
  }
}

function validateClusterIps(spec: ServiceSpec, addresses: readonly string[], report: Report): void {
  const path = child('spec', 'clusterIPs');
  if (addresses.length > 2) report.invalid(path, addresses, 'may only hold up to 2 values');
  if (spec.clusterIPs !== undefined && (spec.clusterIP ?? '') !== '' && spec.clusterIP !== spec.clusterIPs[0]) {
    report.invalid(path, spec.clusterIPs, 'first value must match `clusterIP`');
  }
  for (const [index, address] of addresses.entries()) {
    if (address === 'None') {
      if (addresses.length > 1) report.invalid(at(path, index), address, "'None' must be the first and only value");
      if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
        report.invalid(at(path, 0), address, `may not be set to 'None' for ${spec.type} services`);
      }
    } else if (!isIpAddress(address)) {
      report.invalid(at(path, index), address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
    }
  }
  if (new Set(addresses).size !== addresses.length) report.duplicate(path, addresses);
  validateFamilies(spec, addresses, report);
}

/** At most one address of each family, in the order of `ipFamilies`. */
function validateFamilies(spec: ServiceSpec, addresses: readonly string[], report: Report): void {
  const families = spec.ipFamilies ?? [];
  if (families.length > 2) report.invalid(child('spec', 'ipFamilies'), families, 'may only hold up to 2 values');
  const real = addresses.filter(isIpAddress);
  const familyOf = (address: string): string => (address.includes(':') ? 'IPv6' : 'IPv4');
  if (real.length === 2 && new Set(real.map(familyOf)).size === 1) {
    report.invalid(child('spec', 'clusterIPs'), addresses, 'may specify no more than one IP for each IP family');
  }
  for (const [index, address] of addresses.entries()) {
    const family = families[index];
    if (family === undefined || !isIpAddress(address) || family === familyOf(address)) continue;
    const why = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
    report.invalid(at(child('spec', 'clusterIPs'), index), address, why);
  }
}

function validateAffinity(spec: ServiceSpec, report: Report): void {
  oneOf(spec.sessionAffinity, ['ClientIP', 'None'], child('spec', 'sessionAffinity'), report, 'optional');
  const path = child('spec', 'sessionAffinityConfig');
  if (spec.sessionAffinity !== 'ClientIP') {
    if (spec.sessionAffinityConfig !== undefined) {
      report.forbidden(path, 'must not be set when session affinity is None');
    }
    return;
  }
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds !== undefined && (seconds <= 0 || seconds > maxAffinitySeconds)) {
    report.invalid(
      child(path, 'clientIP', 'timeoutSeconds'),
      seconds,
      `must be greater than 0 and less than ${maxAffinitySeconds}`,
    );
  }
}

function validatePolicies(spec: ServiceSpec, report: Report): void {
  const external = spec.externalTrafficPolicy;
  const path = child('spec', 'externalTrafficPolicy');
  const reachable =
    spec.type === 'NodePort' ||
    spec.type === 'LoadBalancer' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
  if (external !== undefined && external !== '') {
    if (!reachable) report.invalid(path, external, 'may only be set for externally-accessible services');
    else oneOf(external, ['Cluster', 'Local'], path, report);
  }
  const { healthCheckNodePort = 0 } = spec;
  if (healthCheckNodePort !== 0 && !hasHealthCheckPort(spec)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    report.invalid(child('spec', 'healthCheckNodePort'), healthCheckNodePort, why);
  }
  oneOf(spec.internalTrafficPolicy, ['Cluster', 'Local'], child('spec', 'internalTrafficPolicy'), report, 'optional');
  oneOf(spec.trafficDistribution, distributions, child('spec', 'trafficDistribution'), report, 'optional');
  oneOf(
    spec.ipFamilyPolicy,
    ['SingleStack', 'PreferDualStack', 'RequireDualStack'],
    child('spec', 'ipFamilyPolicy'),
    report,
    'optional',
  );
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    oneOf(family, ['IPv4', 'IPv6'], at(child('spec', 'ipFamilies'), index), report);
  }
  if (!jsonEqual(spec.ipFamilies ?? [], [...new Set(spec.ipFamilies)])) {
    report.duplicate(at(child('spec', 'ipFamilies'), 1), spec.ipFamilies?.[1]);
  }
}

export const serviceRules: Readonly<Record<string, KindRules>> = { '/Service': service };
