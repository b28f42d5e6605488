// A short way to write rules, roles and bindings as data.
// Knows their shape only; which there are is in the files beside it.
import type { ClusterRole, PolicyRule, Subject } from 'kubernetes-types/rbac/v1.js';

export const GROUP = {
  core: '',
  admission: 'admissionregistration.k8s.io',
  apps: 'apps',
  authentication: 'authentication.k8s.io',
  authorization: 'authorization.k8s.io',
  autoscaling: 'autoscaling',
  batch: 'batch',
  certificates: 'certificates.k8s.io',
  coordination: 'coordination.k8s.io',
  discovery: 'discovery.k8s.io',
  events: 'events.k8s.io',
  extensions: 'extensions',
  networking: 'networking.k8s.io',
  node: 'node.k8s.io',
  policy: 'policy',
  rbac: 'rbac.authorization.k8s.io',
  resource: 'resource.k8s.io',
  storage: 'storage.k8s.io',
} as const;

export const READ = 'get list watch';
export const WRITE = 'create delete deletecollection patch update';

export interface RoleData {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly rules?: readonly PolicyRule[];
  /** Label by which other roles' rules are put together into this one. */
  readonly aggregates?: string;
}

export interface BindingData {
  /** Of the binding, and of the role unless `role` says otherwise. */
  readonly name: string;
  readonly role?: string;
  readonly subjects: readonly Subject[];
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** Lists are words with blanks between them; `groups` is one group, or several. */
export function rule(verbs: string, groups: string | readonly string[], resources: string, names = ''): PolicyRule {
  return {
    apiGroups: typeof groups === 'string' ? [groups] : [...groups],
    resources: words(resources).sort(),
    ...(names === '' ? {} : { resourceNames: words(names) }),
    verbs: words(verbs).sort(),
  };
}

export function urls(verbs: string, paths: string): PolicyRule {
  return { nonResourceURLs: words(paths), verbs: words(verbs) };
}

/** To write down what happens. */
export const eventsRule = (): PolicyRule => rule('create patch update', [GROUP.core, GROUP.events], 'events');

const SUBJECTS = 'rbac.authorization.k8s.io';
export const user = (name: string): Subject => ({ kind: 'User', name, apiGroup: SUBJECTS });
export const group = (name: string): Subject => ({ kind: 'Group', name, apiGroup: SUBJECTS });
export const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', namespace, name });

export type StoredRole = Pick<ClusterRole, 'rules' | 'aggregationRule'>;
