// How roles and their bindings are printed.
// Knows columns and cells only.
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-types/rbac/v1.js';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer, wide } from './printer.ts';

const createdAt = column('Created At', 'When it was created', { type: 'date' });

const role = printer<Role | ClusterRole>([nameColumn, createdAt], (object) => [
  nameOf(object),
  (object.metadata?.creationTimestamp as unknown as string | undefined) ?? '',
]);

const binding = printer<RoleBinding | ClusterRoleBinding>(
  [
    nameColumn,
    column('Role', 'Role it grants'),
    ageColumn,
    wide('Users', 'Users it grants the role to'),
    wide('Groups', 'Groups it grants the role to'),
    wide('ServiceAccounts', 'Service accounts it grants the role to'),
  ],
  (object, now) => {
    const subjects = object.subjects ?? [];
    const named = (kind: string): string =>
      subjects
        .filter((subject) => subject.kind === kind)
        .map(({ namespace, name }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
        .join(', ');
    return [
      nameOf(object),
      `${object.roleRef?.kind ?? ''}/${object.roleRef?.name ?? ''}`,
      objectAge(object, now),
      named('User'),
      named('Group'),
      named('ServiceAccount'),
    ];
  },
);

export const rbacPrinters: Readonly<Record<string, Printer>> = {
  'rbac.authorization.k8s.io/Role': role,
  'rbac.authorization.k8s.io/ClusterRole': role,
  'rbac.authorization.k8s.io/RoleBinding': binding,
  'rbac.authorization.k8s.io/ClusterRoleBinding': binding,
};
