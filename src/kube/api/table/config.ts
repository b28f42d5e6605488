// How configuration kinds are printed: ConfigMap, Secret, ServiceAccount, and the limits of a namespace.
// Knows columns and cells only; never prints a Secret's data.
import type { ConfigMap, LimitRange, ResourceQuota, Secret, ServiceAccount } from 'kubernetes-types/core/v1.js';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer } from './printer.ts';

const integer = { type: 'integer' } as const;
const size = (data: object | undefined): number => Object.keys(data ?? {}).length;

const configMap = printer<ConfigMap>([nameColumn, column('Data', 'Number of keys'), ageColumn], (object, now) => [
  nameOf(object),
  size(object.data) + size(object.binaryData),
  objectAge(object, now),
]);

const secret = printer<Secret>(
  [nameColumn, column('Type', 'What the Secret is for'), column('Data', 'Number of keys'), ageColumn],
  (object, now) => [nameOf(object), object.type ?? '', size(object.data), objectAge(object, now)],
);

const serviceAccount = printer<ServiceAccount>(
  [nameColumn, column('Secrets', 'Number of Secrets it may use', integer), ageColumn],
  (object, now) => [nameOf(object), object.secrets?.length ?? 0, objectAge(object, now)],
);

const limitRange = printer<LimitRange>(
  [nameColumn, column('Created At', 'When it was created', { type: 'date' })],
  (object) => [nameOf(object), (object.metadata?.creationTimestamp as unknown as string | undefined) ?? ''],
);

const resourceQuota = printer<ResourceQuota>(
  [
    nameColumn,
    ageColumn,
    column('Request', 'Used and allowed, of what is counted by request'),
    column('Limit', 'Used and allowed, of what is counted by limit'),
  ],
  (object, now) => {
    const { hard = {}, used = {} } = object.status ?? {};
    const texts = (limits: boolean): string =>
      Object.keys(hard)
        .filter((name) => name.startsWith('limits.') === limits)
        .sort()
        .map((name) => `${name}: ${used[name] ?? 0}/${hard[name]}`)
        .join(', ');
    return [nameOf(object), objectAge(object, now), texts(false), texts(true)];
  },
);

export const configPrinters: Readonly<Record<string, Printer>> = {
  '/ConfigMap': configMap,
  '/Secret': secret,
  '/ServiceAccount': serviceAccount,
  '/LimitRange': limitRange,
  '/ResourceQuota': resourceQuota,
};
