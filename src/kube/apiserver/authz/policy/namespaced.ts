// Roles within kube-system and kube-public that every cluster has.
// Data only. Upstream source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go.
import { account, type BindingData, eventsRule, GROUP, type RoleData, rule, user } from './rule.ts';

export interface NamespacePolicy {
  readonly namespace: string;
  readonly roles: readonly RoleData[];
  readonly bindings: readonly BindingData[];
}

const leader = (name: string): RoleData => ({
  name: `system::leader-locking-${name}`,
  rules: [rule('watch', GROUP.core, 'configmaps'), rule('get update', GROUP.core, 'configmaps', name)],
});
const scheduler = user('system:kube-scheduler');
const manager = user('system:kube-controller-manager');
const READER = 'extension-apiserver-authentication-reader';

export const namespacePolicies: readonly NamespacePolicy[] = [
  {
    namespace: 'kube-system',
    roles: [
      { name: READER, rules: [rule('get list watch', GROUP.core, 'configmaps', 'extension-apiserver-authentication')] },
      { name: 'system:controller:bootstrap-signer', rules: [rule('get list watch', GROUP.core, 'secrets')] },
      { name: 'system:controller:cloud-provider', rules: [rule('create get list watch', GROUP.core, 'configmaps')] },
      {
        name: 'system:controller:token-cleaner',
        rules: [rule('delete get list watch', GROUP.core, 'secrets'), eventsRule()],
      },
      leader('kube-controller-manager'),
      leader('kube-scheduler'),
    ],
    bindings: [
      { name: `system::${READER}`, role: READER, subjects: [manager, scheduler] },
      {
        name: 'system::leader-locking-kube-controller-manager',
        subjects: [manager, account('kube-system', 'kube-controller-manager')],
      },
      {
        name: 'system::leader-locking-kube-scheduler',
        subjects: [scheduler, account('kube-system', 'kube-scheduler')],
      },
      ...['bootstrap-signer', 'cloud-provider', 'token-cleaner'].map((name) => ({
        name: `system:controller:${name}`,
        subjects: [account('kube-system', name)],
      })),
    ],
  },
  {
    namespace: 'kube-public',
    roles: [
      {
        name: 'system:controller:bootstrap-signer',
        rules: [
          rule('get list watch', GROUP.core, 'configmaps'),
          rule('update', GROUP.core, 'configmaps', 'cluster-info'),
          eventsRule(),
        ],
      },
    ],
    bindings: [{ name: 'system:controller:bootstrap-signer', subjects: [account('kube-system', 'bootstrap-signer')] }],
  },
];
