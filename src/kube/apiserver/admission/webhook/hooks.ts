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

/** A webhook, the configuration that it stands in, and its place among all of them. */
export interface Hook {
  readonly webhook: Webhook;
  readonly configuration: string;
  readonly kind: 'validating' | 'mutating';
  readonly index: number;
}

const compiledOf = new WeakMap<object, readonly { readonly name: string; readonly program: Compiled }[]>();

export function hooksFor(server: ServerContext, kind: 'validating' | 'mutating'): readonly Hook[] {
  const configurations = server.registry.builtin('admissionregistration.k8s.io', 'v1', `${kind}webhookconfigurations`);
  const list = configurations.collection.list();
  if (list.length === 0) return [];
  return list
    .flatMap(({ object }) =>
      ((object.webhooks ?? []) as Webhook[]).map((webhook) => ({
        webhook,
        configuration: object.metadata?.name ?? '',
        kind,
      })),
    )
    .map((hook, index) => ({ ...hook, index }));
}

/** The resource as which the webhook is shown the write; undefined when it has no say. */
export function matchedBy(
  server: ServerContext,
  attributes: AdmissionAttributes,
  webhook: Webhook,
): Resource | undefined {
  const matched = matchRules(server, attributes, webhook.rules ?? [], webhook.matchPolicy === 'Exact');
  return matched !== undefined && selectorsMatch(server, attributes, webhook) ? matched : undefined;
}

/**
 * Whether the webhook is to be asked about the write that it is shown. Throws `StatusError` for conditions that fail, and
 * for a dry run that it cannot do.
 */
export function assertConditions(server: ServerContext, shown: AdmissionAttributes, webhook: Webhook): boolean {
  if (!conditionsHold(server, shown, webhook)) return false;
  if (shown.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
    throw new StatusError(400, 'BadRequest', `admission webhook "${webhook.name}" does not support dry run`);
  }
  return true;
}

function conditionsHold(server: ServerContext, attributes: AdmissionAttributes, webhook: Webhook): boolean {
  const { matchConditions = [] } = webhook;
  if (matchConditions.length === 0) return true;
  const activation: Map<string, Value> = activationOf(server, attributes);
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
