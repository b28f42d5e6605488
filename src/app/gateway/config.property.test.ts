// Configurations that somebody broke in any way: never an exception, always a problem with a place, or a model.
// Breaks the example of the documentation, which has every field.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createSnapshotBuilder } from '#traffic/snapshot/index.ts';
import { parseConfig } from './config.ts';

const doc = readFileSync(new URL('../../../docs/gateway-config.md', import.meta.url), 'utf8');
const example: unknown = parse(/```yaml\n(.*?)```/s.exec(doc)?.[1] ?? '');

type Path = readonly (string | number)[];

/** Every place in a value. */
function places(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, inner]) =>
      places(inner, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function broken(
  value: unknown,
  path: Path,
  change: { type: 'remove' } | { type: 'rename'; to: string } | { type: 'set'; to: unknown },
): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change.type === 'set' ? change.to : value;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
  if (rest.length > 0 || change.type === 'set') {
    copy[step] = broken(copy[step], rest, change);
  } else if (Array.isArray(copy)) {
    copy.splice(Number(step), 1);
  } else {
    if (change.type === 'rename') copy[change.to] = copy[step];
    delete copy[step];
  }
  return copy;
}

const change = fc.oneof(
  fc.constant({ type: 'remove' as const }),
  fc.record({ type: fc.constant('rename' as const), to: fc.string({ minLength: 1 }) }),
  fc.record({ type: fc.constant('set' as const), to: fc.jsonValue() }),
);

function checked(text: string): void {
  const outcome = parseConfig(text, 'gateway.yaml', () => {
    throw new Error('not there');
  });
  if ('config' in outcome) {
    // What is valid can be served.
    const counters = { slot: () => 0, inFlight: () => 0, release: () => {} };
    createSnapshotBuilder({ random: () => 0, counters }).apply({ version: 1, ...outcome.config.model });
    return;
  }
  expect(outcome.problems.length).toBeGreaterThan(0);
  for (const { position, message, remedy } of outcome.problems) {
    expect(position.line).toBeGreaterThanOrEqual(1);
    expect(message).not.toBe('');
    expect(remedy).not.toBe('');
    expect(`${message}${remedy}`).not.toContain('\n');
    // What the schema library says by itself names no field and no remedy.
    expect(message).not.toMatch(/Invalid (type|key|length|value)/);
    expect(`${message}${remedy}`).not.toContain('undefined');
  }
}

// Each run builds tables of every kind.
it('an example that somebody broke', { timeout: 60_000 }, () => {
  const path = fc.constantFrom(...places(example));
  fc.assert(
    fc.property(fc.array(fc.tuple(path, change), { minLength: 1, maxLength: 3 }), (changes) => {
      let value = example;
      for (const [where, how] of changes) {
        try {
          value = broken(value, where, how);
        } catch {
          // The place is gone with an earlier change.
        }
      }
      checked(stringify(value));
    }),
    { numRuns: 100 },
  );
});

it('any JSON', () => {
  const parts = fc.constantFrom('listeners', 'certificates', 'virtualHosts', 'clusters', '__proto__', 'x');
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(parts, fc.jsonValue())), (value) =>
      checked(JSON.stringify(value)),
    ),
    { numRuns: 300 },
  );
});

it('any text', () => {
  fc.assert(fc.property(fc.string(), checked), { numRuns: 500 });
});
