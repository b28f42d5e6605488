// Which types of the Kubernetes API are wanted, how they are called here, and which have a form of their own.
// Knows names only; the sources are read in go-source.ts.
import { apiVersionOf, builtinResources, type ResourceDefinition } from '#kube/api/resources.ts';
import { definitionNameOf } from '#kube/api/schema/index.ts';
import type { GoSources, GoType } from './go-source.ts';

const META = 'k8s.io/apimachinery/pkg/apis/meta/v1';
const APIEXTENSIONS = 'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1';

/** Types that are no struct to a reader: the word for each in the table of structures, and in that of messages. */
export const WELL_KNOWN: Readonly<Record<string, { readonly structure: string; readonly message?: string }>> = {
  [`${META}.Time`]: { structure: 'time', message: 'time' },
  [`${META}.MicroTime`]: { structure: 'microTime', message: 'microTime' },
  [`${META}.FieldsV1`]: { structure: 'fieldsV1', message: 'json' },
  'k8s.io/apimachinery/pkg/api/resource.Quantity': { structure: 'quantity', message: 'quantity' },
  'k8s.io/apimachinery/pkg/util/intstr.IntOrString': { structure: 'intOrString', message: 'intOrString' },
  'k8s.io/apimachinery/pkg/runtime.RawExtension': { structure: 'rawExtension', message: 'json' },
  [`${APIEXTENSIONS}.JSON`]: { structure: 'json', message: 'json' },
  [`${APIEXTENSIONS}.JSONSchemaPropsOrArray`]: { structure: 'schemaOrArray', message: 'schemaOrArray' },
  [`${APIEXTENSIONS}.JSONSchemaPropsOrBool`]: { structure: 'schemaOrBool', message: 'schemaOrBool' },
  [`${APIEXTENSIONS}.JSONSchemaPropsOrStringArray`]: { structure: 'schemaOrStringArray', message: 'schemaOrStrings' },
  // Without a field of its own: `{}` switches the subresource on.
  [`${APIEXTENSIONS}.CustomResourceSubresourceStatus`]: { structure: 'object' },
};

/** Kinds that are served or sent but have no row in the table of resources. */
const OTHER_KINDS = [
  'core.v1.Binding',
  'autoscaling.v1.Scale',
  'policy.v1.Eviction',
  'authentication.v1.TokenRequest',
  'authorization.v1.SubjectAccessReview',
  'authorization.v1.LocalSubjectAccessReview',
  'authorization.v1.SelfSubjectRulesReview',
  'authentication.v1.TokenReview',
  'meta.v1.DeleteOptions',
  'meta.v1.Status',
];

/** What travels as a message and needs no schema: no field of a client's is checked against it. */
const OTHER_MESSAGES = ['meta.v1.PartialObjectMetadata', 'meta.v1.PartialObjectMetadataList'];

/** Definitions whose structure is wanted. */
export function structureRoots(): string[] {
  return [...builtinResources.filter((each) => !isBetaOfStable(each)).map(nameOf), ...OTHER_KINDS];
}

/** Messages that travel: the kinds, and their lists. */
export function messageRoots(): string[] {
  const lists = builtinResources.filter(({ verbs }) => verbs.includes('list')).map((each) => `${nameOf(each)}List`);
  return [...builtinResources.map(nameOf), ...lists, ...OTHER_KINDS, ...OTHER_MESSAGES];
}

function nameOf(each: ResourceDefinition): string {
  return definitionNameOf(apiVersionOf(each), each.kind);
}

/** A beta that is served beside its successor has the successor's structure. */
function isBetaOfStable({ group, version, kind }: ResourceDefinition): boolean {
  if (!/beta|alpha/.test(version)) return false;
  return builtinResources.some((other) => other.group === group && other.kind === kind && other.version === 'v1');
}

/** `k8s.io/api/core/v1.Pod` -> `core.v1.Pod`. */
export function shortName(goName: string): string {
  const dot = goName.lastIndexOf('.');
  return `${goName.slice(0, dot).split('/').slice(-2).join('.')}.${goName.slice(dot + 1)}`;
}

/** The type that a short name stands for. Throws when the sources have none. */
export function typeNamed(sources: GoSources, short: string): GoType {
  const [group, version, kind = ''] = short.split('.');
  const path = group === 'meta' ? META : group === 'apiextensions' ? APIEXTENSIONS : `k8s.io/api/${group}/${version}`;
  const type = sources.type(path, kind);
  if (type === undefined) throw new Error(`Cannot find the type ${short}: ${path} has none of that name`);
  return type;
}
