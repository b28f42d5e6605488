// The last word of admission on a write: whoever judges objects as they would be stored.
// Knows the plugins that judge, and in which order.
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import type { Resource } from '../registry/registry.ts';
import { type AdmissionAttributes, SYSTEM_USER } from './attributes.ts';
import { applyPolicies } from './policy/policies.ts';

interface Write {
  readonly server: ServerContext;
  readonly resource: Resource;
  readonly user: User;
  readonly options: { readonly dryRun: boolean };
  readonly warnings?: string[];
}

/** Whoever says what is admitted is not asked about itself, or nobody could take it back. */
const GROUP = 'admissionregistration.k8s.io';

/** Throws `StatusError`. */
export function admitWrite(
  { server, resource, user, options, warnings = [] }: Write,
  change: Pick<AdmissionAttributes, 'operation' | 'subresource' | 'object' | 'oldObject'>,
): void {
  if (user.name === SYSTEM_USER || resource.definition.group === GROUP) return;
  const { metadata } = change.object ?? change.oldObject ?? {};
  const attributes = {
    ...change,
    resource,
    user,
    namespace: metadata?.namespace,
    name: metadata?.name ?? '',
    dryRun: options.dryRun,
  };
  applyPolicies(server, attributes, warnings);
}
