// Label selectors and field selectors: as text in URLs and as objects in specs, one way to match them.
// Knows labels and strings; which fields a kind can be selected by is the server's matter.
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { LabelParser } from './selector-text.ts';
import { badRequest } from './status.ts';

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One condition on one label; `values` has one entry for the comparing operators, none for `exists` and `!`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** All of its requirements must hold; none at all selects everything. */
export class LabelQuery {
  readonly requirements: readonly LabelRequirement[];

  constructor(requirements: readonly LabelRequirement[]) {
    this.requirements = requirements;
  }

  get empty(): boolean {
    return this.requirements.length === 0;
  }

  matches(labels: Labels | undefined): boolean {
    return this.requirements.every((requirement) => holds(requirement, labels ?? {}));
  }

  /** Text that reads back as the same query, in upstream's form: by key, values sorted. */
  toString(): string {
    return this.requirements.map(requirementText).join(',');
  }
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'gt':
    case 'lt':
      return value !== undefined && compares(value, operator, values[0] ?? '');
    default:
      return value !== undefined && values.includes(value);
  }
}

function compares(value: string, operator: 'gt' | 'lt', limit: string): boolean {
  if (!/^[+-]?\d+$/.test(value)) return false;
  return operator === 'gt' ? BigInt(value) > BigInt(limit) : BigInt(value) < BigInt(limit);
}

function requirementText({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`;
    case 'gt':
      return `${key}>${values[0] ?? ''}`;
    case 'lt':
      return `${key}<${values[0] ?? ''}`;
    default:
      return `${key}${operator}${values[0] ?? ''}`;
  }
}

/** Reads `app=web,tier in (a,b),!old`; throws a 400 StatusError with upstream's text when it cannot. */
export function parseLabelSelector(text: string): LabelQuery {
  const requirements = new LabelParser(text).parse();
  return new LabelQuery(requirements.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))));
}

const objectOperators: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/**
 * The query of a LabelSelector object. An empty selector selects everything, an absent one nothing:
 * callers that hold `undefined` want `labelSelectorMatches`. Throws a 400 StatusError for an unknown operator.
 */
export function labelSelectorQuery(selector: LabelSelector): LabelQuery {
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: '=',
    values: [value],
  }));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(objectOperators, operator) ? objectOperators[operator] : undefined;
    if (known === undefined) throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push({ key, operator: known, values });
  }
  return new LabelQuery(requirements.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))));
}

/** Whether a LabelSelector object selects these labels; an absent selector selects nothing. */
export function labelSelectorMatches(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  return selector !== undefined && labelSelectorQuery(selector).matches(labels);
}

/** Whether a plain map selector (Service, ReplicationController) selects these labels; an empty one selects nothing. */
export function mapSelectorMatches(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}

export interface FieldRequirement {
  /** Path as the client wrote it, e.g. `spec.nodeName`. */
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All of its requirements must hold; none at all selects everything. */
export class FieldQuery {
  readonly requirements: readonly FieldRequirement[];

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements;
  }

  get empty(): boolean {
    return this.requirements.length === 0;
  }

  /** `read` gives the text of a field; an absent field is the empty string. */
  matches(read: (field: string) => string | undefined): boolean {
    return this.requirements.every(
      ({ field, operator, value }) => ((read(field) ?? '') === value) === (operator === '='),
    );
  }

  toString(): string {
    return this.requirements.map(({ field, operator, value }) => `${field}${operator}${escaped(value)}`).join(',');
  }
}

function escaped(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

/** Reads `metadata.name=web,spec.nodeName!=`; `\`, `,` and `=` in values stand behind a `\`. Throws a 400 StatusError. */
export function parseFieldSelector(text: string): FieldQuery {
  const terms = text.match(/(?:\\[\s\S]|[^,\\])+|\\$/g) ?? [];
  return new FieldQuery(
    terms.map((term) => {
      const parts = /^((?:\\[\s\S]|[^=!\\]|!(?!=))*?)(!=|==|=)([\s\S]*)$/.exec(term);
      if (parts === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field = '', operator, raw = ''] = parts;
      return { field, operator: operator === '!=' ? '!=' : '=', value: unescaped(raw) };
    }),
  );
}

function unescaped(raw: string): string {
  const wrong = /\\(?![\\,=])[\s\S]?/.exec(raw.replace(/\\[\\,=]/g, ''));
  if (wrong !== null) throw badRequest(`invalid field selector: invalid escape sequence: ${wrong[0]}`);
  if (/=/.test(raw.replace(/\\[\s\S]/g, '')))
    throw badRequest('invalid field selector: unescaped character in value: =');
  return raw.replace(/\\([\\,=])/g, '$1');
}
