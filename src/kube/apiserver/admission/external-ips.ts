// Refuses external IPs of Services where the server is told to: whoever may write a Service could take any address with
// one (CVE-2020-8554). Upstream: plugin DenyServiceExternalIPs. Knows nothing of who serves them.
import type { Service } from 'kubernetes-types/core/v1.js';
import { forbidden } from '#kube/api/status.ts';
import type { AdmissionAttributes } from './attributes.ts';

/** Throws a `StatusError`. What a Service had before it may keep, and it may have less of it. */
export function denyExternalIps({ resource, subresource, name, object, oldObject }: AdmissionAttributes): void {
  const { group, resource: plural } = resource.definition;
  if (group !== '' || plural !== 'services' || subresource !== '') return;
  const before = externalIpsOf(oldObject as Service | undefined);
  if (externalIpsOf(object as Service | undefined).every((address) => before.includes(address))) return;
  throw forbidden(resource.definition, name, 'Use of external IPs is denied by admission control');
}

function externalIpsOf(service: Service | undefined): readonly string[] {
  return service?.spec?.externalIPs ?? [];
}
