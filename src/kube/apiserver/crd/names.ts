// Which names of a definition are its own: what another in the same group has already is refused, and said so.
// Knows definitions and their conditions. Upstream source: apiextensions-apiserver controller/status.
import { builtinResources } from '#kube/api/resources.ts';
import { jsonEqual } from '#lib/json.ts';
import { type AnyObject, dig, digArray, digString, type Fields, isFields } from '../registry/any-object.ts';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

interface NamesInUse {
  /** Plurals, singulars and short names. */
  readonly resources: ReadonlySet<string>;
  /** Kinds and kinds of lists. */
  readonly kinds: ReadonlySet<string>;
}

const textsOf = (names: unknown, field: string): string[] => digArray(names, field).map(String);

/** What the other definitions of a group have been given, and what is built in there. */
function namesInUse(group: string, own: string, definitions: readonly AnyObject[]): NamesInUse {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const builtin of builtinResources.filter((each) => each.group === group)) {
    for (const name of [builtin.resource, builtin.singular, ...builtin.shortNames]) resources.add(name);
    kinds.add(builtin.kind).add(`${builtin.kind}List`);
  }
  for (const other of definitions) {
    if (other.metadata?.name === own || digString(other, 'spec', 'group') !== group) continue;
    const names = dig(other, 'status', 'acceptedNames');
    for (const name of [digString(names, 'plural'), digString(names, 'singular'), ...textsOf(names, 'shortNames')]) {
      resources.add(name);
    }
    kinds.add(digString(names, 'kind')).add(digString(names, 'listKind'));
  }
  return { resources, kinds };
}

export interface AcceptedNames {
  readonly names: Fields;
  /** Without times. */
  readonly condition: Omit<Condition, 'lastTransitionTime'>;
}

/** The names that a definition gets, beside those it has, and whether that is all it asked for. */
export function acceptNames(definition: AnyObject, definitions: readonly AnyObject[]): AcceptedNames {
  const used = namesInUse(digString(definition, 'spec', 'group'), definition.metadata?.name ?? '', definitions);
  const asked = dig(definition, 'spec', 'names');
  const given = dig(definition, 'status', 'acceptedNames');
  const names: Fields = isFields(given) ? { ...given } : {};
  let conflict: { reason: string; message: string } | undefined;
  const accept = (field: string, reason: string, taken: ReadonlySet<string>): void => {
    const name = digString(asked, field);
    if (name !== digString(given, field) && taken.has(name)) {
      conflict = { reason, message: `${JSON.stringify(name)} is already in use` };
    } else names[field] = name;
  };
  accept('plural', 'PluralConflict', used.resources);
  accept('singular', 'SingularConflict', used.resources);
  acceptShortNames();
  accept('kind', 'KindConflict', used.kinds);
  accept('listKind', 'ListKindConflict', used.kinds);
  if (digArray(asked, 'categories').length > 0) names.categories = digArray(asked, 'categories');
  else delete names.categories;
  const { reason, message } = conflict ?? { reason: 'NoConflicts', message: 'no conflicts found' };
  return {
    names,
    condition: { type: 'NamesAccepted', status: conflict === undefined ? 'True' : 'False', reason, message },
  };

  function acceptShortNames(): void {
    const wanted = textsOf(asked, 'shortNames');
    const had = new Set(textsOf(given, 'shortNames'));
    const refused = wanted.filter((name) => !had.has(name) && used.resources.has(name));
    if (refused.length > 0) {
      const texts = refused.map((name) => `${JSON.stringify(name)} is already in use`);
      conflict = {
        reason: 'ShortNamesConflict',
        message: texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`,
      };
    } else if (wanted.length > 0) names.shortNames = wanted;
    else delete names.shortNames;
  }
}

/** The conditions with this one in its place; its time is that of its last change of status. */
export function withCondition(
  conditions: readonly unknown[],
  { type, status, reason, message }: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): Condition[] {
  const known = conditions.filter(isFields) as unknown as Condition[];
  const before = known.find((each) => each.type === type);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
  const made: Condition = { type, status, lastTransitionTime, reason, message };
  return before === undefined ? [...known, made] : known.map((each) => (each === before ? made : each));
}

export function isTrue(definition: AnyObject, type: string): boolean {
  return digArray(definition, 'status', 'conditions').some(
    (each) => digString(each, 'type') === type && digString(each, 'status') === 'True',
  );
}

/** Status of a definition after its names have been looked at; the one it has when that changes nothing. */
export function namedStatus(definition: AnyObject, definitions: readonly AnyObject[], now: string): Fields {
  const { names, condition } = acceptNames(definition, definitions);
  let conditions = withCondition(digArray(definition, 'status', 'conditions'), condition, now);
  if (condition.status === 'True') {
    const reason = 'InitialNamesAccepted';
    const message = 'the initial names have been accepted';
    conditions = withCondition(conditions, { type: 'Established', status: 'True', reason, message }, now);
  } else if (!isTrue(definition, 'Established')) {
    const message = 'not all names are accepted';
    conditions = withCondition(
      conditions,
      { type: 'Established', status: 'False', reason: 'NotAccepted', message },
      now,
    );
  }
  const status = { ...definition.status, conditions, acceptedNames: names };
  return jsonEqual(status, definition.status) ? (definition.status ?? {}) : status;
}
