// The part of Kubernetes' JSONPath that printer columns and scale paths use.
// Knows fields, quoted fields, indices, `[*]` and equality filters; anything else finds nothing.
import { dig, isFields } from '../registry/any-object.ts';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly path: readonly string[]; readonly value: string };

const FIELD = /^\.?([A-Za-z0-9_$-]+(?:\\\.[A-Za-z0-9_$-]+)*)/;
const QUOTED = /^\[(['"])(.*?)\1\]/;
const INDEX = /^\[(-?\d+)\]/;
const FILTER = /^\[\?\(@\.([A-Za-z0-9_.-]+)\s*==\s*(['"])(.*?)\2\)\]/;

/** Undefined when the text uses what this does not know. */
export function parseJsonPath(text: string): readonly Step[] | undefined {
  let rest = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '');
  const steps: Step[] = [];
  while (rest !== '') {
    const parsed = nextStep(rest);
    if (parsed === undefined) return undefined;
    steps.push(parsed.step);
    rest = rest.slice(parsed.length);
  }
  return steps;
}

function nextStep(rest: string): { step: Step; length: number } | undefined {
  const all = /^(\[\*\]|\.\*)/.exec(rest);
  if (all !== null) return { step: { kind: 'all' }, length: all[0].length };
  const quoted = QUOTED.exec(rest);
  if (quoted !== null) return { step: { kind: 'field', name: quoted[2] ?? '' }, length: quoted[0].length };
  const index = INDEX.exec(rest);
  if (index !== null) return { step: { kind: 'index', index: Number(index[1]) }, length: index[0].length };
  const filter = FILTER.exec(rest);
  if (filter !== null) {
    const [whole, path = '', , value = ''] = filter;
    return { step: { kind: 'filter', path: path.split('.'), value }, length: whole.length };
  }
  const field = FIELD.exec(rest);
  if (field === null) return undefined;
  return { step: { kind: 'field', name: (field[1] ?? '').replaceAll('\\.', '.') }, length: field[0].length };
}

/** Every value the path leads to. */
export function findAll(steps: readonly Step[], root: unknown): unknown[] {
  let found: unknown[] = [root];
  for (const step of steps) found = found.flatMap((value) => follow(step, value));
  return found;
}

function follow(step: Step, value: unknown): unknown[] {
  switch (step.kind) {
    case 'field':
      return isFields(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': {
      const item = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Array.isArray(value) ? value : isFields(value) ? Object.values(value) : [];
    case 'filter':
      return Array.isArray(value) ? value.filter((item) => String(dig(item, ...step.path)) === step.value) : [];
  }
}

/** The plain fields of a path such as `.spec.replicas`; undefined when it is anything else. */
export function plainPath(text: unknown): string[] | undefined {
  const steps = typeof text === 'string' ? parseJsonPath(text) : undefined;
  const names: string[] = [];
  for (const step of steps ?? []) {
    if (step.kind !== 'field') return undefined;
    names.push(step.name);
  }
  return names.length === 0 ? undefined : names;
}
