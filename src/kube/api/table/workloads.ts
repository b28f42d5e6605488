// How the workload kinds are printed: Deployment, ReplicaSet, StatefulSet, DaemonSet and their relatives.
// Knows columns and cells only.
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { ReplicationController } from 'kubernetes-types/core/v1.js';
import {
  ageColumn,
  type Column,
  column,
  containerTexts,
  labelsText,
  nameColumn,
  nameOf,
  objectAge,
  type Printer,
  printer,
  selectorText,
  wide,
} from './printer.ts';

const integer: Partial<Column> = { type: 'integer' };
const containers = wide('Containers', 'Names of the containers of the template');
const images = wide('Images', 'Images of the containers of the template');
const selector = wide('Selector', 'Labels that select the pods');

const deployment = printer<Deployment>(
  [
    nameColumn,
    column('Ready', 'Pods that are ready, of the desired number'),
    column('Up-to-date', 'Pods of the current template', integer),
    column('Available', 'Pods ready for at least minReadySeconds', integer),
    ageColumn,
    containers,
    images,
    selector,
  ],
  (object, now) => [
    nameOf(object),
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    object.status?.updatedReplicas ?? 0,
    object.status?.availableReplicas ?? 0,
    objectAge(object, now),
    ...containerTexts(object.spec?.template?.spec),
    selectorText(object.spec?.selector),
  ],
);

const replicaColumns = [
  nameColumn,
  column('Desired', 'Pods that should be', integer),
  column('Current', 'Pods that are', integer),
  column('Ready', 'Pods that are ready', integer),
  ageColumn,
  containers,
  images,
  selector,
];

const replicaSet = printer<ReplicaSet>(replicaColumns, (object, now) => [
  nameOf(object),
  object.spec?.replicas ?? 0,
  object.status?.replicas ?? 0,
  object.status?.readyReplicas ?? 0,
  objectAge(object, now),
  ...containerTexts(object.spec?.template?.spec),
  selectorText(object.spec?.selector),
]);

const replicationController = printer<ReplicationController>(replicaColumns, (object, now) => [
  nameOf(object),
  object.spec?.replicas ?? 0,
  object.status?.replicas ?? 0,
  object.status?.readyReplicas ?? 0,
  objectAge(object, now),
  ...containerTexts(object.spec?.template?.spec),
  labelsText(object.spec?.selector),
]);

const statefulSet = printer<StatefulSet>(
  [nameColumn, column('Ready', 'Pods that are ready, of the desired number'), ageColumn, containers, images],
  (object, now) => [
    nameOf(object),
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    objectAge(object, now),
    ...containerTexts(object.spec?.template?.spec),
  ],
);

const daemonSet = printer<DaemonSet>(
  [
    nameColumn,
    column('Desired', 'Nodes that should run the pod', integer),
    column('Current', 'Nodes that run the pod and should', integer),
    column('Ready', 'Nodes whose pod is ready', integer),
    column('Up-to-date', 'Nodes whose pod is of the current template', integer),
    column('Available', 'Nodes whose pod has been ready for minReadySeconds', integer),
    column('Node Selector', 'Labels that a node needs to run the pod'),
    ageColumn,
    containers,
    images,
    selector,
  ],
  (object, now) => [
    nameOf(object),
    object.status?.desiredNumberScheduled ?? 0,
    object.status?.currentNumberScheduled ?? 0,
    object.status?.numberReady ?? 0,
    object.status?.updatedNumberScheduled ?? 0,
    object.status?.numberAvailable ?? 0,
    labelsText(object.spec?.template?.spec?.nodeSelector),
    objectAge(object, now),
    ...containerTexts(object.spec?.template?.spec),
    selectorText(object.spec?.selector),
  ],
);

const controllerRevision = printer<ControllerRevision>(
  [
    nameColumn,
    column('Controller', 'Object that owns the revision'),
    column('Revision', 'Number of the revision', integer),
    ageColumn,
  ],
  (object, now) => {
    const owner = object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
    const group = owner?.apiVersion.includes('/') === true ? `.${owner.apiVersion.split('/')[0]}` : '';
    const controller = owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}${group}/${owner.name}`;
    return [nameOf(object), controller, object.revision ?? 0, objectAge(object, now)];
  },
);

export const workloadPrinters: Readonly<Record<string, Printer>> = {
  'apps/Deployment': deployment,
  'apps/ReplicaSet': replicaSet,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'apps/ControllerRevision': controllerRevision,
  '/ReplicationController': replicationController,
};
