// What is wrong with settings, whoever wrote them: values beyond what they may be, and settings that contradict each other.
// Pure; the API server says the same of BackendPolicies where it knows their definition.
import { checkValue, type SettingField } from '#kube/api/backend-policy/field.ts';
import { settingFields } from '#kube/api/backend-policy/fields.ts';
import { type GroupRule, groupRules } from '#kube/api/backend-policy/rules.ts';
import type { Cluster } from '../ir.ts';

type Origins = NonNullable<Cluster['origins']>;
export type Settings = Readonly<Record<string, unknown>>;

export interface SettingFault {
  /** Below `spec`, of each setting that is not to be heard. */
  readonly paths: readonly string[];
  readonly message: string;
}

/** `undefined` where it is not there. */
export function valueAt(settings: unknown, path: string): unknown {
  let at: unknown = settings;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Settings)[name];
  }
  return at;
}

export function faultsOf(settings: Settings): readonly SettingFault[] {
  const values = settingFields.flatMap((field) => valueFault(field, settings));
  return values.length > 0 ? values : groupRules.flatMap((rule) => ruleFault(rule, settings));
}

function valueFault({ path, is, required }: SettingField, settings: Settings): SettingFault[] {
  const value = valueAt(settings, path);
  if (value !== undefined) {
    const read = checkValue(is, value);
    return 'error' in read ? [{ paths: [path], message: `${path} ${read.error}` }] : [];
  }
  const group = path.slice(0, path.lastIndexOf('.'));
  if (required !== true || !path.includes('.') || valueAt(settings, group) === undefined) return [];
  return [{ paths: [group], message: `${path} is missing, without which ${group} says nothing` }];
}

function ruleFault({ group, fields, holds, message }: GroupRule, settings: Settings): SettingFault[] {
  const found = valueAt(settings, group);
  if (typeof found !== 'object' || found === null || holds(found as Settings)) return [];
  return [{ paths: fields.map((field) => `${group}.${field}`), message: `${group}: ${message}` }];
}

/** Paths of the settings that are there, in the order of the table. */
export function saidBy(settings: Settings): string[] {
  return settingFields.map(({ path }) => path).filter((path) => valueAt(settings, path) !== undefined);
}

/** What each setting says, as it was written, and where. */
export function originsOf(settings: Settings, from: (path: string) => string): Origins {
  return Object.fromEntries(
    saidBy(settings).map((path) => [path, { value: written(valueAt(settings, path)), from: from(path) }]),
  );
}

function written(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name}=${one}`)
    .join(', ');
}
