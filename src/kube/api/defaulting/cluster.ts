// Defaults of RBAC, storage, scheduling and authentication kinds.
// Upstream source of the rules: the defaults.go of those groups.
import type { TokenRequest } from 'kubernetes-types/authentication/v1.js';
import type { ClusterRoleBinding, RoleBinding } from 'kubernetes-types/rbac/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { fill, fillZero } from './fill.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

export function bindingDefaults(binding: RoleBinding | ClusterRoleBinding): void {
  if (binding.roleRef !== undefined) fillZero(binding.roleRef, { apiGroup: rbacGroup });
  for (const subject of binding.subjects ?? []) {
    // Service accounts belong to the core group, whose name is empty.
    if (subject.kind === 'User' || subject.kind === 'Group') fillZero(subject, { apiGroup: rbacGroup });
  }
}

export function storageClassDefaults(storageClass: StorageClass): void {
  fill(storageClass, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
}

export function priorityClassDefaults(priorityClass: PriorityClass): void {
  fill(priorityClass, { preemptionPolicy: 'PreemptLowerPriority' });
}

export function tokenRequestDefaults(request: TokenRequest): void {
  if (request.spec !== undefined) fill(request.spec, { expirationSeconds: 3600 });
}
