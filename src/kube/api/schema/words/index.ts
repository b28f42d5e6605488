// Descriptions of kinds and fields in our own words, for `kubectl explain` and for readers of the OpenAPI documents.
// Text only; nothing is decided by it.
import { certificateWords, flowControlWords } from './access.ts';
import { admissionWords } from './admission.ts';
import {
  apiextensionsWords,
  coordinationWords,
  eventsWords,
  rbacWords,
  schedulingWords,
  storageWords,
} from './cluster.ts';
import { containerWords } from './container.ts';
import { coreWords } from './core.ts';
import type { Words } from './make.ts';
import { metaWords } from './meta.ts';
import { podWords } from './pod.ts';
import { serviceWords } from './service.ts';
import { discoveryWords, networkingWords } from './traffic.ts';
import { volumeWords } from './volume.ts';
import {
  appsWords,
  autoscalingWords,
  batchWords,
  olderAutoscalingWords,
  policyWords,
  scaleWords,
} from './workloads.ts';

/** By package of the definition. */
export const words: Readonly<Record<string, Words>> = {
  'admissionregistration.v1': admissionWords,
  'apiextensions.v1': apiextensionsWords,
  'apps.v1': appsWords,
  'autoscaling.v1': { ...scaleWords, ...olderAutoscalingWords },
  'autoscaling.v2': autoscalingWords,
  'batch.v1': batchWords,
  'certificates.v1': certificateWords,
  'coordination.v1': coordinationWords,
  'core.v1': { ...podWords, ...containerWords, ...volumeWords, ...serviceWords, ...coreWords },
  'discovery.v1': discoveryWords,
  'events.v1': eventsWords,
  'flowcontrol.v1': flowControlWords,
  'meta.v1': metaWords,
  'networking.v1': networkingWords,
  'policy.v1': policyWords,
  'rbac.v1': rbacWords,
  'scheduling.v1': schedulingWords,
  'storage.v1': storageWords,
};

/** What every object has; said once here. */
const everywhere: Readonly<Record<string, string>> = {
  apiVersion: 'Group and version of the API that the object is written in, e.g. `apps/v1`.',
  kind: 'What the object is, e.g. `Deployment`.',
  metadata: 'Name, labels and what the server knows about the object.',
  spec: 'What is wanted.',
  status: 'What was last seen; written by controllers.',
};

/** Description of a definition (`core.v1.PodSpec`), or of one of its fields; undefined when there is none. */
export function describe(short: string, field?: string): string | undefined {
  const dot = short.lastIndexOf('.');
  const own = words[short.slice(0, dot)]?.[short.slice(dot + 1)];
  if (field === undefined) return own?.about;
  return own?.[field] ?? everywhere[field];
}
