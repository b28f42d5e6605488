// Requests to the API server by chance: every resource, verb, media type and parameter, in shape and out of it.
// Knows how requests look; sending them and what must hold is in rig.ts.
import { encodeProtobuf, protobufMediaType } from '#kube/api/protobuf/index.ts';
import { apiVersionOf, builtinResources, type ResourceDefinition } from '#kube/api/resources.ts';
import { schemaFor } from '#kube/api/schema/index.ts';
import { mutated } from '../mutate.ts';
import type { Random } from '../random.ts';
import { drawValue } from './objects.ts';
import { accepts, names, parameters, patchTypes, paths, selectors, types, values } from './words.ts';

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Latin-1: a byte a character. */
  readonly body: string;
}

/** What asks other servers: here nobody, on a port of this machine that refuses. */
const WEBHOOKS = /webhookconfigurations$/;
/** They end in a kubelet, and there is none. */
const CONNECTIONS = new Set(['attach', 'exec', 'portforward', 'proxy', 'log']);
const targets = builtinResources;

/** A custom resource with a bit of everything, which the rig defines. */
export const custom: ResourceDefinition = {
  ...(builtinResources[0] as ResourceDefinition),
  group: 'fuzz.example.com',
  version: 'v1',
  resource: 'things',
  singular: 'thing',
  kind: 'Thing',
  namespaced: true,
  subresources: ['status', 'scale'],
};

export function randomRequest(random: Random): FuzzRequest {
  if (random.once(25))
    return bare(
      random,
      random.once(2) ? 'GET' : random.of(['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH']),
      random.of(paths),
    );
  const target = random.once(4) ? custom : random.of(targets);
  const draw = random.below(100);
  if (draw < 30) return create(target, random);
  if (draw < 45) return update(target, random);
  if (draw < 75) return patch(target, random);
  if (draw < 90) return read(target, random);
  return remove(target, random);
}

function create(target: ResourceDefinition, random: Random): FuzzRequest {
  return withBody('POST', random, `${collection(target, random)}${query(random)}`, objectFor(target, random));
}

function update(target: ResourceDefinition, random: Random): FuzzRequest {
  const name = random.of(names);
  return withBody('PUT', random, `${item(target, random, name)}${query(random)}`, objectFor(target, random, name));
}

function patch(target: ResourceDefinition, random: Random): FuzzRequest {
  const name = random.of(names);
  const type = random.of(patchTypes);
  const object = objectFor(target, random, name);
  const body = type.startsWith('application/json-patch') ? operations(object, random) : directed(object, random);
  const manager =
    type.includes('apply') && !random.once(8)
      ? `?fieldManager=${random.of(['a', 'b', 'kubectl'])}&force=${random.of(['true', 'false', ''])}`
      : query(random);
  const headers = { ...head(random), 'content-type': type };
  return {
    method: 'PATCH',
    path: `${item(target, random, name)}${manager}`,
    headers,
    body: damaged(JSON.stringify(body), random),
  };
}

function read(target: ResourceDefinition, random: Random): FuzzRequest {
  const path = random.once(2) ? collection(target, random) : item(target, random, random.of(names));
  return bare(random, random.once(12) ? 'HEAD' : 'GET', `${path}${query(random)}`);
}

function remove(target: ResourceDefinition, random: Random): FuzzRequest {
  // What takes the rest of the run along when it goes, as everybody knows.
  const keep = ['namespaces', 'customresourcedefinitions', 'servicecidrs'].includes(target.resource);
  const path = random.once(3) && !keep ? collection(target, random) : item(target, random, random.of(names));
  const options = {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: random.of([0, 0, 1, -1, 'x']),
    propagationPolicy: random.of(['Foreground', 'Orphan', 'Background', 'x']),
  };
  const path2 = `${path}${query(random)}`;
  return random.once(2) ? bare(random, 'DELETE', path2) : withBody('DELETE', random, path2, options);
}

function bare(random: Random, method: string, path: string): FuzzRequest {
  return { method, path, headers: head(random), body: '' };
}

function withBody(method: string, random: Random, path: string, object: unknown): FuzzRequest {
  const type = random.once(5) ? random.of(types) : random.once(4) ? protobufMediaType : 'application/json';
  const headers = { ...head(random), 'content-type': type };
  return {
    method,
    path,
    headers,
    body: damaged(type === protobufMediaType ? inProtobuf(object) : JSON.stringify(object), random),
  };
}

/** What has no form in protocol buffers is sent as JSON under their name. */
function inProtobuf(object: unknown): string {
  try {
    return Buffer.from(encodeProtobuf(object)).toString('latin1');
  } catch {
    return JSON.stringify(object);
  }
}

function damaged(text: string, random: Random): string {
  const bytes = Buffer.from(text).toString('latin1');
  return random.once(10) ? mutated([text === '' ? '{}' : bytes], random) : bytes;
}

function head(random: Random): Record<string, string> {
  const headers: Record<string, string> = { accept: random.of(accepts) };
  if (random.once(6)) headers['accept-encoding'] = random.of(['gzip', 'br', 'gzip;q=0', '*']);
  if (random.once(20)) headers['impersonate-user'] = random.of(['a', '', 'system:node:a', 'x'.repeat(300)]);
  return headers;
}

function base({ group, version }: ResourceDefinition): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

function collection(target: ResourceDefinition, random: Random): string {
  const space =
    target.namespaced && !random.once(15) ? `/namespaces/${random.once(20) ? random.of(names) : 'default'}` : '';
  return `${base(target)}${space}/${target.resource}`;
}

function item(target: ResourceDefinition, random: Random, name: string): string {
  const parts = target.subresources.filter((part) => !CONNECTIONS.has(part));
  const sub = random.once(5)
    ? `/${parts.length === 0 || random.once(10) ? random.of(['none', 'status', 'scale', '%']) : random.of(parts)}`
    : '';
  return `${collection(target, random)}/${name}${sub}`;
}

function query(random: Random): string {
  if (random.once(2)) return '';
  const pairs = Array.from({ length: 1 + random.below(3) }, () => {
    const name = random.of(parameters);
    const value = name.endsWith('Selector') ? encodeURIComponent(random.of(selectors)) : random.of(values);
    return `${name}=${value}`;
  });
  return `?${pairs.join('&')}`;
}

function objectFor(target: ResourceDefinition, random: Random, name = random.of(names)): Record<string, unknown> {
  const schema = target === custom ? undefined : schemaFor(apiVersionOf(target), target.kind);
  const drawn = target === custom ? thing(random) : drawValue(schema, random);
  const object =
    typeof drawn === 'object' && drawn !== null && !Array.isArray(drawn) ? (drawn as Record<string, unknown>) : {};
  const metadata =
    typeof object.metadata === 'object' && object.metadata !== null ? (object.metadata as Record<string, unknown>) : {};
  if (random.once(3)) delete metadata.resourceVersion;
  if (random.once(2)) delete metadata.namespace;
  if (random.once(2)) delete metadata.uid;
  if (random.once(2)) delete metadata.deletionTimestamp;
  if (!random.once(4)) delete metadata.finalizers;
  if (!random.once(10)) Object.assign(metadata, { name });
  if (!random.once(20)) object.metadata = metadata;
  if (!random.once(15)) Object.assign(object, { apiVersion: apiVersionOf(target), kind: target.kind });
  if (WEBHOOKS.test(target.resource) && !random.once(3)) object.webhooks = [webhook(random)];
  return object;
}

/** That is accepted, and asked about one resource of many: all others must go on as before. */
function webhook(random: Random): Record<string, unknown> {
  return {
    name: random.of(['a.example.com', 'b.example.com']),
    clientConfig: { url: 'https://127.0.0.1:1/none' },
    rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: [random.of(targets).resource] }],
    // Who cannot be asked and must be is an internal error, as upstream: nothing to be found here.
    failurePolicy: 'Ignore',
    sideEffects: random.of(['None', 'NoneOnDryRun']),
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 1,
    matchConditions: random.once(2)
      ? []
      : [{ name: 'c', expression: random.of(['true', 'request.dryRun', 'object.a']) }],
  };
}

function thing(random: Random): Record<string, unknown> {
  return { spec: drawValue(thingSchema, random), status: drawValue(thingSchema, random) };
}

const text = { type: 'string' } as const;
const integer = { type: 'integer' } as const;
/** As the definition of the rig has it. */
const thingSchema = {
  type: 'object',
  properties: {
    replicas: integer,
    name: text,
    port: { type: 'string', format: 'int-or-string' },
    free: { type: 'object', additionalProperties: text },
    tags: { type: 'array', items: text },
    ports: { type: 'array', items: { type: 'object', properties: { port: integer, protocol: text, name: text } } },
    any: { type: 'any' },
  },
} as const;

const directives = [
  { $patch: 'delete' },
  { $patch: 'replace' },
  { $patch: 'merge' },
  { $patch: 'x' },
  { $retainKeys: ['a'] },
  { $setElementOrder: 1 },
  { '$setElementOrder/finalizers': ['a'] },
  { '$deleteFromPrimitiveList/finalizers': ['a'] },
  null,
];

function directed(object: Record<string, unknown>, random: Random): unknown {
  if (!random.once(5)) return object;
  const key = random.of([...Object.keys(object), 'metadata', 'spec']);
  const inner = object[key];
  const directive = random.of(directives);
  const changed = Array.isArray(inner)
    ? [...inner, directive]
    : typeof inner === 'object'
      ? { ...inner, ...directive }
      : directive;
  return random.once(8) ? odds(random) : { ...object, [key]: changed };
}

const odds = (random: Random): unknown =>
  random.of<unknown>([null, [], 'x', 1, [[]], { metadata: null }, { metadata: [] }]);

function operations(object: Record<string, unknown>, random: Random): unknown {
  if (random.once(15)) return odds(random);
  const pointers = [
    '',
    '/',
    '/metadata',
    '/metadata/labels',
    '/metadata/labels/a',
    '/metadata/name',
    '/metadata/finalizers/-',
    '/spec',
    '/spec/ports/0',
    '/spec/ports/99999999',
    '/spec/ports/-1',
    '/data/a',
    '/status',
    '/a/b/c',
    '/metadata/labels/a~1b',
    '/metadata/~',
    '/__proto__/a',
    '/constructor/prototype/a',
    '/spec/template/spec/containers/0/image',
  ];
  return Array.from({ length: random.of([0, 1, 1, 2, 4]) }, () => ({
    op: random.of(['add', 'replace', 'remove', 'test', 'move', 'copy', 'x']),
    path: random.of(pointers),
    from: random.of(pointers),
    value: random.of<unknown>([object.spec, object.metadata, 'x', 1, null, {}, []]),
  }));
}
