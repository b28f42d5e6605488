// Asks the conversion webhook of a definition: ConversionReview out, the same objects in another version back.
// Knows the review and what an answer may not change. Upstream source: apiextensions-apiserver conversion/webhook_converter.go.
import { randomUUID } from 'node:crypto';
import { StatusError } from '#kube/api/status.ts';
import { textMistakes } from '#kube/api/validation/index.ts';
import { jsonEqual } from '#lib/json.ts';
import type { ServerContext } from '../context.ts';
import { postWebhook, type WebhookClient } from '../proxy/webhook.ts';
import {
  type AnyObject,
  dig,
  digArray,
  digString,
  type Fields,
  isFields,
  mutableCopy,
} from '../registry/any-object.ts';

/** How long a webhook may take, for however many objects. */
const SECONDS = 30;
/** Objects of one review: a list of ten thousand is no request that a small webhook could take. */
const MOST_OBJECTS = 500;

export interface ConversionWebhook {
  readonly clientConfig: WebhookClient;
  readonly conversionReviewVersions: readonly string[];
}

/** What went wrong, by what the metrics call it. */
class ConversionError extends Error {
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The objects as `apiVersion` shows them, in their order. Rejects with `StatusError` 500 in upstream's words. */
export async function convertByWebhook(
  server: ServerContext,
  webhook: ConversionWebhook,
  objects: readonly AnyObject[],
  apiVersion: string,
): Promise<AnyObject[]> {
  const converted: AnyObject[] = [];
  for (let from = 0; from < objects.length; from += MOST_OBJECTS) {
    converted.push(...(await convertSome(server, webhook, objects.slice(from, from + MOST_OBJECTS), apiVersion)));
  }
  return converted;
}

async function convertSome(
  server: ServerContext,
  webhook: ConversionWebhook,
  objects: readonly AnyObject[],
  apiVersion: string,
): Promise<AnyObject[]> {
  const { apiVersion: from = '', kind = '' } = objects[0] ?? {};
  const began = server.clock.now();
  try {
    const made = await review(server, webhook, objects, apiVersion);
    server.metrics.admission.converted(undefined, server.clock.now() - began);
    return made;
  } catch (error) {
    const failure = error instanceof ConversionError ? error : new ConversionError('unknown', String(error));
    server.metrics.admission.converted(failure.kind, server.clock.now() - began);
    // As upstream: an error without a reason.
    throw new StatusError(500, '', `conversion webhook for ${from}, Kind=${kind} ${failure.message}`);
  }
}

async function review(
  server: ServerContext,
  { clientConfig, conversionReviewVersions }: ConversionWebhook,
  objects: readonly AnyObject[],
  apiVersion: string,
): Promise<AnyObject[]> {
  const uid = randomUUID();
  const version = conversionReviewVersions.find((each) => each === 'v1' || each === 'v1beta1') ?? 'v1';
  const reviewVersion = `apiextensions.k8s.io/${version}`;
  const request = { uid, desiredAPIVersion: apiVersion, objects };
  const body = JSON.stringify({ kind: 'ConversionReview', apiVersion: reviewVersion, request, response: undefined });
  let answer: unknown;
  try {
    answer = await postWebhook(server, clientConfig, SECONDS, body);
  } catch (error) {
    throw new ConversionError('conversion_webhook_call_failure', `failed: ${(error as Error).message}`);
  }
  const converted = convertedObjects(answer, uid, reviewVersion);
  if (converted.length !== objects.length) {
    throw new ConversionError(
      'conversion_webhook_partial_response_failure',
      `returned ${converted.length} objects, expected ${objects.length}`,
    );
  }
  const isList = objects.length > 1;
  return objects.map((object, index) => checked(object, converted[index], apiVersion, index, isList));
}

function convertedObjects(answer: unknown, uid: string, reviewVersion: string): readonly unknown[] {
  const malformed = (why: string): ConversionError =>
    new ConversionError('conversion_webhook_malformed_response_failure', `failed: ${why}`);
  const [kind, version] = [digString(answer, 'kind'), digString(answer, 'apiVersion')];
  if (kind !== 'ConversionReview' || version !== reviewVersion) {
    throw malformed(
      `expected webhook response of ${reviewVersion}, Kind=ConversionReview, got ${version}, Kind=${kind}`,
    );
  }
  const response = dig(answer, 'response');
  if (!isFields(response)) throw malformed('no response provided');
  if (response.uid !== uid) {
    throw malformed(`expected response.uid="${uid}", got ${JSON.stringify(String(response.uid ?? ''))}`);
  }
  const status = digString(response, 'result', 'status');
  if (status !== 'Success') {
    const message = digString(response, 'result', 'message');
    throw malformed(message !== '' ? message : `response.result.status was '${status}', expected 'Success'`);
  }
  return digArray(response, 'convertedObjects');
}

/** The answer's object with the metadata that it may not change put back. Throws `ConversionError`. */
function checked(original: AnyObject, given: unknown, apiVersion: string, index: number, isList: boolean): AnyObject {
  const place = isList ? ` converted object at index ${index}` : ' object';
  const invalid = (why: string, where = place): ConversionError =>
    new ConversionError('conversion_webhook_invalid_converted_object_failure', `returned invalid${where}: ${why}`);
  const first = isList ? place : ' object at index 0';
  if (!isFields(given)) throw invalid('it is no object', first);
  if (given.apiVersion !== apiVersion) {
    throw invalid(`invalid groupVersion (expected ${apiVersion}, received ${String(given.apiVersion ?? '')})`, first);
  }
  if (given.kind !== original.kind) {
    throw invalid(`invalid kind (expected ${original.kind}, received ${String(given.kind ?? '')})`, first);
  }
  for (const [field, name] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [before, after] = [original.metadata?.[field] ?? '', digString(given, 'metadata', field)];
    if (before !== after) throw invalid(`must have the same ${name}: ${before} != ${after}`);
  }
  try {
    return { ...given, metadata: restored(original, given.metadata) } as AnyObject;
  } catch (error) {
    const where = isList ? ` metadata in object at index ${index}` : ' metadata';
    throw invalid((error as Error).message, where);
  }
}

/** Labels and annotations are the webhook's to change, and nothing else. */
function restored(original: AnyObject, given: unknown): NonNullable<AnyObject['metadata']> {
  if (!isFields(given)) throw new Error('missing metadata in converted object');
  const metadata = mutableCopy(original.metadata ?? {});
  for (const field of ['labels', 'annotations'] as const) {
    const value = given[field];
    const before = metadata[field];
    delete metadata[field];
    if (value === undefined || value === null) continue;
    if (!isFields(value)) throw new Error(`invalid metadata.${field} of type ${typeof value} in converted object`);
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== 'string') {
        throw new Error(`metadata.${field}[${key}] must be a string, but is ${typeof text} in converted object`);
      }
    }
    if (!jsonEqual(value, before)) assertTexts(field, value);
    metadata[field] = value as Record<string, string>;
  }
  return metadata;
}

function assertTexts(field: 'labels' | 'annotations', value: Fields): void {
  const causes = textMistakes(field, value as Record<string, string>);
  if (causes.length === 0) return;
  const all = causes.map(({ field: path, message }) => `${path}: ${message}`);
  throw new Error(all.length === 1 ? all[0] : `[${all.join(', ')}]`);
}
