// How admission policies, their bindings and webhooks are printed.
// Knows columns and cells only.
import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../admission/mutating-policy.ts';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer } from './printer.ts';

const UNSET = '<unset>';

const policy = printer<ValidatingAdmissionPolicy>(
  [
    nameColumn,
    column('Validations', 'How many things it asks for', { type: 'integer' }),
    column('ParamKind', 'Kind of its parameters'),
    ageColumn,
  ],
  (object, now) => {
    const { paramKind, validations = [] } = object.spec ?? {};
    const kind = paramKind === undefined ? UNSET : `${paramKind.apiVersion}/${paramKind.kind}`;
    return [nameOf(object), validations.length, kind, objectAge(object, now)];
  },
);

const mutatingPolicy = printer<MutatingAdmissionPolicy>(
  [
    nameColumn,
    column('Mutations', 'How many changes it makes', { type: 'integer' }),
    column('ParamKind', 'Kind of its parameters'),
    ageColumn,
  ],
  (object, now) => {
    const { paramKind, mutations = [] } = object.spec ?? {};
    const kind = paramKind === undefined ? UNSET : `${paramKind.apiVersion}/${paramKind.kind}`;
    return [nameOf(object), mutations.length, kind, objectAge(object, now)];
  },
);

const binding = printer<ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding>(
  [nameColumn, column('PolicyName', 'The policy'), column('ParamRef', 'Its parameters'), ageColumn],
  (object, now) => {
    const { paramRef, policyName = '' } = object.spec ?? {};
    const { namespace, name } = paramRef ?? {};
    const parameters = name === undefined ? UNSET : namespace === undefined ? name : `${namespace}/${name}`;
    return [
      nameOf(object),
      policyName,
      paramRef !== undefined && name === undefined ? '*' : parameters,
      objectAge(object, now),
    ];
  },
);

const webhooks = printer<ValidatingWebhookConfiguration | MutatingWebhookConfiguration>(
  [nameColumn, column('Webhooks', 'How many servers are asked', { type: 'integer' }), ageColumn],
  (object, now) => [nameOf(object), object.webhooks?.length ?? 0, objectAge(object, now)],
);

export const admissionPrinters: Readonly<Record<string, Printer>> = {
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': mutatingPolicy,
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': binding,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': policy,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': binding,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhooks,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhooks,
};
