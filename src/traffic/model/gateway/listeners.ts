// What a listener is by itself: protocol, kinds of routes it takes, certificates.
// Knows no route.
import { GATEWAY_GROUP } from '#kube/api/gateway/resources.ts';
import type { GatewayListener, RouteKind } from '#kube/api/gateway/types.ts';
import { translateSecret } from '../secret.ts';
import type { ClientTls } from './client-tls.ts';
import type { Fault } from './conditions.ts';
import type { Permits } from './grants.ts';
import { hostOf } from './hostnames.ts';
import type { ListenerOwner, ListenerView } from './listener-view.ts';
import type { GatewayOptions, RouteKindName } from './objects.ts';

const PROTOCOLS: Readonly<Record<string, readonly RouteKindName[]>> = {
  HTTP: ['HTTPRoute', 'GRPCRoute'],
  HTTPS: ['HTTPRoute', 'GRPCRoute'],
  TLS: ['TLSRoute'],
  TCP: ['TCPRoute'],
  UDP: ['UDPRoute'],
};

export interface ListenerLookups {
  readonly grants: Permits;
  readonly options: GatewayOptions;
  /** The Secret of this `namespace/name`; that it was asked for is remembered. */
  secret(key: string): Parameters<typeof translateSecret>[0] | undefined;
  /** What the Gateway asks of clients on a port. */
  clientTls(port: number): ClientTls;
}

export function listenerView(owner: ListenerOwner, spec: GatewayListener, lookups: ListenerLookups): ListenerView {
  const carried = PROTOCOLS[spec.protocol] ?? [];
  const wanted = spec.allowedRoutes?.kinds ?? [];
  const isCarried = ({ group = GATEWAY_GROUP, kind }: RouteKind): boolean =>
    group === GATEWAY_GROUP && carried.includes(kind as RouteKindName);
  const kinds =
    wanted.length === 0 ? carried : carried.filter((kind) => wanted.some((one) => isCarried(one) && one.kind === kind));
  const view: ListenerView = {
    owner,
    spec,
    hostname: hostOf(spec.hostname),
    supportedKinds: kinds.map((kind) => ({ group: GATEWAY_GROUP, kind })),
    acceptFault: acceptFault(spec),
    conflict: undefined,
    overlap: undefined,
    refFaults: [],
    certificates: [],
    clientTls: undefined,
    resolved: true,
    attached: new Set(),
  };
  const refused = carried.length === 0 ? [] : wanted.filter((one) => !isCarried(one));
  if (refused.length > 0) {
    const names = refused.map(({ group = GATEWAY_GROUP, kind }) => `${group}/${kind}`).join(', ');
    view.refFaults.push({
      reason: 'InvalidRouteKinds',
      message: `A listener of protocol ${spec.protocol} takes ${carried.join(' and ')}, not ${names}: remove it from allowedRoutes.kinds`,
    });
  }
  if (endsTls(spec)) resolveCertificates(view, lookups);
  if (spec.protocol === 'HTTPS') {
    const { tls, fault, refFaults } = lookups.clientTls(spec.port);
    view.clientTls = tls;
    view.acceptFault ??= fault;
    view.refFaults.push(...refFaults);
  }
  return view;
}

function acceptFault({ protocol, tls }: GatewayListener): Fault | undefined {
  if (PROTOCOLS[protocol] === undefined) {
    return {
      reason: 'UnsupportedProtocol',
      message: `Protocol "${protocol}" is not served: use ${Object.keys(PROTOCOLS).join(', ')}`,
    };
  }
  if (protocol === 'HTTPS' && tls?.mode === 'Passthrough') {
    return {
      reason: 'UnsupportedProtocol',
      message: 'A listener of protocol HTTPS ends TLS itself: use protocol TLS to pass it through',
    };
  }
  return undefined;
}

function resolveCertificates(view: ListenerView, { grants, options, secret }: ListenerLookups): void {
  const { namespace: home, kind: ownerKind } = view.owner;
  const refs = view.spec.tls?.certificateRefs ?? [];
  const tell = (message: string, reason = 'InvalidCertificateRef') => view.refFaults.push({ reason, message });
  if (refs.length === 0)
    tell('The listener has no certificate: name a Secret of type kubernetes.io/tls in tls.certificateRefs');
  const certificates: ListenerView['certificates'][number][] = [];
  for (const [at, { group = '', kind = 'Secret', name, namespace = home }] of refs.entries()) {
    const key = `${namespace}/${name}`;
    const invalid = (message: string, reason?: string) => tell(`tls.certificateRefs[${at}]: ${message}`, reason);
    if (group !== '' || kind !== 'Secret') {
      invalid(`${kind} "${name}"${group === '' ? '' : ` of group ${group}`} holds no certificate: name a Secret`);
      continue;
    }
    if (!grants.permit({ kind: ownerKind, namespace: home }, { group: '', kind, namespace, name })) {
      invalid(
        `Secret "${key}" is in another namespace and no ReferenceGrant there lets a ${ownerKind} of namespace "${home}" refer to it: create one in "${namespace}"`,
        'RefNotPermitted',
      );
      continue;
    }
    const found = secret(key);
    if (found === undefined) {
      invalid(`Secret "${key}" does not exist: create it`);
      continue;
    }
    const pair = translateSecret(found, options.readCertificate);
    if ('error' in pair) {
      invalid(`Secret "${key}" ${pair.error}`);
      continue;
    }
    const { certificateChainPem, privateKeyPem, fingerprint } = pair;
    certificates.push({ certificateChainPem, privateKeyPem, fingerprint });
  }
  view.certificates = certificates;
  view.resolved = certificates.length > 0;
}

/** Whether the listener answers with certificates of its own. */
export function endsTls({ protocol, tls }: GatewayListener): boolean {
  return protocol === 'HTTPS' || (protocol === 'TLS' && tls?.mode !== 'Passthrough');
}
