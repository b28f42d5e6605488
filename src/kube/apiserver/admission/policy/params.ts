// The objects that hold the parameters of a policy, as a binding names them.
// Knows bindings and objects; nothing of expressions. Upstream source: plugin/policy/generic/policy_dispatcher.go.
import type { ParamKind, ParamRef } from 'kubernetes-types/admissionregistration/v1.js';
import { labelSelectorMatches } from '#kube/api/selector.ts';
import type { ServerContext } from '../../context.ts';
import type { AnyObject } from '../../registry/any-object.ts';
import type { AdmissionAttributes } from '../attributes.ts';

/** Why parameters cannot be had: of a policy that names no kind, whichever binding; or of one binding. */
export class ParamsError extends Error {
  readonly ofPolicy: boolean;
  constructor(message: string, ofPolicy: boolean) {
    super(`failed to configure ${ofPolicy ? 'policy' : 'binding'}: ${message}`);
    this.name = 'ParamsError';
    this.ofPolicy = ofPolicy;
  }
}

/** One null where the policy has none. Rejects with `ParamsError`. */
export async function paramsOf(
  server: ServerContext,
  { namespace }: AdmissionAttributes,
  paramKind: ParamKind | undefined,
  ref: ParamRef | undefined,
): Promise<readonly (AnyObject | null)[]> {
  if (paramKind === undefined) return [null];
  const { apiVersion = '', kind } = paramKind;
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const definition = server.registry
    .definitions()
    .find((each) => each.group === group && each.version === version && each.kind === kind);
  const resource = definition && server.registry.find(group, version, definition.resource);
  if (resource === undefined) {
    throw new ParamsError(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind}'`, true);
  }
  if (ref === undefined) return [null];
  const { namespaced } = resource.definition;
  if (!namespaced && (ref.namespace ?? '') !== '') {
    throw new ParamsError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`', false);
  }
  const where = namespaced ? ref.namespace || namespace : undefined;
  if (namespaced && where === undefined) {
    throw new ParamsError(
      'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
      false,
    );
  }
  const found =
    ref.name !== undefined && ref.name !== ''
      ? [resource.collection.get(where, ref.name)]
      : resource.collection
          .list(where)
          .filter((item) => labelSelectorMatches(ref.selector ?? {}, item.object.metadata?.labels ?? {}));
  const objects = found.filter((item) => item !== undefined).map((item) => item.object);
  await resource.prepare(objects);
  if (objects.length > 0) return objects.map((object) => resource.view(object));
  if (ref.parameterNotFoundAction === 'Allow') return [];
  throw new ParamsError('no params found for policy binding with `Deny` parameterNotFoundAction', false);
}
