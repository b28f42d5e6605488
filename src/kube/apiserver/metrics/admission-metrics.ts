// What admission counts: webhooks asked and what they answered, policies checked, conversions of custom resources.
// Knows names and numbers only.

import type { MetricFormat } from '#telemetry/format.ts';
import { MetricRecorder } from '#telemetry/recorder.ts';
import type { MetricDefinition } from '#telemetry/series.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
): MetricDefinition => ({ name: `evenkeel_apiserver_${name}`, help, type, labels, maxSeries: 500 });

const definitions = {
  duration: metric(
    'admission_webhook_duration_seconds',
    'histogram',
    ['name', 'type', 'operation', 'rejected'],
    'Time that admission webhooks took to answer, or until they were given up.',
  ),
  rejections: metric(
    'admission_webhook_rejections_total',
    'counter',
    ['name', 'type', 'operation', 'error_type', 'rejection_code'],
    'Requests refused because of an admission webhook: it said no (no_error), or it could not be asked (calling_webhook_error).',
  ),
  failedOpen: metric(
    'admission_webhook_fail_open_total',
    'counter',
    ['name', 'type'],
    'Requests let pass although an admission webhook could not be asked, as its failurePolicy is Ignore.',
  ),
  policies: metric(
    'admission_policy_checks_total',
    'counter',
    ['type', 'policy', 'policy_binding', 'error_type', 'enforcement_action'],
    'What followed from admission policies: of type validating a verdict against a request (deny, warn, audit), of type mutating every mutation (allow, deny).',
  ),
  conversions: metric(
    'crd_conversion_webhook_duration_seconds',
    'histogram',
    ['result', 'failure_type'],
    'Time that conversion webhooks of custom resources took to answer; what came of it, and why it failed.',
  ),
} as const satisfies Record<string, MetricDefinition>;

const BYTES = 256 * 1024;

export interface WebhookOutcome {
  /** It could not be asked, or made no sense. */
  readonly failed: boolean;
  readonly rejected: boolean;
  /** Of the answer to the client; 0 where there was no answer. */
  readonly code: number;
}

export class AdmissionMetrics {
  readonly #recorder = new MetricRecorder(definitions, BYTES);

  webhookAsked(
    { name, type, operation }: { readonly name: string; readonly type: string; readonly operation: string },
    { failed, rejected, code }: WebhookOutcome,
    milliseconds: number,
  ): void {
    this.#recorder.observe(definitions.duration, [name, type, operation, String(rejected)], milliseconds);
    const error = failed ? 'calling_webhook_error' : 'no_error';
    // As upstream: codes beyond what HTTP has would be a series each.
    const shown = String(Math.min(code, 600));
    if (rejected) this.#recorder.add(definitions.rejections, [name, type, operation, error, shown]);
    else if (failed) this.#recorder.add(definitions.failedOpen, [name, type]);
  }

  policyChecked(
    type: 'validating' | 'mutating',
    check: { readonly policy: string; readonly binding: string; readonly error: string; readonly action: string },
  ): void {
    this.#recorder.add(definitions.policies, [type, check.policy, check.binding, check.error, check.action]);
  }

  converted(failure: string | undefined, milliseconds: number): void {
    const result = failure === undefined ? 'success' : 'failure';
    this.#recorder.observe(definitions.conversions, [result, failure ?? ''], milliseconds);
  }

  /** Ends with a line break. */
  text(format: MetricFormat): string {
    return this.#recorder.text(format);
  }
}
