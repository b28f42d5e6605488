// Routes that ask for a method, headers or parameters: the precedence of the Gateway API, and what happens when they fail.
// Any set of routes is held against the plain reading in explain-routes.ts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderMatch, PathMatch, QueryMatch, Route, ValueMatch } from '#traffic/model/ir.ts';
import { explainRoutes } from './explain-routes.ts';
import { PathTable } from './path-table.ts';
import type { RequestView } from './request-view.ts';
import type { RouteMatch } from './route-conditions.ts';

function request(
  method = 'GET',
  headers: Record<string, string> = {},
  query: Record<string, string> = {},
): RequestView {
  return { method, header: (name) => headers[name], query: (name) => query[name] };
}

type Given = Record<string, Partial<RouteMatch> & { path?: PathMatch }>;

function winner(routes: Given, path: string, view: RequestView): string | undefined {
  const table = PathTable.of(
    Object.entries(routes).map(([name, match]) => [{ path: prefix('/'), ...match }, name] as const),
  );
  return table.find(path, view);
}

const exact = (value: string): PathMatch => ({ type: 'exact', value });
const prefix = (value: string): PathMatch => ({ type: 'prefix', value });
const regex = (value: string): PathMatch => ({ type: 'regex', value });
const header = (name: string, value = 'on'): HeaderMatch => ({ name, match: { type: 'exact', value } });
const query = (name: string, value = 'on'): QueryMatch => ({ name, match: { type: 'exact', value } });

describe('precedence of routes on one path', () => {
  const everything = request('GET', { a: 'on', b: 'on' }, { q: 'on', r: 'on' });

  it.each<[string, Given, string]>([
    [
      'a method beats any number of headers',
      { one: { headers: [header('a'), header('b')] }, two: { method: 'GET' } },
      'two',
    ],
    [
      'more headers beat fewer',
      { one: { headers: [header('a')] }, two: { headers: [header('a'), header('b')] } },
      'two',
    ],
    ['headers beat parameters', { one: { query: [query('q'), query('r')] }, two: { headers: [header('a')] } }, 'two'],
    ['more parameters beat fewer', { one: { query: [query('q')] }, two: { query: [query('q'), query('r')] } }, 'two'],
    ['anything beats nothing', { one: {}, two: { query: [query('q')] } }, 'two'],
    ['what is equal is settled by order', { one: { headers: [header('a')] }, two: { headers: [header('b')] } }, 'one'],
    ['a longer path beats every condition', { one: { method: 'GET' }, two: { path: prefix('/x') } }, 'two'],
    [
      'an exact path beats a longer condition',
      { one: { path: prefix('/x'), method: 'GET' }, two: { path: exact('/x') } },
      'two',
    ],
    ['a prefix beats a regular expression', { one: { path: regex('/.+') }, two: { path: prefix('/') } }, 'two'],
    [
      'the longer regular expression is asked first',
      { one: { path: regex('/x') }, two: { path: regex('/[x]') } },
      'two',
    ],
    ['then its conditions', { one: { path: regex('/x') }, two: { path: regex('/x'), method: 'GET' } }, 'two'],
  ])('%s', (_, routes, expected) => {
    expect(winner(routes, '/x', everything)).toBe(expected);
  });
});

describe('a path whose routes ask for something else', () => {
  it.each<[string, Given, string | undefined]>([
    [
      'leaves the request to the next shorter prefix',
      { deep: { path: prefix('/a/b'), method: 'PUT' }, up: { path: prefix('/a') } },
      'up',
    ],
    [
      'skips what only looks shorter',
      { deep: { path: prefix('/a/b'), method: 'PUT' }, no: { path: prefix('/a/') }, not: { path: prefix('/') } },
      'no',
    ],
    [
      'goes from exact to prefix',
      { exact: { path: exact('/a/b'), method: 'PUT' }, prefix: { path: prefix('/a/b') } },
      'prefix',
    ],
    [
      'goes on to regular expressions',
      { exact: { path: exact('/a/b'), method: 'PUT' }, regex: { path: regex('/a/[^/]') } },
      'regex',
    ],
    ['is not found when nobody is left', { exact: { path: exact('/a/b'), method: 'PUT' } }, undefined],
  ])('%s', (_, routes, expected) => {
    expect(winner(routes, '/a/b', request())).toBe(expected);
  });

  it('never falls back to a prefix that ends inside a path element', () => {
    expect(
      winner({ ab: { path: prefix('/ab'), method: 'PUT' }, a: { path: prefix('/a') } }, '/ab', request()),
    ).toBeUndefined();
  });
});

describe('values', () => {
  const matched = (match: ValueMatch, value: string | undefined): boolean =>
    winner(
      { route: { headers: [{ name: 'x', match }] } },
      '/',
      request('GET', value === undefined ? {} : { x: value }),
    ) !== undefined;

  it.each<[ValueMatch, string | undefined, boolean]>([
    [{ type: 'exact', value: 'a' }, 'a', true],
    [{ type: 'exact', value: 'a' }, 'A', false],
    [{ type: 'exact', value: '' }, undefined, false],
    [{ type: 'regex', value: 'v[12]' }, 'v1', true],
    [{ type: 'regex', value: 'v[12]' }, 'v12', false],
    [{ type: 'regex', value: '.*' }, undefined, false],
    [{ type: 'regex', value: '(' }, '(', false],
    [{ type: 'present' }, '', true],
    [{ type: 'present' }, undefined, false],
    // UTF-8 as it stands in a head that is read as Latin-1.
    [{ type: 'exact', value: 'café' }, 'caf\u00c3\u00a9', true],
  ])('%j on %j: %s', (match, value, expected) => {
    expect(matched(match, value)).toBe(expected);
  });

  it('of methods are case-sensitive, and GET is not HEAD', () => {
    expect(winner({ get: { method: 'GET' } }, '/', request('get'))).toBeUndefined();
    expect(winner({ get: { method: 'GET' } }, '/', request('HEAD'))).toBeUndefined();
  });
});

const value: fc.Arbitrary<ValueMatch> = fc.oneof(
  fc.record({ type: fc.constant('exact' as const), value: fc.constantFrom('on', 'off') }),
  fc.constant({ type: 'regex' as const, value: 'o.' }),
  fc.constant({ type: 'present' as const }),
);
const asked = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b'), match: value }), {
  selector: ({ name }) => name,
});
const path = fc.array(fc.constantFrom('/', 'a', 'b', 'ab'), { maxLength: 5 }).map((parts) => `/${parts.join('')}`);
const match: fc.Arbitrary<RouteMatch> = fc.record(
  {
    path: fc.oneof(
      fc.record({ type: fc.constantFrom('exact' as const, 'prefix' as const), value: path }),
      fc.record({ type: fc.constant('regex' as const), value: fc.constantFrom('/a', '/[ab]+', '/.*', '/a/?b?') }),
    ),
    method: fc.constantFrom('GET', 'PUT'),
    headers: asked,
    query: asked,
  },
  { requiredKeys: ['path'] },
);
const said = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('on', 'off', 'x'));

describe('any routes and any request', () => {
  it('get the same answer from the table and from the plain reading', () => {
    fc.assert(
      fc.property(
        fc.array(match, { maxLength: 10 }),
        path,
        fc.constantFrom('GET', 'PUT'),
        said,
        said,
        (matches, target, method, headers, parameters) => {
          const routes = matches.map(
            (one, index): Route => ({
              name: `${index}`,
              metricName: '',
              action: { type: 'respond', status: 200, reason: '' },
              ...one,
            }),
          );
          const view = request(method, headers, parameters);
          const table = PathTable.of(routes.map((route) => [route, route.name] as const));
          const outcomes = explainRoutes({ hostname: '*', wildcard: 'one-label', routes }, target, view);
          const plain = outcomes.find(({ type }) => type === 'matched');
          expect(table.find(`${target}?x=/a`, view)).toBe(plain?.route.name);
          expect(outcomes).toHaveLength(routes.length);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

it('says what a route wanted that a request did not have', () => {
  const route: Route = {
    name: 'canary',
    metricName: '',
    path: prefix('/'),
    method: 'POST',
    headers: [header('x-canary', 'yes')],
    query: [query('debug')],
    action: { type: 'respond', status: 200, reason: '' },
  };
  const [outcome] = explainRoutes(
    { hostname: '*', wildcard: 'one-label', routes: [route] },
    '/',
    request('GET', { 'x-canary': 'no' }),
  );
  expect(outcome).toEqual({
    type: 'unmet',
    route,
    unmet: [
      { part: 'method', name: '', wanted: { type: 'exact', value: 'POST' }, found: 'GET' },
      { part: 'header', name: 'x-canary', wanted: { type: 'exact', value: 'yes' }, found: 'no' },
      { part: 'query', name: 'debug', wanted: { type: 'exact', value: 'on' }, found: undefined },
    ],
  });
});
