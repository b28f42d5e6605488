// What expressions of admission see: the object, the one it replaces, the request, parameters, the namespace, permissions.
// Knows types only. Upstream source: apiserver/pkg/admission/plugin/cel.
import { BOOL, compileProgram, DYN, type Program, STRING, type Type, withFunctions } from '../cel/index.ts';
import { authorizerLibrary } from '../cel/library/authz.ts';
import { jsonPatchLibrary } from '../cel/library/json-patch.ts';
import { listOf, mapOf, type ObjectType } from '../cel/types.ts';
import { patchTypes } from './patch-types.ts';

const functions = withFunctions(authorizerLibrary);
const patchFunctions = withFunctions([...authorizerLibrary, ...jsonPatchLibrary]);

function object(name: string, fields: Readonly<Record<string, Type>>): ObjectType {
  return {
    kind: 'object',
    name,
    fields: new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type }])),
  };
}

const kind = object('kubernetes.GroupVersionKind', { group: STRING, version: STRING, kind: STRING });
const resource = object('kubernetes.GroupVersionResource', { group: STRING, version: STRING, resource: STRING });

/** The variable `request`. */
export const requestType: ObjectType = object('kubernetes.AdmissionRequest', {
  kind,
  resource,
  subResource: STRING,
  requestKind: kind,
  requestResource: resource,
  requestSubResource: STRING,
  name: STRING,
  // A word of CEL: expressions write it `__namespace__`, and plainly where the type says so.
  namespace: STRING,
  operation: STRING,
  userInfo: object('kubernetes.UserInfo', {
    username: STRING,
    uid: STRING,
    groups: listOf(STRING),
    extra: mapOf(STRING, listOf(STRING)),
  }),
  dryRun: BOOL,
  options: DYN,
});

const authorizerType: Type = {
  kind: 'opaque',
  name: 'kubernetes.authorization.Authorizer',
  fields: new Map([['requestResource', { kind: 'opaque', name: 'kubernetes.authorization.ResourceCheck' }]]),
};

export interface Visible {
  readonly params: boolean;
  /** Types of `variables.x`, in the order in which they are defined. */
  readonly variables: ReadonlyMap<string, Type>;
  /** Type of `object` and `oldObject`, where it is known. */
  readonly object?: Type;
  /** Not everywhere: a condition by which a webhook is called sees no namespace. */
  readonly namespaceObject?: boolean;
  /** A mutation: it may write objects of `Object` and `JSONPatch`. */
  readonly patches?: boolean;
}

export function compileForAdmission(text: string, visible: Visible): Program | { readonly issue: string } {
  const { params, variables, object: objectType = DYN, namespaceObject = true } = visible;
  const known = new Map<string, Type>([
    ['object', objectType],
    ['oldObject', objectType],
    ['request', requestType],
    ['authorizer', authorizerType],
  ]);
  if (namespaceObject) known.set('namespaceObject', DYN);
  if (params) known.set('params', DYN);
  const fields = new Map([...variables].map(([name, type]) => [name, { name, type }]));
  known.set('variables', { kind: 'object', name: 'kubernetes.variables', fields });
  if (visible.patches === true) {
    return compileProgram(text, { variables: known, functions: patchFunctions, messages: patchTypes });
  }
  return compileProgram(text, { variables: known, functions });
}
