// What a Gateway asks of the certificates of clients, port by port (spec.tls.frontend).
// Knows no listener; a port without a word of its own has the default.
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import type { FrontendTls, Gateway } from '#kube/api/gateway/types.ts';
import type { ListenerTls } from '../ir.ts';
import type { Fault } from './conditions.ts';
import type { Permits } from './grants.ts';
import type { GatewayOptions } from './objects.ts';
import { authoritiesOf } from './tls-policies.ts';

export interface ClientTlsLookups {
  readonly grants: Permits;
  readonly options: GatewayOptions;
  configMap(key: string): ConfigMap | undefined;
}

export interface ClientTls {
  /** Undefined where nothing is asked, and where no authority can be used: such a port is not served. */
  readonly tls: ListenerTls | undefined;
  /** No authority can be used. */
  readonly fault: Fault | undefined;
  readonly refFaults: readonly Fault[];
}

const nothing: ClientTls = { tls: undefined, fault: undefined, refFaults: [] };

export function clientTlsOf(gateway: Gateway, lookups: ClientTlsLookups): (port: number) => ClientTls {
  const frontend = gateway.spec?.tls?.frontend;
  const made = new Map<FrontendTls, ClientTls>();
  const home = gateway.metadata?.namespace ?? '';
  return (port) => {
    const wish = frontend?.perPort?.find((one) => one.port === port)?.tls ?? frontend?.default;
    if (wish === undefined) return nothing;
    const known = made.get(wish) ?? settings(wish, home, lookups);
    made.set(wish, known);
    return known;
  };
}

/** Ports where clients without a good certificate come in, `all others` for the default; empty where there is none. */
export function insecurePorts(gateway: Gateway): readonly string[] {
  const { default: usual, perPort = [] } = gateway.spec?.tls?.frontend ?? {};
  const isInsecure = (tls: FrontendTls | undefined): boolean => tls?.validation?.mode === 'AllowInsecureFallback';
  return [
    ...perPort.flatMap(({ port, tls }) => (isInsecure(tls) ? [`${port}`] : [])),
    ...(isInsecure(usual) ? ['all others'] : []),
  ];
}

function settings(wish: FrontendTls, home: string, { grants, options, configMap }: ClientTlsLookups): ClientTls {
  const { caCertificateRefs = [], mode } = wish.validation ?? {};
  if (caCertificateRefs.length === 0) return nothing;
  const mayRefer = ({ group = '', kind = '', name, namespace = home }: (typeof caCertificateRefs)[number]): boolean =>
    grants.permit({ kind: 'Gateway', namespace: home }, { group, kind, namespace, name });
  const refused = caCertificateRefs.filter((ref) => !mayRefer(ref));
  const { pems, faults } = authoritiesOf(caCertificateRefs.filter(mayRefer), home, options, configMap);
  const refFaults: Fault[] = [
    ...faults.map(({ reason, message }) => ({
      reason: reason === 'InvalidKind' ? 'InvalidCACertificateKind' : 'InvalidCACertificateRef',
      message,
    })),
    ...refused.map(({ kind, name, namespace }) => ({
      reason: 'RefNotPermitted',
      message: `${kind} "${namespace}/${name}" is in another namespace and no ReferenceGrant there lets a Gateway of namespace "${home}" refer to it: create one in "${namespace}"`,
    })),
  ];
  if (pems.length === 0) {
    const message = `No authority for certificates of clients can be used: ${refFaults.map((fault) => fault.message).join('; ')}`;
    return { tls: undefined, fault: { reason: 'NoValidCACertificate', message }, refFaults };
  }
  const tls: ListenerTls = {
    clientCertificates: {
      mode: mode === 'AllowInsecureFallback' ? 'unverified' : 'required',
      caPem: pems.join('\n'),
    },
  };
  return { tls, fault: undefined, refFaults };
}
