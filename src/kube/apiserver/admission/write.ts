// Admission of a write in its two halves: who may change an object before it is prepared, and who judges what it became.
// Knows the plugins and their order; each is in a folder of its own.
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import { type AdmissionAttributes, type Annotate, SYSTEM_USER } from './attributes.ts';
import { denyExternalIps } from './external-ips.ts';
import { mutateObject } from './mutation.ts';
import { restrictNode } from './node-restriction.ts';
import { applyPolicies } from './policy/policies.ts';
import { validateByWebhooks } from './webhook/run.ts';

export interface Write {
  readonly server: ServerContext;
  readonly resource: Resource;
  readonly user: User;
  readonly options: { readonly dryRun: boolean };
  readonly warnings?: string[] | undefined;
  readonly annotate?: Annotate | undefined;
}
type Change = Pick<AdmissionAttributes, 'operation' | 'subresource' | 'object' | 'oldObject'> &
  Partial<Pick<AdmissionAttributes, 'kind' | 'namespace' | 'name'>>;

/** Whoever says what is admitted is not asked about itself, or nobody could take it back. */
const GROUP = 'admissionregistration.k8s.io';

/** Undefined where nobody is asked. */
function attributesOf(
  { resource, user, options, warnings, annotate }: Write,
  change: Change,
): AdmissionAttributes | undefined {
  if (user.name === SYSTEM_USER || resource.definition.group === GROUP) return undefined;
  const { metadata } = change.object ?? change.oldObject ?? {};
  return {
    ...change,
    resource,
    matched: resource,
    user,
    namespace: change.namespace ?? metadata?.namespace,
    name: change.name ?? metadata?.name ?? '',
    dryRun: options.dryRun,
    warnings: warnings ?? [],
    annotate: annotate ?? (() => {}),
  };
}

/**
 * A copy of the object as policies and webhooks change it; undefined where none does. `own` runs this server's own
 * plugins once more, on what others changed. Rejects with `StatusError`.
 */
export function mutateWrite(
  write: Write,
  change: Change,
  own: (object: AnyObject) => void = () => {},
): Promise<AnyObject | undefined> | undefined {
  const attributes = attributesOf(write, change);
  return attributes && mutateObject(write.server, attributes, own);
}

/** Throws `StatusError`, or rejects with one; what is returned is to be waited for. */
export function admitWrite(write: Write, change: Change): Promise<void> | undefined {
  const attributes = attributesOf(write, change);
  if (attributes === undefined) return undefined;
  const { server } = write;
  restrictNode(server, attributes);
  if (server.admissionPlugins.has('DenyServiceExternalIPs')) denyExternalIps(attributes);
  const judged = applyPolicies(server, attributes);
  return judged === undefined
    ? validateByWebhooks(server, attributes)
    : judged.then(() => validateByWebhooks(server, attributes));
}
