// Puts a write to its webhooks: the mutating ones one after another, the validating ones all at once.
// Knows order and reinvocation; who is asked is hooks.ts, and what is said review.ts.
import { applyPatch } from '#kube/api/patch/index.ts';
import { StatusError } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import type { ServerContext } from '../../context.ts';
import { type AnyObject, mutableCopy } from '../../registry/any-object.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import { askedAbout, hooksFor, type Webhook } from './hooks.ts';
import { askWebhook } from './review.ts';

/** Undefined when no webhook has a say. Rejects with `StatusError`. */
export function validateByWebhooks(
  server: ServerContext,
  attributes: AdmissionAttributes,
  warnings: string[],
): Promise<void> | undefined {
  const asked = hooksFor(server, 'validating')
    .map((webhook) => askedAbout(server, attributes, webhook))
    .filter((each) => each !== undefined);
  if (asked.length === 0) return undefined;
  return Promise.all(asked.map((each) => askWebhook(server, attributes, each))).then((verdicts) => {
    for (const verdict of verdicts) warnings.push(...verdict.warnings);
  });
}

/** The object as the webhooks leave it; undefined when none changes it. Rejects with `StatusError`. */
export function mutateByWebhooks(
  server: ServerContext,
  attributes: AdmissionAttributes,
  warnings: string[],
): Promise<AnyObject | undefined> | undefined {
  const hooks = hooksFor(server, 'mutating');
  if (hooks.length === 0) return undefined;
  return mutate(server, attributes, hooks, warnings);
}

async function mutate(
  server: ServerContext,
  attributes: AdmissionAttributes,
  hooks: readonly Webhook[],
  warnings: string[],
): Promise<AnyObject | undefined> {
  let { object } = attributes;
  const pass = async (asked: readonly Webhook[]): Promise<Set<Webhook>> => {
    /** Those after which another webhook changed the object. */
    const overtaken = new Set<Webhook>();
    const done: Webhook[] = [];
    for (const webhook of asked) {
      const now = object === undefined ? attributes : { ...attributes, object };
      const each = askedAbout(server, now, webhook);
      if (each === undefined) continue;
      const verdict = await askWebhook(server, now, each);
      warnings.push(...verdict.warnings);
      const changed =
        verdict.patch === undefined || object === undefined ? object : patched(webhook, object, verdict.patch);
      if (!jsonEqual(changed, object)) for (const earlier of done) overtaken.add(earlier);
      object = changed;
      done.push(webhook);
    }
    return overtaken;
  };
  const overtaken = await pass(hooks);
  // Once more, and no further: upstream gives no promise beyond that either.
  await pass(hooks.filter((webhook) => overtaken.has(webhook) && webhook.reinvocationPolicy === 'IfNeeded'));
  return object === attributes.object ? undefined : object;
}

function patched({ name }: Webhook, object: AnyObject, patch: unknown): AnyObject {
  try {
    const next = applyPatch('json', mutableCopy(object), patch, undefined) as AnyObject;
    return { ...next, metadata: keptMetadata(next, object) };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `failed calling webhook "${name}": ${why}`;
    throw new StatusError(500, 'InternalError', `Internal error occurred: ${message}`);
  }
}

/** What only the server writes stays, whatever a webhook says. */
function keptMetadata(next: AnyObject, { metadata = {} }: AnyObject): NonNullable<AnyObject['metadata']> {
  const { name, namespace, uid, creationTimestamp, generation, resourceVersion, managedFields } = metadata;
  const kept = { name, namespace, uid, creationTimestamp, generation, resourceVersion, managedFields };
  const present = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  return { ...next.metadata, ...present };
}
