// Path precedence: the rules of the Ingress specification, and any set of paths against a plain reading of them.
// Knows nothing of hosts; routes that ask for more than a path are in conditions.test.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathMatch } from '#traffic/model/ir.ts';
import { PathTable } from './path-table.ts';
import { bareRequest } from './request-view.ts';

function tableOf(matches: readonly PathMatch[]): { find(path: string): PathMatch | undefined } {
  const table = PathTable.of(matches.map((path) => [{ path }, path] as const));
  return { find: (path) => table.find(path, bareRequest) };
}

const exact = (value: string): PathMatch => ({ type: 'exact', value });
const prefix = (value: string): PathMatch => ({ type: 'prefix', value });

describe('path table', () => {
  // The examples of the Kubernetes documentation on Ingress path types.
  it.each([
    [prefix('/'), '/anything/at/all', true],
    [exact('/foo'), '/foo', true],
    [exact('/foo'), '/bar', false],
    [exact('/foo'), '/foo/', false],
    [exact('/foo/'), '/foo', false],
    [prefix('/foo'), '/foo', true],
    [prefix('/foo'), '/foo/', true],
    [prefix('/foo/'), '/foo', true],
    [prefix('/foo/'), '/foo/', true],
    [prefix('/aaa/bb'), '/aaa/bbb', false],
    [prefix('/aaa/bbb'), '/aaa/bbb', true],
    [prefix('/aaa/bbb/'), '/aaa/bbb', true],
    [prefix('/aaa/bbb'), '/aaa/bbb/', true],
    [prefix('/aaa/bbb'), '/aaa/bbb/ccc', true],
    [prefix('/aaa/bbb'), '/aaa/bbbxyz', false],
    [exact('/Foo'), '/foo', false],
    [exact('/foo'), '/foo?bar=/baz', true],
    [prefix('/foo'), '/foo?bar', true],
    [prefix('/foo'), '/fo?o', false],
    [prefix('/'), '', true],
    [prefix('/'), '*', true],
    [prefix('/a'), '*', false],
  ])('%j takes %s: %s', (match, path, expected) => {
    expect(tableOf([match]).find(path) !== undefined).toBe(expected);
  });

  it('prefers the longest match, and exact over prefix', () => {
    const table = tableOf([prefix('/'), prefix('/aaa'), prefix('/aaa/bbb'), exact('/aaa/bbb'), exact('/aaa/')]);
    const found = (path: string) => {
      const { type, value } = table.find(path) ?? exact('nothing');
      return `${type} ${value}`;
    };
    expect(found('/ccc')).toBe('prefix /');
    expect(found('/aaa/ccc')).toBe('prefix /aaa');
    expect(found('/aaa/bbb')).toBe('exact /aaa/bbb');
    expect(found('/aaa/bbb/')).toBe('prefix /aaa/bbb');
    expect(found('/aaa/')).toBe('exact /aaa/');
  });

  it('keeps the first of two equal matches', () => {
    const [first, second] = [prefix('/a'), prefix('/a/')];
    expect(tableOf([first, second]).find('/a')).toBe(first);
    expect(tableOf([second, first]).find('/a')).toBe(second);
  });

  it('finds what a plain reading of the rules finds, for any paths', () => {
    const path = fc.array(fc.constantFrom('/', 'a', 'b', 'ab'), { maxLength: 6 }).map((parts) => `/${parts.join('')}`);
    const match = fc.record({ type: fc.constantFrom('exact' as const, 'prefix' as const), value: path });
    fc.assert(
      fc.property(fc.array(match, { maxLength: 12 }), path, (matches, wanted) => {
        expect(tableOf(matches).find(wanted)).toBe(plainReading(matches, wanted));
      }),
      { numRuns: 1000 },
    );
  });
});

/** Every rule looked at in turn: slow, and easy to believe. */
function plainReading(matches: readonly PathMatch[], path: string): PathMatch | undefined {
  const exactly = matches.find(({ type, value }) => type === 'exact' && value === path);
  if (exactly !== undefined) return exactly;
  const bare = ({ value }: PathMatch): string => value.replace(/\/$/, '');
  return matches
    .filter((match) => match.type === 'prefix' && `${path}/`.startsWith(`${bare(match)}/`))
    .reduce<PathMatch | undefined>(
      (best, match) => (best === undefined || bare(match).length > bare(best).length ? match : best),
      undefined,
    );
}
