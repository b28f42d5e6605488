// What expressions of admission see of a write, as values: object, oldObject, request, namespaceObject, authorizer.
// Knows the write and CEL's values; which expressions there are is the plugins' matter.

import { requestType } from '#kube/api/admission/environment.ts';
import { celValue, DYN, type Value } from '#kube/api/cel/index.ts';
import { AuthorizerValue, type PermissionQuestion } from '#kube/api/cel/library/authz.ts';
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import type { Resource } from '../registry/registry.ts';
import type { AdmissionAttributes } from './attributes.ts';
import { namespaceOf } from './match.ts';

export function activationOf(server: ServerContext, attributes: AdmissionAttributes): Map<string, Value> {
  const { user, namespace = '', name, resource, subresource } = attributes;
  const question: PermissionQuestion = {
    group: resource.definition.group,
    resource: resource.definition.resource,
    subresource,
    namespace,
    name,
  };
  return new Map<string, Value>([
    ['object', celValue(attributes.object, DYN)],
    ['oldObject', celValue(attributes.oldObject, DYN)],
    ['request', celValue(requestOf(attributes), requestType)],
    ['namespaceObject', celValue(resource.definition.namespaced ? namespaceOf(server, attributes) : null, DYN)],
    ['authorizer', new AuthorizerValue((verb, asked) => permission(server, user, verb, asked), question)],
  ]);
}

/** As in an AdmissionReview. */
export function requestOf(attributes: AdmissionAttributes): Record<string, unknown> {
  const { resource, matched, subresource, namespace, name, operation, user, dryRun, options } = attributes;
  const kindOf = ({ definition: { group, version, kind } }: Resource) => attributes.kind ?? { group, version, kind };
  const resourceOf = ({ definition: { group, version, resource: plural } }: Resource) => ({
    group,
    version,
    resource: plural,
  });
  return {
    kind: kindOf(matched),
    resource: resourceOf(matched),
    ...(subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource }),
    requestKind: kindOf(resource),
    requestResource: resourceOf(resource),
    name,
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun,
    ...(options === undefined ? {} : { options }),
  };
}

function permission(
  server: ServerContext,
  user: User,
  verb: string,
  asked: PermissionQuestion,
): { allowed: boolean; reason: string } {
  const { serviceAccount, path, group, resource, subresource, namespace, name } = asked;
  const who: User =
    serviceAccount === undefined
      ? user
      : {
          name: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
          groups: [
            'system:serviceaccounts',
            `system:serviceaccounts:${serviceAccount.namespace}`,
            'system:authenticated',
          ],
        };
  if (path !== undefined) return server.authorizer.authorize(who, { kind: 'path', verb, path });
  return server.authorizer.authorize(who, {
    kind: 'resource',
    verb,
    group,
    version: '*',
    resource,
    subresource,
    namespace,
    name,
  });
}
