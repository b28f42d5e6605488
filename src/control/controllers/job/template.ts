// The pod that a Job makes: its template with owner, finalizer and, for an Indexed Job, its index.
// Pure.
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { controllerReference } from '../common/owners.ts';
import { INDEX } from './indexes.ts';

/** Keeps a finished pod until it has been counted. */
export const TRACKING = 'batch.kubernetes.io/job-tracking';
export const FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count';
export const IGNORED_COUNT = 'batch.kubernetes.io/job-index-ignored-failure-count';

const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';
const MAX_GENERATED = 58;

/** Failures of an index so far, which its next pod carries on. */
export interface IndexFailures {
  readonly counted: number;
  readonly ignored: number;
}

export function podOf(job: Job, index?: number, failures?: IndexFailures): Pod {
  const { template } = job.spec ?? {};
  const { name = '', namespace } = job.metadata ?? {};
  const { labels, annotations, finalizers = [] } = template?.metadata ?? {};
  const suffix = index === undefined ? '-' : `-${index}-`;
  const indexed: Record<string, string> = index === undefined ? {} : { [INDEX]: String(index) };
  const counts: Record<string, string> = failures === undefined ? {} : failureAnnotations(failures);
  const spec = template?.spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      generateName: `${name.slice(0, MAX_GENERATED - suffix.length)}${suffix}`,
      labels: { ...labels, ...indexed },
      annotations: { ...annotations, ...indexed, ...counts },
      finalizers: finalizers.includes(TRACKING) ? finalizers : [...finalizers, TRACKING],
      ownerReferences: [controllerReference(builtin('Job'), job)],
    },
    ...(spec === undefined ? {} : { spec: index === undefined ? spec : withIndex(spec, `${name}-${index}`) }),
  };
}

function failureAnnotations({ counted, ignored }: IndexFailures): Record<string, string> {
  return { [FAILURE_COUNT]: String(counted), ...(ignored > 0 ? { [IGNORED_COUNT]: String(ignored) } : {}) };
}

function withIndex(spec: NonNullable<Pod['spec']>, hostname: string): NonNullable<Pod['spec']> {
  const fieldRef = { fieldPath: `metadata.labels['${INDEX}']` };
  const told = (container: Container): Container =>
    container.env?.some(({ name }) => name === INDEX_VARIABLE) === true
      ? container
      : { ...container, env: [...(container.env ?? []), { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] };
  return {
    ...spec,
    hostname,
    containers: spec.containers.map(told),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(told) }),
  };
}
