// Filters of a rule or of a backend, in the words of the traffic model.
// Knows nothing of matches; what a filter refers to is resolved by whoever is asked.
import type {
  BackendRef,
  ExternalAuthSpec,
  HeaderModifier,
  PathModifier,
  RouteFilterSpec,
} from '#kube/api/gateway/types.ts';
import { canonicalPath } from '../canonical-path.ts';
import type { ExternalAuth, HeaderEdits, PathRewrite, Redirect, RouteFilter } from '../ir.ts';
import type { ResolvedBackend } from './backends.ts';
import { type Fault, faultAt } from './conditions.ts';

export interface Filters {
  readonly filters: readonly RouteFilter[];
  readonly redirect: Redirect | undefined;
  /** Of references: the rest of the rule goes on. */
  readonly refFaults: readonly Fault[];
  /** Of what it asks for: a request must not pass as if the filter were not there. */
  readonly faults: readonly Fault[];
  /** Nobody can be asked whether requests may pass, so none does. */
  readonly closed: boolean;
}

/** What references of filters mean. */
export interface FilterRefs {
  mirror(ref: BackendRef): ResolvedBackend;
  authoriser(ref: BackendRef, speaks: 'http2' | undefined): ResolvedBackend;
}

export function translateFilters(specs: readonly RouteFilterSpec[], field: string, refs: FilterRefs): Filters {
  const filters: RouteFilter[] = [];
  const refFaults: Fault[] = [];
  const faults: Fault[] = [];
  let redirect: Redirect | undefined;
  let closed = false;
  for (const [place, spec] of specs.entries()) {
    const at = `${field}[${place}]`;
    switch (spec.type) {
      case 'RequestHeaderModifier':
        filters.push({ type: 'request_headers', ...editsOf(spec.requestHeaderModifier) });
        break;
      case 'ResponseHeaderModifier':
        filters.push({ type: 'response_headers', ...editsOf(spec.responseHeaderModifier) });
        break;
      case 'URLRewrite': {
        const { hostname, path } = spec.urlRewrite ?? {};
        filters.push({
          type: 'rewrite',
          ...(hostname === undefined ? {} : { hostname }),
          ...(path === undefined ? {} : { path: rewriteOf(path) }),
        });
        break;
      }
      case 'RequestRedirect':
        redirect = redirectOf(spec.requestRedirect ?? {});
        break;
      case 'RequestMirror': {
        const mirror = spec.requestMirror;
        if (mirror === undefined) break;
        const found = refs.mirror(mirror.backendRef);
        if ('fault' in found) refFaults.push(faultAt(`${at}.requestMirror.backendRef`, found.fault));
        else filters.push({ type: 'mirror', cluster: found.cluster, percent: percentOf(mirror) });
        break;
      }
      case 'ExternalAuth': {
        const auth = spec.externalAuth;
        if (auth === undefined || (auth.protocol !== 'HTTP' && auth.protocol !== 'GRPC')) {
          const message = `${at}: ExternalAuth is served with protocol HTTP or GRPC: set one; until then requests are answered 500`;
          faults.push({ reason: 'UnsupportedValue', message });
          break;
        }
        const found = refs.authoriser(auth.backendRef, auth.protocol === 'GRPC' ? 'http2' : undefined);
        if ('fault' in found) {
          refFaults.push(faultAt(`${at}.externalAuth.backendRef`, found.fault));
          closed = true;
        } else filters.push({ type: 'external_auth', ...authOf(auth, found.cluster) });
        break;
      }
      case 'CORS': {
        const {
          allowOrigins = [],
          allowMethods = [],
          allowHeaders = [],
          exposeHeaders = [],
          allowCredentials = false,
          maxAge = 5,
        } = spec.cors ?? {};
        filters.push({
          type: 'cors',
          allowOrigins,
          allowMethods,
          allowHeaders,
          exposeHeaders,
          allowCredentials,
          maxAgeSeconds: maxAge,
        });
        break;
      }
      case 'ExtensionRef': {
        const { group = '', kind = '', name = '' } = spec.extensionRef ?? {};
        const message = `${at}: there are no filters of kind ${group}/${kind} here, so "${name}" cannot act: remove it; until then requests are answered 500`;
        faults.push({ reason: 'UnsupportedValue', message });
        break;
      }
      default: {
        const message = `${at}: filters of type ${spec.type} are not served: remove it; until then requests are answered 500`;
        faults.push({ reason: 'UnsupportedValue', message });
      }
    }
  }
  return { filters, redirect, refFaults, faults, closed };
}

function authOf({ protocol, http = {}, grpc = {}, forwardBody }: ExternalAuthSpec, cluster: string): ExternalAuth {
  const maxBody = forwardBody?.maxSize ?? 0;
  if (protocol === 'GRPC') return { protocol: 'grpc', cluster, maxBody, allowedHeaders: grpc.allowedHeaders ?? [] };
  const { path = '', allowedHeaders = [], allowedResponseHeaders = [] } = http;
  const pathPrefix = path === '' ? '' : absolute(canonicalPath(path));
  return { protocol: 'http', cluster, maxBody, pathPrefix, allowedHeaders, allowedResponseHeaders };
}

function editsOf({ set, add, remove }: HeaderModifier = {}): HeaderEdits {
  return {
    ...(set === undefined ? {} : { set: set.map(({ name, value }) => ({ name, value })) }),
    ...(add === undefined ? {} : { add: add.map(({ name, value }) => ({ name, value })) }),
    ...(remove === undefined ? {} : { remove }),
  };
}

function rewriteOf({ type, replaceFullPath = '/', replacePrefixMatch = '/' }: PathModifier): PathRewrite {
  if (type === 'ReplaceFullPath') return { type: 'full', value: absolute(replaceFullPath) };
  return { type: 'prefix', value: absolute(replacePrefixMatch) };
}

/** An empty replacement leaves the root. */
function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function redirectOf({
  scheme,
  hostname,
  path,
  port,
  statusCode = 302,
}: NonNullable<RouteFilterSpec['requestRedirect']>): Redirect {
  return {
    status: statusCode as Redirect['status'],
    ...(scheme === 'http' || scheme === 'https' ? { scheme } : {}),
    ...(hostname === undefined ? {} : { hostname }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined ? {} : { path: rewriteOf(path) }),
  };
}

function percentOf({ percent, fraction }: NonNullable<RouteFilterSpec['requestMirror']>): number {
  if (percent !== undefined) return percent;
  if (fraction === undefined) return 100;
  return Math.min(100, (fraction.numerator * 100) / Math.max(1, fraction.denominator ?? 100));
}
