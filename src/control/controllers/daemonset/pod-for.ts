// The pod of a DaemonSet for one node.
// Pure.
import type { DaemonSet } from 'kubernetes-types/apps/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { controllerReference } from '../common/owners.ts';
import { POD_REVISION } from '../revisions/data.ts';
import { affinityFor, tolerationsOf } from './placement.ts';

export const DAEMON_SETS = builtin('DaemonSet');
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

export function podFor(set: DaemonSet, node: string, hash: string): Pod {
  const { template } = set.spec ?? {};
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const generation = set.metadata?.annotations?.[TEMPLATE_GENERATION];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: set.metadata?.namespace,
      generateName: `${set.metadata?.name}-`,
      labels: {
        ...labels,
        [POD_REVISION]: hash,
        ...(generation === undefined ? {} : { 'pod-template-generation': generation }),
      },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(DAEMON_SETS, set)],
    },
    spec: {
      containers: [],
      ...template?.spec,
      affinity: affinityFor(template?.spec?.affinity, node),
      tolerations: tolerationsOf(template?.spec),
    },
  };
}
