// Which model of the client package is which definition of the Kubernetes API.
// Knows names only; how a model file is read is in models.ts.

/** A kind whose schema is wanted: package of the API (`core.v1`), and the model that describes it. */
export interface RootModel {
  readonly packageName: string;
  readonly model: string;
}

/** Group of `apiVersion` -> folder name of the Go package, where they differ from the first label. */
const packages: Readonly<Record<string, string>> = {
  '': 'core',
  'rbac.authorization.k8s.io': 'rbac',
  'apiextensions.k8s.io': 'apiextensions',
};

export function packageOf(group: string, version: string): string {
  return `${packages[group] ?? group.split('.')[0]}.${version}`;
}

/** Kinds that two groups have: the package prefixes their models with the group. */
const prefixedKinds = new Set(['Event', 'TokenRequest', 'Subject']);

export function modelOf(packageName: string, kind: string): string {
  const [group = '', version = ''] = packageName.split('.');
  const prefix = prefixedKinds.has(kind) ? capital(group) : '';
  return `${prefix}${capital(version)}${kind}`;
}

/** `CoreV1EndpointPort` and `V1Container` -> the bare kind, as Go names the type. */
export function bareKind(model: string): string {
  return model.replace(
    /^(Admissionregistration|Apiextensions|Authentication|Core|Discovery|Events|Flowcontrol|Rbac|Storage)?V\d+/,
    '',
  );
}

/** Types of meta/v1, which every group refers to. */
export const metaKinds: ReadonlySet<string> = new Set([
  'APIGroup',
  'APIResource',
  'Condition',
  'DeleteOptions',
  'FieldSelectorRequirement',
  'GroupVersionForDiscovery',
  'LabelSelector',
  'LabelSelectorRequirement',
  'ListMeta',
  'ManagedFieldsEntry',
  'ObjectMeta',
  'OwnerReference',
  'Preconditions',
  'Status',
  'StatusCause',
  'StatusDetails',
]);

/** Core types that no core kind reaches, so that the walk would give them to the group that does. */
export const coreKinds: ReadonlySet<string> = new Set(['TopologySelectorTerm', 'TopologySelectorLabelRequirement']);

/** Kinds that are served or sent but have no row in the table of resources. */
export const extraRoots: readonly (readonly [packageName: string, kind: string])[] = [
  ['core.v1', 'Binding'],
  ['autoscaling.v1', 'Scale'],
  ['policy.v1', 'Eviction'],
  ['authentication.v1', 'TokenRequest'],
  ['authorization.v1', 'SubjectAccessReview'],
  ['authorization.v1', 'LocalSubjectAccessReview'],
  ['authorization.v1', 'SelfSubjectRulesReview'],
  ['authentication.v1', 'TokenReview'],
  ['meta.v1', 'DeleteOptions'],
  ['meta.v1', 'Status'],
];

/** `Definition.field` of fields that the package calls string, but that hold quantities. */
export const quantityFields: ReadonlySet<string> = new Set([
  'ContainerStatus.allocatedResources',
  'EmptyDirVolumeSource.sizeLimit',
  'LimitRangeItem.default',
  'LimitRangeItem.defaultRequest',
  'LimitRangeItem.max',
  'LimitRangeItem.maxLimitRequestRatio',
  'LimitRangeItem.min',
  'NodeAllocatableResourceClaimStatus.resources',
  'NodeStatus.allocatable',
  'NodeStatus.capacity',
  'PersistentVolumeClaimStatus.allocatedResources',
  'PersistentVolumeClaimStatus.capacity',
  'PersistentVolumeSpec.capacity',
  'PodSpec.overhead',
  'PodStatus.allocatedResources',
  'ResourceFieldSelector.divisor',
  'ResourceQuotaSpec.hard',
  'ResourceQuotaStatus.hard',
  'ResourceQuotaStatus.used',
  'ResourceRequirements.limits',
  'ResourceRequirements.requests',
  'VolumeResourceRequirements.limits',
  'VolumeResourceRequirements.requests',
  'HPAScalingRules.tolerance',
  'MetricTarget.averageValue',
  'MetricTarget.value',
  'MetricValueStatus.averageValue',
  'MetricValueStatus.value',
]);

/** `Definition.field` of untyped fields -> the named type that upstream gives them. */
export const namedAnyFields: Readonly<Record<string, string>> = {
  'ControllerRevision.data': 'rawExtension',
  'ManagedFieldsEntry.fieldsV1': 'fieldsV1',
  'CustomResourceSubresources.status': 'object',
  'JSONSchemaProps.default': 'json',
  'JSONSchemaProps.enum': '[]json',
  'JSONSchemaProps.example': 'json',
  'JSONSchemaProps.items': 'schemaOrArray',
  'JSONSchemaProps.additionalItems': 'schemaOrBool',
  'JSONSchemaProps.additionalProperties': 'schemaOrBool',
  'JSONSchemaProps.dependencies': '{}schemaOrStringArray',
};

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
