// Filters of a route, by their type.
// Knows no route; which filters go together is checked elsewhere.
import { type HeaderSide, headerNameProblem } from '#traffic/model/header-rules.ts';
import type { HeaderEdits, HeaderValue, PathRewrite, RouteFilter } from '#traffic/model/ir.ts';
import { byType, checked, list, mapped, object, oneOf, optional, type Schema } from './kit.ts';
import {
  absolutePath,
  bytes,
  flag,
  headerName,
  headerValue,
  hostPattern,
  method,
  name,
  origin,
  percent,
  regex,
  seconds,
  text,
} from './values.ts';

const headerList: Schema<HeaderValue[]> = list(object({ name: headerName, value: headerValue }), 'headers');
const edits = {
  set: optional(headerList),
  add: optional(headerList),
  remove: optional(list(headerName, 'names of headers')),
};

/** What speaks against an edit, by the rules of the engine; the first thing that does. */
function checkEdits(side: HeaderSide) {
  return ({ set = [], add = [], remove = [] }: HeaderEdits) => {
    if (set.length + add.length + remove.length === 0) {
      return { error: 'changes nothing', remedy: 'Give it "set", "add" or "remove"' };
    }
    const written = [...set, ...add].map(({ name }) => name.toLowerCase());
    const both = remove.find((name) => written.includes(name.toLowerCase()));
    if (both !== undefined)
      return { error: `writes the header "${both}" and removes it`, remedy: 'Keep one of the two' };
    for (const [edit, names] of [
      ['set', set.map(({ name }) => name)],
      ['add', add.map(({ name }) => name)],
      ['remove', remove],
    ] as const) {
      const problem = names.map((name) => headerNameProblem(name, side, edit)).find((found) => found !== undefined);
      if (problem === undefined) continue;
      const [error = '', remedy = 'Remove it'] = problem.split(': ');
      return {
        field: edit,
        error: `is not possible: ${error.replace(/^Header/, 'header')}`,
        remedy: `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`,
      };
    }
    return undefined;
  };
}

export const pathRewrite: Schema<PathRewrite> = byType<PathRewrite>({
  full: object({ type: oneOf('full'), value: absolutePath }),
  prefix: object({ type: oneOf('prefix'), value: absolutePath }),
  regex: object({ type: oneOf('regex'), pattern: regex, substitution: text }),
});

export const filter: Schema<RouteFilter> = byType<RouteFilter>({
  request_headers: checked(object({ type: oneOf('request_headers'), ...edits }), checkEdits('request')),
  response_headers: checked(object({ type: oneOf('response_headers'), ...edits }), checkEdits('response')),
  rewrite: checked(
    object({ type: oneOf('rewrite'), hostname: optional(hostPattern), path: optional(pathRewrite) }),
    ({ hostname, path }) => {
      if (hostname?.includes('*') === true) {
        return { field: 'hostname', error: `is "${hostname}", not one host`, remedy: 'Write e.g. shop.example.com' };
      }
      if (hostname !== undefined || path !== undefined) return undefined;
      return { error: 'rewrites nothing', remedy: 'Give it "hostname" or "path"' };
    },
  ),
  cors: mapped(
    object({
      type: oneOf('cors'),
      allowOrigins: list(origin, 'origins', { min: 1 }),
      allowMethods: optional(list(method, 'methods')),
      allowHeaders: optional(list(headerName, 'names of headers')),
      exposeHeaders: optional(list(headerName, 'names of headers')),
      allowCredentials: optional(flag),
      maxAge: optional(seconds),
    }),
    ({ maxAge = 5, ...given }) => ({
      type: given.type,
      allowOrigins: given.allowOrigins,
      allowMethods: given.allowMethods ?? [],
      allowHeaders: given.allowHeaders ?? [],
      exposeHeaders: given.exposeHeaders ?? [],
      allowCredentials: given.allowCredentials ?? false,
      maxAgeSeconds: maxAge,
    }),
  ),
  mirror: mapped(
    object({ type: oneOf('mirror'), cluster: name, percent: optional(percent) }),
    ({ percent: share = 100, ...given }) => ({ ...given, percent: share }),
  ),
  buffer_request: object({ type: oneOf('buffer_request'), maxBytes: bytes }),
  buffer_response: object({ type: oneOf('buffer_response'), maxBytes: bytes }),
  body_limit: object({ type: oneOf('body_limit'), maxBytes: bytes }),
  compression: mapped(
    object({
      type: oneOf('compression'),
      algorithms: optional(list(oneOf('zstd', 'br', 'gzip'), 'algorithms', { min: 1 })),
      minBytes: optional(bytes),
      contentTypes: optional(list(text, 'media types', { min: 1 })),
    }),
    ({ type, algorithms = ALGORITHMS, minBytes = 1024, contentTypes = COMPRESSED }) => ({
      type,
      algorithms,
      minBytes,
      contentTypes,
    }),
  ),
});

const ALGORITHMS: ('zstd' | 'br' | 'gzip')[] = ['zstd', 'br', 'gzip'];

/** What is text, whatever it is called; images and archives are compressed already. */
const COMPRESSED = [
  'text/*',
  'application/json',
  'application/javascript',
  'application/xml',
  'application/wasm',
  'image/svg+xml',
];
