// Applies manifest objects through the API, one after another, and says what became of each.
// Knows the API's answers; printing them is for the CLI.
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '#kube/api/object.ts';
import { StatusError } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { messageOf } from '../failure.ts';
import type { JsonType, ManifestObject, ManifestProblem } from './document.ts';
import { createMapper, type ServedResource } from './mapper.ts';
import { inApplyOrder } from './order.ts';

export type Outcome = 'created' | 'configured' | 'unchanged';

/** `name` as kubectl writes it: `deployment.apps/web`. */
export type Applied =
  | { readonly name: string; readonly outcome: Outcome; readonly object: KubeObject; readonly resource: ServedResource }
  | { readonly name: string; readonly outcome: 'failed'; readonly problems: readonly ManifestProblem[] };

export interface ApplyOptions {
  readonly client: Client;
  /** For namespaced objects that name none. */
  readonly namespace: string;
  /** Takes over fields that another manager set, instead of failing. */
  readonly force: boolean;
  readonly dryRun?: boolean;
  /** Ends it between two objects; those that are left are in nobody's result. */
  readonly signal?: AbortSignal;
  /** Called after each object, in the order of application. */
  readonly onApplied?: (applied: Applied) => void;
}

const FIELD_MANAGER = 'evenkeel';
/** How long a kind may take to be served after its CustomResourceDefinition went in. */
const KIND_PATIENCE_MS = 5_000;
const KIND_RETRY_MS = 100;

/** Server-side apply of every object, what others need first. One that fails never keeps the others out. */
export async function applyManifests(objects: readonly ManifestObject[], options: ApplyOptions): Promise<Applied[]> {
  const mapper = createMapper(options.client);
  const definesKinds = objects.some(({ object }) => object.kind === 'CustomResourceDefinition');
  const results: Applied[] = [];
  const stopped = (): boolean => options.signal?.aborted === true;
  for (const manifest of inApplyOrder(objects)) {
    if (stopped()) break;
    const { apiVersion, kind } = manifest.object;
    let resource = await mapper.byKind(apiVersion, kind);
    const deadline = performance.now() + (definesKinds ? KIND_PATIENCE_MS : 0);
    while (resource === undefined && performance.now() < deadline && !stopped()) {
      await new Promise((resolve) => setTimeout(resolve, KIND_RETRY_MS));
      resource = await mapper.byKind(apiVersion, kind);
    }
    const applied = resource === undefined ? unknownKind(manifest) : await applyOne(manifest, resource, options);
    results.push(applied);
    options.onApplied?.(applied);
  }
  return results;
}

async function applyOne(manifest: ManifestObject, resource: ServedResource, options: ApplyOptions): Promise<Applied> {
  const { name } = manifest.object.metadata;
  const namespace = resource.namespaced ? (manifest.object.metadata.namespace ?? options.namespace) : undefined;
  const printed = printedName(resource, name);
  try {
    const before = await getIfThere(options.client, resource, name, namespace);
    const object = await options.client.patch(resource, name, namespace, 'apply', withNamespace(manifest, namespace), {
      fieldManager: FIELD_MANAGER,
      force: options.force,
      ...(options.dryRun === true ? { dryRun: true } : {}),
    });
    const outcome = before === undefined ? 'created' : sameContent(before, object) ? 'unchanged' : 'configured';
    return { name: printed, outcome, object, resource };
  } catch (error) {
    return { name: printed, outcome: 'failed', problems: problemsOf(manifest, printed, error) };
  }
}

/** Equal but for what controllers write all the time and what every write touches. */
function sameContent(before: KubeObject, after: KubeObject): boolean {
  if (before.metadata?.resourceVersion === after.metadata?.resourceVersion) return true;
  const content = (object: KubeObject): unknown => {
    const { resourceVersion: _version, managedFields: _managers, ...metadata } = object.metadata ?? {};
    const { status: _status, ...rest } = object as KubeObject & { status?: unknown };
    return { ...rest, metadata };
  };
  return isDeepStrictEqual(content(before), content(after));
}

function withNamespace(manifest: ManifestObject, namespace: string | undefined): KubeObject {
  if (namespace === undefined || manifest.object.metadata.namespace !== undefined) return manifest.object;
  return { ...manifest.object, metadata: { ...manifest.object.metadata, namespace } };
}

async function getIfThere(
  client: Client,
  resource: ServedResource,
  name: string,
  namespace: string | undefined,
): Promise<KubeObject | undefined> {
  try {
    return await client.get(resource, name, namespace);
  } catch (error) {
    if (error instanceof StatusError && error.code === 404) return undefined;
    throw error;
  }
}

/** The server's causes, each at the line of its field. */
function problemsOf(manifest: ManifestObject, name: string, error: unknown): ManifestProblem[] {
  const general = { position: manifest.position, message: `${name}: ${messageOf(error)}`, remedy: remedyFor(error) };
  if (!(error instanceof StatusError)) return [general];
  const causes = error.details?.causes ?? [];
  if (error.code === 409 && causes.length > 0) {
    return [{ ...general, message: `${name}: ${error.message.split('\n')[0]}` }];
  }
  const placed = causes.flatMap((cause) => {
    const field = cause.field ?? '';
    if (field === '') return [];
    const message = `${name}: ${field}: ${cause.message}`;
    return [{ position: manifest.locate(field), field, message, remedy: remedyFor(error) }];
  });
  if (placed.length > 0) return placed;
  const mistyped = typeMistake(manifest, name, error.message);
  if (mistyped !== undefined) return [mistyped];
  const named = namedFields(error.message).map(
    ([text, field]): ManifestProblem => ({
      // Where elements of lists have names, the first one with such a field is meant.
      position: manifest.locate(field.replace(/\[[^\]]*=[^\]]*\]/g, '')),
      field,
      message: `${name}: ${text}`,
      remedy: remedyFor(error),
    }),
  );
  return named.length > 0 ? named : [general];
}

/** Fields that the words of the server name: of strict decoding, and of an apply of what has no place. */
function namedFields(text: string): [text: string, field: string][] {
  const strict = [...text.matchAll(/(?:unknown|duplicate|missing required) field "([^"]+)"/g)];
  const untyped = [...text.matchAll(/(?:^|: | {2})\.(\S+): field not declared in schema/gm)];
  return [
    ...strict.map(([words, field = '']): [string, string] => [words, field]),
    ...untyped.map(([, field = '']): [string, string] => [`unknown field "${field}"`, field]),
  ];
}

/** A value of the wrong type, which the server names in its JSON reader's words: by the path of the field, without indexes. */
function typeMistake(manifest: ManifestObject, name: string, text: string): ManifestProblem | undefined {
  if (manifest.object.kind === 'Secret' && text.includes('illegal base64 data')) {
    const message = `${name}: data: A value is not base64`;
    return {
      position: manifest.locate('data'),
      field: 'data',
      message,
      remedy: 'Encode it, or write it below stringData',
    };
  }
  const [, got = '', field, wanted] =
    /cannot unmarshal (\w+)(?: \S+)? into Go struct field \w+\.(\S+) of type (\S+)/.exec(text) ?? [];
  if (field === undefined || wanted === undefined) return undefined;
  return {
    position: manifest.locate(field, got as JsonType),
    field,
    message: `${name}: ${field}: The value is of type ${got}, and must be of type ${wanted}`,
    remedy:
      got === 'string'
        ? 'Write it without quotes, if it is a number or a boolean'
        : wanted === 'string'
          ? 'Write it in quotes'
          : 'See "kubectl explain" for what the field takes',
  };
}

function remedyFor(error: unknown): string {
  if (!(error instanceof StatusError)) return 'Check that the cluster is running, and apply again';
  switch (error.code) {
    case 400:
      return 'Correct the spelling or the type of the field; "kubectl explain" lists what there is';
    case 404:
      return 'Create the namespace first, or correct metadata.namespace';
    case 409:
      return 'Another manager owns the field: leave it out, or take it over with --force-conflicts';
    case 413:
      return 'Split it up, or keep the data elsewhere';
    case 422:
      return 'Give the field a value that the message allows';
    default:
      return 'Correct the object, and apply again';
  }
}

function unknownKind(manifest: ManifestObject): Applied {
  const { apiVersion, kind, metadata } = manifest.object;
  const problem: ManifestProblem = {
    position: manifest.locate('kind'),
    field: 'kind',
    message: `No resource of kind "${kind}" in version "${apiVersion}" is served`,
    remedy: 'Correct apiVersion and kind, or apply the CustomResourceDefinition as well',
  };
  return { name: `${kind.toLowerCase()}/${metadata.name}`, outcome: 'failed', problems: [problem] };
}

function printedName(resource: ServedResource, name: string): string {
  return `${resource.singular}${resource.group === '' ? '' : `.${resource.group}`}/${name}`;
}
