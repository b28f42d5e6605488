// What BackendTLSPolicies say about the ports of Services, and which policy is heard where several speak of one.
// Knows no route; through which Gateways a policy acts is told to it for its status.
import type { ConfigMap, ServicePort } from 'kubernetes-types/core/v1.js';
import type { BackendTlsPolicy } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import type { UpstreamTls } from '../ir.ts';
import { byAge } from './age.ts';
import { attempt } from './attempt.ts';
import { type Fault, together } from './conditions.ts';
import type { GatewayOptions } from './objects.ts';

export interface PolicyView {
  readonly key: string;
  readonly policy: BackendTlsPolicy;
  /** Keys of the Services that it is for. */
  readonly services: ReadonlySet<string>;
  readonly acceptFault: Fault | undefined;
  readonly refFault: Fault | undefined;
}

interface Speaking {
  readonly view: PolicyView;
  readonly tls: UpstreamTls | { readonly fault: Fault };
}

/** For every port of the Service. */
const WHOLE = '';

export class TlsPolicies {
  readonly views: readonly PolicyView[];
  /** By Service and name of its port. */
  readonly #speaking = new Map<string, Speaking>();

  constructor(
    policies: readonly BackendTlsPolicy[],
    options: GatewayOptions,
    configMap: (key: string) => ConfigMap | undefined,
  ) {
    this.views = policies
      .toSorted(byAge)
      .flatMap((policy) => attempt(() => this.#add(policy, options, configMap)) ?? []);
  }

  tlsOf(service: string, port: ServicePort): UpstreamTls | { readonly fault: Fault } | undefined {
    const found = this.#speaking.get(`${service} ${port.name ?? WHOLE}`) ?? this.#speaking.get(`${service} ${WHOLE}`);
    return found?.tls;
  }

  #add(
    policy: BackendTlsPolicy,
    options: GatewayOptions,
    configMap: (key: string) => ConfigMap | undefined,
  ): PolicyView {
    const key = objectKey(policy);
    const namespace = policy.metadata?.namespace ?? '';
    const { tls, faults } = settingsOf(policy, namespace, options, configMap);
    const services = new Set<string>();
    const conflicts: string[] = [];
    const targets = (policy.spec?.targetRefs ?? []).filter(
      ({ group = '', kind }) => group === '' && kind === 'Service',
    );
    const speaking: [string, string][] = [];
    for (const { name, sectionName = WHOLE } of targets) {
      const service = `${namespace}/${name}`;
      services.add(service);
      const place = `${service} ${sectionName}`;
      const before = this.#speaking.get(place);
      if (before !== undefined)
        conflicts.push(`Service "${service}" is that of the older BackendTLSPolicy "${before.view.key}"`);
      else speaking.push([place, service]);
    }
    const conflict = speaking.length === 0 && conflicts.length > 0;
    const acceptFault: Fault | undefined = conflict
      ? { reason: 'Conflicted', message: `${conflicts.join('; ')}: remove one of the two` }
      : tls === undefined
        ? { reason: 'NoValidCACertificate', message: together(faults)?.message ?? 'The policy names no authority' }
        : undefined;
    const view: PolicyView = { key, policy, services, acceptFault, refFault: together(faults) };
    const told = tls ?? {
      fault: {
        reason: 'BackendNotFound',
        message: `BackendTLSPolicy "${key}" cannot be used: ${acceptFault?.message}`,
      },
    };
    for (const [place] of speaking) this.#speaking.set(place, { view, tls: told });
    return view;
  }
}

function settingsOf(
  policy: BackendTlsPolicy,
  namespace: string,
  options: GatewayOptions,
  configMap: (key: string) => ConfigMap | undefined,
): { readonly tls: UpstreamTls | undefined; readonly faults: readonly Fault[] } {
  const {
    caCertificateRefs = [],
    wellKnownCACertificates,
    hostname = '',
    subjectAltNames = [],
  } = policy.spec?.validation ?? {};
  const names = subjectAltNames.flatMap(({ type, hostname: host, uri }) =>
    type === 'URI' ? (uri ?? []) : (host ?? []),
  );
  const base = { serverName: hostname, ...(names.length === 0 ? {} : { subjectNames: names }) };
  if (wellKnownCACertificates === 'System') return { tls: { ...base, fingerprint: JSON.stringify(base) }, faults: [] };
  if (wellKnownCACertificates !== undefined && wellKnownCACertificates !== '') {
    const message = `wellKnownCACertificates "${wellKnownCACertificates}" is not known: use "System", or caCertificateRefs`;
    return { tls: undefined, faults: [{ reason: 'InvalidCACertificateRef', message }] };
  }
  const { pems, faults, fingerprints } = authoritiesOf(caCertificateRefs, namespace, options, configMap);
  if (pems.length === 0) return { tls: undefined, faults };
  return { tls: { ...base, caPem: pems.join('\n'), fingerprint: JSON.stringify([base, fingerprints]) }, faults };
}

/** The good ones of ConfigMaps with the key `ca.crt`, and what is wrong with the others. */
export function authoritiesOf(
  refs: readonly {
    readonly group?: string;
    readonly kind?: string;
    readonly name: string;
    readonly namespace?: string;
  }[],
  home: string,
  options: GatewayOptions,
  configMap: (key: string) => ConfigMap | undefined,
): { readonly pems: readonly string[]; readonly fingerprints: readonly string[]; readonly faults: readonly Fault[] } {
  const pems: string[] = [];
  const fingerprints: string[] = [];
  const faults: Fault[] = [];
  for (const { group = '', kind, name, namespace = home } of refs) {
    const key = `${namespace}/${name}`;
    if (group !== '' || kind !== 'ConfigMap') {
      faults.push({
        reason: 'InvalidKind',
        message: `${kind} "${key}" holds no authorities: name a ConfigMap with the key "ca.crt"`,
      });
      continue;
    }
    const pem = configMap(key)?.data?.['ca.crt'];
    const read = pem === undefined ? { error: undefined } : options.readAuthorities(pem);
    if (pem !== undefined && 'fingerprint' in read) {
      pems.push(pem);
      fingerprints.push(read.fingerprint);
      continue;
    }
    const what =
      pem === undefined
        ? 'does not exist, or has no key "ca.crt": create it'
        : `cannot be used: ${'error' in read ? read.error : ''}`;
    faults.push({ reason: 'InvalidCACertificateRef', message: `ConfigMap "${key}" ${what}` });
  }
  return { pems, fingerprints, faults };
}
