// AdmissionReview v1: the question that a webhook is asked about a write, and what its answer says.
// Knows the two shapes, and the errors that a refused client reads. Upstream source: plugin/webhook/{request,errors}.
import { randomUUID } from 'node:crypto';
import { StatusError } from '#kube/api/status.ts';
import type { ServerContext } from '../../context.ts';
import type { WebhookOutcome } from '../../metrics/admission-metrics.ts';
import { postWebhook } from '../../proxy/webhook.ts';
import { dig, digArray, digNumber, digString, isFields } from '../../registry/any-object.ts';
import { requestOf } from '../activation.ts';
import type { AdmissionAttributes } from '../attributes.ts';
import type { Hook, Webhook } from './hooks.ts';

export interface Verdict {
  /** A JSON patch; undefined when nothing is to change. */
  readonly patch: unknown;
  readonly warnings: readonly string[];
}

/** Throws `StatusError` when the webhook refuses, or cannot be asked and its failurePolicy is Fail. */
export async function askWebhook(
  server: ServerContext,
  shown: AdmissionAttributes,
  { webhook, kind, index }: Hook,
  round: number,
): Promise<Verdict> {
  const uid = randomUUID();
  const { object = null, oldObject = null, options = null, operation, annotate } = shown;
  const review = {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: { uid, ...requestOf(shown), object, oldObject, options },
  };
  const began = server.clock.now();
  const counted = (outcome: WebhookOutcome): void =>
    server.metrics.admission.webhookAsked(
      { name: webhook.name, type: kind === 'mutating' ? 'admit' : 'validating', operation },
      outcome,
      server.clock.now() - began,
    );
  let response: unknown;
  try {
    response = readResponse(await call(server, webhook, JSON.stringify(review)), uid);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    server.log.warn({ webhook: webhook.name, error: why }, 'A webhook could not be asked');
    if (webhook.failurePolicy === 'Ignore') {
      counted({ failed: true, rejected: false, code: 0 });
      const sort = kind === 'mutating' ? 'mutation' : kind;
      annotate(`failed-open.${sort}.webhook.admission.k8s.io/round_${round}_index_${index}`, webhook.name);
      return { patch: undefined, warnings: [] };
    }
    counted({ failed: true, rejected: true, code: 0 });
    const message = `failed calling webhook "${webhook.name}": ${why}`;
    throw new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, {
      causes: [{ reason: '', message }],
    });
  }
  for (const [key, value] of Object.entries(dig(response, 'auditAnnotations') ?? {})) {
    annotate(`${webhook.name}/${key}`, String(value));
  }
  const warnings = digArray(response, 'warnings').map(String);
  if (dig(response, 'allowed') !== true) {
    shown.warnings.push(...warnings);
    const refusal = refused(webhook.name, dig(response, 'status'));
    counted({ failed: false, rejected: true, code: refusal.code });
    throw refusal;
  }
  counted({ failed: false, rejected: false, code: 200 });
  return { patch: patchOf(webhook.name, response), warnings };
}

const DEFAULT_SECONDS = 10;

async function call(server: ServerContext, webhook: Webhook, body: string): Promise<unknown> {
  try {
    return await postWebhook(server, webhook.clientConfig, webhook.timeoutSeconds ?? DEFAULT_SECONDS, body);
  } catch (error) {
    throw new Error(`failed to call webhook: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readResponse(review: unknown, uid: string): unknown {
  if (digString(review, 'kind') !== 'AdmissionReview' || digString(review, 'apiVersion') !== 'admission.k8s.io/v1') {
    throw new Error(
      'received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview',
    );
  }
  const response = dig(review, 'response');
  if (!isFields(response)) throw new Error('received invalid webhook response: webhook response was absent');
  if (response.uid !== uid) {
    throw new Error(
      `received invalid webhook response: expected response.uid="${uid}", got "${String(response.uid ?? '')}"`,
    );
  }
  return response;
}

function patchOf(name: string, response: unknown): unknown {
  const patch = dig(response, 'patch');
  const type = digString(response, 'patchType');
  if (patch === undefined || patch === null || patch === '') return undefined;
  const invalid = (why: string): StatusError => {
    const message = `failed calling webhook "${name}": received invalid webhook response: ${why}`;
    return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`);
  };
  if (type !== 'JSONPatch') throw invalid(`response.patchType must be "JSONPatch", got "${type}"`);
  try {
    return JSON.parse(Buffer.from(String(patch), 'base64').toString('utf8'));
  } catch {
    throw invalid('response.patch is no JSON in base64');
  }
}

function refused(name: string, status: unknown): StatusError {
  const by = `admission webhook "${name}" denied the request`;
  const [message, reason] = [digString(status, 'message'), digString(status, 'reason')];
  const text = message !== '' ? `${by}: ${message}` : reason !== '' ? `${by}: ${reason}` : `${by} without explanation`;
  // A rejection is a failure, whatever the webhook says.
  const code = Math.max(400, digNumber(status, 'code') ?? 0);
  return new StatusError(code, reason, text);
}
