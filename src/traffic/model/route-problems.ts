// What is wrong with the filters and the action of a route, told to whoever wrote them.
// Pure; the engine asks too, and answers 500 in place of acting on what should never have reached it.

import { type HeaderSide, headerNameProblem, headerValueProblem, isToken } from './header-rules.ts';
import type {
  CorsPolicy,
  ExternalAuth,
  HeaderEdits,
  HeaderValue,
  PathMatch,
  Redirect,
  Route,
  RouteFilter,
} from './ir-route.ts';
import { pathRewriteProblem } from './path-rewrite.ts';

/** Each a sentence; empty when the route can be served as it stands. */
export function routeProblems(route: Route): readonly string[] {
  const { action } = route;
  const problems = filterProblems(route.filters ?? [], route.path);
  if (action.type === 'respond') problems.push(...valueProblems(action.headers ?? [], 'response', 'set'));
  if (action.type === 'redirect') {
    problems.push(...redirectProblems(action.redirect, route.path));
    // The answer would be given before anybody was asked.
    if (route.filters?.some(({ type }) => type === 'external_auth') === true)
      problems.push('Filter "external_auth": a redirect asks nobody: use the filter in rules that forward');
  }
  if (action.type === 'forward')
    for (const { filters } of action.clusters) problems.push(...filterProblems(filters ?? [], route.path));
  return problems;
}

function filterProblems(filters: readonly RouteFilter[], path: PathMatch): string[] {
  return filters.flatMap((filter) => problemsOf(filter, path).map((problem) => `Filter "${filter.type}": ${problem}`));
}

function problemsOf(filter: RouteFilter, path: PathMatch): readonly string[] {
  switch (filter.type) {
    case 'request_headers':
      return editProblems(filter, 'request');
    case 'response_headers':
      return editProblems(filter, 'response');
    case 'rewrite': {
      const problems = filter.hostname === undefined ? [] : hostProblems(filter.hostname);
      const problem = filter.path === undefined ? undefined : pathRewriteProblem(filter.path, path);
      return problem === undefined ? problems : [...problems, problem];
    }
    case 'cors':
      return corsProblems(filter);
    case 'mirror':
      return filter.percent >= 0 && filter.percent <= 100 ? [] : [`percent is ${filter.percent}: use 0 to 100`];
    case 'external_auth':
      return authProblems(filter);
    case 'buffer_request':
    case 'buffer_response':
    case 'body_limit':
      return Number.isInteger(filter.maxBytes) && filter.maxBytes >= 0
        ? []
        : [`maxBytes is ${filter.maxBytes}: use a whole number, 0 or more`];
    case 'compression':
      return filter.algorithms.length > 0 ? [] : ['algorithms is empty: name at least one of zstd, br, gzip'];
  }
}

function authProblems(auth: ExternalAuth): string[] {
  const problems: string[] = [];
  if (!Number.isInteger(auth.maxBody) || auth.maxBody < 0)
    problems.push(`maxBody is ${auth.maxBody}: use a whole number, 0 or more`);
  const { allowedHeaders } = auth;
  for (const name of auth.protocol === 'http' ? [...allowedHeaders, ...auth.allowedResponseHeaders] : allowedHeaders)
    if (!isToken(name)) problems.push(`"${name}" is not the name of a header`);
  if (auth.protocol === 'http' && auth.pathPrefix !== '' && !/^\/[\x21\x22\x24-\x3e\x40-\x7e]*$/.test(auth.pathPrefix))
    problems.push(`path is ${JSON.stringify(auth.pathPrefix)}: use one that begins with "/", without query`);
  return problems;
}

function editProblems({ set = [], add = [], remove = [] }: HeaderEdits, side: HeaderSide): string[] {
  const problems = [...valueProblems(set, side, 'set'), ...valueProblems(add, side, 'add')];
  for (const name of remove) {
    const problem = headerNameProblem(name, side, 'remove');
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

function valueProblems(values: readonly HeaderValue[], side: HeaderSide, edit: 'set' | 'add'): string[] {
  return values.flatMap(({ name, value }) => {
    const problem = headerNameProblem(name, side, edit) ?? headerValueProblem(name, value);
    if (problem !== undefined) return [problem];
    return side === 'request' && name.toLowerCase() === 'host' ? hostProblems(value) : [];
  });
}

/** A host name, an address, or either with a port; IPv6 in brackets. */
function hostProblems(host: string): string[] {
  const match = /^(?:\[[0-9a-f:.]{2,}\]|[0-9a-z_](?:[0-9a-z._-]*[0-9a-z_])?)(?::([0-9]{1,5}))?$/i.exec(host);
  if (match !== null && !host.includes('..') && host.length <= 255 && Number(match[1] ?? 0) <= 65_535) return [];
  return [`Host "${host}" is not valid: use a host name or an address, IPv6 in brackets, and a port if need be`];
}

function redirectProblems({ hostname, port = 0, path }: Redirect, match: PathMatch): string[] {
  const problems: string[] = [];
  if (hostname !== undefined) problems.push(...hostProblems(hostname));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) problems.push(`port is ${port}: use 0 to 65535`);
  const problem = path === undefined ? undefined : pathRewriteProblem(path, match);
  if (problem !== undefined) problems.push(problem);
  return problems.map((text) => `Redirect: ${text}`);
}

function corsProblems(policy: CorsPolicy): string[] {
  const problems: string[] = [];
  for (const origin of policy.allowOrigins) {
    if (origin === '*' || origin === 'null') continue;
    if (!/^[a-z][a-z0-9+.-]*:\/\/(?:\*|(?:\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i.test(origin))
      problems.push(
        `Origin ${JSON.stringify(origin)} is not valid: use "*", "https://shop.example" or "https://*.example"`,
      );
  }
  for (const name of [...policy.allowMethods, ...policy.allowHeaders, ...policy.exposeHeaders])
    if (!isToken(name)) problems.push(`"${name}" is neither "*" nor the name of a method or header`);
  if (!Number.isInteger(policy.maxAgeSeconds) || policy.maxAgeSeconds < 0)
    problems.push(`maxAgeSeconds is ${policy.maxAgeSeconds}: use a whole number, 0 or more`);
  return problems;
}
