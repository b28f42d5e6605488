// Questions about rights: may I, may they, and what may I at all.
// Knows the review kinds and the authorizer. Upstream source: pkg/registry/authorization.
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { badRequest, invalid, type StatusCause } from '#kube/api/status.ts';
import type { Reply, ResourceRequest } from '../context.ts';
import type { User } from '../http/authn.ts';
import { type AnyObject, dig, digArray, digString, isFields } from '../registry/any-object.ts';
import { readObject } from '../write/input.ts';
import { writeOptions } from '../write/options.ts';
import type { Attributes } from './attributes.ts';

const GROUP = 'authorization.k8s.io';

export async function reviewOwnAccess(request: ResourceRequest): Promise<Reply> {
  const review = await readReview(request);
  return answer(request, review, request.user);
}

export async function reviewAccess(request: ResourceRequest): Promise<Reply> {
  const review = await readReview(request);
  return answer(request, review, subjectOf(request, review));
}

/** About one namespace, so that its admins may ask. */
export async function reviewLocalAccess(request: ResourceRequest): Promise<Reply> {
  const review = await readReview(request);
  const within = request.namespace ?? '';
  const asked = digString(review, 'spec', 'resourceAttributes', 'namespace');
  const { kind } = request.resource.definition;
  if (dig(review, 'spec', 'nonResourceAttributes') !== undefined) {
    throw invalid(GROUP, kind, '', [
      cause(
        'spec.nonResourceAttributes',
        'FieldValueInvalid',
        'Invalid value: null: disallowed on this kind of request',
      ),
    ]);
  }
  if (asked !== within) {
    const message = `Invalid value: ${JSON.stringify(asked)}: must match metadata.namespace`;
    throw invalid(GROUP, kind, '', [cause('spec.resourceAttributes.namespace', 'FieldValueInvalid', message)]);
  }
  review.metadata = { ...review.metadata, namespace: within };
  return answer(request, review, subjectOf(request, review));
}

export async function reviewOwnRules(request: ResourceRequest): Promise<Reply> {
  const review = await readReview(request);
  const namespace = digString(review, 'spec', 'namespace');
  if (namespace === '') throw badRequest('no namespace on request');
  const { roles } = request.server;
  const { rules, errors } = roles?.rulesFor(request.user, namespace) ?? { rules: EVERYTHING, errors: [] };
  review.status = {
    resourceRules: rules
      .filter(({ resources }) => (resources?.length ?? 0) > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames === undefined || resourceNames.length === 0 ? {} : { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => (nonResourceURLs?.length ?? 0) > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
    ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
  };
  return { code: 201, object: review };
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

function readReview(request: ResourceRequest): Promise<AnyObject> {
  return readObject(request, writeOptions(request));
}

function answer(request: ResourceRequest, review: AnyObject, user: User): Reply {
  const { allowed, reason } = request.server.authorizer.authorize(user, askedOf(request, review));
  // A refusal's reason is what went wrong as roles were looked up.
  review.status = {
    allowed,
    ...(reason === '' ? {} : { reason }),
  };
  return { code: 201, object: review };
}

/** Throws `StatusError` 422. */
function askedOf(request: ResourceRequest, review: AnyObject): Attributes {
  const resource = dig(review, 'spec', 'resourceAttributes');
  const path = dig(review, 'spec', 'nonResourceAttributes');
  const { kind } = request.resource.definition;
  if (isFields(resource) === isFields(path)) {
    const message = isFields(path)
      ? 'Invalid value: null: cannot be specified in combination with resourceAttributes'
      : 'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
    const field = isFields(path) ? 'spec.nonResourceAttributes' : 'spec.resourceAttributes';
    throw invalid(GROUP, kind, '', [cause(field, 'FieldValueInvalid', message)]);
  }
  if (isFields(path)) return { kind: 'path', verb: digString(path, 'verb'), path: digString(path, 'path') };
  const text = (field: string): string => digString(resource, field);
  return {
    kind: 'resource',
    verb: text('verb'),
    group: text('group'),
    version: text('version'),
    resource: text('resource'),
    subresource: text('subresource'),
    namespace: text('namespace'),
    name: text('name'),
    fieldSelector: selectorOf(dig(resource, 'fieldSelector')),
  };
}

/** As a request would have it; what is not about one value narrows nothing that anybody looks at. */
function selectorOf(selector: unknown): string {
  const terms = digArray(selector, 'requirements').flatMap((requirement) => {
    const values = digArray(requirement, 'values');
    const single = digString(requirement, 'operator') === 'In' && values.length === 1;
    return single ? [`${digString(requirement, 'key')}=${values[0]}`] : [];
  });
  return [digString(selector, 'rawSelector'), ...terms].filter((term) => term !== '').join(',');
}

/** Throws `StatusError` 422. */
function subjectOf(request: ResourceRequest, review: AnyObject): User {
  const name = digString(review, 'spec', 'user');
  const groups = digArray(review, 'spec', 'groups').map(String);
  if (name === '' && groups.length === 0) {
    const message = 'Invalid value: "": at least one of user or group must be specified';
    throw invalid(GROUP, request.resource.definition.kind, '', [cause('spec.user', 'FieldValueInvalid', message)]);
  }
  return { name, groups };
}

function cause(field: string, reason: string, message: string): StatusCause {
  return { reason, message, field };
}
