// Filters of a route, by their type.
// Knows no route; which filters go together is checked elsewhere.
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

/** Framing and the hop belong to the proxy: an edit would do nothing, or worse. */
const OWN = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function checkEdits({ set = [], add = [], remove = [] }: HeaderEdits) {
  if (set.length + add.length + remove.length === 0) {
    return { error: 'changes nothing', remedy: 'Give it "set", "add" or "remove"' };
  }
  const written = [...set, ...add].map((header) => header.name.toLowerCase());
  const own = [...written, ...remove.map((one) => one.toLowerCase())].find((one) => OWN.has(one));
  if (own !== undefined) {
    const remedy = own === 'host' ? 'Use a filter of type "rewrite" with "hostname"' : 'Remove it: the proxy sets it';
    return { error: `changes the header "${own}", which is the proxy's own`, remedy };
  }
  const both = remove.find((one) => written.includes(one.toLowerCase()));
  if (both !== undefined) return { error: `writes the header "${both}" and removes it`, remedy: 'Keep one of the two' };
  return undefined;
}

export const pathRewrite: Schema<PathRewrite> = byType<PathRewrite>({
  full: object({ type: oneOf('full'), value: absolutePath }),
  prefix: object({ type: oneOf('prefix'), value: absolutePath }),
  regex: object({ type: oneOf('regex'), pattern: regex, substitution: text }),
});

export const filter: Schema<RouteFilter> = byType<RouteFilter>({
  request_headers: checked(object({ type: oneOf('request_headers'), ...edits }), checkEdits),
  response_headers: checked(object({ type: oneOf('response_headers'), ...edits }), checkEdits),
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
