// A Service of type ExternalName as slices of the addresses that its name has now.
// Pure; who resolves the name, and how often, is not known here.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { type Family, familyOf, inAnyOf } from '#lib/ip.ts';
import { SERVICE_NAME_LABEL } from './service-endpoints.ts';

/**
 * Of the machine itself, of its link, and of nobody: names are chosen by whoever may write a Service, and such addresses
 * would lead them to what is not theirs (CVE-2021-25740, metadata services, the gateway's own admin page).
 */
const NOT_OUTSIDE = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8'];
const isNotOutside = inAnyOf(NOT_OUTSIDE);

/** Whether a name may lead there. */
export function isOutside(address: string): boolean {
  return familyOf(address) !== undefined && !isNotOutside(address);
}

/** A port leads to the number of its `targetPort`, or to its own. */
export function externalSlices({ metadata, spec }: Service, addresses: readonly string[]): readonly EndpointSlice[] {
  const { namespace = '', name = '' } = metadata ?? {};
  const ports = (spec?.ports ?? []).map(({ name: label = '', port, targetPort, protocol = 'TCP' }) => ({
    name: label,
    protocol,
    port: typeof targetPort === 'number' ? targetPort : port,
  }));
  const families = Map.groupBy(addresses.filter(isOutside), (address) => familyOf(address) as Family);
  return [...families].map(([addressType, list]) => ({
    addressType,
    metadata: { namespace, name: `${name}-${addressType.toLowerCase()}`, labels: { [SERVICE_NAME_LABEL]: name } },
    ports,
    endpoints: list.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  }));
}
