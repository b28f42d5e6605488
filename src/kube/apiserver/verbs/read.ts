// GET of one object and of a list, with selectors, pages and resourceVersion rules.
// Knows reads only; watching is in watch.ts.
import { badRequest, expired, notFound } from '#kube/api/status.ts';
import { CompactedError } from '#kube/store/store.ts';
import { nameOf, type Reply, type ResourceRequest } from '../context.ts';
import { builtinOffer, customOffer, negotiate } from '../http/negotiation.ts';
import { wholeNumber } from '../http/parameters.ts';
import {
  includeObjectOf,
  type ListMetadata,
  type RepresentOptions,
  representList,
  representObject,
} from '../http/represent.ts';
import type { AnyObject } from '../registry/any-object.ts';
import { type Selection, selectionOf } from './selection.ts';
import { assertListOptions, parseRevision, revisionError, tooLarge } from './versions.ts';

export async function getObject(request: ResourceRequest): Promise<Reply> {
  const { resource, namespace } = request;
  const stored = resource.collection.get(namespace, nameOf(request));
  if (stored === undefined) throw notFound(resource.definition, nameOf(request));
  await resource.prepare([stored.object]);
  return { code: 200, object: representObject(resource, resource.view(stored.object), representOptions(request)) };
}

export function representOptions({ http, query, server, resource }: ResourceRequest): RepresentOptions {
  return {
    accepted: negotiate(http.headers.accept, resource.inProtobuf ? builtinOffer : customOffer),
    includeObject: includeObjectOf(query),
    wallMs: server.clock.wall(),
  };
}

export async function listObjects(request: ResourceRequest): Promise<Reply> {
  const { resource, query } = request;
  assertListOptions(query);
  const options = representOptions(request);
  const { objects, metadata } = await selectPage(request, selectionOf(request));
  // As an object it is asked for by few: bytes are made of those of its items.
  return {
    code: 200,
    list: { objects, metadata, options },
    get object() {
      return representList(resource, objects, metadata, options);
    },
  };
}

interface Selected {
  readonly objects: readonly AnyObject[];
  readonly metadata: ListMetadata;
}

/** Where the next page begins; opaque to clients. */
interface ContinueToken {
  readonly revision: number;
  readonly after: string;
}

async function selectPage(request: ResourceRequest, selection: Selection): Promise<Selected> {
  const { query } = request;
  const limit = limitOf(query);
  const token = parseContinue(query.get('continue'));
  const asked = parseRevision(query.get('resourceVersion'));
  const exact = query.get('resourceVersionMatch') === 'Exact';
  if (token !== undefined && asked !== undefined && asked !== 0) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (limit === undefined && token === undefined && !exact) return selectAll(request, selection, asked);
  const revision = token?.revision ?? (exact ? asked : undefined);
  try {
    return await selectFrom(request, selection, limit, revision, token?.after);
  } catch (error) {
    if (token !== undefined && error instanceof CompactedError) {
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
      );
    }
    throw revisionError(error, revision ?? 0);
  }
}

/** Everything as of now, which satisfies `''`, `0` and any revision that has been. */
async function selectAll(
  { resource, namespace }: ResourceRequest,
  selection: Selection,
  asked: number | undefined,
): Promise<Selected> {
  const { collection } = resource;
  const revision = collection.revision();
  if (asked !== undefined && asked > revision) throw tooLarge(asked, revision);
  const items = collection.list(namespace);
  await resource.prepare(items.map((item) => item.object));
  const objects = items
    .map((item) => resource.view(item.object))
    .filter((object) => selection.empty || selection.matches(object));
  return { objects, metadata: { resourceVersion: String(revision) } };
}

/** One page; with a selector, stored pages are read until it is full. */
async function selectFrom(
  { resource, namespace }: ResourceRequest,
  selection: Selection,
  limit: number | undefined,
  revision: number | undefined,
  start: string | undefined,
): Promise<Selected> {
  const { collection } = resource;
  const objects: AnyObject[] = [];
  let after = start;
  let at = revision;
  for (;;) {
    const page = collection.page(namespace, {
      ...(limit === undefined ? {} : { limit: limit - objects.length }),
      ...(at === undefined ? {} : { revision: at }),
      ...(after === undefined ? {} : { after }),
    });
    at = page.revision;
    after = page.items.at(-1)?.key ?? after;
    await resource.prepare(page.items.map((item) => item.object));
    for (const { object } of page.items) {
      const shown = resource.view(object);
      if (selection.empty || selection.matches(shown)) objects.push(shown);
    }
    const metadata: ListMetadata = { resourceVersion: String(at) };
    if (page.remaining === 0 || after === undefined) return { objects, metadata };
    if (limit !== undefined && objects.length >= limit) {
      metadata.continue = formatContinue({ revision: at, after });
      // With a selector nobody knows how many of the rest match; upstream says nothing then.
      if (selection.empty) metadata.remainingItemCount = page.remaining;
      return { objects, metadata };
    }
  }
}

function limitOf(query: URLSearchParams): number | undefined {
  const limit = wholeNumber(query, 'limit') ?? 0;
  // As upstream: what is below zero limits nothing.
  return limit > 0 ? limit : undefined;
}

function formatContinue({ revision, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: after })).toString('base64url');
}

function parseContinue(text: string | null): ContinueToken | undefined {
  if (text === null || text === '') return undefined;
  try {
    const { rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as {
      rv?: unknown;
      start?: unknown;
    };
    if (typeof rv === 'number' && typeof start === 'string') return { revision: rv, after: start };
  } catch {
    // Falls through to the same answer as a token of the wrong shape.
  }
  throw badRequest('continue key is not valid: start a new list without the continue parameter');
}
