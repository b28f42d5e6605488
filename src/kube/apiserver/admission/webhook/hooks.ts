// Which webhooks a write is put to: those whose rules, selectors and conditions it meets, in the order of their names.
// Knows configurations; how a webhook is reached is call.ts. Upstream source: apiserver/pkg/admission/plugin/webhook.
import type { MutatingWebhook, ValidatingWebhook } from 'kubernetes-types/admissionregistration/v1.js';
import type { Compiled } from '#kube/api/admission/policy.ts';
import type { Value } from '#kube/api/cel/index.ts';
import { StatusError } from '#kube/api/status.ts';
import { compileWebhookCondition } from '#kube/api/validation/index.ts';
import type { ServerContext } from '../../context.ts';
import type { Resource } from '../../registry/registry.ts';
import { activationOf } from '../activation.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import { matchRules, selectorsMatch } from '../match.ts';
import { denied } from '../policy/denied.ts';

export type Webhook = ValidatingWebhook & Partial<Pick<MutatingWebhook, 'reinvocationPolicy'>>;

/** A webhook that is to be asked, and the resource as which it is shown the write. */
export interface Asked {
  readonly webhook: Webhook;
  readonly resource: Resource;
}

const compiledOf = new WeakMap<object, readonly { readonly name: string; readonly program: Compiled }[]>();

export function hooksFor(server: ServerContext, kind: 'validating' | 'mutating'): readonly Webhook[] {
  const configurations = server.registry.builtin('admissionregistration.k8s.io', 'v1', `${kind}webhookconfigurations`);
  const list = configurations.collection.list();
  return list.length === 0 ? [] : list.flatMap(({ object }) => (object.webhooks ?? []) as Webhook[]);
}

/** Undefined when the webhook has no say. Throws `StatusError` for conditions that fail, and for a dry run it cannot do. */
export function askedAbout(
  server: ServerContext,
  attributes: AdmissionAttributes,
  webhook: Webhook,
): Asked | undefined {
  const matched = matchRules(server, attributes, webhook.rules ?? [], webhook.matchPolicy === 'Exact');
  if (matched === undefined || !selectorsMatch(server, attributes, webhook)) return undefined;
  const { resource } = matched;
  if (!conditionsHold(server, attributes, webhook, resource)) return undefined;
  if (attributes.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
    throw new StatusError(400, 'BadRequest', `admission webhook "${webhook.name}" does not support dry run`);
  }
  return { webhook, resource };
}

function conditionsHold(
  server: ServerContext,
  attributes: AdmissionAttributes,
  webhook: Webhook,
  resource: Resource,
): boolean {
  const { matchConditions = [] } = webhook;
  if (matchConditions.length === 0) return true;
  const activation: Map<string, Value> = activationOf(server, attributes, resource);
  let failure: string | undefined;
  for (const { name, program } of conditionsOf(webhook)) {
    if ('issue' in program) failure ??= `condition "${name}": ${program.issue}`;
    else {
      const outcome = program.evaluate(activation);
      if ('error' in outcome) failure ??= `condition "${name}": ${outcome.error.message}`;
      else if (outcome.value !== true) return false;
    }
  }
  if (failure === undefined) return true;
  if (webhook.failurePolicy === 'Ignore') return false;
  throw denied(attributes, `admission webhook "${webhook.name}": match conditions failed: ${failure}`, 'Forbidden');
}

function conditionsOf(webhook: Webhook): readonly { readonly name: string; readonly program: Compiled }[] {
  const known = compiledOf.get(webhook);
  if (known !== undefined) return known;
  const made = (webhook.matchConditions ?? []).map(({ name, expression }) => ({
    name,
    program: compileWebhookCondition(expression),
  }));
  compiledOf.set(webhook, made);
  return made;
}
