// Pods: initial status, priority, selectable fields, graceful deletion.
// Knows Pods only; defaulting and validation of the spec are kube/api's.
import { isDeepStrictEqual } from 'node:util';
import { forbidden, invalid, StatusError } from '#kube/api/status.ts';
import { type AnyObject, dig, digArray, digNumber, digString, type Fields } from '../registry/any-object.ts';
import { podQosClass } from './pod-qos.ts';
import type { Strategy, StrategyContext } from './strategy.ts';

export const podStrategy: Strategy = {
  returnsDeleted: true,
  countsGenerations: true,
  selectableFields: {
    'spec.nodeName': (pod) => digString(pod, 'spec', 'nodeName'),
    'spec.restartPolicy': (pod) => digString(pod, 'spec', 'restartPolicy'),
    'spec.schedulerName': (pod) => digString(pod, 'spec', 'schedulerName'),
    'spec.serviceAccountName': (pod) => digString(pod, 'spec', 'serviceAccountName'),
    'spec.hostNetwork': (pod) => String(dig(pod, 'spec', 'hostNetwork') === true),
    'status.phase': (pod) => digString(pod, 'status', 'phase'),
    'status.podIP': (pod) => digString(pod, 'status', 'podIP'),
    'status.nominatedNodeName': (pod) => digString(pod, 'status', 'nominatedNodeName'),
  },

  prepareForCreate(pod, context) {
    const spec = pod.spec ?? {};
    pod.spec = spec;
    pod.status = { phase: 'Pending', qosClass: podQosClass(pod), ...gatedCondition(spec) };
    admitPriority(pod, spec, context);
  },

  prepareForUpdate(next, current) {
    // They have a subresource of their own, with rights of its own.
    if (!isDeepStrictEqual(dig(next, 'spec', 'ephemeralContainers'), dig(current, 'spec', 'ephemeralContainers'))) {
      const message =
        'Forbidden: pod updates may not change ephemeral containers: use the ephemeralcontainers subresource';
      const cause = { reason: 'FieldValueForbidden', message, field: 'spec.ephemeralContainers' };
      throw invalid('', 'Pod', next.metadata?.name ?? '', [cause]);
    }
    next.status = { ...next.status, qosClass: dig(current, 'status', 'qosClass') ?? podQosClass(next) };
  },

  gracePeriod(pod, requested) {
    // Nobody else has to let go of a Pod that never reached a node or has ended.
    if (digString(pod, 'spec', 'nodeName') === '') return 0;
    if (['Failed', 'Succeeded'].includes(digString(pod, 'status', 'phase'))) return 0;
    const period = requested ?? digNumber(pod, 'spec', 'terminationGracePeriodSeconds') ?? 30;
    return period < 0 ? 1 : period;
  },
};

/** What people see of a pod that no scheduler looks at. Upstream: applySchedulingGatedCondition. */
function gatedCondition(spec: Fields): Fields {
  if (digArray(spec, 'schedulingGates').length === 0) return {};
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  return { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message }] };
}

/** Upstream's Priority admission: the class names the number. */
function admitPriority(pod: AnyObject, spec: Fields, context: StrategyContext): void {
  const named = digString(spec, 'priorityClassName');
  const chosen =
    named === ''
      ? context
          .list('scheduling.k8s.io', 'priorityclasses')
          .filter((each) => each.globalDefault === true)
          .sort((a, b) => Number(a.value) - Number(b.value))[0]
      : context.lookup('scheduling.k8s.io', 'priorityclasses', undefined, named);
  const priority = chosen === undefined ? undefined : Number(chosen.value);
  if (named !== '' && priority === undefined) {
    throw forbidden(
      { group: '', resource: 'pods' },
      pod.metadata?.name ?? '',
      `no PriorityClass with name ${named} was found`,
    );
  }
  const given = digNumber(spec, 'priority');
  if (given !== undefined && given !== (priority ?? 0)) {
    throw new StatusError(
      403,
      'Forbidden',
      `the integer value of priority (${given}) must not be provided in pod spec; priority admission controller computed ${priority ?? 0} from the given PriorityClass name`,
    );
  }
  if (chosen !== undefined) spec.priorityClassName = chosen.metadata?.name;
  spec.priority = priority ?? 0;
  spec.preemptionPolicy ??= chosen?.preemptionPolicy ?? 'PreemptLowerPriority';
}
