// The door of the room: what is semantically wrong with an object, as causes of a 422 in upstream's words.
// Knows nothing of structure (unknown fields, wrong types): the schema room checks that first.
import type { KubeObject } from '../object.ts';
import { builtinResources } from '../resources.ts';
import type { StatusCause } from '../status.ts';
import { admissionRules } from './admission.ts';
import { autoscalingRules } from './autoscaling.ts';
import { batchRules } from './batch/index.ts';
import { certificateRules } from './certificates.ts';
import { clusterRules } from './cluster.ts';
import { configRules } from './config.ts';
import { definitionRules } from './definition/index.ts';
import { endpointRules } from './endpoints.ts';
import { flowControlRules } from './flow-control.ts';
import { validateMetadata, validateMetadataUpdate } from './metadata.ts';
import { mutatingPolicyRules } from './mutating-policy.ts';
import { dnsSubdomain, pathSegment } from './names.ts';
import { networkingRules } from './networking.ts';
import { nodeRules } from './nodes.ts';
import { podRules } from './pod/pod.ts';
import { quotaRules } from './quotas.ts';
import { rbacRules } from './rbac.ts';
import { Report } from './report.ts';
import type { KindRules, ValidationOptions } from './rules.ts';
import { serviceRangeRules } from './service-ranges.ts';
import { serviceRules } from './services.ts';
import { storageRules } from './storage.ts';
import { webhookRules } from './webhooks.ts';
import { workloadRules } from './workloads.ts';

export { textMistakes } from './metadata.ts';
export type { ValidationOptions } from './rules.ts';
export { compileWebhookCondition } from './webhooks.ts';

/** `group/Kind` -> rules. */
const kinds: Readonly<Record<string, KindRules>> = {
  ...admissionRules,
  // Named by version and group, and the core group has no name: `v1.`
  'apiregistration.k8s.io/APIService': { name: pathSegment },
  ...mutatingPolicyRules,
  ...webhookRules,
  ...autoscalingRules,
  ...batchRules,
  ...certificateRules,
  ...clusterRules,
  ...configRules,
  ...definitionRules,
  ...endpointRules,
  ...flowControlRules,
  ...networkingRules,
  ...nodeRules,
  ...podRules,
  ...quotaRules,
  ...rbacRules,
  ...serviceRangeRules,
  ...serviceRules,
  ...storageRules,
  ...workloadRules,
};

/**
 * Validates a defaulted object, and against `previous` when it replaces one. Empty when all is well.
 * The object has passed the structural check; times, lists and maps have their declared types.
 */
export function validateObject(
  next: KubeObject,
  previous?: KubeObject,
  options: ValidationOptions = {},
): StatusCause[] {
  const report = new Report();
  const group = groupOf(next.apiVersion);
  const rules = kinds[`${group}/${next.kind}`];
  const definition = builtinResources.find((known) => known.group === group && known.kind === next.kind);
  const metadata = next.metadata ?? {};
  validateMetadata(
    metadata,
    { nameRule: rules?.name ?? dnsSubdomain, namespaced: definition?.namespaced },
    'metadata',
    report,
  );
  if (previous !== undefined) validateMetadataUpdate(metadata, previous.metadata ?? {}, 'metadata', report);
  rules?.validate?.(next, report, options);
  if (previous === undefined) rules?.validateCreate?.(next, report, options);
  else rules?.validateUpdate?.(next, previous, report, options);
  return report.causes;
}

function groupOf(apiVersion = ''): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
