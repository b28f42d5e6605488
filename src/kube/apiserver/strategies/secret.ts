// Secrets: `stringData` is written into `data`, and the type may not change.
// Knows Secrets only.
import { type AnyObject, digString, isFields } from '../registry/any-object.ts';
import type { Strategy } from './strategy.ts';

export const secretStrategy: Strategy = {
  selectableFields: { type: (secret) => digString(secret, 'type') },
  prepareForCreate: foldStringData,
  prepareForUpdate(next, current) {
    // As upstream: an update that leaves the type out keeps it.
    if (digString(next, 'type') === '') next.type = current.type;
    foldStringData(next);
  },
};

function foldStringData(secret: AnyObject): void {
  const { stringData } = secret;
  if (!isFields(stringData)) return;
  const data: Record<string, unknown> = isFields(secret.data) ? { ...secret.data } : {};
  for (const [key, value] of Object.entries(stringData)) data[key] = Buffer.from(String(value)).toString('base64');
  secret.data = data;
  delete secret.stringData;
}
