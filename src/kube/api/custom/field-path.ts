// The small path language by which a definition points into its own schema: `.spec.size`, `.labels['a.b']`.
// Knows schemas and text. Upstream source: apiextensions-apiserver schema/cel ValidFieldPath.
import type { Structural } from './structural.ts';

export type FoundField = { readonly path: string; readonly schema: Structural } | { readonly error: string };

const TOKEN = /'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]]+/gy;
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  "'": "'",
  '\\': '\\',
};

/** The path as messages write it and the schema it leads to, or what is wrong with it. */
export function validateFieldPath(text: string, root: Structural, allowBrackets = true): FoundField {
  const tokens = text.match(TOKEN) ?? [];
  let schema = root;
  let path = '';
  const step = (name: string): string | undefined => {
    if (schema.properties.size > 0) {
      const inner = schema.properties.get(name);
      if (inner === undefined) return 'does not refer to a valid field';
      path = path === '' ? name : `${path}.${name}`;
      schema = inner;
    } else if (schema.additional !== undefined) {
      path = `${path}[${name}]`;
      schema = schema.additional;
    } else return 'does not refer to a valid field';
    return undefined;
  };
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token === '.') {
      const name = tokens[++index];
      if (name === undefined) return { error: 'unexpected end of JSON path' };
      const error = step(name);
      if (error !== undefined) return { error };
    } else if (token === '[') {
      if (!allowBrackets) return { error: 'array notation is not allowed' };
      const name = tokens[++index];
      if (name === undefined) return { error: 'unexpected end of JSON path' };
      if (!/^'.*'$/s.test(name)) return { error: `expected single quoted string but got ${name}` };
      const error = step(name.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter));
      if (error !== undefined) return { error };
      const end = tokens[++index];
      if (end === undefined) return { error: 'unexpected end of JSON path' };
      if (end !== ']') return { error: `expected ] but got ${end}` };
    } else return { error: `expected [ or . but got: ${token}` };
  }
  return { path, schema };
}

/** As messages write it; the text itself when it leads nowhere. */
export function fieldPathOf(text: string, root: Structural): string {
  const found = validateFieldPath(text, root);
  return 'error' in found ? text : found.path;
}
