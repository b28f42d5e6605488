// Puts a write to its webhooks: the mutating ones one after another, the validating ones all at once.
// Knows order and reinvocation; who is asked is hooks.ts, and what is said review.ts.
import { applyPatch } from '#kube/api/patch/index.ts';
import { StatusError } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import type { ServerContext } from '../../context.ts';
import { type AnyObject, mutableCopy } from '../../registry/any-object.ts';
import { convertBetween } from '../../registry/registry.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import { shownAs } from '../match.ts';
import type { Reinvocation } from '../reinvocation.ts';
import { assertConditions, type Hook, hooksFor, matchedBy } from './hooks.ts';
import { askWebhook } from './review.ts';

/** Undefined when no webhook has a say. Rejects with `StatusError`. */
export function validateByWebhooks(server: ServerContext, attributes: AdmissionAttributes): Promise<void> | undefined {
  const asked = hooksFor(server, 'validating').flatMap((hook) => {
    const matched = matchedBy(server, attributes, hook.webhook);
    return matched === undefined ? [] : [{ hook, matched }];
  });
  if (asked.length === 0) return undefined;
  return Promise.all(
    asked.map(async ({ hook, matched }) => {
      const shown = await shownAs(attributes, matched);
      if (!assertConditions(server, shown, hook.webhook)) return;
      const verdict = await askWebhook(server, shown, hook, 0);
      attributes.warnings.push(...verdict.warnings);
    }),
  ).then(() => undefined);
}

/** The object as the webhooks leave it. Rejects with `StatusError`. */
export async function mutateByWebhooks(
  server: ServerContext,
  attributes: AdmissionAttributes,
  hooks: readonly Hook[],
  rounds: Reinvocation,
): Promise<AnyObject | undefined> {
  const members = rounds.plugin('webhooks');
  let { object } = attributes;
  members.start(object);
  for (const hook of hooks) {
    const { webhook, configuration } = hook;
    const now = object === attributes.object ? attributes : { ...attributes, object };
    const matched = matchedBy(server, now, webhook);
    if (matched === undefined) continue;
    const shown = await shownAs(now, matched);
    if (!assertConditions(server, shown, webhook)) continue;
    const key = JSON.stringify([configuration, webhook.name]);
    if (!members.isDue(key)) continue;
    const verdict = await askWebhook(server, shown, hook, rounds.round);
    attributes.warnings.push(...verdict.warnings);
    const before = object;
    if (verdict.patch !== undefined && shown.object !== undefined) {
      const changed = patched(webhook.name, shown.object, verdict.patch);
      if (!jsonEqual(changed, shown.object)) {
        object = mutableCopy(await convertBetween(matched, attributes.resource, changed));
        members.changed();
      }
    }
    note(attributes, hook, rounds.round, object !== before, verdict.patch);
    members.asked(key, webhook.reinvocationPolicy === 'IfNeeded');
  }
  members.end(object);
  return object;
}

/** In the audit log, in upstream's form. */
function note(
  { annotate }: AdmissionAttributes,
  { configuration, webhook, index }: Hook,
  round: number,
  mutated: boolean,
  patch: unknown,
): void {
  const place = `round_${round}_index_${index}`;
  const by = { configuration, webhook: webhook.name };
  annotate(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ ...by, mutated }));
  if (!mutated) return;
  const told = JSON.stringify({ ...by, patch, patchType: 'JSONPatch' });
  annotate(`patch.webhook.admission.k8s.io/${place}`, told, 'Request');
}

function patched(name: string, object: AnyObject, patch: unknown): AnyObject {
  try {
    return applyPatch('json', mutableCopy(object), patch, undefined) as AnyObject;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError(500, 'InternalError', `Internal error occurred: failed calling webhook "${name}": ${why}`);
  }
}
