// How pods and pod templates are printed.
// Knows columns and cells; what a pod's status word is, pod-status.ts knows.
import type { Pod, PodTemplate } from 'kubernetes-types/core/v1.js';
import { summarizePod } from './pod-status.ts';
import {
  ageColumn,
  column,
  containerTexts,
  labelsText,
  nameColumn,
  nameOf,
  objectAge,
  type Printer,
  printer,
  wide,
} from './printer.ts';

const pod = printer<Pod>(
  [
    nameColumn,
    column('Ready', 'Containers that are ready, of all containers'),
    column('Status', 'What the pod is doing, or why it is not running'),
    column('Restarts', 'Restarts of its containers, and when the last one was'),
    ageColumn,
    wide('IP', 'Address of the pod'),
    wide('Node', 'Node the pod runs on'),
    wide('Nominated Node', 'Node that room is made on for this pod'),
    wide('Readiness Gates', 'Further conditions that make the pod ready, and how many hold'),
  ],
  (object, now) => {
    const { status, ready, total, restarts } = summarizePod(object, now);
    const conditions =
      object.status?.phase === 'Succeeded'
        ? [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }]
        : object.status?.phase === 'Failed'
          ? [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }]
          : undefined;
    const cells = [
      nameOf(object),
      `${ready}/${total}`,
      status,
      restarts,
      objectAge(object, now),
      object.status?.podIP ?? object.status?.podIPs?.[0]?.ip ?? '<none>',
      object.spec?.nodeName ?? '<none>',
      object.status?.nominatedNodeName ?? '<none>',
      gatesText(object),
    ];
    return conditions === undefined ? { cells } : { cells, conditions };
  },
);

function gatesText(object: Pod): string {
  const gates = object.spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const holding = gates.filter(({ conditionType }) =>
    object.status?.conditions?.some(({ type, status }) => type === conditionType && status === 'True'),
  );
  return `${holding.length}/${gates.length}`;
}

const podTemplate = printer<PodTemplate>(
  [
    nameColumn,
    column('Containers', 'Names of the containers'),
    column('Images', 'Images of the containers'),
    column('Pod Labels', 'Labels of pods made from the template'),
  ],
  (object) => [nameOf(object), ...containerTexts(object.template?.spec), labelsText(object.template?.metadata?.labels)],
);

export const podPrinters: Readonly<Record<string, Printer>> = { '/Pod': pod, '/PodTemplate': podTemplate };
