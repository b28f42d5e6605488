// Admission of what is no write of an object itself: connections, and subresources that take an object of their own.
// Knows requests and their options; the plugins are those of any write. Upstream source: endpoints/handlers/rest.go.
import type { ResourceRequest } from '../context.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { GroupVersionKind } from './attributes.ts';
import { admitWrite, mutateWrite } from './write.ts';

const isTrue = (text: string | null): boolean => text === 'true' || text === '1';

/** Fields of options that are switches, lists, or numbers; the others are texts. */
const SWITCHES = ['stdin', 'stdout', 'stderr', 'tty'];

/** The options of a connection as an object, by the name of their kind. */
function optionsOf({ query }: ResourceRequest, kind: string, path: string | undefined): AnyObject {
  const options: AnyObject = { kind, apiVersion: 'v1' };
  if (path !== undefined) return { ...options, path };
  for (const name of SWITCHES) if (isTrue(query.get(name))) options[name] = true;
  const container = query.get('container') ?? '';
  if (container !== '') options.container = container;
  const command = query.getAll('command');
  if (command.length > 0) options.command = command;
  const ports = query.getAll('ports').flatMap((text) => text.split(',').map(Number));
  if (ports.length > 0) options.ports = ports;
  return options;
}

const KINDS: Readonly<Record<string, string>> = {
  'pods/exec': 'PodExecOptions',
  'pods/attach': 'PodAttachOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

/** Before a connection is opened. `path`: what is asked for behind a proxy. Rejects with `StatusError`. */
export async function admitConnection(request: ResourceRequest, path?: string): Promise<void> {
  const subresource = request.subresource?.split('/', 1)[0] ?? '';
  const kind = KINDS[`${request.resource.definition.resource}/${subresource}`] ?? '';
  const object = optionsOf(request, kind, path);
  await ask(request, { operation: 'CONNECT', subresource, object, kind: { group: '', version: 'v1', kind } });
}

/** What is posted to a subresource that takes an object of its own, such as an Eviction. Rejects with `StatusError`. */
export async function admitPosted(request: ResourceRequest, object: AnyObject, kind: GroupVersionKind): Promise<void> {
  await ask(request, { operation: 'CREATE', subresource: request.subresource ?? '', object, kind });
}

async function ask(
  request: ResourceRequest,
  asked: {
    readonly operation: 'CONNECT' | 'CREATE';
    readonly subresource: string;
    readonly object: AnyObject;
    readonly kind: GroupVersionKind;
  },
): Promise<void> {
  const { server, resource, user, namespace, name = '', warnings, annotate, query } = request;
  const write = {
    server,
    resource,
    user,
    warnings,
    annotate,
    options: { dryRun: query.getAll('dryRun').includes('All') },
  };
  const change = { ...asked, oldObject: undefined, namespace, name };
  const mutated = await mutateWrite(write, change);
  await admitWrite(write, mutated === undefined ? change : { ...change, object: mutated });
}
