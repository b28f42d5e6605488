// Filters and redirects in words.
// Knows no request.
import type { HeaderEdits, PathRewrite, Redirect, RouteFilter } from '#traffic/model/ir.ts';

export function describeFilter(filter: RouteFilter): string {
  switch (filter.type) {
    case 'request_headers':
    case 'response_headers':
      return `${filter.type}: ${describeEdits(filter)}`;
    case 'rewrite':
      return `rewrite: ${parts([filter.hostname && `host to ${filter.hostname}`, filter.path && describeRewrite(filter.path)])}`;
    case 'cors':
      return `cors: for ${filter.allowOrigins.join(', ')}${filter.allowCredentials ? ', with credentials' : ''}`;
    case 'mirror':
      return `mirror: ${filter.percent}% to cluster "${filter.cluster}"`;
    case 'buffer_request':
    case 'buffer_response':
    case 'body_limit':
      return `${filter.type}: up to ${filter.maxBytes} bytes`;
    case 'compression':
      return `compression: ${filter.algorithms.join(', ')} from ${filter.minBytes} bytes`;
  }
}

/** What is left out stays as the request has it. */
export function describeRedirect({ status, scheme, hostname, port, path, dropQuery }: Redirect): string {
  return parts([
    `${status}`,
    scheme && `scheme ${scheme}`,
    hostname && `host ${hostname}`,
    port && `port ${port}`,
    path && describeRewrite(path),
    dropQuery === true && 'without the query',
  ]);
}

function describeEdits({ set = [], add = [], remove = [] }: HeaderEdits): string {
  return parts([
    ...set.map(({ name, value }) => `set ${name}: ${value}`),
    ...add.map(({ name, value }) => `add ${name}: ${value}`),
    ...remove.map((name) => `remove ${name}`),
  ]);
}

function describeRewrite(path: PathRewrite): string {
  if (path.type === 'full') return `path to ${path.value}`;
  if (path.type === 'prefix') return `prefix of the path to ${path.value}`;
  return `in the path '${path.pattern}' to '${path.substitution}'`;
}

function parts(list: ReadonlyArray<string | number | false | undefined>): string {
  return list.filter((part) => part !== undefined && part !== false && part !== '' && part !== 0).join(', ');
}
