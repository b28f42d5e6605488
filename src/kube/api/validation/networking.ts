// Rules of Ingress, IngressClass and NetworkPolicy.
// Knows hosts, paths and peers as texts. Upstream source: pkg/apis/networking/validation.
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from 'kubernetes-types/networking/v1.js';
import { isIpAddress, oneOf, parseCidr, validateCidr, validatePortOrName, validateSelector } from './common.ts';
import { immutable } from './metadata.ts';
import { dns1035Label, dnsSubdomain, portName, portNumber, wildcardSubdomain } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];
const forbiddenInPath = ['//', '/./', '/../', '%2f', '%2F'];
const forbiddenAtEnd = ['/..', '/.'];
const legacyClass = 'kubernetes.io/ingress.class';

const ingress = rulesFor<Ingress>({
  // On creation only: an old object may carry both.
  validateCreate({ metadata, spec }, report) {
    const annotation = metadata?.annotations?.[legacyClass];
    if (annotation === undefined || spec?.ingressClassName === undefined) return;
    report.invalid(
      at(child('metadata', 'annotations'), legacyClass),
      annotation,
      'can not be set when the class field is also set',
    );
  },
  validate(object, report) {
    const spec = object.spec ?? {};
    const rules = spec.rules ?? [];
    if (rules.length === 0 && spec.defaultBackend === undefined) {
      report.invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified');
    }
    if (spec.defaultBackend !== undefined)
      validateBackend(spec.defaultBackend, child('spec', 'defaultBackend'), report);
    for (const [index, rule] of rules.entries()) {
      const here = at(child('spec', 'rules'), index);
      validateHost(rule.host ?? '', child(here, 'host'), report);
      if (rule.http === undefined) continue;
      if ((rule.http.paths?.length ?? 0) === 0) report.required(child(here, 'http', 'paths'));
      for (const [position, path] of (rule.http.paths ?? []).entries()) {
        validatePath(path, at(child(here, 'http', 'paths'), position), report);
      }
    }
    for (const [index, { hosts = [] }] of (spec.tls ?? []).entries()) {
      for (const [position, host] of hosts.entries()) {
        const path = at(child(at(child('spec', 'tls'), index), 'hosts'), position);
        report.each(path, host, host.includes('*') ? wildcardSubdomain(host) : dnsSubdomain(host));
      }
    }
    const { ingressClassName } = spec;
    if (ingressClassName !== undefined) {
      report.each(child('spec', 'ingressClassName'), ingressClassName, dnsSubdomain(ingressClassName));
    }
  },
});

function validateHost(host: string, path: FieldPath, report: Report): void {
  if (host === '') return;
  if (isIpAddress(host)) report.invalid(path, host, 'must be a DNS name, not an IP address');
  report.each(path, host, host.includes('*') ? wildcardSubdomain(host) : dnsSubdomain(host));
}

function validatePath(path: HTTPIngressPath, here: FieldPath, report: Report): void {
  const text = path.path ?? '';
  if (path.pathType === undefined) report.required(child(here, 'pathType'), 'pathType must be specified');
  else if (!pathTypes.includes(path.pathType)) report.notSupported(child(here, 'pathType'), path.pathType, pathTypes);
  else if (path.pathType === 'ImplementationSpecific') {
    if (text !== '' && !text.startsWith('/')) report.invalid(child(here, 'path'), text, 'must be an absolute path');
  } else {
    if (!text.startsWith('/')) report.invalid(child(here, 'path'), text, 'must be an absolute path');
    else {
      for (const part of forbiddenInPath) {
        if (text.includes(part)) report.invalid(child(here, 'path'), text, `must not contain '${part}'`);
      }
      for (const end of forbiddenAtEnd) {
        if (text.endsWith(end)) report.invalid(child(here, 'path'), text, `cannot end with '${end}'`);
      }
    }
  }
  validateBackend(path.backend ?? {}, child(here, 'backend'), report);
}

function validateBackend(backend: IngressBackend, path: FieldPath, report: Report): void {
  const { service, resource } = backend;
  if (service !== undefined && resource !== undefined) {
    report.invalid(path, '', 'cannot set both resource and service backends');
    return;
  }
  if (resource !== undefined) {
    if ((resource.kind ?? '') === '') report.required(child(path, 'resource', 'kind'), 'kind is required');
    if ((resource.name ?? '') === '') report.required(child(path, 'resource', 'name'), 'name is required');
    return;
  }
  const name = service?.name ?? '';
  if (name === '') report.required(child(path, 'service', 'name'));
  else report.each(child(path, 'service', 'name'), name, dns1035Label(name));
  const { name: text = '', number = 0 } = service?.port ?? {};
  const portPath = child(path, 'service', 'port');
  if (text === '' && number === 0) report.required(portPath, 'port name or number is required');
  else if (text !== '' && number !== 0) {
    report.invalid(portPath, '', 'cannot set both port name & port number');
  } else if (text !== '') report.each(child(portPath, 'name'), text, portName(text));
  else report.each(child(portPath, 'number'), number, portNumber(number));
}

const ingressClass = rulesFor<IngressClass>({
  validate({ spec }, report) {
    const controller = spec?.controller ?? '';
    const path = child('spec', 'controller');
    if (controller.length > 250) report.tooLong(path, 250);
    const slash = controller.indexOf('/');
    const prefix = controller.slice(0, Math.max(slash, 0));
    if (controller === '') report.required(path);
    else if (slash <= 0 || slash === controller.length - 1) {
      report.invalid(path, controller, 'must be a domain-prefixed path (such as "acme.io/foo")');
    } else report.each(path, prefix, dnsSubdomain(prefix));
    const parameters = spec?.parameters;
    if (parameters === undefined) return;
    const here = child('spec', 'parameters');
    if ((parameters.kind ?? '') === '') report.required(child(here, 'kind'), 'kind is required');
    if ((parameters.name ?? '') === '') report.required(child(here, 'name'), 'name is required');
    oneOf(parameters.scope, ['Cluster', 'Namespace'], child(here, 'scope'), report, 'optional');
    const named = (parameters.namespace ?? '') !== '';
    if (parameters.scope === 'Namespace' && !named) {
      report.required(child(here, 'namespace'), "`parameters.scope` is set to 'Namespace'");
    } else if (parameters.scope !== 'Namespace' && named) {
      report.forbidden(child(here, 'namespace'), "`parameters.scope` is set to 'Cluster'");
    }
  },
  validateUpdate(next, previous, report) {
    if (next.spec?.controller !== previous.spec?.controller) {
      report.invalid(child('spec', 'controller'), next.spec?.controller, immutable);
    }
  },
});

const networkPolicy = rulesFor<NetworkPolicy>({
  validate({ spec }, report) {
    validateSelector(spec?.podSelector, child('spec', 'podSelector'), report);
    for (const [index, rule] of (spec?.ingress ?? []).entries()) {
      const here = at(child('spec', 'ingress'), index);
      validatePolicyPorts(rule.ports ?? [], child(here, 'ports'), report);
      for (const [position, peer] of (rule.from ?? []).entries())
        validatePeer(peer, at(child(here, 'from'), position), report);
    }
    for (const [index, rule] of (spec?.egress ?? []).entries()) {
      const here = at(child('spec', 'egress'), index);
      validatePolicyPorts(rule.ports ?? [], child(here, 'ports'), report);
      for (const [position, peer] of (rule.to ?? []).entries())
        validatePeer(peer, at(child(here, 'to'), position), report);
    }
    const directions = spec?.policyTypes ?? [];
    const path = child('spec', 'policyTypes');
    if (directions.length > 2) {
      report.invalid(path, directions, 'may not specify more than two policyTypes');
      return;
    }
    for (const [index, direction] of directions.entries()) {
      oneOf(direction, ['Egress', 'Ingress'], at(path, index), report);
    }
  },
});

function validatePolicyPorts(ports: readonly NetworkPolicyPort[], path: FieldPath, report: Report): void {
  for (const [index, { port, endPort, protocol }] of ports.entries()) {
    const here = at(path, index);
    oneOf(protocol, ['SCTP', 'TCP', 'UDP'], child(here, 'protocol'), report, 'optional');
    if (port !== undefined) validatePortOrName(port, child(here, 'port'), report);
    if (endPort === undefined) continue;
    if (port === undefined) {
      report.required(child(here, 'port'), 'must be specified when `endPort` is specified');
    } else if (typeof port === 'string') {
      report.invalid(child(here, 'endPort'), endPort, 'may not be specified when `port` is non-numeric');
    } else if (endPort < port) {
      report.invalid(child(here, 'endPort'), endPort, 'must be greater than or equal to `port`');
    }
  }
}

function validatePeer(peer: NetworkPolicyPeer, path: FieldPath, report: Report): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  if (podSelector !== undefined) validateSelector(podSelector, child(path, 'podSelector'), report);
  if (namespaceSelector !== undefined) validateSelector(namespaceSelector, child(path, 'namespaceSelector'), report);
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (ipBlock === undefined) {
    if (!selects) report.required(path, 'must specify a peer');
    return;
  }
  if (selects) report.forbidden(path, 'may not specify both ipBlock and another peer');
  const here = child(path, 'ipBlock');
  if ((ipBlock.cidr ?? '') === '') {
    report.required(child(here, 'cidr'));
    return;
  }
  validateCidr(ipBlock.cidr, child(here, 'cidr'), report);
  for (const [index, exception] of (ipBlock.except ?? []).entries()) {
    validateException(exception, ipBlock.cidr, at(child(here, 'except'), index), report);
  }
}

function validateException(exception: string, cidr: string, path: FieldPath, report: Report): void {
  validateCidr(exception, path, report);
  const [outer, inner] = [parseCidr(cidr), parseCidr(exception)];
  if (outer === undefined || inner === undefined) return;
  const [network, bits] = outer;
  const [address, length] = inner;
  const inside = network.kind() === address.kind() && address.match(network as never, bits);
  if (!inside || length <= bits) report.invalid(path, exception, 'must be a strict subset of `cidr`');
}

export const networkingRules: Readonly<Record<string, KindRules>> = {
  'networking.k8s.io/Ingress': ingress,
  'networking.k8s.io/IngressClass': ingressClass,
  'networking.k8s.io/NetworkPolicy': networkPolicy,
};
