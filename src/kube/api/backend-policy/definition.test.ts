// The definition of BackendPolicy: its rules in CEL say what the same rules say to who reads annotations.
// Runs the real validation of custom resources.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policies } from '#traffic/balancer/index.ts';
import { faultsOf } from '#traffic/model/policy/check-settings.ts';
import { changesOf } from '#traffic/model/policy/read-settings.ts';
import { checkRules, compileRules, readStructural, validateCustom } from '../custom/index.ts';
import { backendPolicyDefinition } from './definition.ts';
import { withTable } from './document.ts';
import { checkValue, durationText, millisecondsOf, readText, type SettingField, type SettingType } from './field.ts';
import { settingFields } from './fields.ts';

function some(is: SettingType): fc.Arbitrary<unknown> {
  switch (is.type) {
    case 'word':
      return fc.constantFrom(...is.words);
    case 'whole':
      return fc.constantFrom(is.min, is.max, Math.min(is.max, Math.max(is.min, 100)));
    case 'choice':
      return fc.constantFrom(...is.numbers);
    case 'number':
      return fc.constantFrom(is.min, is.max);
    case 'duration':
      return fc.constantFrom(durationText(Math.max(1, is.min)), '1s', durationText(is.max));
    case 'flag':
      return fc.boolean();
    case 'text':
      return fc.constant(is.example);
    case 'list':
      return fc.array(some(is.of), { minLength: 1, maxLength: Math.min(3, is.most) });
    case 'labels':
      return fc.constant({ version: 'v1' });
  }
}

/** As an annotation would have it. */
function asText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, one]) => `${name}=${one}`)
      .join(',');
  return String(value);
}

describe('the table of settings', () => {
  it.each(settingFields.map((field) => [field.path, field] as const))(
    '%s reads from text what stands in spec',
    (_path, field: SettingField) => {
      fc.assert(
        fc.property(some(field.is), (value) => {
          expect(checkValue(field.is, value)).toEqual({ value });
          expect(readText(field.is, asText(value))).toEqual({ value });
        }),
        { numRuns: 20 },
      );
      if (field.default !== undefined) expect(checkValue(field.is, field.default)).toEqual({ value: field.default });
    },
  );

  it('has every setting and every annotation once', () => {
    expect(new Set(settingFields.map(({ path }) => path)).size).toBe(settingFields.length);
    expect(new Set(settingFields.map(({ annotation }) => annotation)).size).toBe(settingFields.length);
  });
});

it.each([
  [{ type: 'whole', min: 1, max: 5 }, '6', 'is wrong: use a whole number from 1 to 5'],
  [{ type: 'whole', min: 1, max: 5 }, 'x', 'is no number: use a whole number from 1 to 5'],
  [{ type: 'duration', min: 0, max: 1000 }, '5', 'is wrong: use a duration from 0s to 1s, e.g. 500ms, 30s or 1m30s'],
  [{ type: 'flag' }, 'yes', 'is neither "true" nor "false"'],
  [{ type: 'labels' }, 'v1', 'is wrong: write labels with commas between them, e.g. version=v1,track=stable'],
] as const)('%o refuses %s', (is, text, error) => {
  expect(readText(is, text)).toEqual({ error });
});

it('durations are read and written', () => {
  expect(['1h30m', '250ms', '90s'].map(millisecondsOf)).toEqual([5_400_000, 250, 90_000]);
  expect([3_600_000, 90_000, 250].map(durationText)).toEqual(['1h', '90s', '250ms']);
});

/** A few settings of one group or of all, each a value that it may have. */
function specs(): fc.Arbitrary<Record<string, unknown>> {
  const groups = [...new Set(settingFields.map(({ path }) => path.split('.')[0] ?? ''))];
  return fc.constantFrom(...groups).chain((group) => {
    const fields = settingFields.filter(({ path }) => path.split('.')[0] === group);
    return fc
      .tuple(
        ...fields.map(({ is, required }) => (required === true ? some(is) : fc.option(some(is), { nil: undefined }))),
      )
      .map((values) => {
        const spec: Record<string, unknown> = {};
        for (const [at, { path }] of fields.entries()) {
          if (values[at] === undefined) continue;
          const names = path.split('.');
          const last = names.pop() ?? '';
          let into = spec;
          for (const name of names) {
            into[name] ??= {};
            into = into[name] as Record<string, unknown>;
          }
          into[last] = values[at];
        }
        return spec;
      });
  });
}

const targetRefs = [{ group: '', kind: 'Service', name: 'web' }];
const schema = readStructural(backendPolicyDefinition.spec.versions[0]?.schema?.openAPIV3Schema);
const compiled = compileRules(schema);
const validate = (spec: Record<string, unknown>) => {
  const policy = {
    apiVersion: 'evenkeel.dev/v1alpha1',
    kind: 'BackendPolicy',
    metadata: { name: 'x' },
    spec: { targetRefs, ...spec },
  };
  const causes = validateCustom(schema, policy);
  return compiled === undefined ? causes : [...causes, ...checkRules(compiled, policy, undefined).causes];
};

describe('rules across settings', () => {
  it('are the same in CEL and in TypeScript', () => {
    fc.assert(
      fc.property(specs(), (spec) => {
        fc.pre(Object.keys(spec).length > 0);
        expect(validate(spec).length > 0).toBe(faultsOf(spec).length > 0);
      }),
      { numRuns: 400 },
    );
  });

  it('let in only what a balancing policy takes', () => {
    fc.assert(
      fc.property(specs(), (spec) => {
        if (faultsOf(spec).length > 0) return;
        const { policy } = changesOf(spec, 'x');
        if (policy !== undefined)
          expect(policies[policy.type].parse({ ...policy })).toMatchObject({ type: policy.type });
      }),
      { numRuns: 1000 },
    );
  });
});

it('the page about policies is as `node tools/policies.ts` would write it', () => {
  const page = readFileSync(new URL('../../../../docs/policies.md', import.meta.url), 'utf8');
  expect(withTable(page)).toBe(page);
});
