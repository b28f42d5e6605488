// Descriptions of the kinds that administer a cluster: access, storage, scheduling, leases, custom resources.
// Text only.
import type { Words } from './make.ts';

export const rbacWords: Words = {
  Role: { about: 'Permissions within a namespace.', rules: 'What is allowed.' },
  ClusterRole: {
    about: 'Permissions for the whole cluster.',
    aggregationRule: 'ClusterRoles whose rules are added up.',
    rules: 'What is allowed.',
  },
  RoleBinding: {
    about: 'Gives permissions within a namespace.',
    roleRef: 'The role; cannot change.',
    subjects: 'Who gets them.',
  },
  ClusterRoleBinding: {
    about: 'Gives permissions for the whole cluster.',
    roleRef: 'The role; cannot change.',
    subjects: 'Who gets them.',
  },
  PolicyRule: {
    about: 'Something that is allowed.',
    apiGroups: 'Groups of the resources; `""` is the core group, `*` all.',
    nonResourceURLs: 'Paths that are no resources.',
    resourceNames: 'Names of the objects; all when absent.',
    resources: 'Resources; `*` for all.',
    verbs: 'What may be done, e.g. `get`; `*` for everything.',
  },
  RoleRef: { about: 'Names a role.', apiGroup: 'Its group.', kind: '`Role` or `ClusterRole`.', name: 'Its name.' },
  Subject: {
    about: 'Who gets permissions.',
    apiGroup: 'Group of the kind.',
    kind: '`User`, `Group` or `ServiceAccount`.',
    name: 'Its name.',
    namespace: 'Namespace of a service account.',
  },
};

export const storageWords: Words = {
  StorageClass: {
    about: 'A sort of storage.',
    allowVolumeExpansion: 'Whether volumes can grow.',
    allowedTopologies: 'Where volumes can be made.',
    mountOptions: 'Options of the mount.',
    parameters: 'Settings for the provisioner.',
    provisioner: 'Who makes the volumes.',
    reclaimPolicy: '`Delete` (default) or `Retain`.',
    volumeBindingMode: '`Immediate` (default) or `WaitForFirstConsumer`.',
  },
};

export const schedulingWords: Words = {
  PriorityClass: {
    about: 'A name for a priority of pods.',
    description: 'What it is for.',
    globalDefault: 'Used by pods that name none.',
    preemptionPolicy: '`PreemptLowerPriority` (default) or `Never`.',
    value: 'The priority; higher is more important.',
  },
};

export const coordinationWords: Words = {
  Lease: { about: 'Who holds something, and until when.' },
  LeaseSpec: {
    about: 'Who holds the lease.',
    acquireTime: 'Since when it is held.',
    holderIdentity: 'Who holds it.',
    leaseDurationSeconds: 'Seconds after the last renewal until others may take it.',
    leaseTransitions: 'How often it changed hands.',
    renewTime: 'When it was last renewed.',
  },
};

export const eventsWords: Words = {
  Event: {
    about: 'Something that happened to an object.',
    action: 'What was done.',
    eventTime: 'When it was first seen.',
    note: 'What happened, for people.',
    reason: 'What happened, in one word.',
    regarding: 'The object it is about.',
    related: 'A second object that it is about.',
    reportingController: 'Who tells.',
    reportingInstance: 'Which instance of it tells.',
    series: 'How it goes on, when it does.',
    type: '`Normal` or `Warning`.',
  },
};

export const apiextensionsWords: Words = {
  CustomResourceDefinition: { about: 'Adds a kind to the API.' },
  CustomResourceDefinitionSpec: {
    about: 'The kind that is added.',
    conversion: 'How versions are turned into each other.',
    group: 'Group of the kind.',
    names: 'Its names.',
    preserveUnknownFields: 'Must be false.',
    scope: '`Namespaced` or `Cluster`.',
    versions: 'Its versions.',
  },
  CustomResourceDefinitionNames: {
    about: 'Names of the kind.',
    categories: 'Groups of resources it belongs to, e.g. `all`.',
    kind: 'The kind in CamelCase.',
    listKind: 'The kind of its lists.',
    plural: 'Its name in URLs; the object must be called `plural.group`.',
    shortNames: 'Short names for the command line.',
    singular: 'Its name in the singular.',
  },
  CustomResourceDefinitionVersion: {
    about: 'One version of the kind.',
    additionalPrinterColumns: 'Columns of tables.',
    deprecated: 'Warns those who use it.',
    deprecationWarning: 'Text of the warning.',
    name: 'Name of the version, e.g. `v1beta1`.',
    schema: 'Form of its objects.',
    selectableFields: 'Fields that field selectors can use.',
    served: 'Whether it can be used.',
    storage: 'Whether objects are stored in it; true for one version.',
    subresources: 'Whether it has `status` and `scale`.',
  },
  CustomResourceValidation: { about: 'Form of the objects.', openAPIV3Schema: 'The schema.' },
  JSONSchemaProps: {
    about: 'A JSON schema, with Kubernetes’ extensions.',
    additionalProperties: 'Schema of the values of a map.',
    default: 'Value that is filled in when the field is absent.',
    description: 'What the field is for.',
    enum: 'The values that are possible.',
    format: 'Further form of the value.',
    items: 'Schema of the items of a list.',
    nullable: 'Whether null is a value.',
    pattern: 'Regular expression that text must match.',
    properties: 'Fields of an object.',
    required: 'Fields that must be there.',
    type: '`object`, `array`, `string`, `integer`, `number` or `boolean`.',
    'x-kubernetes-int-or-string': 'A whole number or text.',
    'x-kubernetes-list-map-keys': 'Fields that tell the items of a list apart.',
    'x-kubernetes-list-type': '`atomic`, `set` or `map`.',
    'x-kubernetes-preserve-unknown-fields': 'Keeps fields that the schema does not name.',
    'x-kubernetes-validations': 'Rules in CEL.',
  },
};
