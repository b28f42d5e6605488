// The token subresource of service accounts: a token for so long, for these audiences, bound to an object or to none.
// Knows what may be asked for; how tokens are made and accepted is in service-accounts/.
import { applyDefaults } from '#kube/api/defaulting/index.ts';
import { decodeObject, schemaFor } from '#kube/api/schema/index.ts';
import { badRequest, conflict, invalid, notFound, type StatusCause } from '#kube/api/status.ts';
import { admitPosted } from '../admission/connect.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { readParsed } from '../http/body.ts';
import { type AnyObject, dig, digArray, digNumber, digString, isFields } from '../registry/any-object.ts';
import { type Named, newTokenId, type TokenClaims } from '../service-accounts/claims.ts';
import { writeOptions } from '../write/options.ts';
import { timestamp } from '../write/times.ts';

const API_VERSION = 'authentication.k8s.io/v1';
const KIND = 'TokenRequest';
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
const BINDABLE: Readonly<Record<string, 'pods' | 'secrets' | 'nodes'>> = {
  Pod: 'pods',
  Secret: 'secrets',
  Node: 'nodes',
};

/** Throws `StatusError` 400, 404, 409, 422. */
export async function createToken(request: ResourceRequest): Promise<Reply> {
  const { server, resource, namespace = '' } = request;
  const name = nameOf(request);
  const options = writeOptions(request);
  const body = await readRequest(request, options.fieldValidation);
  const account = resource.collection.get(namespace, name)?.object;
  if (account === undefined) throw notFound(resource.definition, name);
  assertSameObject(body, namespace, name);
  const seconds = digNumber(body, 'spec', 'expirationSeconds') ?? 3600;
  assertSeconds(seconds, name);
  await admitPosted(request, body, { group: 'authentication.k8s.io', version: 'v1', kind: KIND });
  const asked = digArray(body, 'spec', 'audiences').map(String);
  const audiences = asked.length > 0 ? asked : server.serviceAccounts.audiences;
  const now = Math.floor(server.clock.wall() / 1000);
  const token = server.serviceAccounts.issue({
    namespace,
    account: named(account),
    ...boundTo(request, name, dig(body, 'spec', 'boundObjectRef')),
    audiences,
    issuedAt: now,
    expiresAt: now + seconds,
    id: newTokenId(),
  });
  const object: AnyObject = {
    ...body,
    metadata: { ...body.metadata, name, namespace, creationTimestamp: timestamp(now * 1000) },
    spec: { ...body.spec, audiences, expirationSeconds: seconds },
    status: { token, expirationTimestamp: timestamp((now + seconds) * 1000) },
  };
  return { code: 201, object };
}

async function readRequest(
  request: ResourceRequest,
  validation: ReturnType<typeof writeOptions>['fieldValidation'],
): Promise<AnyObject> {
  const body = await readParsed(request.http);
  if (!isFields(body)) throw badRequest(`the body of the request is not an object: send a ${KIND} of ${API_VERSION}`);
  const object = { apiVersion: API_VERSION, kind: KIND, ...body } as AnyObject;
  if (object.apiVersion !== API_VERSION || object.kind !== KIND) {
    throw badRequest(
      `the body of the request is a ${object.kind} of ${object.apiVersion}: send a ${KIND} of ${API_VERSION}`,
    );
  }
  const schema = schemaFor(API_VERSION, KIND);
  if (schema !== undefined) request.warnings.push(...decodeObject(schema, object, validation).warnings);
  applyDefaults(object);
  return object;
}

/** What the object says of its own name must be what the path says. */
function assertSameObject({ metadata = {} }: AnyObject, namespace: string, name: string): void {
  if (metadata.name !== undefined && metadata.name !== '' && metadata.name !== name) {
    throw badRequest(`name in URL does not match name in ${KIND} object`);
  }
  if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== namespace) {
    throw badRequest(`namespace in URL does not match namespace in ${KIND} object`);
  }
}

function assertSeconds(seconds: number, name: string): void {
  const say = (why: string): StatusCause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${seconds}: ${why}`,
    field: 'spec.expirationSeconds',
  });
  if (seconds < MIN_SECONDS) {
    throw invalid('authentication.k8s.io', KIND, name, [say('may not specify a duration less than 10 minutes')]);
  }
  if (seconds > MAX_SECONDS) {
    throw invalid('authentication.k8s.io', KIND, name, [say('may not specify a duration larger than 2^32 seconds')]);
  }
}

function named(object: AnyObject): Named {
  return { name: object.metadata?.name ?? '', uid: object.metadata?.uid ?? '' };
}

/** The object that the token ends with, and the node of a pod. Throws `StatusError`. */
function boundTo(
  { server, namespace }: ResourceRequest,
  account: string,
  reference: unknown,
): Pick<TokenClaims, 'pod' | 'secret' | 'node'> {
  if (!isFields(reference)) return {};
  const kind = digString(reference, 'kind');
  const apiVersion = digString(reference, 'apiVersion');
  const resource = BINDABLE[kind];
  if (resource === undefined || apiVersion !== 'v1') {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to object of type ${apiVersion || 'v1'}, Kind=${kind}: supported are Pod, Secret and Node of v1`,
    );
  }
  const name = digString(reference, 'name');
  const { definition, collection } = server.registry.builtin('', 'v1', resource);
  const found = collection.get(definition.namespaced ? namespace : undefined, name)?.object;
  if (found === undefined) throw notFound(definition, name);
  const uid = digString(reference, 'uid');
  if (uid !== '' && uid !== found.metadata?.uid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ group: '', resource: kind }, name, why);
  }
  if (resource === 'secrets') return { secret: named(found) };
  if (resource === 'nodes') return { node: named(found) };
  if (digString(found, 'spec', 'serviceAccountName') !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
    );
  }
  const nodeName = digString(found, 'spec', 'nodeName');
  const node =
    nodeName === '' ? undefined : server.registry.builtin('', 'v1', 'nodes').collection.get(undefined, nodeName);
  return { pod: named(found), ...(node === undefined ? {} : { node: named(node.object) }) };
}
