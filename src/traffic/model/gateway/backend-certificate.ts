// What a Gateway shows to backends that speak TLS (spec.tls.backend): a certificate of its own.
// Knows no route; a cluster with TLS becomes another one for this Gateway.
import type { Secret } from 'kubernetes-types/core/v1.js';
import type { Gateway } from '#kube/api/gateway/types.ts';
import type { Route, WeightedCluster } from '../ir.ts';
import { type TlsPair, translateSecret } from '../secret.ts';
import type { ClusterVariant } from './backends.ts';
import type { Fault } from './conditions.ts';
import type { Permits } from './grants.ts';
import type { GatewayOptions } from './objects.ts';

export interface BackendCertificate {
  readonly pair: TlsPair | undefined;
  readonly fault: Fault | undefined;
}

interface Lookups {
  readonly grants: Permits;
  readonly options: GatewayOptions;
  secret(key: string): Secret | undefined;
}

/** The variants of the entries' clusters, and a name for one more. */
interface Known {
  get(name: string): ClusterVariant | undefined;
  nameOf(variant: ClusterVariant): string;
}

/** Undefined where none is asked for. */
export function backendCertificateOf(gateway: Gateway, lookups: Lookups): BackendCertificate | undefined {
  const ref = gateway.spec?.tls?.backend?.clientCertificateRef;
  if (ref === undefined) return undefined;
  const home = gateway.metadata?.namespace ?? '';
  const { group = '', kind = 'Secret', name, namespace = home } = ref;
  const key = `${namespace}/${name}`;
  const invalid = (message: string): BackendCertificate => ({
    pair: undefined,
    fault: { reason: 'InvalidClientCertificateRef', message },
  });
  if (group !== '' || kind !== 'Secret') return invalid(`${kind} "${key}" holds no certificate: name a Secret`);
  if (!lookups.grants.permit({ kind: 'Gateway', namespace: home }, { group, kind, namespace, name })) {
    const message = `Secret "${key}" is in another namespace and no ReferenceGrant there lets a Gateway of namespace "${home}" refer to it: create one in "${namespace}"`;
    return { pair: undefined, fault: { reason: 'RefNotPermitted', message } };
  }
  const secret = lookups.secret(key);
  if (secret === undefined) return invalid(`Secret "${key}" does not exist: create it`);
  const pair = translateSecret(secret, lookups.options.readCertificate);
  return 'error' in pair ? invalid(`Secret "${key}" ${pair.error}`) : { pair, fault: undefined };
}

/** The same entries, with clusters that show the certificate where TLS is spoken. */
export function withClientCertificate(entries: readonly Route[], pair: TlsPair, variants: Known): readonly Route[] {
  return entries.map((entry) => {
    const { action } = entry;
    if (action.type !== 'forward') return entry;
    return { ...entry, action: { ...action, clusters: action.clusters.map((one) => shown(one, pair, variants)) } };
  });
}

function shown(backend: WeightedCluster, pair: TlsPair, variants: Known): WeightedCluster {
  const variant = variants.get(backend.cluster);
  const tls = variant?.changes.tls;
  if (variant === undefined || tls === undefined) return backend;
  const { certificateChainPem, privateKeyPem, fingerprint } = pair;
  const own = {
    ...tls,
    clientCertificate: { certificateChainPem, privateKeyPem },
    fingerprint: `${tls.fingerprint} ${fingerprint}`,
  };
  return { ...backend, cluster: variants.nameOf({ ...variant, changes: { ...variant.changes, tls: own } }) };
}
