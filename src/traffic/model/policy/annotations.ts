// Settings of a BackendPolicy as annotations of an Ingress or a Service: each is heard or refused by itself.
// Pure; a bad one is told with its remedy and changes nothing of the others.
import { readText, type SettingField } from '#kube/api/backend-policy/field.ts';
import { ANNOTATION_PREFIX, fieldByAnnotation, settingFields } from '#kube/api/backend-policy/fields.ts';
import type { BackendPolicySpec } from '#kube/api/backend-policy/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { nearest } from '#lib/nearest.ts';
import type { Problem } from '../problem.ts';
import type { ClusterChanges } from './changes.ts';
import { faultsOf, originsOf, saidBy, valueAt } from './check-settings.ts';
import { changesOf } from './read-settings.ts';

export interface Annotated {
  /** Undefined where nothing is said. */
  readonly changes: ClusterChanges | undefined;
  readonly problems: readonly Problem[];
}

const silent: Annotated = { changes: undefined, problems: [] };
const annotationOf: ReadonlyMap<string, string> = new Map(
  settingFields.map(({ path, annotation }) => [path, `${ANNOTATION_PREFIX}${annotation}`]),
);
const KNOWN = settingFields.map(({ annotation }) => annotation);
const UNTIL = 'until then it is as if it were not there';

export function annotated(kind: Problem['kind'], object: KubeObject): Annotated {
  const annotations = object.metadata?.annotations ?? {};
  const names = Object.keys(annotations).filter((name) => name.startsWith(ANNOTATION_PREFIX));
  if (names.length === 0) return silent;
  const problems: Problem[] = [];
  const complain = (name: string, message: string): void => {
    const field = `metadata.annotations[${name}]`;
    problems.push({ kind, key: objectKey(object), reason: 'InvalidSetting', field, message: `${message}; ${UNTIL}` });
  };
  const settings: Record<string, unknown> = {};
  for (const name of names) {
    const text = String(annotations[name]);
    const field = fieldByAnnotation.get(name);
    if (field === undefined) {
      // Services have annotations of ours that are no settings of balancing.
      if (kind !== 'Ingress') continue;
      const meant = nearest(name.slice(ANNOTATION_PREFIX.length), KNOWN);
      const remedy = meant === undefined ? 'remove it' : `use "${ANNOTATION_PREFIX}${meant}"`;
      complain(name, `There is no such annotation: ${remedy}`);
      continue;
    }
    const read = readText(field.is, text);
    if ('error' in read) complain(name, `Value "${text}" ${read.error}`);
    else put(settings, field, read.value);
  }
  drop(settings, complain);
  if (saidBy(settings).length === 0) return { changes: undefined, problems };
  const who = `${kind} ${objectKey(object)}`;
  const origins = originsOf(settings, (path) => `annotation ${annotationOf.get(path)} of ${who}`);
  return { changes: { ...changesOf(settings as BackendPolicySpec, who), origins }, problems };
}

function put(settings: Record<string, unknown>, { path }: SettingField, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = settings;
  for (const name of names) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  at[last] = value;
}

/** What contradicts itself goes, until nothing does. */
function drop(settings: Record<string, unknown>, complain: (name: string, message: string) => void): void {
  for (;;) {
    const [fault] = faultsOf(settings);
    if (fault === undefined) return;
    const said = saidBy(settings);
    const lost = said.filter((path) => fault.paths.some((one) => path === one || path.startsWith(`${one}.`)));
    for (const path of lost) complain(annotationOf.get(path) ?? path, worded(fault.message));
    for (const path of lost) remove(settings, path);
    if (lost.length === 0) return;
  }
}

/** Fields of the policy by the names that they have here. */
function worded(message: string): string {
  const missing = /^([\w.]+) is missing, without which ([\w.]+) says nothing$/.exec(message);
  if (missing !== null)
    return `Annotation "${annotationOf.get(missing[1] ?? '')}" is missing, without which it says nothing: add it`;
  const group = /^([\w.]+): /.exec(message)?.[1] ?? '';
  return message.replace(/^[\w.]+: /, 'Settings contradict each other: ').replace(/\b[a-zA-Z]\w*\b/g, (name) => {
    const annotation = annotationOf.get(`${group}.${name}`) ?? annotationOf.get(`${group}.${name}.type`);
    return annotation === undefined ? name : `"${annotation}"`;
  });
}

function remove(settings: Record<string, unknown>, path: string): void {
  const group = path.slice(0, path.lastIndexOf('.'));
  const at = (path.includes('.') ? valueAt(settings, group) : settings) as Record<string, unknown>;
  delete at[path.slice(path.lastIndexOf('.') + 1)];
  if (path.includes('.') && Object.keys(at).length === 0) remove(settings, group);
}
