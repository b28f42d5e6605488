// All settings of a BackendPolicy in one table: the definition, the annotations and docs/policies.md are made of it.
// Data and a look-up; what a setting does is traffic/model/policy.
import { balancingFields } from './balancing-fields.ts';
import { connectionFields } from './connection-fields.ts';
import type { SettingField } from './field.ts';
import { guardFields } from './guard-fields.ts';

export const ANNOTATION_PREFIX = 'evenkeel.dev/';

export const settingFields: readonly SettingField[] = [...balancingFields, ...guardFields, ...connectionFields];

/** By the whole name of the annotation. */
export const fieldByAnnotation: ReadonlyMap<string, SettingField> = new Map(
  settingFields.map((field) => [`${ANNOTATION_PREFIX}${field.annotation}`, field]),
);
