// The door of the room: objects of one resource as a meta.k8s.io/v1 Table, which is what `kubectl get` prints.
// Knows nothing of HTTP or of where objects come from.
import type { KubeObject } from '../object.ts';
import type { ResourceDefinition } from '../resources.ts';
import { admissionPrinters } from './admission.ts';
import { autoscalingPrinters } from './autoscaling.ts';
import { batchPrinters } from './batch.ts';
import { certificatePrinters } from './certificates.ts';
import { clusterPrinters } from './cluster.ts';
import { configPrinters } from './config.ts';
import { eventPrinters } from './events.ts';
import { flowControlPrinters } from './flow-control.ts';
import { networkingPrinters } from './networking.ts';
import { podPrinters } from './pods.ts';
import {
  type Cell,
  type Column,
  column,
  nameColumn,
  nameOf,
  objectAge,
  type Printer,
  printer,
  type RowCondition,
} from './printer.ts';
import { rbacPrinters } from './rbac.ts';
import { servicePrinters } from './services.ts';
import { storagePrinters } from './storage.ts';
import { workloadPrinters } from './workloads.ts';

export type { Cell, Column } from './printer.ts';

/** `None` leaves rows bare, `Metadata` adds a PartialObjectMetadata, `Object` the whole object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableRow {
  cells: Cell[];
  conditions?: RowCondition[];
  object?: KubeObject;
}

/** `meta.k8s.io/v1 Table` on the wire; the server adds `metadata` of the list. */
export interface Table {
  kind: 'Table';
  apiVersion: 'meta.k8s.io/v1';
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  columnDefinitions: Column[];
  rows: TableRow[];
}

export interface TableOptions {
  includeObject?: IncludeObject;
  /** Columns of a kind that is not built in: those of its CustomResourceDefinition. */
  printer?: Printer;
}

const printers: Readonly<Record<string, Printer>> = {
  ...admissionPrinters,
  ...podPrinters,
  ...workloadPrinters,
  ...servicePrinters,
  ...autoscalingPrinters,
  ...batchPrinters,
  ...certificatePrinters,
  ...clusterPrinters,
  ...configPrinters,
  ...eventPrinters,
  ...flowControlPrinters,
  ...networkingPrinters,
  ...rbacPrinters,
  ...storagePrinters,
};

const fallback = printer([nameColumn, column('Age', 'Time since the object was created')], (object, now) => [
  nameOf(object),
  objectAge(object, now),
]);

/** Prints objects with kubectl's own columns for their kind; `now` is in ms since the epoch. */
export function tableFor(
  definition: Pick<ResourceDefinition, 'group' | 'kind'>,
  objects: readonly KubeObject[],
  now: number,
  options: TableOptions = {},
): Table {
  const chosen = options.printer ?? printers[`${definition.group}/${definition.kind}`] ?? fallback;
  const include = options.includeObject ?? 'Metadata';
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {},
    columnDefinitions: [...chosen.columns],
    rows: objects.map((object) => {
      const printed = chosen.print(object, now);
      const row: TableRow = Array.isArray(printed) ? { cells: printed } : { ...printed };
      if (include === 'Object') row.object = object;
      else if (include === 'Metadata') row.object = partial(object);
      return row;
    }),
  };
}

function partial(object: KubeObject): KubeObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: 'meta.k8s.io/v1',
    ...(object.metadata === undefined ? {} : { metadata: object.metadata }),
  };
}
