// One text for every way of writing the same object: key order, nulls and empty values make no difference.
// Pure; upstream calls this semantic equality.

/** JSON with sorted keys and without null, empty lists and empty mappings. */
export function canonical(value: unknown): string {
  return JSON.stringify(simplify(value)) ?? 'null';
}

export function semanticallyEqual(a: unknown, b: unknown): boolean {
  return a === b || canonical(a) === canonical(b);
}

function simplify(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => simplify(item) ?? null);
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, simplify(item)] as const)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
