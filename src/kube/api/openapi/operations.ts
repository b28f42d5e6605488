// Which requests each resource answers: paths, actions, parameters and bodies, the same for both OpenAPI versions.
// Knows the table of resources; how a document writes an operation is v2.ts and v3.ts.
import { apiVersionOf, type ResourceDefinition } from '../resources.ts';
import type { KindName } from './definitions.ts';
import { type Parameter, parameters } from './parameters.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch';

export interface Operation {
  readonly path: string;
  readonly method: Method;
  /** Kubernetes' name of what is done, e.g. `list`. */
  readonly action: string;
  readonly id: string;
  readonly kind: KindName;
  readonly about: string;
  readonly query: readonly Parameter[];
  /** What is sent: the kind itself, a patch of it, or delete options. */
  readonly sends?: 'kind' | 'patch' | 'options';
  readonly answers: 'kind' | 'list' | 'status' | 'text';
  /** Custom resources have no strategic merge patch. */
  readonly strategicPatch: boolean;
}

/** `/api/v1`, `/apis/apps/v1`. */
export function basePath(of: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return of.group === '' ? `/api/${of.version}` : `/apis/${of.group}/${of.version}`;
}

interface Naming {
  readonly resource: ResourceDefinition;
  readonly strategicPatch: boolean;
}

/** All operations of a resource, its subresources last. */
export function operationsOf(resource: ResourceDefinition, strategicPatch = true): Operation[] {
  const naming: Naming = { resource, strategicPatch };
  const base = basePath(resource);
  const scope = resource.namespaced ? `${base}/namespaces/{namespace}` : base;
  const collection = `${scope}/${resource.resource}`;
  const item = `${collection}/{name}`;
  const found: Operation[] = [];
  const verbs = new Set<string>(resource.verbs);
  const make = (verb: string, method: Method, path: string, rest: Partial<Operation>): void => {
    if (verbs.has(verb)) found.push(operation(naming, verb, method, path, rest));
  };
  make('list', 'get', collection, { query: parameters.list, answers: 'list' });
  make('create', 'post', collection, { query: parameters.write, sends: 'kind' });
  make('deletecollection', 'delete', collection, {
    query: [...parameters.list, ...parameters.delete],
    sends: 'options',
    answers: 'status',
  });
  make('get', 'get', item, {});
  make('update', 'put', item, { query: parameters.write, sends: 'kind' });
  make('patch', 'patch', item, { query: parameters.patch, sends: 'patch' });
  make('delete', 'delete', item, { query: parameters.delete, sends: 'options', answers: 'status' });
  if (resource.namespaced && verbs.has('list')) {
    const everywhere = operation(naming, 'list', 'get', `${base}/${resource.resource}`, {
      query: parameters.list,
      answers: 'list',
    });
    found.push({ ...everywhere, id: `${everywhere.id}ForAllNamespaces`.replace('Namespaced', '') });
  }
  for (const subresource of resource.subresources) found.push(...subresourceOperations(naming, item, subresource));
  return found;
}

const patternActions: Readonly<Record<string, string>> = {
  create: 'post',
  update: 'put',
};

const idVerbs: Readonly<Record<string, string>> = {
  get: 'read',
  update: 'replace',
  deletecollection: 'deleteCollection',
};

function operation(
  { resource, strategicPatch }: Naming,
  verb: string,
  method: Method,
  path: string,
  rest: Partial<Operation>,
): Operation {
  const group = resource.group === '' ? 'core' : (resource.group.split('.')[0] ?? '');
  const scope = resource.namespaced ? 'Namespaced' : '';
  const name = [group, resource.version, scope, resource.kind].map(capital).join('');
  const { group: kindGroup, version, kind } = resource;
  return {
    path,
    method,
    action: patternActions[verb] ?? verb,
    id: `${idVerbs[verb] ?? verb}${name}`,
    kind: { group: kindGroup, version, kind },
    about: `${verb} ${kind} in ${apiVersionOf(resource)}`,
    query: [],
    answers: 'kind',
    strategicPatch,
    ...rest,
  };
}

/** What is served below an object; kinds of the answers where they are not the object's own. */
const subresourceKinds: Readonly<Record<string, KindName>> = {
  scale: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  eviction: { group: 'policy', version: 'v1', kind: 'Eviction' },
  binding: { group: '', version: 'v1', kind: 'Binding' },
  token: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
};

function subresourceOperations(naming: Naming, item: string, subresource: string): Operation[] {
  const path = `${item}/${subresource}`;
  const { group, version, kind } = naming.resource;
  const served = subresourceKinds[subresource] ?? { group, version, kind };
  const make = (verb: string, method: Method, rest: Partial<Operation>): Operation => {
    const made = operation(naming, verb, method, path, rest);
    return { ...made, id: `${made.id}${capital(subresource)}`, kind: served };
  };
  if (subresource === 'log') return [make('get', 'get', { answers: 'text' })];
  // Streams and proxies: what is asked for stands in the query, and what comes back is not the API's.
  if (['exec', 'attach', 'portforward', 'proxy'].includes(subresource)) {
    const connect = (method: 'get' | 'post'): Operation => ({
      ...make(`connect${capital(method)}`, method, { answers: 'text' }),
      action: 'connect',
    });
    return [connect('get'), connect('post')];
  }
  if (subresource === 'eviction' || subresource === 'binding' || subresource === 'token') {
    return [make('create', 'post', { query: parameters.write, sends: 'kind' })];
  }
  if (subresource === 'finalize') return [make('update', 'put', { query: parameters.write, sends: 'kind' })];
  return [
    make('get', 'get', {}),
    make('update', 'put', { query: parameters.write, sends: 'kind' }),
    make('patch', 'patch', { query: parameters.patch, sends: 'patch' }),
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
