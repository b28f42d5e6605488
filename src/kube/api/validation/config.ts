// Rules of ConfigMap, Secret, ServiceAccount and Namespace.
// Knows upstream's texts; never puts a Secret's data into one. Upstream source: pkg/apis/core/validation.
import type { ConfigMap, Namespace, Secret } from 'kubernetes-types/core/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { immutable } from './metadata.ts';
import { byteLength, configMapKey, dnsLabel, qualifiedName } from './names.ts';
import { at, child, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

/** Largest data of a ConfigMap or Secret in bytes. */
const maxBytes = 1024 * 1024;
const whenImmutable = 'field is immutable when `immutable` is set';

type Holder = { immutable?: boolean; data?: object; binaryData?: object; stringData?: object };

function immutableData(next: Holder, previous: Holder, fields: readonly (keyof Holder)[], report: Report): void {
  if (previous.immutable !== true) return;
  if (next.immutable !== true) report.forbidden('immutable', whenImmutable);
  for (const field of fields) {
    if (!jsonEqual(next[field] ?? {}, previous[field] ?? {})) report.forbidden(field, whenImmutable);
  }
}

const configMap = rulesFor<ConfigMap>({
  validate(object, report) {
    let bytes = 0;
    for (const [key, value] of Object.entries(object.data ?? {})) {
      report.each(at('data', key), key, configMapKey(key));
      if (Object.hasOwn(object.binaryData ?? {}, key)) {
        report.invalid(at('data', key), key, 'duplicate of key present in binaryData');
      }
      bytes += byteLength(value);
    }
    for (const [key, value] of Object.entries(object.binaryData ?? {})) {
      report.each(at('binaryData', key), key, configMapKey(key));
      bytes += decodedLength(value);
    }
    if (bytes > maxBytes) report.tooLong('', maxBytes);
  },
  validateUpdate(next, previous, report) {
    immutableData(next, previous, ['data', 'binaryData'], report);
  },
});

/** Keys that a Secret of a type must have; each inner list is satisfied by any one of its keys. */
const keysOfType: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'kubernetes.io/dockercfg': [['.dockercfg']],
  'kubernetes.io/dockerconfigjson': [['.dockerconfigjson']],
  'kubernetes.io/basic-auth': [['username', 'password']],
  'kubernetes.io/ssh-auth': [['ssh-privatekey']],
  'kubernetes.io/tls': [['tls.crt'], ['tls.key']],
};
const accountToken = 'kubernetes.io/service-account-token';
const accountName = 'kubernetes.io/service-account.name';

const secret = rulesFor<Secret>({
  validate(object, report) {
    let bytes = 0;
    for (const [key, value] of Object.entries(object.data ?? {})) {
      report.each(at('data', key), key, configMapKey(key));
      bytes += decodedLength(value);
    }
    if (bytes > maxBytes) report.tooLong('data', maxBytes);
    const has = (key: string): boolean =>
      Object.hasOwn(object.data ?? {}, key) || Object.hasOwn(object.stringData ?? {}, key);
    const type = object.type ?? '';
    for (const choices of Object.hasOwn(keysOfType, type) ? (keysOfType[type] ?? []) : []) {
      if (choices.some(has)) continue;
      for (const key of choices) report.required(at('data', key));
    }
    if (object.type === accountToken && (object.metadata?.annotations?.[accountName] ?? '') === '') {
      report.required(at(child('metadata', 'annotations'), accountName));
    }
  },
  validateUpdate(next, previous, report) {
    if ((next.type ?? '') !== (previous.type ?? '')) report.invalid('type', next.type, immutable);
    immutableData(next, previous, ['data', 'stringData'], report);
  },
});

/** Bytes that base64 text stands for. */
function decodedLength(text: string): number {
  return Math.floor((text.replace(/=+$/, '').length * 3) / 4);
}

const namespace = rulesFor<Namespace>({
  name: dnsLabel,
  validate(object, report) {
    for (const finalizer of object.spec?.finalizers ?? []) {
      const messages = qualifiedName(finalizer);
      report.each(child('spec', 'finalizers'), finalizer, messages);
      if (messages.length === 0 && !finalizer.includes('/') && finalizer !== 'kubernetes') {
        report.invalid(
          child('spec', 'finalizers'),
          finalizer,
          'name is neither a standard finalizer name nor is it fully qualified',
        );
      }
    }
  },
});

export const configRules: Readonly<Record<string, KindRules>> = {
  '/ConfigMap': configMap,
  '/Secret': secret,
  '/Namespace': namespace,
};
