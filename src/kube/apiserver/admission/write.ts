// Admission of a write in its two halves: who may change an object before it is prepared, and who judges what it became.
// Knows the plugins and their order; each is in a folder of its own.
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import { type AdmissionAttributes, SYSTEM_USER } from './attributes.ts';
import { denyExternalIps } from './external-ips.ts';
import { applyPolicies } from './policy/policies.ts';
import { mutateByWebhooks, validateByWebhooks } from './webhook/run.ts';

interface Write {
  readonly server: ServerContext;
  readonly resource: Resource;
  readonly user: User;
  readonly options: { readonly dryRun: boolean };
  readonly warnings?: string[];
}
type Change = Pick<AdmissionAttributes, 'operation' | 'subresource' | 'object' | 'oldObject'>;

/** Whoever says what is admitted is not asked about itself, or nobody could take it back. */
const GROUP = 'admissionregistration.k8s.io';

/** Undefined where nobody is asked. */
function attributesOf({ resource, user, options }: Write, change: Change): AdmissionAttributes | undefined {
  if (user.name === SYSTEM_USER || resource.definition.group === GROUP) return undefined;
  const { metadata } = change.object ?? change.oldObject ?? {};
  return {
    ...change,
    resource,
    user,
    namespace: metadata?.namespace,
    name: metadata?.name ?? '',
    dryRun: options.dryRun,
  };
}

/** A copy of the object as webhooks change it; undefined where none does. Rejects with `StatusError`. */
export function mutateWrite(write: Write, change: Change): Promise<AnyObject | undefined> | undefined {
  const attributes = attributesOf(write, change);
  return attributes && mutateByWebhooks(write.server, attributes, write.warnings ?? []);
}

/** Throws `StatusError`, or rejects with one; what is returned is to be waited for. */
export function admitWrite(write: Write, change: Change): Promise<void> | undefined {
  const attributes = attributesOf(write, change);
  if (attributes === undefined) return undefined;
  const { server, warnings = [] } = write;
  if (server.admissionPlugins.has('DenyServiceExternalIPs')) denyExternalIps(attributes);
  applyPolicies(server, attributes, warnings);
  return validateByWebhooks(server, attributes, warnings);
}
