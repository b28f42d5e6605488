// Which definitions a set of resources needs: the kinds, their lists, and what requests send beside them.
// Shared by both documents.
import { apiVersionOf, type ResourceDefinition } from '../resources.ts';
import { definition, definitionNameOf } from '../schema/index.ts';
import type { DefinitionSet, KindName } from './definitions.ts';
import { publicName } from './names.ts';
import type { Operation } from './operations.ts';

type Json = Record<string, unknown>;

export function shortNameOf({ group, version, kind }: KindName): string {
  return definitionNameOf(group === '' ? version : `${group}/${version}`, kind);
}

/** Adds a resource's kind and list; `kind` is the reference to it, for kinds that are not built in. */
export function addKind(set: DefinitionSet, resource: ResourceDefinition, kind?: Json): void {
  const { group, version } = resource;
  const short = shortNameOf(resource);
  if (kind === undefined) set.setKinds(short, [{ group, version, kind: resource.kind }]);
  if (!resource.verbs.includes('list')) return;
  set.add(listName(resource, short, kind), {
    description: `A list of ${resource.kind} objects.`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string', description: `\`${apiVersionOf(resource)}\`.` },
      kind: { type: 'string', description: `\`${resource.kind}List\`.` },
      metadata: set.ref('meta.v1.ListMeta'),
      items: { type: 'array', items: kind ?? set.ref(short) },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind: `${resource.kind}List` }],
  });
}

function listName(resource: ResourceDefinition, short: string, kind: Json | undefined): string {
  if (kind === undefined) return `${publicName(short)}List`;
  const ref = String(kind.$ref);
  return `${ref.slice(ref.lastIndexOf('/') + 1)}List`.replace(/^.*#/, '') || `${resource.kind}List`;
}

/** Reference to what an operation answers with; undefined for plain text. */
export function answerOf(set: DefinitionSet, { answers, kind }: Operation, custom?: Json): Json | undefined {
  if (answers === 'text') return undefined;
  if (answers === 'status') return set.ref('meta.v1.Status');
  const own = custom ?? builtinRef(set, kind);
  return answers === 'list' ? { $ref: `${String(own.$ref)}List` } : own;
}

export function builtinRef(set: DefinitionSet, kind: KindName): Json {
  const short = shortNameOf(kind);
  if (definition(short) === undefined)
    throw new Error(`No definition for ${kind.kind} of ${kind.group}/${kind.version}`);
  return set.ref(short);
}

/** Kinds that no resource of the document is, but that requests send or answer with. */
export function addProtocolKinds(
  set: DefinitionSet,
  groupVersions: readonly Pick<KindName, 'group' | 'version'>[],
): void {
  set.setKinds(
    'meta.v1.DeleteOptions',
    groupVersions.map((each) => ({ ...each, kind: 'DeleteOptions' })),
  );
  set.setKinds('meta.v1.Status', [{ group: '', version: 'v1', kind: 'Status' }]);
}
