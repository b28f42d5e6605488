// The parts of admission's kinds that say which writes are meant, as they stand on the wire.
// Types only: the published ones leave resources and scope of a rule out.
import type { MatchResources } from 'kubernetes-types/admissionregistration/v1.js';

export interface AdmissionRule {
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly operations?: readonly string[];
  /** `pods`, `pods/status`, or with stars in place of either part. */
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  scope?: string;
}

export type MatchSpec = Omit<MatchResources, 'resourceRules' | 'excludeResourceRules'> & {
  readonly resourceRules?: readonly AdmissionRule[];
  readonly excludeResourceRules?: readonly AdmissionRule[];
};
