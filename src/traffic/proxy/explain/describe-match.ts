// Matches of routes in words, for people.
// Knows no request but for what it did not have.
import type { PathMatch, Route, ValueMatch } from '#traffic/model/ir.ts';
import type { Unmet } from '#traffic/snapshot/index.ts';

/** Everything that a route matches by, a phrase each. */
export function describeMatches({ path, method, headers = [], query = [] }: Route): readonly string[] {
  return [
    describePath(path),
    ...(method === undefined ? [] : [`method ${method}`]),
    ...headers.map(({ name, match }) => `header ${name} ${describeValue(match)}`),
    ...query.map(({ name, match }) => `parameter ${name} ${describeValue(match)}`),
  ];
}

function describePath(path: PathMatch): string {
  return path.type === 'regex' ? `path like '${path.value}'` : `path ${path.type} "${path.value}"`;
}

function describeValue(match: ValueMatch): string {
  if (match.type === 'present') return 'is there';
  return match.type === 'exact' ? `is "${match.value}"` : `is like '${match.value}'`;
}

/** `header x-canary is missing`, `method is GET, not POST`. */
export function describeUnmet({ part, name, wanted, found }: Unmet): string {
  const what = part === 'method' ? 'the method' : part === 'header' ? `header ${name}` : `parameter ${name}`;
  if (found === undefined) return `${what} is missing`;
  if (wanted.type === 'present') return `${what} is missing`;
  return `${what} is "${found}", not ${wanted.type === 'exact' ? `"${wanted.value}"` : `like '${wanted.value}'`}`;
}
