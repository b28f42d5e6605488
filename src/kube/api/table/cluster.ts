// How nodes, namespaces, leases and other furniture of a cluster are printed.
// Knows columns and cells only.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { Namespace, Node } from 'kubernetes-types/core/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer, wide } from './printer.ts';

const rolePrefix = 'node-role.kubernetes.io/';
const roleLabel = 'kubernetes.io/role';

const node = printer<Node>(
  [
    nameColumn,
    column('Status', 'Whether it takes pods'),
    column('Roles', 'Roles of the node'),
    ageColumn,
    column('Version', 'Version of its node agent'),
    wide('Internal-IP', 'Address inside the cluster'),
    wide('External-IP', 'Address outside the cluster'),
    wide('OS-Image', 'Operating system'),
    wide('Kernel-Version', 'Kernel'),
    wide('Container-Runtime', 'What runs its containers'),
  ],
  (object, now) => {
    const info = object.status?.nodeInfo;
    return [
      nameOf(object),
      nodeStatus(object),
      nodeRoles(object),
      objectAge(object, now),
      info?.kubeletVersion ?? '',
      addressOf(object, 'InternalIP'),
      addressOf(object, 'ExternalIP'),
      orUnknown(info?.osImage),
      orUnknown(info?.kernelVersion),
      orUnknown(info?.containerRuntimeVersion),
    ];
  },
);

function nodeStatus(object: Node): string {
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return object.spec?.unschedulable === true ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(object: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(object.metadata?.labels ?? {})) {
    if (key.startsWith(rolePrefix)) roles.add(key.slice(rolePrefix.length));
    else if (key === roleLabel && value !== '') roles.add(value);
  }
  roles.delete('');
  return roles.size === 0 ? '<none>' : [...roles].sort().join(',');
}

function addressOf(object: Node, type: string): string {
  return object.status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}

function orUnknown(text: string | undefined): string {
  return text === undefined || text === '' ? '<unknown>' : text;
}

const namespace = printer<Namespace>(
  [nameColumn, column('Status', 'Active, or Terminating while it is emptied'), ageColumn],
  (object, now) => [nameOf(object), object.status?.phase ?? '', objectAge(object, now)],
);

const lease = printer<Lease>([nameColumn, column('Holder', 'Who holds it'), ageColumn], (object, now) => [
  nameOf(object),
  object.spec?.holderIdentity ?? '',
  objectAge(object, now),
]);

const customResourceDefinition = printer<CustomResourceDefinition>(
  [nameColumn, column('Created At', 'When it was created', { type: 'date' })],
  (object) => [nameOf(object), (object.metadata?.creationTimestamp as unknown as string | undefined) ?? ''],
);

const priorityClass = printer<PriorityClass>(
  [
    nameColumn,
    column('Value', 'Priority of pods of the class', { type: 'integer' }),
    column('Global-Default', 'Whether pods without a class are of this one', { type: 'boolean' }),
    ageColumn,
    column('PreemptionPolicy', 'Whether its pods may push others out'),
  ],
  (object, now) => [
    nameOf(object),
    object.value ?? 0,
    object.globalDefault ?? false,
    objectAge(object, now),
    object.preemptionPolicy ?? '',
  ],
);

export const clusterPrinters: Readonly<Record<string, Printer>> = {
  '/Node': node,
  '/Namespace': namespace,
  'coordination.k8s.io/Lease': lease,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinition,
  'scheduling.k8s.io/PriorityClass': priorityClass,
};
